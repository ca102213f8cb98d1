//! Many scrapers and many slow clients: capture does not notice, and a good client hardly.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use segwatch::web::Limits;
use segwatch_tests::crowd::{resident_kib, scraper, slow_client};

use crate::cameras::Cameras;
use crate::client::{ADDRESS, get};
use crate::site::{shown, total};
use crate::{is_long, lab, rounds};

const SCRAPERS: usize = 100;
const SLOW: usize = 1_000;
/// Demanded of a good client in the long run, at the 99th percentile.
const MAX_P99: Duration = Duration::from_millis(250);
/// Memory that the crowd may cost the agent.
const MAX_GROWTH_KIB: u64 = 128 << 10;
/// Descriptors of the agent besides its connections: files, rings, threads' own.
const OTHER_FILES: usize = 100;

#[test]
fn a_crowd_costs_no_packet() {
    lab("crowd", |mut site| {
        // This process has the other ends of all connections; the agent gets the same.
        let raise = ["--nofile=8192:8192", "--pid", &std::process::id().to_string()];
        if !Command::new("prlimit").args(raise).status().is_ok_and(|status| status.success()) {
            return println!("SKIPPED: prlimit cannot raise the number of open files");
        }
        let time = Duration::from_secs(rounds(5, 60).into());
        let mut cameras = Cameras::new();
        site.start();
        (0..150).for_each(|camera| cameras.break_out(camera));
        site.until("findings", |page| shown(page).len() == 150);
        let pid = site.child.as_ref().expect("it runs").id();
        let before = resident_kib(pid);
        let clients =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (scrapes, end) = (Arc::new(AtomicU64::new(0)), Instant::now() + time);
        let address = ADDRESS.parse().expect("an address");
        for _ in 0..SCRAPERS {
            clients.spawn(scraper(address, scrapes.clone(), end));
        }
        for number in 0..SLOW {
            clients.spawn(slow_client(address, number));
        }
        let (mut times, mut failed, mut growth, mut files) = (Vec::new(), 0, 0, 0);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    (0..20).for_each(|pair| cameras.talk(2 * pair));
                    thread::sleep(Duration::from_millis(10));
                }
            });
            while Instant::now() < end {
                let started = Instant::now();
                match get("/metrics") {
                    Some(_) => times.push(started.elapsed()),
                    None => failed += 1,
                }
                growth = growth.max(resident_kib(pid).saturating_sub(before));
                files = files.max(fs::read_dir(format!("/proc/{pid}/fd")).expect("a process").count());
                thread::sleep(Duration::from_millis(20));
            }
            stop.store(true, Ordering::Release);
        });
        clients.shutdown_background();
        times.sort_unstable();
        let p99 = times.get(times.len() * 99 / 100).or(times.last()).copied().expect("answers");
        println!(
            "{SCRAPERS} scrapers, {SLOW} slow clients, {time:?}: {} good requests, {failed} without an answer, median {:?}, p99 {p99:?}; {} scrapes; {files} descriptors, memory +{growth} KiB; {} packets",
            times.len(),
            times[times.len() / 2],
            scrapes.load(Ordering::Relaxed),
            cameras.sent
        );
        let page = site.until_counted(cameras.sent);
        assert_eq!(total(&page, "segwatch_capture_packets_total"), cameras.sent as f64);
        assert_eq!(total(&page, "segwatch_capture_dropped_packets_total"), 0.0);
        assert!(files <= Limits::default().connections + OTHER_FILES, "{files}");
        assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");
        assert!(scrapes.load(Ordering::Relaxed) >= SCRAPERS as u64, "scrapers got nothing");
        if is_long() {
            assert!(p99 < MAX_P99 && failed == 0, "p99 {p99:?}, {failed} without an answer");
        }
    });
}
