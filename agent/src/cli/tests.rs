//! Whole commands over a backend that answers from memory.

mod agent;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::backend::ReportRequest;
use super::*;
use crate::capture::live::{Directions, Link, Sample, Surveyed};
use crate::coverage::{Verdict, default_rules};
use crate::engine::{Explanation, JudgedDevices, Snapshot};
use crate::policy::Untagged;
use crate::report::{CaptureFiles, Subject, sample};

struct Fake {
    snapshot: Snapshot,
    files: CaptureFiles,
    problems: Vec<String>,
    lints: Vec<String>,
    asked: RefCell<Request>,
    flows_taken: RefCell<usize>,
    environment: Access,
    answer: String,
    told: RefCell<Vec<(Access, Ask)>>,
}

impl Fake {
    fn new(snapshot: Snapshot) -> Self {
        Fake {
            snapshot,
            files: sample::files(),
            problems: vec![],
            lints: vec![],
            asked: RefCell::default(),
            flows_taken: RefCell::default(),
            environment: Access::default(),
            answer: String::new(),
            told: RefCell::default(),
        }
    }
}

impl Backend for Fake {
    fn replay(
        &self,
        request: &Request,
        flows: Option<&mut FlowSink<'_>>,
        progress: &mut Progress<'_>,
    ) -> Result<Outcome, Vec<String>> {
        *self.asked.borrow_mut() = request.clone();
        if !self.problems.is_empty() {
            return Err(self.problems.clone());
        }
        progress(1 << 30, Some(1 << 31));
        if let Some(flows) = flows {
            for violation in [true, false].into_iter().cycle().take(1000) {
                *self.flows_taken.borrow_mut() += 1;
                if flows(&sample::flow(violation)).is_break() {
                    break;
                }
            }
        }
        Ok(Outcome { snapshot: self.snapshot.clone(), files: self.files.clone() })
    }

    fn report(&self, request: &ReportRequest, progress: &mut Progress<'_>) -> Result<ReportOutcome, Vec<String>> {
        let outcome = self.replay(&request.reading, None, progress)?;
        let subject = Subject { site: "herlev".to_owned(), rules: default_rules(), ..Subject::default() };
        Ok(ReportOutcome { outcome, subject, hours: Box::new(|_| None), remarks: Vec::new() })
    }

    fn explain(
        &self,
        request: &ExplainRequest,
        flows: &mut ExplanationSink<'_>,
        _progress: &mut Progress<'_>,
    ) -> Result<ExplainOutcome, Vec<String>> {
        if request.reading.captures.is_empty() {
            return Local.explain(request, flows, &mut |_, _| {});
        }
        *self.asked.borrow_mut() = request.reading.clone();
        if !self.problems.is_empty() {
            return Err(self.problems.clone());
        }
        let question = ExplainRequest { reading: Request::default(), finding: None, ..request.clone() };
        let mut one = None;
        let mut keep = |flow: &Explanation| {
            one = Some(flow.clone());
            ControlFlow::Continue(())
        };
        let mut outcome = Local.explain(&question, &mut keep, &mut |_, _| {})?;
        for _ in 0..20 {
            *self.flows_taken.borrow_mut() += 1;
            if one.as_ref().is_none_or(|flow| flows(flow).is_break()) {
                break;
            }
        }
        outcome.explained.flows_total = 20;
        outcome.files = self.files.clone();
        Ok(outcome)
    }

    fn learn(&self, _request: &LearnRequest, progress: &mut Progress<'_>) -> Result<LearnOutcome, Vec<String>> {
        progress(1, None);
        if self.problems.is_empty() {
            return Ok(LearnOutcome { proposal: Err(self.lints.clone()), files: self.files.clone() });
        }
        Err(self.problems.clone())
    }

    fn run(&self, _: &crate::daemon::Options) -> Result<(), Vec<String>> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems.clone()) }
    }

    fn diff(&self, request: &DiffRequest, progress: &mut Progress<'_>) -> Result<DiffOutcome, Vec<String>> {
        if !self.problems.is_empty() {
            return Err(self.problems.clone());
        }
        Local.diff(request, progress)
    }

    fn interfaces(&self, sample: Option<Duration>) -> Result<Vec<Surveyed>, Vec<String>> {
        if !self.problems.is_empty() {
            return Err(self.problems.clone());
        }
        let link = |name: &str, running| Link {
            name: name.to_owned(),
            index: 2,
            up: true,
            running,
            mtu: 1500,
            ..Link::default()
        };
        let looked = sample.is_some();
        let vlans = (101..=110).map(|vlan| (vlan, 10)).collect();
        let directions = Directions::Both;
        let mirror = Sample { packets: 200, bytes: 20_000, tagged: 100, vlans, directions, ..Sample::default() };
        let seconds = sample.map_or(1.0, |sample| sample.as_secs_f64());
        Ok(vec![
            Surveyed { link: link("eth1", true), seconds, received: 200, sample: looked.then_some(Ok(mirror)) },
            Surveyed {
                link: link("x\u{9b}y", false),
                seconds,
                received: 0,
                sample: looked.then(|| Err("Operation not permitted".to_owned())),
            },
        ])
    }

    fn environment(&self) -> Access {
        self.environment.clone()
    }

    fn ask(&self, access: &Access, ask: &Ask) -> Result<String, Vec<String>> {
        self.told.borrow_mut().push((access.clone(), ask.clone()));
        if self.problems.is_empty() { Ok(self.answer.clone()) } else { Err(self.problems.clone()) }
    }

    fn config_check(&self, _file: &Path) -> Result<ConfigSummary, Vec<String>> {
        if !self.problems.is_empty() {
            return Err(self.problems.clone());
        }
        Ok(ConfigSummary { lints: self.lints.clone(), zones: 2, conduits: 1, devices: 72, series: 412 })
    }

    fn config_show(&self, _file: &Path) -> Result<String, Vec<String>> {
        Ok("site: herlev\n".to_owned())
    }

    fn config_schema(&self) -> String {
        "{}\n".to_owned()
    }
}

/// Exit code, standard output, standard error.
fn segwatch(backend: &Fake, line: &str) -> (u8, String, String) {
    segwatch_on(backend, line, false)
}

fn segwatch_on(backend: &Fake, line: &str, is_terminal: bool) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal {
        out: &mut out,
        err: &mut err,
        out_is_terminal: is_terminal,
        err_is_terminal: is_terminal,
        width: None,
        colorful: true,
    };
    let args = std::iter::once("segwatch").chain(line.split_whitespace()).map(OsString::from);
    let exit = run(args, backend, &mut terminal);
    (exit.code(), String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn exit_codes_of_check() {
    let mut isolated = Fake::new(sample::site(6, 0));
    let mut contained = Fake::new(sample::site(8, 0));
    contained.snapshot.verdict = Verdict::Contained;
    let violated = Fake::new(sample::site(6, 3));
    let unverified = Fake::new(sample::empty());
    for (backend, line, code) in [
        (&isolated, "check a.pcap", 0),
        (&isolated, "check --fail-on notice a.pcap", 0),
        (&contained, "check a.pcap", 1),
        (&contained, "check --fail-on violated a.pcap", 0),
        (&violated, "check --fail-on violated a.pcap", 1),
        (&violated, "check --format json a.pcap", 1),
        (&unverified, "check --format junit a.pcap", 3),
        (&violated, "flows --only violations a.pcap", 0),
        (&violated, "findings a.pcap", 0),
        (&violated, "devices a.pcap", 0),
        (&unverified, "zones a.pcap", 0),
    ] {
        assert_eq!(segwatch(backend, line).0, code, "{line}");
    }
    isolated.files = sample::damaged_files();
    for line in [
        "check a.pcap",
        "check --format json a.pcap",
        "flows a.pcap",
        "devices a.pcap",
        "findings a.pcap",
        "zones a.pcap",
        "explain --from 10.1.1.5 --to 203.0.113.9 --service tcp/443 a.pcap",
    ] {
        let (code, out, err) = segwatch(&isolated, line);
        assert_eq!(code, 2, "{line}");
        assert!(!out.is_empty(), "{line}: what was read is still reported");
        assert!(format!("{out}{err}").contains("byte 10,240"), "{line}");
    }
}

#[test]
fn usage_errors_and_help() {
    let backend = Fake::new(sample::empty());
    for line in [
        "",
        "check",
        "chekc a.pcap",
        "check --fail-on never a.pcap",
        "check --untagged 4095 a.pcap",
        "check --seen --device a a.pcap",
        "flows --only some a.pcap",
        "flows --format xml a.pcap",
        "explain",
        "explain --from 10.0.0.1 --to 10.0.0.2",
        "explain --from 10.0.0.1 --to 10.0.0.2 --service 443",
        "explain --from 10.0.0.1 --to 10.0.0.2 --service tcp/443 --vlan 4095",
        "explain --from 10.0.0.1 --to 10.0.0.2 --service tcp/443 --finding 00",
        "explain --at 2026-01-01 a.pcap",
        "explain --limit 0 a.pcap",
    ] {
        let (code, out, err) = segwatch(&backend, line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert!(!err.is_empty(), "{line}");
    }
    for line in ["--help", "--version", "help check", "check --help", "flows -h", "config check --help"] {
        let (code, out, err) = segwatch(&backend, line);
        assert_eq!((code, err.as_str()), (0, ""), "{line}");
        assert!(!out.is_empty(), "{line}");
    }
    for command in [
        "check",
        "flows",
        "devices",
        "findings",
        "zones",
        "explain",
        "diff",
        "interfaces",
        "findings close",
        "findings ack",
        "drill",
        "config check",
        "config show",
        "config schema",
        "completions",
        "man",
    ] {
        let (_, out, _) = segwatch(&backend, &format!("{command} --help"));
        assert!(out.contains("Example"), "{command}");
    }
}

#[test]
fn what_is_asked_reaches_the_backend() {
    let backend = Fake::new(sample::site(2, 0));
    segwatch(
        &backend,
        "check --config p.yaml --vendors v.csv --data d --untagged 110 --device entrance-1 --device 4419b6010202 a b",
    );
    let asked = backend.asked.take();
    assert_eq!(asked.config, Some(PathBuf::from("p.yaml")));
    assert_eq!((asked.vendors, asked.data), (Some(PathBuf::from("v.csv")), Some(PathBuf::from("d"))));
    assert_eq!(asked.untagged, Some(Untagged::Vlan(110)));
    assert_eq!(asked.captures, ["a", "b"].map(PathBuf::from));
    assert_eq!(asked.judged, JudgedDevices::Named(vec!["entrance-1".to_owned(), "4419b6010202".to_owned()]));
    segwatch(&backend, "check --seen -");
    assert_eq!(backend.asked.take().judged, JudgedDevices::Seen);
}

#[test]
fn a_device_that_is_nowhere_is_trouble() {
    let backend = Fake::new(sample::site(2, 0));
    let (code, _, err) = segwatch(&backend, "check --device entrance-1 --device entrance-9 a.pcap");
    assert_eq!(code, 2);
    assert_eq!(err, "segwatch: --device entrance-9: neither the capture nor the inventory has such a device\n");
}

#[test]
fn all_problems_are_said_and_escaped() {
    let mut backend = Fake::new(sample::empty());
    backend.problems = vec!["p.yaml:3:5: unknown key `vlan`".to_owned(), "p.yaml:9:1: \x1b[2J".to_owned()];
    for line in ["check a.pcap", "flows a.pcap", "devices a.pcap", "config check p.yaml"] {
        let (code, _, err) = segwatch(&backend, line);
        assert_eq!(code, 2, "{line}");
        assert_eq!(err, "segwatch: p.yaml:3:5: unknown key `vlan`\nsegwatch: p.yaml:9:1: \\x1b[2J\n", "{line}");
    }
}

#[test]
fn an_excerpt_keeps_its_lines() {
    let mut backend = Fake::new(sample::empty());
    let text =
        "p.yaml:3:5: error: unknown key `vlan`\n  3 |     vlan: \u{1b}\n    |     ^^^^\nhelp: did you mean `vlans`?";
    backend.problems = vec![text.to_owned()];
    for line in ["check a.pcap", "config check p.yaml", "config check --config p.yaml"] {
        let (code, _, err) = segwatch(&backend, line);
        assert_eq!((code, err), (2, format!("segwatch: {}\n", text.replace('\u{1b}', "\\x1b"))), "{line}");
    }
}

#[test]
fn lints_fail_only_when_strict() {
    let mut backend = Fake::new(sample::empty());
    let (code, out, _) = segwatch(&backend, "config check --strict p.yaml");
    assert_eq!(code, 0);
    assert_eq!(out, "p.yaml: sound; zones: 2, conduits: 1, devices: 72, metric series: 412, lints: 0\n");
    backend.lints = vec!["p.yaml:3:5: no owner".to_owned()];
    assert_eq!(segwatch(&backend, "config check p.yaml").0, 0);
    let (code, _, err) = segwatch(&backend, "config check --strict p.yaml");
    assert_eq!((code, err.as_str()), (2, "segwatch: p.yaml:3:5: no owner\n"));
    assert_eq!(segwatch(&backend, "config show p.yaml").1, "site: herlev\n");
    assert_eq!(segwatch(&backend, "config schema").1, "{}\n");
}

#[test]
fn colour_and_progress_are_for_terminals() {
    let backend = Fake::new(sample::site(2, 1));
    let colored = |line: &str, is_terminal| segwatch_on(&backend, line, is_terminal).1.contains("\x1b[");
    assert!(colored("check a.pcap", true));
    assert!(!colored("check a.pcap", false));
    assert!(!colored("check --color never a.pcap", true));
    assert!(colored("--color always check a.pcap", false));
    assert!(!colored("check --format json --color always a.pcap", true));
    assert_eq!(segwatch_on(&backend, "check a.pcap", false).2, "");
    let (_, _, err) = segwatch_on(&backend, "check a.pcap", true);
    assert_eq!(err, "\r\x1b[Ksegwatch: 1.1 GB of 2.1 GB read (50 %), about 0 s left\r\x1b[K");
    assert_eq!(segwatch_on(&backend, "flows a.pcap", true).2, "", "flows go to the same terminal");
}

#[test]
fn only_violations_leaves_the_rest_out() {
    let backend = Fake::new(sample::site(2, 1));
    let rows = |line: &str| segwatch(&backend, line).1.lines().count();
    assert_eq!(rows("flows --format jsonl a.pcap"), 1000);
    assert_eq!(rows("flows --format jsonl --only violations a.pcap"), 500);
    assert_eq!(rows("flows --format csv a.pcap"), 1001);
}

#[test]
fn interfaces_are_listed_and_looked_at() {
    let mut backend = Fake::new(sample::empty());
    let (code, out, err) = segwatch(&backend, "interfaces");
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "interface  state       kind  mtu   packets/s\n\
         eth1       up          -     1500  200\n\
         x\\x9by     no carrier  -     1500  0\n"
    );
    let (code, out, err) = segwatch(&backend, "interfaces --seconds 10");
    assert_eq!((code, err.as_str()), (2, "segwatch: x\\x9by: Operation not permitted\n"));
    let mirror: Vec<&str> = out.lines().nth(1).unwrap().split_whitespace().collect();
    let cells = "eth1 up - 1500 20 200 0 50 % both 101 102 103 104 105 106 107 108 and 2 more";
    assert_eq!(mirror.join(" "), cells);
    let (code, out, _) = segwatch(&backend, "interfaces --seconds 10 --format json");
    let page: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &page["schema"]), (2, &"segwatch/interfaces/1".into()));
    assert_eq!(page["interfaces"][0]["sample"]["vlans"][0], serde_json::json!({ "vlan": 101, "packets": 10 }));
    assert_eq!(page["interfaces"][1]["error"], "Operation not permitted");
    for bad in ["0", "3601", "x"] {
        assert_eq!(segwatch(&backend, &format!("interfaces --seconds {bad}")).0, 2, "{bad}");
    }
    backend.problems = vec!["no".to_owned()];
    assert_eq!(segwatch(&backend, "interfaces").0, 2);
}

/// Fails from the first byte on.
struct Broken(io::ErrorKind);

impl io::Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

#[test]
fn a_reader_that_left_is_no_trouble_but_a_full_disk_is() {
    for (kind, codes) in [(io::ErrorKind::BrokenPipe, [1, 0]), (io::ErrorKind::StorageFull, [2, 2])] {
        let backend = Fake::new(sample::site(6, 3));
        for (line, code) in ["check a.pcap", "flows a.pcap"].into_iter().zip(codes) {
            let (mut out, mut err) = (Broken(kind), Vec::new());
            let mut terminal = Terminal {
                out: &mut out,
                err: &mut err,
                out_is_terminal: false,
                err_is_terminal: false,
                width: None,
                colorful: false,
            };
            let exit =
                run(["segwatch"].into_iter().chain(line.split(' ')).map(OsString::from), &backend, &mut terminal);
            assert_eq!(exit.code(), code, "{line}, {kind}");
            assert_eq!(err.is_empty(), kind == io::ErrorKind::BrokenPipe);
        }
        assert!(*backend.flows_taken.borrow() < 1000, "reading stops once nobody listens");
    }
}

const ASKED: &str = "--from 10.1.1.5 --to 203.0.113.9 --service tcp/443";

#[test]
fn a_flow_that_nobody_sent_is_explained() {
    let backend = Fake::new(sample::empty());
    let (code, out, err) = segwatch(&backend, &format!("explain {ASKED} --vlan 7"));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("violation: internet-egress, established, decided by default-deny (built in)\n  tcp 10.1.1.5:"),
        "{out}"
    );
    assert!(out.contains("as if 10.1.1.5 were seen in VLAN 7"), "{out}");
    let (code, out, _) = segwatch(&backend, &format!("explain {ASKED} --format json"));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["schema"].as_str(), &json["flows_total"]), (0, Some("segwatch/explain/1"), &1.into()));
    assert_eq!(json["flows"][0]["decided_by"]["rule"]["name"], "default-deny");
    let (code, out, err) = segwatch(&backend, "explain --format json --from a --to 10.0.0.1 --service icmp");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("`a` is no address"), "{err}");
}

#[test]
fn flows_of_a_capture_are_explained_within_a_limit() {
    let backend = Fake::new(sample::empty());
    let blocks = |line: &str| segwatch(&backend, line).1.matches("violation:").count();
    assert_eq!(blocks(&format!("explain {ASKED} a.pcap")), 10);
    assert_eq!(blocks(&format!("explain {ASKED} --limit 3 a.pcap")), 3);
    for (limit, flows) in [("", 20), ("--limit 3", 3)] {
        let out = segwatch(&backend, &format!("explain {ASKED} --format json {limit} a.pcap")).1;
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["flows"].as_array().map(Vec::len), Some(flows));
        assert_eq!(json["flows_total"], 20, "all are counted");
    }
    let colored = |line: &str, is_terminal| segwatch_on(&backend, line, is_terminal).1.contains("\x1b[");
    assert!(colored(&format!("explain {ASKED} a.pcap"), true));
    assert!(!colored(&format!("explain {ASKED} a.pcap"), false));
    assert!(!colored(&format!("explain {ASKED} --format json a.pcap"), true));
}

#[test]
fn a_report_is_written_in_four_formats_and_two_languages() {
    let backend = Fake { files: sample::damaged_files(), ..Fake::new(sample::site(6, 3)) };
    for (line, begins) in [
        ("report a.pcap", "<!doctype html>\n<html lang=\"en\">"),
        ("report --lang da a.pcap", "<!doctype html>\n<html lang=\"da\">"),
        ("report --format md a.pcap", "# Camera isolation report: herlev\n"),
        ("report --format md --lang da a.pcap", "# Rapport om kameraernes netværksisolation: herlev\n"),
        ("report --format csv a.pcap", "site,home,name,mac,"),
        ("report --format json a.pcap", "{\n  \"schema\": \"segwatch/report/1\","),
    ] {
        let (code, out, err) = segwatch(&backend, line);
        assert!(code == 2 && out.starts_with(begins) && err.contains("damaged: monday.pcap"), "{line}: {out} {err}");
    }
    let (code, _, err) = segwatch(&Fake::new(sample::site(6, 3)), "report a.pcap");
    assert_eq!((code, err.as_str()), (0, ""), "whatever it says");
    for line in ["report", "report --lang se a.pcap", "report --format pdf a.pcap"] {
        assert_eq!(segwatch(&backend, line).0, 2, "{line}");
    }
}

#[test]
fn completions_and_manual() {
    let backend = Fake::new(sample::empty());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, out, _) = segwatch(&backend, &format!("completions {shell}"));
        assert!(code == 0 && out.contains("fail-on") && out.contains("explain"), "{shell}");
    }
    let manual = segwatch(&backend, "man").1;
    assert!(manual.contains(".TH segwatch") && manual.contains("explain"));
}
