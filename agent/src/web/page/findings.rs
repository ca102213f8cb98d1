//! Open findings: who, to whom, how far, by which rule, and the packets.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::View;
use super::parts::{TABLE_END, called, moment, more, place, table};
use crate::base::{Timestamp, html};
use crate::engine::{ExceptionStatus, FindingStatus};

/// Findings and peers that are listed; the API has all. More than these nobody reads, and a browser would stutter.
pub(super) const MAX_FINDINGS: usize = 200;
const MAX_PEERS: usize = 8;

/// The findings that are listed: the worst first, and of those the newest. One that is muted comes last.
pub(super) fn listed<'s>(view: &View<'s>) -> Vec<&'s FindingStatus> {
    let mut findings: Vec<&FindingStatus> = view.snapshot.findings.iter().collect();
    let rank = |severity: &str| ["critical", "warning"].iter().position(|word| *word == severity).unwrap_or(2);
    findings.sort_by_key(|finding| (rank(finding.severity), std::cmp::Reverse(finding.first_seen)));
    findings.truncate(MAX_FINDINGS);
    findings
}

/// Each finding, folded.
pub(super) fn findings(page: &mut String, view: &View<'_>, listed: &[&FindingStatus]) {
    page.push_str("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
    let all = &view.snapshot.findings;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in all {
        *counts.entry(finding.severity).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    match all.len() {
        0 => page.push_str("<p>None is open.</p>\n"),
        open if open > listed.len() => {
            let _ = writeln!(
                page,
                "<p>{open} are open: {}. Here are {}, the worst first, then the newest; \
                 <a href=\"/api/v1/findings\">all {open} (JSON)</a>.</p>",
                counts.join(", "),
                listed.len()
            );
        }
        open => _ = writeln!(page, "<p class=\"dim\">{open} open: {}.</p>", counts.join(", ")),
    }
    for finding in listed {
        finding_of(page, view, finding);
    }
    page.push_str("</section>\n");
}

fn finding_of(page: &mut String, view: &View<'_>, finding: &FindingStatus) {
    let (severity, kind, id) = (finding.severity, finding.kind.name(), html(&finding.id));
    let reach = finding.reach.map_or("breach", |reach| reach.name());
    let acked = view.acks.get(&finding.id);
    let mut marks = String::new();
    for (is, word) in [(finding.exception.is_some(), "muted"), (acked.is_some(), "acknowledged")] {
        if is {
            let _ = write!(marks, " <span class=\"mark\">{word}</span>");
        }
    }
    let _ = write!(
        page,
        "<details id=\"f-{id}\"><summary><span class=\"badge {severity}\">{severity}</span> <strong>{}</strong> {kind} to {}: \
         {reach}{marks} <span class=\"dim\">last {}</span></summary>\n<p id=\"i-{id}\">{}</p>\n",
        called(&finding.device),
        html(&finding.peer_zone),
        moment(finding.last_seen),
        html(&finding.summary)
    );
    if let Some(ExceptionStatus { owner, reason, expires }) = &finding.exception {
        let (owner, reason) = (html(owner), html(reason));
        let _ = writeln!(page, "<p>Muted until {expires} by {owner}: {reason}. The verdict stays as it is.</p>");
    }
    if let Some(ack) = acked {
        let (by, reason, at) = (html(&ack.by), html(&ack.reason), moment(Timestamp(ack.at)));
        let _ = writeln!(page, "<p>Acknowledged by {by} at {at}: {reason}</p>");
    }
    peers(page, finding);
    let rule = &finding.rule;
    let _ = writeln!(
        page,
        "<p>Decided by <strong>{}</strong>{}. Seen from {} to {}.</p>\n\
         <p><a href=\"/flows?finding={id}\">Its flows</a> · <a href=\"/api/v1/findings/{id}/evidence\" download>Packets \
         (pcapng; needs a user and a password)</a></p>\n<p class=\"dim\">Id <code>{id}</code>; close it with \
         <code>segwatch findings close {id} --by NAME --reason WHY --url …</code></p>\n</details>",
        html(&rule.name),
        place(rule),
        moment(finding.first_seen),
        moment(finding.last_seen)
    );
}

fn peers(page: &mut String, finding: &FindingStatus) {
    if finding.peers.is_empty() {
        return;
    }
    let label = format!("Peers of finding {}", html(&finding.id));
    table(page, &label, "peers", &["peer", "service", "opened by", "reach", "packets out / in", "names"]);
    for peer in finding.peers.iter().take(MAX_PEERS) {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}/{}</td><td>{}</td><td>{}</td><td>{} / {}</td><td>{}</td></tr>",
            peer.ip,
            html(&peer.proto),
            peer.port,
            peer.initiator,
            peer.reach.name(),
            peer.packets_out,
            peer.packets_in,
            html(&peer.names.join(", "))
        );
    }
    page.push_str(TABLE_END);
    let shown = finding.peers.len().min(MAX_PEERS);
    more(page, usize::try_from(finding.peers_total).unwrap_or(usize::MAX), shown, "/api/v1/findings");
}
