//! The verdict, and what it does not stand on.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::published::RecordsStatus;
use super::parts::{TABLE_END, badge, more, name, table};
use crate::base::html;
use crate::coverage::{Reason, Verdict};
use crate::engine::{CanaryStatus, DeviceStatus, Snapshot};
use crate::finding::Class;
use crate::flow::Reach;

/// Unverified devices that are named at once, and those that can be unfolded; the API has all.
const MAX_AT_ONCE: usize = 5;
const MAX_UNVERIFIED: usize = 200;
/// Sorts of findings that are told beside the verdict, those that got through first.
const MAX_SORTS: usize = 6;

/// The verdict in one word, with its reasons.
pub(super) fn verdict(page: &mut String, snapshot: &Snapshot) {
    let word = snapshot.verdict.name();
    let _ = writeln!(page, "<p class=\"verdict {word}\">{word}</p>");
    let meaning = match snapshot.verdict {
        Verdict::Isolated => "Every watched device is covered, and none tried to leave its segment.",
        Verdict::Contained => {
            "Every watched device is covered; some tried to leave their segment, and none got through."
        }
        Verdict::Violated => "A watched device got out of its segment, or somebody got in.",
        Verdict::Unverified => "Nobody knows: the mirror does not show enough.",
    };
    let _ = writeln!(page, "<p>{meaning}</p>");
    if !snapshot.reasons.is_empty() {
        page.push_str("<ul>\n");
        for reason in &snapshot.reasons {
            let _ = writeln!(page, "<li>{}</li>", told(reason));
        }
        page.push_str("</ul>\n");
    }
    through(page, snapshot);
    page.push_str("<p class=\"tally\">");
    for verdict in [Verdict::Violated, Verdict::Unverified, Verdict::Contained, Verdict::Isolated] {
        let count = snapshot.devices.iter().filter(|device| device.verdict == verdict).count();
        if count > 0 {
            let _ = write!(page, "<span>{count} {}</span> ", badge(verdict.name()));
        }
    }
    let policy = snapshot.policy.hash.get(..12).unwrap_or(&snapshot.policy.hash);
    let file = snapshot.policy.file.as_deref().unwrap_or("built in");
    let _ = writeln!(
        page,
        "<span class=\"dim\">{} devices, {} open findings. Policy {} <code>{policy}</code></span></p>",
        snapshot.devices.len(),
        snapshot.findings.len(),
        html(file)
    );
}

/// What a verdict rests on that is not `unverified`: findings of a sort, each sort in a line.
fn through(page: &mut String, snapshot: &Snapshot) {
    let mut sorts: BTreeMap<(bool, &str, &str), usize> = BTreeMap::new();
    for finding in snapshot.findings.iter().filter(|finding| matches!(finding.class, Class::Breach | Class::Reach)) {
        let is_through =
            finding.class == Class::Breach || matches!(finding.reach, Some(Reach::Forwarded | Reach::Established));
        *sorts.entry((!is_through, finding.kind.name(), &finding.peer_zone)).or_default() += 1;
    }
    if sorts.is_empty() {
        return;
    }
    page.push_str("<ul>\n");
    for ((is_tried, kind, peer), count) in sorts.iter().take(MAX_SORTS) {
        let how = if *is_tried { "attempted" } else { "<strong>through</strong>" };
        let _ = writeln!(page, "<li><a href=\"#findings\">{count} {kind}</a> to {}: {how}</li>", html(peer));
    }
    if let Some(others) = sorts.len().checked_sub(MAX_SORTS).filter(|others| *others > 0) {
        let _ = writeln!(page, "<li>and {others} other sorts of <a href=\"#findings\">findings</a></li>");
    }
    page.push_str("</ul>\n");
}

/// What takes no records; nothing while all do.
pub(super) fn records(page: &mut String, records: &RecordsStatus) {
    for (sink, why) in &records.failing {
        let (class, means) = match *sink {
            "journal" => ("critical", "a restart would forget what is shown now"),
            _ => ("warning", "records wait for it, and are lost if it takes long"),
        };
        let _ = writeln!(
            page,
            "<p><span class=\"badge {class}\">not recorded</span> <strong>{sink}</strong>: {}; {means}</p>",
            html(why)
        );
    }
}

/// What is not verified: alarms of the mirror, with what they saw and the likely mistake, canaries, and devices.
pub(super) fn not_verified(page: &mut String, snapshot: &Snapshot) {
    page.push_str("<section aria-labelledby=\"unknown\">\n<h2 id=\"unknown\">Not verified</h2>\n");
    let devices: Vec<&DeviceStatus> =
        snapshot.devices.iter().filter(|device| device.verdict == Verdict::Unverified).collect();
    let silent = snapshot.zones.iter().flat_map(|zone| {
        zone.canaries.iter().filter(|canary| canary.silent).map(|canary| (zone.name.as_str(), canary))
    });
    let silent: Vec<(&str, &CanaryStatus)> = silent.collect();
    if snapshot.health.is_empty() && silent.is_empty() && devices.is_empty() {
        page.push_str("<p>Nothing: the mirror shows every watched device.</p>\n");
    }
    for alarm in &snapshot.health {
        let (class, word) = if alarm.blinds { ("critical", "blind") } else { ("warning", "degraded") };
        let _ = writeln!(
            page,
            "<p><span class=\"badge {class}\">{word}</span> <strong>{} {}</strong>: {}</p>",
            html(&alarm.interface),
            html(alarm.alarm),
            html(&alarm.detail)
        );
    }
    for (zone, canary) in silent {
        let _ = writeln!(
            page,
            "<p><span class=\"badge unverified\">canary missing</span> <strong>{}</strong> in {}: must be seen every {} s, \
             {}. What the zone's devices do is not known.</p>",
            html(&canary.name),
            html(zone),
            canary.interval_seconds,
            seen(canary)
        );
    }
    listed(page, &devices);
    page.push_str("</section>\n");
}

/// When a canary was seen.
pub(super) fn seen(canary: &CanaryStatus) -> String {
    canary.last_seen.map_or("never seen".to_owned(), |last| format!("last seen {}", super::parts::moment(last)))
}

/// The first ones at once, the others folded: what else there is to know must not be pushed out of sight.
fn listed(page: &mut String, devices: &[&DeviceStatus]) {
    let (first, rest) = devices.split_at(devices.len().min(MAX_AT_ONCE));
    rows(page, "Devices that are not verified", first);
    if !rest.is_empty() {
        let _ = writeln!(page, "<details id=\"unknown-more\"><summary>{} more devices</summary>", rest.len());
        rows(page, "More devices that are not verified", rest.get(..MAX_UNVERIFIED).unwrap_or(rest));
        more(page, rest.len(), MAX_UNVERIFIED, "/api/v1/devices");
        page.push_str("</details>\n");
    }
}

fn rows(page: &mut String, label: &str, devices: &[&DeviceStatus]) {
    if devices.is_empty() {
        return;
    }
    table(page, label, "devices", &["device", "zone", "why"]);
    for device in devices {
        let why: Vec<String> = device.reasons.iter().map(told).collect();
        let zone = html(device.zone.as_deref().unwrap_or("none"));
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{zone}</td><td>{}</td></tr>",
            name(device),
            why.join("<br>")
        );
    }
    page.push_str(TABLE_END);
}

fn told(reason: &Reason) -> String {
    format!("<strong>{}</strong>: {}", reason.code.name(), html(&reason.detail))
}
