//! Twenty people look at the page: capture does not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use segwatch_tests::crowd::{open_page, thread_ticks};

use crate::cameras::Cameras;
use crate::client::ADDRESS;
use crate::site::{shown, total};
use crate::{lab, rounds};

const PAGES: usize = 20;
const FINDINGS: u16 = 150;

#[test]
fn twenty_open_pages_cost_no_packet() {
    lab("pages", |mut site| {
        let mut cameras = Cameras::new();
        site.start();
        (0..FINDINGS).for_each(|camera| cameras.break_out(camera));
        site.until("findings", |page| shown(page).len() == usize::from(FINDINGS));
        let pid = site.child.as_ref().expect("it runs").id();
        let time = Duration::from_secs(rounds(4, 60).into());
        let mut next = FINDINGS;
        let mut spent = |cameras: &mut Cameras| {
            let (sent, before) = (cameras.sent, thread_ticks(pid, "engine"));
            traffic(cameras, time, &mut next);
            (cameras.sent - sent, thread_ticks(pid, "engine") - before)
        };
        let (alone, ticks_alone) = spent(&mut cameras);
        let clients =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let pages = Arc::new(AtomicU64::new(0));
        let address = ADDRESS.parse().expect("an address");
        for _ in 0..PAGES {
            clients.spawn(open_page(address, pages.clone(), Instant::now() + time + Duration::from_secs(1)));
        }
        let (watched, ticks_watched) = spent(&mut cameras);
        clients.shutdown_background();
        let read = pages.load(Ordering::Relaxed);
        println!(
            "{time:?} each: alone {alone} packets and {ticks_alone} ticks of the engine; with {PAGES} open pages, {read} times read, \
             {watched} packets and {ticks_watched} ticks"
        );
        let page = site.until_counted(cameras.sent);
        assert_eq!(total(&page, "segwatch_capture_packets_total"), cameras.sent as f64);
        assert_eq!(total(&page, "segwatch_capture_dropped_packets_total"), 0.0);
        assert!(read >= PAGES as u64, "the pages showed nothing");
    });
}

/// Words of cameras, and now and then a finding: that is what makes pages read again.
fn traffic(cameras: &mut Cameras, time: Duration, next: &mut u16) {
    let end = Instant::now() + time;
    let mut round = 0u32;
    while Instant::now() < end {
        (0..40).for_each(|pair| cameras.talk(2 * pair));
        if round.is_multiple_of(100) {
            cameras.break_out(*next);
            *next += 1;
        }
        round += 1;
        thread::sleep(Duration::from_millis(10));
    }
}
