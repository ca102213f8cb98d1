//! `segwatch report --journal`: what an agent recorded over days, and what it did not.

use std::fs;
use std::path::PathBuf;

use segwatch::engine::{Event, FlowRow, MAX_SORTS_OF_DEVICE, Summaries};
use segwatch::journal::{Journal, Limits, write_checkpoint};
use segwatch_tests::program::segwatch;
use segwatch_tests::watch::{HOUR, POLICY, SECOND, Watch};
use serde_json::{Value, json};

/// What lies between two words of the cameras, in hours that only pass.
const PAUSE: i64 = 9 * SECOND;

/// A folder of its own with the policy, that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("segwatch-history-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("segwatch.yaml"), POLICY).expect("a file");
        Folder(folder)
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.0.join("journal"), Limits::default()).expect("a journal").0
    }

    fn report(&self, arguments: &[&str]) -> (u8, String, String) {
        let (folder, policy) = (self.0.display().to_string(), self.0.join("segwatch.yaml").display().to_string());
        let before = ["report", "--config", &policy, "--journal", &folder];
        let run = segwatch([&before[..], arguments].concat());
        (run.exit, run.out, run.err)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (exit, out, err) = self.report(&[&["--format", "json"], arguments].concat());
        assert_eq!((exit, err.as_str()), (0, ""));
        serde_json::from_str(&out).expect("JSON")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(journal: &mut Journal, watch: &mut Watch) {
    for event in std::mem::take(&mut watch.events) {
        journal.append(&serde_json::to_string(&event).expect("JSON")).expect("a record");
    }
    journal.sync().expect("a disk");
}

fn start(journal: &mut Journal, watch: &Watch) {
    let hash = &watch.engine.policy().hash;
    let started = json!({"event": "started", "at": watch.wall(), "observed_until": null, "version": "0", "policy": hash,
        "site": "herlev", "sensor": "idf3"});
    journal.append(&started.to_string()).expect("a record");
}

fn camera<'a>(report: &'a Value, ip: &str) -> &'a Value {
    let cameras = report["cameras"].as_array().expect("cameras");
    cameras.iter().find(|camera| camera["ips"][0] == ip).unwrap_or_else(|| panic!("{ip} in {report:#}"))
}

/// Two days: the camera is silent for some hours, the agent is away for others, and once the camera reaches out.
fn two_days(folder: &Folder) {
    let (mut journal, mut watch) = (folder.journal(), Watch::default());
    start(&mut journal, &watch);
    watch.cameras_talk(24 * HOUR / PAUSE, PAUSE);
    watch.others_talk(3 * HOUR / PAUSE, PAUSE);
    watch.restart(2 * HOUR, true);
    start(&mut journal, &watch);
    watch.cameras_talk(10 * HOUR / PAUSE, PAUSE);
    watch.camera_reaches("203.0.113.9:443");
    watch.cameras_talk(9 * HOUR / PAUSE, PAUSE);
    watch.end();
    write(&mut journal, &mut watch);
}

#[test]
fn days_of_a_journal() {
    let folder = Folder::new("days");
    two_days(&folder);
    let report = folder.json(&[]);
    let site = ["site", "sensor", "verdict"].map(|key| report[key].as_str().expect("a word").to_owned());
    assert_eq!(site, ["herlev", "idf3", "violated"]);
    let of_camera = camera(&report, "10.110.0.11");
    assert_eq!(of_camera["verdict"], "violated");
    // Silent for two of the three hours, as one is what silence may last; and two hours without an agent.
    assert_eq!(of_camera["coverage"]["percent"], 91.6);
    let reasons: Vec<&str> =
        of_camera["coverage"]["gaps"].as_array().unwrap().iter().filter_map(|gap| gap["code"].as_str()).collect();
    assert_eq!(reasons, ["silent", "gap"]);
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    let neighbour = camera(&report, "10.110.0.12");
    assert_eq!((neighbour["verdict"].as_str(), &neighbour["coverage"]["percent"]), (Some("isolated"), &json!(95.8)));
    // What says that a device is a camera is kept.
    assert_eq!(neighbour["hints"][0]["source"], "oui");

    let (exit, text, _) = folder.report(&["--format", "md"]);
    assert_eq!(exit, 0);
    assert!(text.contains("of 47.9 hours (91.6 %)"), "{text}");
    assert!(text.contains("segwatch was not running"), "{text}");
    assert_eq!(folder.report(&["--format", "md"]).1, text, "the same journal gives the same report");
}

#[test]
fn a_part_of_the_time() {
    let folder = Folder::new("part");
    two_days(&folder);
    // 2026-03-02T08:50 to 03-04T08:50; the camera reached out on the 4th.
    let first_day = folder.json(&["--to", "2026-03-03T08:00:00Z"]);
    assert_eq!(first_day["findings"].as_array().unwrap().len(), 0);
    let of_camera = camera(&first_day, "10.110.0.11");
    assert_eq!((of_camera["verdict"].as_str(), &of_camera["coverage"]["percent"]), (Some("isolated"), &json!(100.0)));
    // Most of the span is a gap.
    let gap = folder.json(&["--from", "2026-03-03T10:00:00Z", "--to", "2026-03-03T13:00:00Z"]);
    let of_camera = camera(&gap, "10.110.0.11");
    assert_eq!((of_camera["verdict"].as_str(), &of_camera["reasons"][0]["code"]), (Some("unverified"), &json!("gap")));
    assert_eq!(gap["verdict"], "unverified");
}

#[test]
fn a_finding_that_a_person_closed_is_told_and_does_not_count() {
    let folder = Folder::new("closed");
    let (mut journal, mut watch) = (folder.journal(), Watch::default());
    start(&mut journal, &watch);
    watch.cameras_talk(100, SECOND);
    watch.camera_reaches("203.0.113.9:443");
    watch.cameras_talk(10, SECOND);
    let id = watch.engine.snapshot().findings[0].id.clone();
    let (by, reason) = ("anna".to_owned(), "a test of ours".to_owned());
    assert!(watch.engine.command(segwatch::engine::Command::Close { id, by, reason }));
    watch.cameras_talk(10, SECOND);
    watch.end();
    write(&mut journal, &mut watch);
    let report = folder.json(&[]);
    assert_eq!((report["verdict"].as_str(), report["findings"].as_array().unwrap().len()), (Some("isolated"), 1));
    let summary = report["findings"][0]["summary"].as_str().unwrap();
    assert!(summary.contains("by anna: a test of ours."), "{summary}");
}

#[test]
fn a_finding_that_the_policy_excepts_is_told_with_who_answers_for_it_and_counts() {
    let folder = Folder::new("excepted");
    let (mut journal, mut watch) = (folder.journal(), Watch::default());
    let except = |watch: &mut Watch, more: &str| {
        let mut none = |_: &str| Err(std::io::Error::other("no other file"));
        let text = format!("{POLICY}{more}");
        fs::write(folder.0.join("segwatch.yaml"), &text).expect("a file");
        let loaded = segwatch::config::load_str("p", &text, watch.wall(), &mut none).expect("a sound policy");
        watch.engine.handle(segwatch::engine::Input::Policy(Box::new(loaded.config.policy)));
    };
    start(&mut journal, &watch);
    watch.cameras_talk(100, SECOND);
    watch.camera_reaches("203.0.113.9:443");
    watch.cameras_talk(10, SECOND);
    except(
        &mut watch,
        "exceptions:\n  - { device: 10.110.0.11, kind: internet-egress, owner: anna, reason: known, expires: 2027-01-01 }\n",
    );
    watch.cameras_talk(10, SECOND);
    write(&mut journal, &mut watch);
    let report = folder.json(&[]);
    let finding = &report["findings"][0];
    assert_eq!((report["verdict"].as_str(), finding["severity"].as_str()), (Some("violated"), Some("info")));
    assert_eq!(finding["exception"], json!({ "owner": "anna", "reason": "known", "expires": "2027-01-01" }));
    let (_, page, _) = folder.report(&["--format", "md"]);
    assert!(page.contains("muted until 2027-01-01 by anna: known"), "{page}");

    except(&mut watch, "");
    watch.cameras_talk(10, SECOND);
    watch.end();
    write(&mut journal, &mut watch);
    let report = folder.json(&[]);
    let finding = &report["findings"][0];
    assert_eq!((finding["severity"].as_str(), finding.get("exception")), (Some("critical"), None));
}

#[test]
fn what_the_journal_lost_is_a_gap() {
    let folder = Folder::new("lost");
    let (mut journal, mut watch) = (folder.journal(), Watch::default());
    start(&mut journal, &watch);
    watch.cameras_talk(2 * HOUR / PAUSE, PAUSE);
    // Neither the last hours of the agent nor its state outlived it.
    watch.events.retain(|event| !matches!(event, Event::Coverage { to, .. } if to.0 > watch.real - HOUR));
    write(&mut journal, &mut watch);
    let mut watch = Watch::starting(watch.real + 3 * HOUR);
    start(&mut journal, &watch);
    watch.cameras_talk(6 * HOUR / PAUSE, PAUSE);
    watch.end();
    write(&mut journal, &mut watch);
    let report = folder.json(&[]);
    let gaps = &camera(&report, "10.110.0.11")["coverage"]["gaps"];
    assert_eq!((gaps.as_array().unwrap().len(), gaps[0]["detail"].as_str()), (1, Some("the journal says nothing")));

    // A record in the middle is gone, which its number tells.
    let directory = folder.0.join("journal");
    let segment = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|end| end == "log")).max().expect("a segment");
    let text = fs::read_to_string(&segment).unwrap();
    let without: Vec<&str> = text.lines().enumerate().filter(|(at, _)| *at != 5).map(|(_, line)| line).collect();
    fs::write(&segment, without.join("\n") + "\n").unwrap();
    let (exit, out, err) = folder.report(&["--format", "md"]);
    assert_eq!(exit, 2);
    assert!(err.contains("are missing") && out.contains("are missing"), "{err}");
}

/// Writes what the agent knows of who is who, and its flows.
fn keep_flows(folder: &Folder, watch: &Watch) {
    let journal = folder.0.join("journal");
    let state = serde_json::to_string(&watch.engine.save()).expect("JSON");
    write_checkpoint(&journal, 1, &state).expect("a disk");
    let mut summaries = Summaries::default();
    summaries.take(&watch.flows, &watch.engine.open_rows().collect::<Vec<_>>());
    let mut flows = Journal::open(&journal.join("flows"), Limits::default()).expect("a journal").0;
    for summary in summaries.drain() {
        flows.append(&serde_json::to_string(&summary).expect("JSON")).expect("a record");
    }
    flows.sync().expect("a disk");
}

#[test]
fn another_policy_judges_what_was_recorded() {
    let folder = Folder::new("what-if");
    let (mut journal, mut watch) = (folder.journal(), Watch::default());
    start(&mut journal, &watch);
    write(&mut journal, &mut watch);
    watch.cameras_talk(100, SECOND);
    for _ in 0..7 {
        // Ten idle minutes end a flow.
        watch.camera_reaches("203.0.113.9:443");
        watch.cameras_talk(700, SECOND);
    }
    watch.camera_reaches("203.0.113.10:123");
    watch.cameras_talk(10, SECOND);
    keep_flows(&folder, &watch);
    let (old, new) = (folder.0.join("segwatch.yaml"), folder.0.join("new.yaml"));
    let conduit = "  - { name: a cloud, from: { zone: cctv }, to: { hosts: [203.0.113.9] }, services: [tcp/443] }\n";
    let wider = POLICY.replacen("conduits:\n", &format!("conduits:\n{conduit}"), 1);
    assert_ne!(wider, POLICY);
    fs::write(&new, wider).expect("a file");
    let diff = |from: &PathBuf, to: &PathBuf, more: &[&str]| {
        let paths = [from, to, &folder.0].map(|path| path.display().to_string());
        let before = ["diff", &paths[0], &paths[1], "--journal", &paths[2], "--format", "json"];
        let run = segwatch([&before[..], more].concat());
        (run.exit, serde_json::from_str::<Value>(&run.out).unwrap_or_default(), run.err)
    };
    let counts = |json: &Value| {
        ["newly_violating", "newly_allowed", "unchanged"]
            .map(|key| json["flows"]["counts"][key].as_u64().expect("a count"))
    };
    let (exit, json, err) = diff(&old, &new, &[]);
    // The cameras' own flow, and the one to the other port.
    assert_eq!((exit, counts(&json)), (0, [0, 7, 2]), "{err}");
    let (exit, json, _) = diff(&new, &old, &[]);
    assert_eq!((exit, counts(&json)), (1, [7, 0, 2]));
    let listed = json["flows"]["newly_violating"].as_array().expect("flows");
    assert_eq!((listed.len(), listed[0]["flows"].as_u64()), (1, Some(7)), "alike, and told once");
    assert_eq!(
        (json["verdict"]["old"].as_str(), json["verdict"]["new"].as_str()),
        (Some("violated"), Some("violated"))
    );
    let (exit, _, err) = diff(&old, &new, &["--from", "2027-01-01"]);
    assert_eq!(exit, 2);
    assert!(err.contains("no flow is recorded there"), "{err}");
}

#[test]
fn a_camera_that_scans_costs_nobody_else_the_history() {
    let mut watch = Watch::default();
    let more = 100;
    for port in 0..MAX_SORTS_OF_DEVICE + more {
        watch.camera_reaches(&format!("203.0.113.9:{}", 1_000 + port));
    }
    watch.others_talk(1, SECOND);
    let rows: Vec<FlowRow> = watch.engine.open_rows().collect();
    let mut summaries = Summaries::default();
    assert_eq!(summaries.take(&[], &rows), more as u64);
    assert_eq!(summaries.drain().len(), MAX_SORTS_OF_DEVICE + 1, "its own, and the others' one");
    assert_eq!(summaries.take(&[], &rows), more as u64, "another hour");
}

#[test]
fn trouble_is_told() {
    let folder = Folder::new("trouble");
    let (exit, _, err) = folder.report(&[]);
    assert_eq!(exit, 2);
    assert!(err.contains("there is no journal"), "{err}");
    two_days(&folder);
    let other = POLICY.replace("internal", "# internal") + "\ndomains: [other.example]\n";
    fs::write(folder.0.join("segwatch.yaml"), &other).unwrap();
    let (exit, out, err) = folder.report(&["--format", "md"]);
    if exit == 0 {
        assert!(err.contains("another policy"), "{err}");
        assert!(out.contains("which is another one"), "{out}");
    } else {
        panic!("{err}");
    }
}
