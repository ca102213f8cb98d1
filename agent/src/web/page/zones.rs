//! Zones, and who opens to whom between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::super::published::ConduitStatus;
use super::parts::{TABLE_END, badge, percent, table};
use super::unknown::seen;
use crate::base::html;
use crate::engine::{CanaryStatus, FindingStatus, Snapshot, ZoneStatus};
use crate::finding::Class;
use crate::flow::Reach;

/// Flows of one pair of zones.
#[derive(Default)]
struct Cell<'s> {
    conduits: Vec<(&'s str, u64)>,
    tried: u64,
    through: u64,
}

/// Each zone with its verdict, then the matrix.
pub(super) fn zones(page: &mut String, snapshot: &Snapshot, conduits: &[ConduitStatus]) {
    page.push_str("<section aria-labelledby=\"zones\">\n<h2 id=\"zones\">Zones</h2>\n");
    table(page, "Zones and their verdicts", "", &["zone", "verdict", "devices", "findings", "why"]);
    for zone in &snapshot.zones {
        let verdict = zone.verdict.map_or("<span class=\"dim\">not judged</span>".to_owned(), |it| badge(it.name()));
        let why: BTreeSet<&str> = zone.reasons.iter().map(|reason| reason.code.name()).collect();
        let why: Vec<&str> = why.into_iter().collect();
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}{}</th><td>{verdict}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            html(&zone.name),
            canaries(zone),
            zone.devices,
            zone.findings,
            why.join(", ")
        );
    }
    page.push_str(TABLE_END);
    matrix(page, snapshot, conduits);
    page.push_str("</section>\n");
}

/// From which zone to which the flows of a finding are opened.
pub(super) fn pair(finding: &FindingStatus) -> (&str, &str) {
    let (home, peer) = (finding.zone.as_str(), finding.peer_zone.as_str());
    if finding.kind.name().ends_with("-ingress") { (peer, home) } else { (home, peer) }
}

/// Who opens to whom: allowed by a conduit, attempted, through.
fn matrix(page: &mut String, snapshot: &Snapshot, conduits: &[ConduitStatus]) {
    let mut cells: BTreeMap<(&str, &str), Cell<'_>> = BTreeMap::new();
    for conduit in conduits {
        for from in &conduit.from {
            for to in &conduit.to {
                cells.entry((from, to)).or_default().conduits.push((&conduit.name, conduit.flows));
            }
        }
    }
    for finding in &snapshot.findings {
        let cell = cells.entry(pair(finding)).or_default();
        match finding.reach {
            Some(Reach::Attempted | Reach::Refused) => cell.tried += 1,
            Some(Reach::Forwarded | Reach::Established) => cell.through += 1,
            None => cell.through += u64::from(finding.class == Class::Breach),
        }
    }
    cells.retain(|_, cell| !cell.conduits.is_empty() || cell.tried + cell.through > 0);
    if cells.is_empty() {
        return;
    }
    let rows: BTreeSet<&str> = cells.keys().map(|pair| pair.0).collect();
    let columns: BTreeSet<&str> = cells.keys().map(|pair| pair.1).collect();
    page.push_str("<h3>Who opens to whom</h3>\n<p class=\"dim\">What conduits allow, with their flows, and findings that tried or got through. Each leads to its flows.</p>\n");
    let names: Vec<String> = columns.iter().map(|zone| format!("to {}", html(zone))).collect();
    let heads: Vec<&str> = std::iter::once("from").chain(names.iter().map(String::as_str)).collect();
    table(page, "Matrix of zones", "matrix", &heads);
    for from in &rows {
        let _ = write!(page, "<tr><th scope=\"row\">{}</th>", html(from));
        for to in &columns {
            let shown = cells.get(&(from, to)).map(|it| cell(it, from, to)).unwrap_or_default();
            let _ = write!(page, "<td>{shown}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str(TABLE_END);
}

/// When each canary of a zone was seen, or that it is missing.
fn canaries(zone: &ZoneStatus) -> String {
    let one = |canary: &CanaryStatus| {
        let (class, what) = if canary.silent { ("canary badge unverified", "missing, ") } else { ("dim", "") };
        format!("<br><span class=\"{class}\">canary {}: {what}{}</span>", html(&canary.name), seen(canary))
    };
    zone.canaries.iter().map(one).collect()
}

fn cell(cell: &Cell<'_>, from: &str, to: &str) -> String {
    let mut parts: Vec<String> = cell
        .conduits
        .iter()
        .map(|(conduit, flows)| {
            format!("<a href=\"/flows?rule={}\">{}</a>: {flows} flows", percent(conduit), html(conduit))
        })
        .collect();
    let link = format!("/flows?from={}&amp;to={}", percent(from), percent(to));
    for (count, word, class) in [(cell.through, "through", "violated"), (cell.tried, "attempted", "contained")] {
        if count > 0 {
            parts.push(format!("<a class=\"badge {class}\" href=\"{link}\">{count} {word}</a>"));
        }
    }
    parts.join("<br>")
}
