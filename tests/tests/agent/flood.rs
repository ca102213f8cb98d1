//! A million new flows with one real violation inside: it is found, recorded, paged and proven, within bounds.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use segwatch::flow::MAX_FLOWS;
use segwatch::policy::sha256_hex;
use segwatch_tests::crowd::resident_kib;

use crate::cameras::Cameras;
use crate::site::{Site, finding_ids, records, shown, total};
use crate::{eventually, is_long, lab, rounds};

/// Frames that may wait for the agent, so that the flood is as fast as it is and nothing of it is lost.
const WINDOW: u64 = 5_000;
/// What `systemd/segwatch.service` gives it.
const MEMORY_MAX_KIB: u64 = 1 << 20;
/// Demanded in the long run, from the violation's last packet to its record in the journal.
const RECORDED_WITHIN: Duration = Duration::from_secs(1);

#[test]
fn a_flood_hides_no_violation() {
    lab("flood", |mut site| {
        site.start();
        let flows = rounds(60_000, 1_100_000);
        let mut cameras = Cameras::new();
        (0..50).for_each(|_| cameras.talk(0));
        flood(&site, &mut cameras, 0, flows / 2);
        cameras.break_out(0);
        let began = Instant::now();
        let journal = site.state.join("journal");
        let recorded = thread::scope(|scope| {
            let watching = scope.spawn(move || {
                eventually("it is on record", || {
                    records(&journal).into_iter().find(|record| record["event"] == "finding-opened").map(|record| {
                        assert_eq!(record["finding"]["kind"], "internet-egress");
                        began.elapsed()
                    })
                })
            });
            flood(&site, &mut cameras, flows / 2, flows);
            watching.join().expect("it does not panic")
        });
        let page = site.until_counted(cameras.sent);
        let labels = shown(&page);
        assert_eq!(labels.len(), 1, "one page: {labels:?}");
        let id = labels.into_keys().next().expect("an id");
        assert!(finding_ids().is_some_and(|ids| ids.contains(&id)));
        let evidence = eventually("it has its packets", || {
            site.journal().into_iter().find(|record| record["event"] == "evidence" && record["id"] == id.as_str())
        });
        let file = site.state.join("evidence").join(evidence["file"].as_str().expect("a name"));
        assert_eq!(evidence["sha256"], sha256_hex(&[&fs::read(file).expect("the file")]));

        let memory = resident_kib(site.child.as_ref().expect("it runs").id());
        let evicted = total(&page, "segwatch_flows_evicted_total");
        println!("{flows} flows: recorded after {recorded:?}, {evicted} evicted, {memory} KiB resident");
        assert_eq!(total(&page, "segwatch_capture_dropped_packets_total"), 0.0);
        assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");
        // Those of the cameras besides.
        let most = u64::from(flows) + 2;
        assert_eq!(evicted, most.saturating_sub(MAX_FLOWS as u64) as f64);
        let watched = page.value("segwatch_flows_evicted_total", &[("reason", "table-full-of-watched")]);
        assert_eq!(watched, Some(0.0), "none of a camera");
        if is_long() {
            assert!(recorded < RECORDED_WITHIN, "{recorded:?}");
        }
    });
}

/// Sends new flows, no faster than they are judged.
fn flood(site: &Site, cameras: &mut Cameras, from: u32, to: u32) {
    for number in from..to {
        cameras.stranger(number);
        if u64::from(number) % WINDOW == WINDOW - 1 {
            site.until_counted(cameras.sent.saturating_sub(WINDOW));
        }
    }
}
