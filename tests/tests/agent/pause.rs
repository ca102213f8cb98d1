//! An agent that does not run for a while, as on a host that is suspended or out of memory.

use std::thread;
use std::time::Duration;

use segwatch::base::Timestamp;

use crate::cameras::Cameras;
use crate::site::{check_episodes, finding_ids, total};
use crate::{eventually, lab, rounds};

#[test]
fn a_pause_is_on_record_and_loses_nothing() {
    lab("pause", |mut site| {
        site.start();
        let mut cameras = Cameras::new();
        cameras.break_out(0);
        let first = eventually("a finding", || finding_ids().filter(|ids| ids.len() == 1));
        site.signal("STOP");
        // What the kernel keeps is judged afterwards.
        cameras.break_out(1);
        let seconds = rounds(12, 60);
        thread::sleep(Duration::from_secs(seconds.into()));
        site.signal("CONT");
        let ids = eventually("the other finding", || finding_ids().filter(|ids| ids.len() == 2));
        assert!(first.is_subset(&ids));
        let pause =
            eventually("it is on record", || site.journal().into_iter().find(|record| record["event"] == "paused"));
        let time = |key: &str| serde_json::from_value::<Timestamp>(pause[key].clone()).expect("a time");
        let length = time("until").since(time("from"));
        assert!(length >= i64::from(seconds) * 1_000_000_000, "{pause}");
        let page = site.until_counted(cameras.sent);
        assert_eq!(total(&page, "segwatch_capture_dropped_packets_total"), 0.0);
        for alarm in ["silent", "clock"] {
            assert_eq!(
                page.value("segwatch_mirror_health", &[("interface", "near"), ("alarm", alarm)]),
                Some(0.0),
                "{alarm}"
            );
        }
        assert!(site.log().contains("not observed"), "{}", site.log());
        site.kill();
        assert_eq!(check_episodes(&site.journal()), ids);
    });
}
