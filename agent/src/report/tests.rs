//! Golden outputs of hand-made answers (`SEGWATCH_UPDATE=1` rewrites them), and hostile words.

use std::path::PathBuf;

use super::*;
use crate::coverage::{Reason, ReasonCode, Verdict};
use crate::engine::{HealthStatus, Snapshot, ZoneStatus};

const NARROW: Style = Style { color: false, width: 80 };
const WIDE: Style = Style { color: false, width: 140 };

fn golden(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name);
    if std::env::var_os("SEGWATCH_UPDATE").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name}: SEGWATCH_UPDATE=1 rewrites it");
}

#[test]
fn check_as_text() {
    let files = sample::files();
    golden("empty.txt", &check_text(&sample::empty(), &CaptureFiles::default(), &Style::default()));
    golden("one-isolated.txt", &check_text(&sample::site(1, 0), &files, &NARROW));
    golden("damaged.txt", &check_text(&sample::site(9, 3), &sample::damaged_files(), &Style::default()));
    golden("unverified.txt", &check_text(&sample::unverified(), &files, &NARROW));
    golden("large-80.txt", &check_text(&sample::site(72, 40), &files, &NARROW));
    golden("large-140.txt", &check_text(&sample::site(72, 40), &files, &WIDE));
    golden("colour.txt", &check_text(&sample::site(9, 3), &files, &Style { color: true, width: 100 }));
}

#[test]
fn check_as_json() {
    golden("check.json", &check_json(&sample::site(2, 2), &sample::damaged_files()).unwrap());
    golden("empty.json", &check_json(&sample::empty(), &CaptureFiles::default()).unwrap());
}

#[test]
fn check_as_junit() {
    let mut snapshot = sample::site(9, 3);
    snapshot.not_judged = vec!["yard <&\"'> \u{1b}[31m".to_owned()];
    golden("check.xml", &junit(&snapshot, &sample::damaged_files(), FailOn::Contained));
}

#[test]
fn junit_follows_the_threshold() {
    let failures =
        |snapshot: &Snapshot, fail_on| junit(snapshot, &sample::files(), fail_on).matches("<failure").count();
    let mut contained = sample::site(1, 0);
    contained.devices[0].verdict = Verdict::Contained;
    assert_eq!([FailOn::Notice, FailOn::Contained, FailOn::Violated].map(|f| failures(&contained, f)), [1, 1, 0]);
    let mut noticed = sample::site(1, 6);
    noticed.findings.retain(|f| f.class == crate::finding::Class::Notice);
    noticed.findings[0].device.mac = noticed.devices[0].mac;
    noticed.devices[0].verdict = Verdict::Isolated;
    noticed.verdict = Verdict::Isolated;
    noticed.zones.clear();
    assert_eq!([FailOn::Notice, FailOn::Contained, FailOn::Violated].map(|f| failures(&noticed, f)), [2, 0, 0]);
    assert!(junit(&sample::empty(), &CaptureFiles::default(), FailOn::Violated).contains("errors=\"1\""));
}

#[test]
fn parts_list_everything() {
    let snapshot = sample::site(72, 40);
    let lines = |text: String, word: &str| text.lines().filter(|l| l.contains(word)).count();
    assert_eq!(lines(devices_text(&snapshot, &WIDE), "44:19:b6"), 72);
    assert_eq!(lines(findings_text(&snapshot, &WIDE), " · id "), 40);
    assert_eq!(lines(zones_text(&snapshot, &WIDE), "cctv"), 1);
    for json in [devices_json(&snapshot), findings_json(&snapshot), zones_json(&snapshot)] {
        assert!(json.unwrap().starts_with("{\n  \"schema\": \"segwatch/"));
    }
}

#[test]
fn flows_in_every_format() {
    for (name, format) in [
        ("flows.txt", FlowFormat::Text(Style { color: false, width: usize::MAX })),
        ("flows-100.txt", FlowFormat::Text(Style::default())),
        ("flows.jsonl", FlowFormat::Jsonl),
        ("flows.csv", FlowFormat::Csv),
    ] {
        let mut out = Vec::new();
        let mut writer = FlowWriter::new(&mut out, format).unwrap();
        for violation in [true, false] {
            writer.write(&sample::flow(violation)).unwrap();
        }
        assert_eq!(writer.written(), 2);
        writer.finish().unwrap();
        golden(name, &String::from_utf8(out).unwrap());
    }
}

/// Words of a device must not move the cursor, hide text, or break a line, wherever they are shown.
#[test]
fn hostile_words_stay_words() {
    const HOSTILE: &str = "\x1b[2J\x1b]0;x\x07\u{9b}31m\u{202e}\r\nISOLATED\u{200b}\u{2028}</failure>]]>";
    let hostile = || HOSTILE.to_owned();
    let mut snapshot = sample::site(9, 40);
    snapshot.policy.file = Some(hostile());
    snapshot.reasons.push(Reason { code: ReasonCode::Gap, detail: hostile() });
    snapshot.zones.push(ZoneStatus {
        name: hostile(),
        verdict: None,
        reasons: vec![],
        devices: 0,
        findings: 0,
        canaries: vec![],
    });
    snapshot.health.push(HealthStatus { interface: hostile(), alarm: "silent", blinds: true, detail: hostile() });
    snapshot.not_judged.push(hostile());
    for device in &mut snapshot.devices {
        device.name = Some(hostile());
        device.vendor = Some(hostile());
        device.zone = Some(hostile());
    }
    for finding in &mut snapshot.findings {
        finding.device.name = Some(hostile());
        finding.summary = hostile();
        finding.rule.name = hostile();
        finding.peer_zone = hostile();
        finding.peers.iter_mut().for_each(|p| p.names = vec![hostile()]);
    }
    let mut files = sample::damaged_files();
    files.files.push(hostile());
    files.damage.iter_mut().for_each(|d| (d.file, d.what) = (hostile(), hostile()));
    let mut flows = Vec::new();
    let mut row = sample::flow(true);
    row.rule.name = hostile();
    row.proto = hostile();
    let mut writer = FlowWriter::new(&mut flows, FlowFormat::Text(WIDE)).unwrap();
    writer.write(&row).unwrap();
    writer.finish().unwrap();

    for text in [
        check_text(&snapshot, &files, &NARROW),
        findings_text(&snapshot, &WIDE),
        devices_text(&snapshot, &WIDE),
        check_json(&snapshot, &files).unwrap(),
        junit(&snapshot, &files, FailOn::Notice),
        String::from_utf8(flows).unwrap(),
    ] {
        let hidden = |c: char| (c != '\n' && c.is_control()) || matches!(c, '\u{202e}' | '\u{200b}' | '\u{2028}');
        assert_eq!(text.chars().find(|c| hidden(*c)), None, "{text}");
        assert!(!text.lines().any(|l| l.trim_start().starts_with("ISOLATED")), "{text}");
    }
    let xml = junit(&snapshot, &files, FailOn::Notice);
    assert_eq!(xml.matches("</failure>").count(), xml.matches("<failure ").count(), "{xml}");
}
