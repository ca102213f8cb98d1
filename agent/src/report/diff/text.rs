//! A change of policy for a person: what becomes of the traffic, then what else it opens and closes.

use std::collections::BTreeMap;

use super::changes::{self, DeviceSide, FindingClass};
use super::{Compared, FlowChange, FlowClass, Replays};
use crate::coverage::Verdict;
use crate::engine::{FlowRow, FlowVerdict, PolicyRef};
use crate::policy::diff::Change;
use crate::report::CaptureFiles;
use crate::report::headline::more;
use crate::report::page::{Page, clip, columns};
use crate::report::style::{Paint, Style};
use crate::report::words::{bytes, count, counted, label, ref_label, rule, socket, some_of, word};

/// Entries of a list that are shown.
const SHOWN: usize = 25;
/// Columns of a name in front of its changes.
const WIDEST: usize = 24;

/// The answer as text.
pub fn diff_text(compared: &Compared, files: &CaptureFiles, style: &Style) -> String {
    let mut page = Page::new(style);
    headline(&mut page, compared, files);
    if let Some(replays) = &compared.replays {
        flows(&mut page, replays, FlowClass::NewlyViolating, "Newly violating flows", Paint::Bad);
        flows(&mut page, replays, FlowClass::Worse, "Violating flows that got farther", Paint::Bad);
        flows(&mut page, replays, FlowClass::NewlyAllowed, "Newly allowed flows", Paint::Doubt);
        flows(&mut page, replays, FlowClass::Changed, "Flows judged otherwise", Paint::Plain);
        findings(&mut page, compared, replays);
        devices(&mut page, compared, replays);
    }
    policy(&mut page, compared);
    page.finish()
}

fn headline(page: &mut Page<'_>, compared: &Compared, files: &CaptureFiles) {
    let diff = &compared.policy;
    let anew = compared.violates_newly();
    let (word, paint) = match (anew, diff.opens.len()) {
        (true, _) => ("NEW VIOLATIONS", Paint::Bad),
        (false, 0) => ("NOTHING OPENED", Paint::Good),
        (false, _) => ("NO NEW VIOLATIONS", Paint::Minor),
    };
    page.put(paint, word).space(2);
    let policy = format!("the new policy opens {} and closes {}", things(diff.opens.len()), things(diff.closes.len()));
    page.wrap(word.len() + 2, word.len() + 2, Paint::Strong, &policy);
    page.end();
    fact(page, "old", &reference(&compared.old));
    fact(page, "new", &reference(&compared.new));
    let Some(replays) = &compared.replays else {
        return fact(page, "capture", "none: the policies alone are compared");
    };
    let traffic = &replays.new.traffic;
    let read = format!(" ({}, {})", counted(traffic.packets, "packet"), bytes(traffic.bytes));
    fact(page, "capture", &format!("{}{read}", some_of(files.files.iter().cloned())));
    let changes = &replays.flows;
    let counts = [
        (changes.newly_violating, "newly violating"),
        (changes.worse, "got farther"),
        (changes.newly_allowed, "newly allowed"),
        (changes.changed, "judged otherwise"),
        (changes.unchanged, "unchanged"),
        (changes.unmatched, "not matched"),
    ];
    let always = ["newly violating", "newly allowed", "unchanged"];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(n, name)| *n > 0 || always.contains(name))
        .map(|(n, name)| format!("{} {name}", count(*n)))
        .collect();
    fact(page, "flows", &parts.join(", "));
    fact(page, "verdict", &from_to(Some(replays.old.verdict), Some(replays.new.verdict)));
    for zone in changes::zones(replays, &diff.renamed_zones) {
        fact(page, "zone", &format!("{}: {}", zone.name, from_to(zone.old, zone.new)));
    }
    if !files.damage.is_empty() {
        let damaged = some_of(files.damage.iter().map(|damage| damage.file.clone()));
        page.space(2).put(Paint::Bad, "damage").space(4);
        page.wrap(12, 12, Paint::Bad, &format!("{damaged}: only what could be read is compared"));
    }
}

fn fact(page: &mut Page<'_>, name: &str, text: &str) {
    page.space(2).put(Paint::Faint, name).space(10usize.saturating_sub(name.len()));
    page.wrap(12, 12, Paint::Plain, text);
}

fn things(n: usize) -> String {
    match n {
        0 => "nothing".to_owned(),
        n => counted(n as u64, "thing"),
    }
}

fn reference(policy: &PolicyRef) -> String {
    let hash = policy.hash.get(..12).unwrap_or(&policy.hash);
    format!("{} (sha256 {hash}…)", policy.file.as_deref().unwrap_or("built in"))
}

/// `isolated → violated`; `violated in both`.
fn from_to(old: Option<Verdict>, new: Option<Verdict>) -> String {
    let name = |verdict: Option<Verdict>| verdict.map_or("none", Verdict::name);
    if old == new { format!("{} in both", name(new)) } else { format!("{} → {}", name(old), name(new)) }
}

/// Flows of a class, those that differ in the initiator's port alone in one line.
fn flows(page: &mut Page<'_>, replays: &Replays, class: FlowClass, title: &str, paint: Paint) {
    let mut groups: BTreeMap<(usize, String, String), u64> = BTreeMap::new();
    let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
    for flow in replays.flows.listed.iter().filter(|flow| flow.class == class) {
        let Some(row) = flow.row() else { continue };
        let (ends, what) = (ends(row), becomes(flow));
        let next = places.len();
        let at = *places.entry((ends.clone(), what.clone())).or_insert(next);
        *groups.entry((at, ends, what)).or_insert(0) += flow.flows;
    }
    if groups.is_empty() {
        return;
    }
    page.heading(title, "");
    for ((_, ends, what), n) in groups.iter().take(SHOWN) {
        let times = if *n == 1 { String::new() } else { format!("  ({} flows)", count(*n)) };
        page.space(2).put(paint, ends).put(Paint::Faint, &times).end();
        page.space(4).wrap(4, 6, Paint::Plain, what);
    }
    more(page, groups.len().saturating_sub(SHOWN), "; `--format json` lists them");
}

fn ends(row: &FlowRow) -> String {
    let (from, to) = (&row.initiator, &row.responder);
    format!("{} {} → {}", row.proto, from.ip, socket(to.ip, to.port))
}

/// `was allowed by recorder pulls video (old.yaml:31), is internet-egress, established, by default-deny (built in)`.
fn becomes(flow: &FlowChange) -> String {
    let said = |row: &Option<FlowRow>| match row {
        None => "not there".to_owned(),
        Some(row) => {
            let rule = rule(&row.rule);
            match row.verdict {
                FlowVerdict::Violation => {
                    let kind = row.kind.map_or("violation", |kind| kind.name());
                    format!("{kind}, {}, by {rule}", row.reach.name())
                }
                FlowVerdict::Allowed => format!("allowed by {rule}"),
                FlowVerdict::Unwatched => "not watched".to_owned(),
            }
        }
    };
    format!("was {}; is {}", said(&flow.old), said(&flow.new))
}

fn findings(page: &mut Page<'_>, compared: &Compared, replays: &Replays) {
    let changes = changes::findings(replays, &compared.policy.renamed_zones);
    if changes.is_empty() {
        return;
    }
    page.heading("Findings", "");
    for change in changes.iter().take(SHOWN) {
        let Some(finding) = change.new.as_ref().or(change.old.as_ref()) else { continue };
        let name = word(&change.class);
        let paint = match change.class {
            FindingClass::New => Paint::of_severity(finding.severity),
            FindingClass::Changed | FindingClass::Gone => Paint::Plain,
        };
        let was = match (&change.old, &change.new) {
            (Some(old), Some(new)) if (old.severity, old.reach) != (new.severity, new.reach) => {
                let reach = old.reach.map_or(String::new(), |reach| format!(", {}", reach.name()));
                format!(" (was {}{reach})", old.severity)
            }
            _ => String::new(),
        };
        let text = format!(
            "{}, {}, {}: {}{was}",
            finding.severity,
            finding.kind.name(),
            ref_label(&finding.device),
            finding.summary
        );
        page.space(2).put(paint, &name).space(9usize.saturating_sub(name.len()));
        page.wrap(11, 11, Paint::Plain, &text);
    }
    more(page, changes.len().saturating_sub(SHOWN), "; `--format json` lists them");
}

fn devices(page: &mut Page<'_>, compared: &Compared, replays: &Replays) {
    let changes = changes::devices(replays, &compared.policy.renamed_zones);
    if changes.is_empty() {
        return;
    }
    page.heading("Devices", "");
    let said = |side: &Option<DeviceSide>| match side {
        None => "not watched".to_owned(),
        Some(side) => {
            let codes: Vec<String> = side.reasons.iter().map(|reason| word(&reason.code)).collect();
            let codes = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
            format!("{}{codes}, home {}", side.verdict.name(), side.zone.as_deref().unwrap_or("none"))
        }
    };
    let named: Vec<(String, String)> = changes
        .iter()
        .map(|change| {
            let who = label(change.name.as_deref(), change.mac, change.ips.first().copied());
            (who, format!("{} → {}", said(&change.old), said(&change.new)))
        })
        .collect();
    let widest = named.iter().take(SHOWN).map(|(who, _)| columns(who)).max().unwrap_or(0).min(WIDEST);
    for (who, text) in named.iter().take(SHOWN) {
        let who = clip(who, widest.max(1));
        page.space(2).put(Paint::Strong, &who).space((widest + 2).saturating_sub(columns(&who)));
        page.wrap(widest + 4, widest + 4, Paint::Plain, text);
    }
    more(page, named.len().saturating_sub(SHOWN), "; `--format json` lists them");
}

fn policy(page: &mut Page<'_>, compared: &Compared) {
    let diff = &compared.policy;
    let remark = "whether traffic was seen or not";
    changed(page, "Opened by the new policy", remark, Paint::Doubt, &diff.opens);
    changed(page, "Closed by the new policy", remark, Paint::Good, &diff.closes);
    changed(page, "Neither", "changes no judgement", Paint::Plain, &diff.neither);
    if diff.opens.is_empty() && diff.closes.is_empty() {
        page.end();
        page.put(Paint::Plain, "Both policies judge the same way.").end();
    }
}

/// Changes, those of one subject below its name.
fn changed(page: &mut Page<'_>, title: &str, remark: &str, paint: Paint, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    page.heading(title, remark);
    let mut last = None;
    for change in changes.iter().take(SHOWN) {
        let head = (change.what, &change.subject, &change.place);
        if last != Some(head) {
            last = Some(head);
            let place = change.place.as_ref().map_or(String::new(), |place| format!("  {}:{}", place.file, place.line));
            page.space(2).put(Paint::Faint, &format!("{:<9}", word(&change.what))).space(1);
            page.put(Paint::Strong, &clip(&change.subject, 48)).put(Paint::Faint, &place).end();
        }
        page.space(4).wrap(4, 6, paint, &change.text);
    }
    more(page, changes.len().saturating_sub(SHOWN), "; `--format json` lists them");
}
