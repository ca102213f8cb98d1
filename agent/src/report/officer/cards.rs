//! All about one camera.

use std::collections::BTreeMap;

use super::Language;
use super::camera::Camera;
use super::document::{Fact, Part, fact};
use super::site::SiteReport;
use crate::engine::Hint;

/// Hints that identify; what else a device says is in the JSON.
const IDENTIFYING: [&str; 7] = ["vendor", "maker", "model", "firmware", "serial", "name", "kind"];
/// Values of a camera that are listed with their sources; the rest are counted.
const VALUES_SHOWN: usize = 10;

pub(super) fn card(camera: &Camera<'_>, report: &SiteReport<'_>, w: Language) -> Part {
    let facts = vec![
        fact(w.disposition(), vec![decision(camera, report, w)]),
        fact(w.identity(), identity(camera, w)),
        fact(w.network(), network(camera, w)),
        fact(w.use_(), vec![camera.use_.unwrap_or(w.not_listed()).to_owned()]),
        verdict(camera, w),
        fact(w.coverage(), w.of_coverage(&camera.coverage)),
        fact(w.firmware(), w.of_firmware(camera)),
        findings(camera, report, w),
    ];
    Part::Card { title: camera.label(), badge: w.of_disposition(camera.disposition), facts }
}

/// The disposition with what decided, or with what is missing.
pub(super) fn decision(camera: &Camera<'_>, report: &SiteReport<'_>, w: Language) -> String {
    let word = w.of_disposition(camera.disposition).word;
    format!("{word}: {}", why(camera, report, w).join("; "))
}

/// What decided, or what is missing.
pub(super) fn why(camera: &Camera<'_>, report: &SiteReport<'_>, w: Language) -> Vec<String> {
    let rule = camera.rule.and_then(|rule| report.rules.get(rule.checked_sub(1)?));
    let mut lines: Vec<String> = rule.map(|rule| w.because(rule, camera)).into_iter().collect();
    if camera.coverage.first_seen.is_some()
        && let Some(gap) = camera.coverage.gaps.first()
    {
        // Of weeks, how much of them says more than the first of many gaps.
        let share = camera.has_hours().then(|| w.of_coverage(&camera.coverage).into_iter().next()).flatten();
        lines.push(share.unwrap_or_else(|| w.gap(gap)));
    }
    lines.extend(camera.missing.iter().map(|missing| w.of_missing(*missing, camera)));
    if rule.is_none() && camera.missing.is_empty() {
        lines.push(w.of("no rule lets a camera remain", "ingen regel lader et kamera blive").to_owned());
    }
    lines
}

/// Each value with the sources that say it, and how far they can be relied on; what differs stands side by side.
fn identity(camera: &Camera<'_>, w: Language) -> Vec<String> {
    let mut values: BTreeMap<(usize, &str), Vec<&Hint>> = BTreeMap::new();
    for hint in camera.hints.iter().filter(|hint| camera.name != Some(hint.value.as_str())) {
        if let Some(order) = IDENTIFYING.iter().position(|says| *says == hint.says) {
            values.entry((order, hint.value.as_str())).or_default().push(hint);
        }
    }
    let more = values.len().saturating_sub(VALUES_SHOWN);
    let line = |((order, value), hints): ((usize, &str), Vec<&Hint>)| {
        let says = IDENTIFYING.get(order).map_or("", |says| w.of_says(says));
        let mut sources: Vec<String> = hints
            .iter()
            .map(|hint| format!("{} ({})", w.of_source(hint.source), w.of_confidence(hint.confidence)))
            .collect();
        sources.dedup();
        format!("{says} {value}: {}", sources.join(", "))
    };
    let mut lines: Vec<String> = values.into_iter().take(VALUES_SHOWN).map(line).collect();
    lines.extend((more > 0).then(|| w.of(format!("and {more} more"), format!("og {more} mere"))));
    if lines.is_empty() {
        lines.push(w.unknown().to_owned());
    }
    lines
}

fn network(camera: &Camera<'_>, w: Language) -> Vec<String> {
    let vlans: Vec<String> = camera.vlans.iter().map(u16::to_string).collect();
    let vlans = if vlans.is_empty() {
        w.of("no VLAN seen", "intet VLAN set").to_owned()
    } else {
        format!("VLAN {}", vlans.join(", "))
    };
    let home = format!("{}: {}", w.home(), camera.home.unwrap_or(w.no_home()));
    let mac = camera.mac.map(|mac| format!("MAC {mac}"));
    let ips = camera.ips.iter().map(|ip| format!("IP {ip}"));
    let addresses: Vec<String> = mac.into_iter().chain(ips).collect();
    vec![addresses.join(", "), format!("{home}; {vlans}")]
}

fn verdict(camera: &Camera<'_>, w: Language) -> Fact {
    let mut lines = vec![w.verdict_at_length(camera.verdict)];
    lines.extend(camera.reasons.iter().map(|reason| w.reason(reason)));
    fact(w.verdict(), lines)
}

fn findings(camera: &Camera<'_>, report: &SiteReport<'_>, w: Language) -> Fact {
    let findings = report.findings_of(&camera.findings);
    let lines: Vec<String> = findings.iter().map(|finding| w.finding(finding)).collect();
    fact(w.findings(), if lines.is_empty() { vec![w.no_findings().to_owned()] } else { lines })
}
