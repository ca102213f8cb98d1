//! Whatever a device, an inventory or a file is called: nothing of it is markup, a formula, or hidden.

use super::*;
use crate::base::escape;
use crate::coverage::{Disposition, Reason, ReasonCode, Verdict, default_rules};
use crate::engine::{DeviceStatus, HealthStatus, Hint, Snapshot};
use crate::hint::{Advised, Posture, Ruling, State};
use crate::report::{CaptureFiles, Damage, sample};

/// Everything that a report is made of.
struct Case {
    snapshot: Snapshot,
    files: CaptureFiles,
    subject: Subject,
}

/// A site in which everything that can be said is said.
fn case() -> Case {
    let mut snapshot = sample::site(2, 3);
    snapshot.window = snapshot.window.map(|window| crate::engine::Window { last: sample::at(20_000), ..window });
    let detail = "a detail".to_owned();
    let alarm = HealthStatus { interface: "eth1".to_owned(), alarm: "silent", blinds: true, detail: detail.clone() };
    snapshot.health = vec![alarm];
    snapshot.reasons = vec![Reason { code: ReasonCode::Loss, detail: detail.clone() }];
    let device = &mut snapshot.devices[0];
    device.model = Some("DS-1".to_owned());
    device.firmware = Some("V1.0".to_owned());
    device.use_ = Some("street".to_owned());
    device.verdict = Verdict::Unverified;
    device.reasons = vec![Reason { code: ReasonCode::Gap, detail: detail.clone() }];
    device.hints.push(hint("sadp", "model", "DS-1"));
    device.posture = Posture {
        state: State::Vulnerable,
        cves: vec!["CVE-1".to_owned()],
        fix: Some(true),
        advisories: vec![Advised {
            id: "CVE-1".to_owned(),
            says: Ruling::Affected,
            fixed_in: Some("V2.0".to_owned()),
            source: "a source".to_owned(),
        }],
        detail,
    };
    let stray = crate::engine::DeviceRef { mac: None, ip: None, name: Some("a PC".to_owned()) };
    snapshot.findings[2].device = stray;
    let subject = Subject {
        site: "herlev".to_owned(),
        sensor: "span".to_owned(),
        rules: default_rules(),
        silence: 3_600_000_000_000,
    };
    Case { snapshot, files: sample::damaged_files(), subject }
}

fn hint(source: &'static str, says: &'static str, value: &str) -> Hint {
    let (confidence, at) = ("high", Some(sample::at(5)));
    Hint { source, says, value: value.to_owned(), confidence, first_seen: at, last_seen: at }
}

impl Case {
    fn write(&self, format: usize) -> String {
        let report = SiteReport::new(&self.snapshot, &self.files, &self.subject, &|_| None);
        match format {
            0 => report_html(&report, Language::English),
            1 => report_html(&report, Language::Danish),
            2 => report_markdown(&report, Language::English),
            3 => report_markdown(&report, Language::Danish),
            4 => report_csv(&report).unwrap(),
            _ => report.json().unwrap(),
        }
    }
}

type Field = fn(&mut Case, String);

/// Every text that comes from outside.
const FIELDS: [Field; 24] = [
    |case, text| case.subject.site = text,
    |case, text| case.subject.sensor = text,
    |case, text| case.subject.rules[0].uses = vec![text],
    |case, text| case.snapshot.policy.file = Some(text),
    |case, text| case.files.files[0] = text,
    |case, text| case.files.damage[0] = Damage { file: text, ..case.files.damage[0].clone() },
    |case, text| case.files.damage[0] = Damage { what: text, ..case.files.damage[0].clone() },
    |case, text| case.snapshot.health[0].interface = text,
    |case, text| case.snapshot.health[0].detail = text,
    |case, text| case.snapshot.reasons[0].detail = text,
    |case, text| case.snapshot.zones[1].name = text,
    |case, text| case.snapshot.devices[0].name = Some(text),
    |case, text| case.snapshot.devices[0].vendor = Some(text),
    |case, text| case.snapshot.devices[0].firmware = Some(text),
    |case, text| case.snapshot.devices[0].serial = Some(text),
    |case, text| case.snapshot.devices[0].use_ = Some(text),
    |case, text| case.snapshot.devices[0].zone = Some(text),
    |case, text| case.snapshot.devices[0].reasons[0].detail = text,
    |case, text| case.snapshot.devices[0].hints[1].value = text,
    |case, text| case.snapshot.devices[0].posture.cves[0] = text,
    |case, text| case.snapshot.devices[0].posture.advisories[0].source = text,
    |case, text| case.snapshot.devices[0].posture.advisories[0].fixed_in = Some(text),
    |case, text| case.snapshot.findings[2].peers[0].names = vec![text],
    |case, text| case.snapshot.findings[2].device.name = Some(text),
];

/// 520: each end of a word with each thing that somebody could want to be more than text.
fn payloads() -> Vec<String> {
    let ends = ["", "=", "+", "-", "@", "x;=", "x;-", "\t", "\r", "\n# ", "| ", "<", "&"];
    let cores = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)>",
        "' onmouseover='x",
        "</style><b>",
        "</title><script>",
        "<!--",
        "]]>",
        "&lt;b&gt;&#60;",
        "javascript:alert(1)",
        "https://evil.example/x",
        "http://www.evil.example",
        "www.evil.example",
        "me@evil.example",
        "[a](http://evil.example)",
        "![a](http://evil.example)",
        "<http://evil.example>",
        "`code` ``` fence",
        "**bold** __x__ ~~y~~",
        "a | b || c",
        "|---|",
        "\n\n# heading",
        "\r\n- list\n1. one",
        "> quote",
        "cmd|' /C calc'!A0",
        "HYPERLINK(\"http://evil.example\")",
        "a\",\"b",
        "a\"\n=1+1",
        "\u{1b}[2J\u{1b}]0;x\u{7}",
        "\u{9b}31m",
        "\u{202e}gnp.exe",
        "a\u{200b}b\u{feff}",
        "\u{2028}\u{2029}",
        "\0\u{1}\u{7f}",
        "\u{e0041}\u{fffe}",
        "$(x) ${x} {{x}} <%= x %>",
        "\\u003cscript\\u003e \\x3c",
        "\\",
        "POLICY } body { display: none } @import url(//evil.example)",
        "摄像头 Ø <b>",
    ];
    ends.iter().flat_map(|end| cores.iter().map(move |core| format!("{end}{core} word"))).collect()
}

/// What is markup, sorted, as names decide about the order of cameras; of Markdown, what no backslash makes text.
fn skeleton(format: usize, text: &str) -> Vec<String> {
    let mut parts: Vec<String> = match format {
        0 | 1 => text.split('<').skip(1).map(|tag| tag.split('>').next().unwrap().to_owned()).collect(),
        2 | 3 => {
            let markup = bare(text).chars().filter(|c| "`*_{}[]<>#!|~$&\n".contains(*c)).collect::<String>();
            markup.lines().map(str::to_owned).collect()
        }
        4 => {
            let mut reader = ::csv::Reader::from_reader(text.as_bytes());
            let columns = reader.headers().unwrap().len();
            reader.records().map(|record| format!("{columns} {}", record.unwrap().len())).collect()
        }
        _ => {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            vec![value["cameras"].as_array().unwrap().len().to_string()]
        }
    };
    parts.sort();
    parts
}

/// Markdown without what a backslash makes text.
fn bare(markdown: &str) -> String {
    let (mut rest, mut characters) = (String::new(), markdown.chars());
    while let Some(c) = characters.next() {
        if c == '\\' {
            characters.next();
        } else {
            rest.push(c);
        }
    }
    rest
}

#[test]
fn nothing_that_comes_from_outside_is_more_than_text() {
    let payloads = payloads();
    assert!(payloads.len() >= 500, "{}", payloads.len());
    let with = |text: &str| {
        let mut case = case();
        FIELDS.iter().for_each(|set| set(&mut case, text.to_owned()));
        case
    };
    let plain = with("plain word");
    let wanted: Vec<_> = (0..6).map(|format| skeleton(format, &plain.write(format))).collect();
    for (at, set) in FIELDS.iter().enumerate() {
        let mut case = case();
        set(&mut case, "plain word".to_owned());
        assert!((0..6).any(|format| case.write(format).contains("plain word")), "field {at} shows nowhere");
    }
    for payload in &payloads {
        let hostile = with(payload);
        for (format, wanted) in wanted.iter().enumerate() {
            let text = hostile.write(format);
            let shown = |what: &str| format!("format {format}: {what}: {payload:?}\n{text}");
            assert_eq!(&skeleton(format, &text), wanted, "{}", shown("markup"));
            assert!(text.lines().all(|line| escape(line) == line), "{}", shown("hidden"));
            match format {
                2 | 3 => {
                    let bare = bare(&text);
                    assert!(!bare.contains("://") && !bare.contains("www."), "{}", shown("link"));
                }
                4 => assert!(is_inert(&text), "{}", shown("formula")),
                _ => {}
            }
        }
    }
}

fn is_inert(csv: &str) -> bool {
    ::csv::Reader::from_reader(csv.as_bytes()).records().all(|record| {
        let record = record.unwrap();
        let mut parts = record.iter().flat_map(|cell| cell.split(';'));
        !parts.any(|part| part.starts_with(['=', '+', '-', '@', '\t', '\r']))
    })
}

#[test]
fn a_line_of_markdown_begins_nothing() {
    for (site, shown) in
        [("1. one", "1\\. one"), ("12) x", "12\\) x"), ("- x", "\\- x"), ("+ x", "\\+ x"), ("17 x", "17 x")]
    {
        let mut case = case();
        case.subject.site = site.to_owned();
        assert!(case.write(2).contains(&format!("- **Site:** {shown}\n")), "{site}");
    }
}

#[test]
fn json_keeps_what_was_said() {
    let mut hostile = case();
    hostile.snapshot.devices[0].name = Some("<b>\u{202e}\"".to_owned());
    let json: serde_json::Value = serde_json::from_str(&hostile.write(5)).unwrap();
    let cameras = json["cameras"].as_array().unwrap();
    assert!(cameras.iter().any(|camera| camera["name"] == "<b>\u{202e}\""));
    assert_eq!(json["schema"], "segwatch/report/1");
}

/// The disposition of a device, and what is missing.
fn decided(change: impl Fn(&mut DeviceStatus)) -> (Disposition, String) {
    let mut snapshot = sample::site(0, 0);
    let mut device = sample::device(1, Verdict::Isolated);
    device.model = Some("DS-2CD2146G2-I".to_owned());
    device.firmware = Some("V5.7.3 build 220112".to_owned());
    device.use_ = Some("street".to_owned());
    device.posture = Posture { state: State::Patched, ..Posture::default() };
    change(&mut device);
    snapshot.devices.push(device);
    let subject = Subject { rules: default_rules(), ..Subject::default() };
    let files = sample::files();
    let report = SiteReport::new(&snapshot, &files, &subject, &|_| None);
    let missing: Vec<&str> = report.cameras[0].missing.iter().map(|missing| missing.name()).collect();
    (report.cameras[0].disposition, missing.join(" "))
}

#[test]
fn sources_that_disagree_patch_nothing() {
    let may_remain = (Disposition::MayRemain, String::new());
    let cannot_tell = (Disposition::CannotTell, "firmware".to_owned());
    let firmware = |value: &str| hint("isapi", "firmware", value);
    assert_eq!(decided(|_| {}), may_remain);
    assert_eq!(decided(|d| d.hints.push(firmware("V5.7.3 build 220112"))), may_remain);
    assert_eq!(decided(|d| d.hints.push(firmware("v5.7.3_220112"))), may_remain, "the same, written otherwise");
    assert_eq!(decided(|d| d.hints.push(firmware("V5.5.0 build 200101"))), cannot_tell);
    assert_eq!(decided(|d| d.hints.push(hint("sadp", "model", "DS-2CD2146G2-ISU"))), may_remain, "cut short");
    assert_eq!(decided(|d| d.hints.push(hint("sadp", "model", "DS-2CD1043G0"))), cannot_tell);
    let low = |d: &mut DeviceStatus| d.hints.push(Hint { confidence: "low", ..firmware("V1.0") });
    assert_eq!(decided(low), may_remain, "what alone identifies nothing");
    let updated = |d: &mut DeviceStatus| {
        let old = firmware("V5.5.0 build 200101");
        let at = Some(sample::at(60));
        let new = Hint { first_seen: at, last_seen: at, ..firmware("V5.7.3 build 220112") };
        d.hints.extend([old, new]);
    };
    assert_eq!(decided(updated), may_remain, "one after the other is an update");
}

#[test]
fn hours_are_told_where_they_are_known() {
    let Case { snapshot, files, subject } = case();
    let (reason, detail) = (ReasonCode::Gap, "it was off".to_owned());
    let gap = crate::coverage::Gap { from: sample::at(0), to: sample::at(3600), reason, detail };
    let hours = |device: &DeviceStatus| {
        device.name.is_some().then(|| Hours { observed_seconds: 82_800, seconds: 86_400, gaps: vec![gap.clone()] })
    };
    let report = SiteReport::new(&snapshot, &files, &subject, &hours);
    let text = report_markdown(&report, Language::Danish);
    assert!(text.contains("dækket i 23,0 af 24,0 timer (95,8 %)"), "{text}");
    assert!(text.contains("HUL: 2026-03-01 08:00:00 – 09:00:00 UTC, gap"), "{text}");
    let csv = report_csv(&report).unwrap();
    assert!(csv.contains(",95.8,hours,"), "{csv}");
}

#[test]
fn nothing_seen_is_told_as_nothing() {
    let (snapshot, files) = (sample::empty(), CaptureFiles::default());
    let subject = Subject { rules: default_rules(), ..Subject::default() };
    let report = SiteReport::new(&snapshot, &files, &subject, &|_| None);
    let text = report_markdown(&report, Language::English);
    for line in ["**Verdict of the site: unverified**", "- nothing was observed", "No camera is known"] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
