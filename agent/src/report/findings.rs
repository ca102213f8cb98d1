//! Findings: the worst in full, the next a line each.

use super::check::Limits;
use super::headline::{listed, more, severities};
use super::page::Page;
use super::style::Paint;
use super::table::{Cell, Column, Fit, Table, cell};
use super::words::{count, ref_label, rule, short, socket, span, word};
use crate::engine::{FindingStatus, PeerStatus, Snapshot};
use crate::finding::Kind;
use crate::flow::Reach;

/// Columns before the text of a finding.
const INDENT: usize = 12;

pub(super) fn write(page: &mut Page<'_>, snapshot: &Snapshot, limits: &Limits) {
    let all = &snapshot.findings;
    let severities_of = |some: &[FindingStatus]| listed(&severities(some.iter().map(|f| f.severity)));
    page.heading("Findings", &severities_of(all));
    if all.is_empty() {
        page.space(2).put(Paint::Plain, "none").end();
        return;
    }
    let (full, rest) = all.split_at(limits.findings_in_full.min(all.len()));
    for (at, finding) in full.iter().enumerate() {
        if at > 0 {
            page.end();
        }
        in_full(page, finding, limits);
    }
    let (brief, rest) = rest.split_at(limits.findings_in_brief.min(rest.len()));
    if !brief.is_empty() {
        page.end();
        in_brief(page, brief);
    }
    more(page, rest.len(), &format!(" ({}); `segwatch findings` lists all", severities_of(rest)));
}

fn in_full(page: &mut Page<'_>, finding: &FindingStatus, limits: &Limits) {
    let paint = Paint::of_severity(finding.severity);
    page.space(2).put(paint, finding.severity).space(INDENT.saturating_sub(2 + finding.severity.len()));
    page.put(Paint::Strong, finding.kind.name());
    if let Some(reach) = finding.reach {
        page.space(2).put(of_reach(reach), reach.name());
    }
    page.space(2).put(Paint::Plain, &zones(finding)).end();

    page.space(INDENT).put(Paint::Strong, &ref_label(&finding.device));
    for part in
        [finding.device.mac.map(|m| m.to_string()), finding.device.ip.map(|ip| ip.to_string())].into_iter().flatten()
    {
        if part != ref_label(&finding.device) {
            page.space(2).put(Paint::Plain, &part);
        }
    }
    page.end();
    page.space(INDENT).wrap(INDENT, INDENT, Paint::Plain, &finding.summary);
    if let Some(exception) = &finding.exception {
        page.space(INDENT).wrap(INDENT, INDENT, Paint::Minor, &super::words::muted(exception));
    }
    peers(page, finding, limits);
    let seen = span(finding.first_seen, finding.last_seen);
    let closing = format!("{seen} · rule {} · id {}", rule(&finding.rule), finding.id);
    page.space(INDENT).wrap(INDENT, INDENT, Paint::Faint, &closing);
}

fn peers(page: &mut Page<'_>, finding: &FindingStatus, limits: &Limits) {
    let shown = finding.peers.get(..limits.peers).unwrap_or(&finding.peers);
    let right = |title| Column { title, right: true, least: None, fit: Fit::Stay };
    let left = |title, least, fit| Column { title, right: false, least, fit };
    let columns = vec![
        left("peer", None, Fit::Stay),
        left("service", None, Fit::Stay),
        left("opened by", None, Fit::Stay),
        left("reach", None, Fit::Stay),
        right("packets out"),
        right("in"),
        left("known as", Some(12), Fit::Stay),
    ];
    // What the finding's own line says is not said again.
    let implied = if finding.kind.name().ends_with("-ingress") { "peer" } else { "device" };
    let opened_by = |peer: &PeerStatus| match peer.initiator {
        by if shown.iter().all(|p| p.initiator == implied) || by.is_empty() => "",
        "device" => "the device",
        _ => "the peer",
    };
    let alike = shown.iter().all(|p| Some(p.reach) == finding.reach);
    let row = |peer: &PeerStatus| -> Vec<Cell> {
        vec![
            cell(Paint::Plain, peer.ip.to_string()),
            cell(Paint::Plain, service(peer)),
            cell(Paint::Plain, opened_by(peer)),
            cell(of_reach(peer.reach), if alike { "" } else { peer.reach.name() }),
            cell(Paint::Plain, short(peer.packets_out)),
            cell(Paint::Plain, short(peer.packets_in)),
            cell(Paint::Plain, peer.names.join(", ")),
        ]
    };
    if !shown.is_empty() {
        let table = Table { columns, rows: shown.iter().map(row).collect() };
        table.write(page, &table.layout(page.style.width, INDENT));
    }
    let rest = finding.peers_total.saturating_sub(shown.len() as u64);
    if rest > 0 {
        page.space(INDENT).put(Paint::Faint, &format!("… and {} more", count(rest))).end();
    }
}

/// `tcp/443`; `icmp`.
pub(super) fn service(peer: &PeerStatus) -> String {
    if peer.port == 0 { peer.proto.clone() } else { format!("{}/{}", peer.proto, peer.port) }
}

fn in_brief(page: &mut Page<'_>, findings: &[FindingStatus]) {
    let left = |title, least, fit| Column { title, right: false, least, fit };
    let columns = vec![
        left("severity", None, Fit::Stay),
        left("kind", None, Fit::Stay),
        left("reach", None, Fit::Stay),
        left("device", Some(12), Fit::Stay),
        left("address", Some(11), Fit::Fold),
        left("first peer", Some(18), Fit::Stay),
        left("peers", None, Fit::Fold),
    ];
    let row = |f: &FindingStatus| -> Vec<Cell> {
        let peer = f.peers.first().map(|p| format!("{} {}", p.proto, socket(p.ip, p.port)));
        vec![
            cell(Paint::of_severity(f.severity), f.severity),
            cell(Paint::Plain, f.kind.name()),
            cell(f.reach.map_or(Paint::Plain, of_reach), f.reach.map_or("", Reach::name)),
            cell(Paint::Plain, ref_label(&f.device)),
            cell(Paint::Plain, f.device.ip.map(|ip| ip.to_string()).unwrap_or_default()),
            cell(Paint::Plain, peer.unwrap_or_default()),
            cell(Paint::Plain, if f.peers_total > 1 { short(f.peers_total) } else { String::new() }),
        ]
    };
    let table = Table { columns, rows: findings.iter().map(row).collect() };
    table.write(page, &table.layout(page.style.width, 2));
}

/// `cctv → internet`, in the direction of the attempt.
fn zones(finding: &FindingStatus) -> String {
    let kind = word(&finding.kind);
    let (home, peer) = (&finding.zone, &finding.peer_zone);
    match kind.rsplit_once('-') {
        Some((_, "ingress")) => format!("{peer} → {home}"),
        Some((_, "egress")) => format!("{home} → {peer}"),
        _ if peer == home || peer == "none" => format!("in {home}"),
        _ if finding.kind == Kind::ExploitAttempt => format!("{peer} → {home}"),
        _ if matches!(finding.kind, Kind::Tunnel | Kind::PortMapping) => format!("{home} → {peer}"),
        _ => format!("home {home}, seen in {peer}"),
    }
}

fn of_reach(reach: Reach) -> Paint {
    match reach {
        Reach::Attempted | Reach::Refused => Paint::Minor,
        Reach::Forwarded | Reach::Established => Paint::Bad,
    }
}
