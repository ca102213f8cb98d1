//! The answer in one line, what it stands on, and why it is not better.

use super::CaptureFiles;
use super::page::{Page, columns};
use super::style::Paint;
use super::words::{bytes, count, counted, lasting, some_of, span, word};
use crate::coverage::Verdict;
use crate::engine::Snapshot;

pub(super) fn write(page: &mut Page<'_>, snapshot: &Snapshot, files: &CaptureFiles) {
    let verdict = snapshot.verdict;
    let name = verdict.name().to_uppercase();
    page.put(Paint::Badge(verdict), &name).space(2);
    let column = name.len() + 2 + if page.style.color { 2 } else { 0 };
    page.wrap(column, column, Paint::Strong, &sentence(snapshot));
    page.end();

    let read = match snapshot.traffic.packets {
        0 => String::new(),
        n => format!(" ({} packets, {})", count(n), bytes(snapshot.traffic.bytes)),
    };
    fact(page, "capture", &format!("{}{read}", some_of(files.files.iter().cloned())));
    match &snapshot.window {
        Some(window) => fact(page, "time", &format!("{} ({})", span(window.first, window.last), lasting(window))),
        None => fact(page, "time", "no packet"),
    }
    let hash = snapshot.policy.hash.get(..12).unwrap_or(&snapshot.policy.hash);
    match &snapshot.policy.file {
        Some(file) => fact(page, "policy", &format!("{file} (sha256 {hash}…)")),
        None => fact(
            page,
            "policy",
            "built in: each camera's home is the VLAN and prefix it shows, nothing else is allowed",
        ),
    }
    fact(page, "devices", &devices(snapshot));
    fact(page, "findings", &findings(snapshot));
    if !files.damage.is_empty() {
        let damaged = some_of(files.damage.iter().map(|d| d.file.clone()));
        page.space(2).put(Paint::Bad, "damage").space(4);
        page.wrap(12, 12, Paint::Bad, &format!("{damaged}: the verdict speaks of what could be read only"));
    }
    why(page, snapshot);
}

fn fact(page: &mut Page<'_>, name: &str, text: &str) {
    page.space(2).put(Paint::Faint, name).space(10usize.saturating_sub(name.len()));
    page.wrap(12, 12, Paint::Plain, text);
}

fn sentence(snapshot: &Snapshot) -> String {
    let all = snapshot.devices.len() as u64;
    let of = |verdict| snapshot.devices.iter().filter(|d| d.verdict == verdict).count() as u64;
    let share = |n: u64| format!("{} of {}", count(n), counted(all, "watched device"));
    match (snapshot.verdict, of(snapshot.verdict)) {
        (Verdict::Violated, 0) => "something crossed the border of a camera zone".to_owned(),
        (Verdict::Violated, n) => format!("{} crossed the border of their zone, or were reached across it", share(n)),
        (Verdict::Unverified, _) if all == 0 => "no watched device was seen, so nothing could be judged".to_owned(),
        (Verdict::Unverified, 0) => format!("{} seen, but not well enough to tell", counted(all, "watched device")),
        (Verdict::Unverified, n) => format!("{} not seen well enough to tell", share(n)),
        (Verdict::Contained, n) => {
            format!("{} tried to cross the border of their zone, or were tried; every attempt was stopped", share(n))
        }
        (Verdict::Isolated, _) if all == 1 => "the one watched device was seen both ways and stayed at home".to_owned(),
        (Verdict::Isolated, _) => {
            format!("all {} were seen both ways and stayed at home", counted(all, "watched device"))
        }
    }
}

/// `72: 1 violated, 3 unverified, 68 isolated`.
fn devices(snapshot: &Snapshot) -> String {
    let verdicts = [Verdict::Violated, Verdict::Unverified, Verdict::Contained, Verdict::Isolated];
    let parts = verdicts.map(|v| (snapshot.devices.iter().filter(|d| d.verdict == v).count(), v.name()));
    tally(snapshot.devices.len(), &parts)
}

/// `3: 2 critical, 1 warning`.
fn findings(snapshot: &Snapshot) -> String {
    tally(snapshot.findings.len(), &severities(snapshot.findings.iter().map(|f| f.severity)))
}

/// How many there are of each severity, the worst first.
pub(super) fn severities(of: impl Iterator<Item = &'static str> + Clone) -> [(usize, &'static str); 3] {
    ["critical", "warning", "info"].map(|s| (of.clone().filter(|have| *have == s).count(), s))
}

/// `72: 1 violated, 71 isolated`; `none`.
pub(super) fn tally(all: usize, parts: &[(usize, &str)]) -> String {
    if all == 0 {
        return "none".to_owned();
    }
    format!("{}: {}", count(all as u64), listed(parts))
}

/// `1 violated, 71 isolated`.
pub(super) fn listed(parts: &[(usize, &str)]) -> String {
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{} {name}", count(*n as u64))).collect();
    parts.join(", ")
}

/// Reasons, deduplicated by the engine, a line each.
fn why(page: &mut Page<'_>, snapshot: &Snapshot) {
    const SHOWN: usize = 8;
    if snapshot.reasons.is_empty() {
        return;
    }
    let title =
        if snapshot.verdict == Verdict::Unverified { "Why it is unverified" } else { "What is unverified besides" };
    page.heading(title, "");
    let shown = snapshot.reasons.get(..SHOWN).unwrap_or(&snapshot.reasons);
    let widest = shown.iter().map(|r| columns(&word(&r.code))).max().unwrap_or(0);
    for reason in shown {
        let code = word(&reason.code);
        let indent = 2 + widest + 2;
        page.space(2).put(Paint::Doubt, &code).space(indent - 2 - columns(&code));
        page.wrap(indent, indent, Paint::Plain, &reason.detail);
    }
    more(page, snapshot.reasons.len() - shown.len(), "");
}

/// `… and 7 more`, with a remark; nothing for 0.
pub(super) fn more(page: &mut Page<'_>, rest: usize, remark: &str) {
    if rest > 0 {
        page.space(2).wrap(2, 4, Paint::Faint, &format!("… and {} more{remark}", count(rest as u64)));
    }
}
