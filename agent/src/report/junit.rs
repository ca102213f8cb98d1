//! JUnit XML of `check`, as pipelines read it: one test case for the capture, the site, each zone and each device.

use std::fmt::{self, Write};

use super::CaptureFiles;
use super::words::{device_label, muted, ref_label};
use crate::base::html;
use crate::coverage::{Reason, Verdict};
use crate::engine::{DeviceStatus, FindingStatus, Snapshot};
use crate::finding::Class;

/// The least that fails a check.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum FailOn {
    /// A notice, and all of the below.
    Notice,
    /// An attempt that was stopped, and a violation.
    #[default]
    Contained,
    /// A violation alone.
    Violated,
}

/// What came of a test case.
enum Outcome {
    Passed,
    Failed(Vec<String>),
    /// It cannot be told: unverified, or a damaged capture.
    Errored(Vec<String>),
    Skipped(&'static str),
}

struct Case {
    class: &'static str,
    name: String,
    outcome: Outcome,
}

/// The document, with a final newline.
pub fn junit(snapshot: &Snapshot, files: &CaptureFiles, fail_on: FailOn) -> String {
    let parts = [captures(files), site(snapshot, fail_on), zones(snapshot, fail_on), devices(snapshot, fail_on)];
    let cases: Vec<Case> = parts.into_iter().flatten().collect();
    let mut xml = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut xml, &cases);
    xml
}

fn captures(files: &CaptureFiles) -> Vec<Case> {
    let mut names: Vec<&String> = files.files.iter().collect();
    // No damage may be lost for being named otherwise.
    names.extend(files.damage.iter().map(|d| &d.file).filter(|f| !files.files.contains(f)));
    names.dedup();
    let case = |name: &String| {
        let damage: Vec<String> = files.damage.iter().filter(|d| d.file == *name).map(ToString::to_string).collect();
        let outcome = if damage.is_empty() { Outcome::Passed } else { Outcome::Errored(damage) };
        Case { class: "capture", name: name.clone(), outcome }
    };
    names.into_iter().map(case).collect()
}

fn site(snapshot: &Snapshot, fail_on: FailOn) -> Vec<Case> {
    let outcome = judge(snapshot.verdict, &snapshot.reasons, snapshot.findings.iter(), fail_on);
    vec![Case { class: "site", name: "site".to_owned(), outcome }]
}

fn zones(snapshot: &Snapshot, fail_on: FailOn) -> Vec<Case> {
    let case = |zone: &crate::engine::ZoneStatus| {
        let outcome = match zone.verdict {
            Some(verdict) => {
                judge(verdict, &zone.reasons, snapshot.findings.iter().filter(|f| f.zone == zone.name), fail_on)
            }
            None => Outcome::Skipped("a zone without cameras has no verdict"),
        };
        Case { class: "zone", name: zone.name.clone(), outcome }
    };
    snapshot.zones.iter().map(case).collect()
}

fn devices(snapshot: &Snapshot, fail_on: FailOn) -> Vec<Case> {
    let case = |device: &DeviceStatus| {
        let own = snapshot.findings.iter().filter(|f| f.is_about(device));
        Case {
            class: "device",
            name: device_label(device),
            outcome: judge(device.verdict, &device.reasons, own, fail_on),
        }
    };
    let skipped = |name: &String| Case {
        class: "device",
        name: name.clone(),
        outcome: Outcome::Skipped("not judged: only others were asked for"),
    };
    snapshot.devices.iter().map(case).chain(snapshot.not_judged.iter().map(skipped)).collect()
}

fn judge<'a>(
    verdict: Verdict,
    reasons: &[Reason],
    findings: impl Iterator<Item = &'a FindingStatus>,
    fail_on: FailOn,
) -> Outcome {
    let findings: Vec<&FindingStatus> = findings.collect();
    let noticed = findings.iter().any(|f| f.class == Class::Notice);
    let said = || match findings.as_slice() {
        [] => vec![verdict.name().to_owned()],
        some => some.iter().map(|f| line(f)).collect(),
    };
    match verdict {
        Verdict::Violated => Outcome::Failed(said()),
        Verdict::Unverified if reasons.is_empty() => Outcome::Errored(vec!["unverified".to_owned()]),
        Verdict::Unverified => Outcome::Errored(reasons.iter().map(|r| r.detail.clone()).collect()),
        Verdict::Contained if fail_on <= FailOn::Contained => Outcome::Failed(said()),
        _ if noticed && fail_on == FailOn::Notice => Outcome::Failed(said()),
        _ => Outcome::Passed,
    }
}

fn line(finding: &FindingStatus) -> String {
    let reach = finding.reach.map(|r| format!(" {}", r.name())).unwrap_or_default();
    let muted = finding.exception.as_ref().map(|exception| format!(" {}", muted(exception))).unwrap_or_default();
    let (severity, kind, device) = (finding.severity, finding.kind.name(), ref_label(&finding.device));
    format!("{severity} {kind}{reach}: {device}: {}{muted}", finding.summary)
}

fn write(xml: &mut String, cases: &[Case]) -> fmt::Result {
    let count = |of: fn(&Outcome) -> bool| cases.iter().filter(|c| of(&c.outcome)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        cases.len(),
        count(|o| matches!(o, Outcome::Failed(_))),
        count(|o| matches!(o, Outcome::Errored(_))),
        count(|o| matches!(o, Outcome::Skipped(_))),
    );
    writeln!(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(xml, "<testsuites name=\"segwatch\" {counts}>")?;
    writeln!(xml, "  <testsuite name=\"segwatch check\" {counts}>")?;
    for case in cases {
        write!(xml, "    <testcase classname=\"segwatch.{}\" name=\"{}\"", case.class, html(&case.name))?;
        match &case.outcome {
            Outcome::Passed => writeln!(xml, "/>")?,
            Outcome::Skipped(why) => writeln!(xml, "><skipped message=\"{}\"/></testcase>", html(why))?,
            Outcome::Failed(said) => problem(xml, "failure", said)?,
            Outcome::Errored(said) => problem(xml, "error", said)?,
        }
    }
    writeln!(xml, "  </testsuite>")?;
    writeln!(xml, "</testsuites>")
}

/// The first line as the message, all of them as the text.
fn problem(xml: &mut String, element: &str, said: &[String]) -> fmt::Result {
    let first = said.first().map(String::as_str).unwrap_or_default();
    let all: Vec<String> = said.iter().map(|line| html(line)).collect();
    writeln!(xml, ">")?;
    writeln!(xml, "      <{element} message=\"{}\">{}</{element}>", html(first), all.join("\n"))?;
    writeln!(xml, "    </testcase>")
}
