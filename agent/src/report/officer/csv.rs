//! One record for each camera, for a spreadsheet.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::SiteReport;
use super::camera::Camera;
use crate::base::{Timestamp, escape};
use crate::report::flows::guarded;

const COLUMNS: [&str; 29] = [
    "site",
    "home",
    "name",
    "mac",
    "ips",
    "vlans",
    "vendor",
    "model",
    "serial",
    "firmware",
    "known_from",
    "conflicts",
    "use",
    "verdict",
    "reasons",
    "coverage_percent",
    "coverage_of",
    "frames_from",
    "frames_to",
    "first_seen",
    "last_seen",
    "gaps",
    "findings",
    "posture",
    "cves",
    "fix",
    "disposition",
    "missing",
    "policy_hash",
];

/// The cameras as RFC 4180 with a header; cells that a spreadsheet would compute start with an apostrophe. The words are
/// those of the JSON, whatever the language.
///
/// # Errors
/// None that its contents can cause.
pub fn report_csv(report: &SiteReport<'_>) -> Result<String, String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS).map_err(|error| error.to_string())?;
    for camera in &report.cameras {
        let cells = record(report, camera).map(|cell| guarded(&escape(&cell)).into_owned());
        out.write_record(cells).map_err(|error| error.to_string())?;
    }
    let bytes = out.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

fn record(report: &SiteReport<'_>, camera: &Camera<'_>) -> [String; 29] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let seen = &camera.coverage;
    let sources: BTreeSet<String> = camera.hints.iter().map(|hint| format!("{}:{}", hint.source, hint.says)).collect();
    let kinds: BTreeSet<&str> =
        report.findings_of(&camera.findings).iter().map(|finding| finding.kind.name()).collect();
    [
        report.site.to_owned(),
        text(camera.home),
        text(camera.name),
        camera.mac.map(|mac| mac.to_string()).unwrap_or_default(),
        joined(camera.ips.iter().map(IpAddr::to_string)),
        joined(camera.vlans.iter().map(u16::to_string)),
        text(camera.vendor),
        text(camera.model),
        text(camera.serial),
        text(camera.firmware),
        joined(sources),
        camera.conflicts.join(" "),
        text(camera.use_),
        camera.verdict.name().to_owned(),
        joined(camera.reasons.iter().map(|reason| reason.code.name().to_owned())),
        seen.percent.map(|percent| format!("{percent:.1}")).unwrap_or_default(),
        if seen.hours.is_some() { "hours" } else { "capture" }.to_owned(),
        seen.sent.to_string(),
        seen.received.to_string(),
        time(seen.first_seen),
        time(seen.last_seen),
        joined(seen.gaps.iter().map(|gap| format!("{}/{}", gap.from, gap.to))),
        joined(kinds.into_iter().map(str::to_owned)),
        camera.posture.state.name().to_owned(),
        camera.posture.cves.join(" "),
        camera.posture.fix.map(|fix| fix.to_string()).unwrap_or_default(),
        camera.disposition.name().to_owned(),
        joined(camera.missing.iter().map(|missing| missing.name().to_owned())),
        report.policy.hash.clone(),
    ]
}

fn joined(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(" ")
}
