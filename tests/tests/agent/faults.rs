//! Disks that are full, read-only, slow, or do not sync, at each place where something is written: findings go on, the
//! fault is told, it ends by itself, and no record is lost that has not been counted.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use segwatch::policy::sha256_hex;
use segwatch_tests::tool::installed;
use serde_json::Value;

use crate::cameras::Cameras;
use crate::client::get;
use crate::site::{Site, check_episodes, finding_ids, total};
use crate::strain::{Fault, Strain};
use crate::{eventually, lab, rounds};

/// What is said not to take records, and why.
pub(crate) fn failing() -> Option<serde_json::Map<String, Value>> {
    let status: Value = serde_json::from_str(&get("/api/v1/status")?).expect("JSON");
    status["records"]["failing"].as_object().cloned()
}

pub(crate) fn is_failing(place: &str) -> Option<()> {
    failing()?.contains_key(place).then_some(())
}

fn lost(site: &Site, sink: &str) -> f64 {
    site.scrape().value("segwatch_sink_lost_total", &[("sink", sink)]).expect("a series")
}

fn findings() -> usize {
    finding_ids().map_or(0, |ids| ids.len())
}

/// Goes through all faults of a place that one thread writes.
fn fails_at(place: &'static str, thread: &'static str) {
    lab(&format!("faults-{place}"), |mut site| {
        if !installed(&["strace"]) {
            return;
        }
        alertmanager();
        site.write_policy(&format!(
            "sinks: {{ eve: {{ file: {}/eve.json }} }}\nalertmanager: {{ urls: [\"http://127.0.0.1:9093\"] }}\n",
            site.state.display()
        ));
        site.start();
        let (mut cameras, mut all) = (Cameras::new(), 0);
        let mut break_out = |all: &mut u16| {
            cameras.break_out(*all);
            *all += 1;
            thread::sleep(Duration::from_millis(200));
            cameras.sent
        };
        for fault in Fault::ALL {
            // The EVE file is not synced: losing it is no harm.
            if (place, fault) == ("eve", Fault::NoSync) {
                continue;
            }
            eventually("all is well", || failing()?.is_empty().then_some(()));
            let line = format!("no records are taken sink=\"{place}\"");
            let lines = || site.log().matches(&line).count();
            let (logged, began) = (lines(), Instant::now());
            let strain = Strain::of(&site, thread, fault);
            eventually(&format!("{place} is told to fail: {fault:?}"), || {
                break_out(&mut all);
                is_failing(place)
            });
            println!("{place}, {fault:?}: told after {:?}", began.elapsed());
            let others = |failing: serde_json::Map<String, Value>| {
                failing.into_iter().map(|(name, _)| name).filter(|name| name != place).collect::<Vec<_>>()
            };
            let others = failing().map(others).unwrap_or_default();
            assert!(others.is_empty() || (place == "journal" && others == ["evidence"]), "{others:?}");
            // What is slow may have taken one of them meanwhile.
            if fault != Fault::Slow {
                assert!(get("/").expect("the page").contains("not recorded</span> <strong>"), "on the page");
                assert_eq!(lines(), logged + 1, "once in the log: {}", site.log());
            }
            if place == "journal" {
                site.until("the journal fails", |page| page.value("segwatch_journal_failing", &[]) == Some(1.0));
            }
            // Nothing is held up.
            let mut sent = 0;
            (0..5).for_each(|_| sent = break_out(&mut all));
            eventually("findings go out", || (findings() == usize::from(all)).then_some(()));
            assert_eq!(total(&site.until_counted(sent), "segwatch_capture_dropped_packets_total"), 0.0);
            drop(strain);
            eventually(&format!("{place} is well again by itself after {fault:?}"), || {
                failing()?.is_empty().then_some(())
            });
        }
        site.until("the journal is well", |page| page.value("segwatch_journal_failing", &[]) == Some(0.0));
        // It is given up for a journal that has no room, and counted.
        assert!(place == "journal" || (lost(&site, "evidence") > 0.0) == (place == "evidence"));
        for sink in ["journal", "eve", "alertmanager"] {
            assert_eq!(lost(&site, sink), 0.0, "{sink}");
        }
        let ids = finding_ids().expect("findings");
        let alerts = || {
            let text = fs::read_to_string(site.state.join("eve.json")).expect("lines");
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("whole lines"));
            // One that was judged between two of its packets rose as well.
            let opened = |line: &Value| line["event_type"] == "alert" && line["segwatch"]["event"] == "opened";
            lines.filter(opened).map(|line| line["segwatch"]["id"].to_string()).collect()
        };
        let told: Vec<String> =
            eventually("each is in the JSON lines", || Some(alerts()).filter(|all: &Vec<_>| all.len() >= ids.len()));
        assert_eq!((told.len(), told.iter().collect::<BTreeSet<_>>().len()), (ids.len(), ids.len()), "each once");
        site.kill();
        assert_eq!(check_episodes(&site.journal()), ids, "all records arrived");
        check_evidence(&site);
        let files = fs::read_dir(site.state.join("journal")).expect("a folder");
        let segments = files.filter(|file| file.as_ref().is_ok_and(|file| file.path().extension().is_some())).count();
        assert!(segments <= 2 * Fault::ALL.len(), "tries that failed leave nothing: {segments} segments");
        site.start();
        assert_eq!(finding_ids(), Some(ids));
    });
}

#[test]
fn the_journal_fails() {
    fails_at("journal", "journal");
}

#[test]
fn evidence_fails() {
    fails_at("evidence", "evidence");
}

#[test]
fn json_lines_fail() {
    fails_at("eve", "eve");
}

#[test]
fn the_outbox_of_alerts_fails() {
    fails_at("alertmanager", "alert-outbox");
}

/// An Alertmanager that takes all.
fn alertmanager() {
    let listener = TcpListener::bind("127.0.0.1:9093").expect("a socket");
    thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
            let is_whole = |request: &[u8]| {
                let text = String::from_utf8_lossy(request).to_lowercase();
                let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
                let body = text.find("\r\n\r\n").map(|at| request.len() - at - 4);
                matches!((length, body), (Some(length), Some(body)) if body >= length)
            };
            while !is_whole(&request) {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
}

/// Every file of evidence is whole and on record.
pub(crate) fn check_evidence(site: &Site) -> usize {
    let folder = site.state.join("evidence");
    let journal = site.journal();
    let receipts: Vec<&Value> = journal.iter().filter(|record| record["event"] == "evidence").collect();
    let cut: BTreeSet<&str> = journal
        .iter()
        .filter(|record| record["event"] == "evidence-cut")
        .flat_map(|record| record["files"].as_array().expect("a list"))
        .map(|file| file.as_str().expect("a name"))
        .collect();
    for receipt in &receipts {
        let name = receipt["file"].as_str().expect("a name");
        match fs::read(folder.join(name)) {
            Ok(bytes) => assert_eq!(receipt["sha256"], sha256_hex(&[&bytes]), "{receipt}"),
            Err(error) => assert!(cut.contains(name), "{receipt}: {error}"),
        }
    }
    receipts.len()
}

#[test]
fn ten_thousand_findings_wait_for_a_journal_that_fails() {
    lab("reserve", |mut site| {
        if !installed(&["strace"]) {
            return;
        }
        let many = rounds(1_000, 10_000) as u16;
        site.start();
        let strain = Strain::of(&site, "journal", Fault::NoSync);
        let mut cameras = Cameras::new();
        eventually("it says that the journal fails", || {
            cameras.talk(0);
            is_failing("journal")
        });
        for camera in 0..many {
            cameras.break_out(camera);
            if camera % 50 == 0 {
                thread::sleep(Duration::from_millis(100));
            }
        }
        eventually("all are found", || (findings() == usize::from(many)).then_some(()));
        assert_eq!(site.scrape().value("segwatch_journal_failing", &[]), Some(1.0));
        drop(strain);
        eventually("the journal is well again", || failing()?.is_empty().then_some(()));
        assert_eq!(lost(&site, "journal"), 0.0);
        site.kill();
        assert_eq!(check_episodes(&site.journal()).len(), usize::from(many));
    });
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    lab("full-log", |mut site| {
        let full = fs::File::options().write(true).open("/dev/full").expect("it is there");
        site.child = Some(site.command().stderr(full).spawn().expect("it starts"));
        let mut cameras = Cameras::new();
        eventually("it is there", || finding_ids().map(drop));
        for camera in 0..3 {
            cameras.break_out(camera);
            eventually("a finding", || (findings() == usize::from(camera) + 1).then_some(()));
        }
        assert_eq!(site.stop().0, Some(0));
    });
}

#[test]
fn a_kill_in_the_middle_leaves_no_half_file_that_anyone_is_told_of() {
    lab("half", |mut site| {
        if !installed(&["strace"]) {
            return;
        }
        site.start();
        let mut cameras = Cameras::new();
        let unfinished = |site: &Site| {
            let files = fs::read_dir(site.state.join("evidence")).ok()?;
            let mut names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
            names.find(|name| name.ends_with(".new"))
        };
        let strain = Strain::injecting(&site, "evidence", "fsync:delay_enter=20000000");
        cameras.break_out(0);
        eventually("a file is being written", || unfinished(&site));
        site.kill();
        drop(strain);
        assert!(unfinished(&site).is_some(), "killed in the middle");
        assert_eq!(check_evidence(&site), 0, "nothing is said of it");
        site.start();
        cameras.break_out(1);
        eventually("a file is on record", || (check_evidence(&site) > 0).then_some(()));
        assert_eq!(unfinished(&site), None);
    });
}
