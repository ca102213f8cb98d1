//! SIGTERM, and a process that stands still.

use serde_json::Value;

use crate::cameras::Cameras;
use crate::client::get;
use crate::lab;
use crate::site::{check_episodes, finding_ids, shown, total};

#[test]
fn sigterm_writes_all_that_was_seen() {
    lab("sigterm", |mut site| {
        let mut cameras = Cameras::new();
        site.start();
        // What is still in the kernel's ring when the signal comes is judged and written too.
        (0..50).for_each(|camera| cameras.break_out(camera));
        let (code, took) = site.stop();
        assert_eq!(code, Some(0), "{}", site.log());
        println!("SIGTERM to the end: {took:?}");
        let journal = site.journal();
        let opened = check_episodes(&journal);
        assert_eq!(opened.len(), 50);
        assert!(journal.iter().any(|record| record["event"] == "stopped"));
        let (after, state) = segwatch::journal::read_checkpoint(&site.state.join("journal")).expect("a checkpoint");
        let later = journal.iter().skip(usize::try_from(after).expect("small"));
        assert!(later.into_iter().all(|record| record["event"] == "evidence"), "the checkpoint holds all findings");
        let state: Value = serde_json::from_str(&state).expect("JSON");
        assert_eq!(state["findings"].as_array().map(Vec::len), Some(50));
        site.start();
        assert_eq!(finding_ids(), Some(opened));
        assert_eq!(shown(&site.scrape()).len(), 50);
        assert!(site.log().contains("restarted"), "{}", site.log());
    });
}

#[test]
fn what_a_stopped_process_missed_is_in_the_ledger_and_in_the_verdict() {
    lab("sigstop", |mut site| {
        let mut cameras = Cameras::new();
        site.start();
        for _ in 0..50 {
            (0..10).for_each(|pair| cameras.talk(2 * pair));
        }
        site.until_counted(cameras.sent);
        let verdict = || -> Value { serde_json::from_str(&get("/api/v1/status").expect("a page")).expect("JSON") };
        assert_eq!(verdict()["verdict"], "isolated");
        site.signal("STOP");
        // More than the ring of 16 MiB holds.
        for _ in 0..10_000 {
            (0..10).for_each(|pair| cameras.talk(2 * pair));
        }
        site.signal("CONT");
        let page = site.until_counted(cameras.sent);
        let dropped = total(&page, "segwatch_capture_dropped_packets_total");
        assert_eq!(total(&page, "segwatch_capture_packets_total"), cameras.sent as f64);
        assert!(dropped > 0.0, "the ring took it all");
        let status = verdict();
        let judged = status["traffic"]["packets"].as_u64().expect("a number");
        println!("{} sent, {judged} judged, {dropped} dropped: {}", cameras.sent, status["reasons"]);
        assert_eq!(judged as f64 + dropped, cameras.sent as f64);
        assert_eq!(status["verdict"], "unverified");
        let codes: Vec<_> = status["reasons"].as_array().expect("a list").iter().map(|r| r["code"].clone()).collect();
        assert!(codes.contains(&"loss".into()) || codes.contains(&"gap".into()), "{codes:?}");
        site.stop();
        let is_overload = |record: &Value| record["event"] == "mirror" && record["alarm"] == "kernel-drops";
        assert!(site.journal().iter().any(is_overload), "the overload is on record");
    });
}
