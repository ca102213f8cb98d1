//! The flows behind a cell of the matrix, or behind a finding, for people; `/api/v1/flows` is for programs.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use super::parts::{TABLE_END, called, moment, place, table};
use super::zones::pair;
use super::{frame_end, frame_start};
use crate::base::{Mac, html};
use crate::engine::{EndStatus, FindingStatus, FlowRow, FlowVerdict, Snapshot};
use crate::finding::Class;
use crate::web::published::About;

/// Flows that are listed; the API has more.
const MAX_LISTED: usize = 500;

/// Which flows a page is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::web) enum Of {
    /// Those that a rule decided.
    Rule(String),
    /// Those of the findings from one zone to another.
    Pair(String, String),
    /// Those of a finding.
    Finding(String),
}

impl Of {
    fn told(&self) -> String {
        match self {
            Of::Rule(rule) => format!("decided by {}", html(rule)),
            Of::Pair(from, to) => format!("of findings from {} to {}", html(from), html(to)),
            Of::Finding(id) => format!("of finding {}", html(id)),
        }
    }

    /// What matters are violations: the engine need not look at the others.
    pub(in crate::web) fn is_of_violations(&self, snapshot: &Snapshot) -> bool {
        let findings = self.findings(snapshot);
        !findings.is_empty() && findings.iter().all(|finding| finding.class == Class::Reach)
    }

    fn findings<'s>(&self, snapshot: &'s Snapshot) -> Vec<&'s FindingStatus> {
        let is_meant = |finding: &&FindingStatus| match self {
            Of::Rule(_) => false,
            Of::Pair(from, to) => pair(finding) == (from, to),
            Of::Finding(id) => finding.id == *id,
        };
        snapshot.findings.iter().filter(is_meant).collect()
    }
}

/// The page of these rows, or of those among them that are asked for.
pub(in crate::web) fn flows_page(about: &About, snapshot: &Snapshot, of: &Of, mut rows: Vec<FlowRow>) -> String {
    let findings = of.findings(snapshot);
    if !matches!(of, Of::Rule(_)) {
        let pairs = Pairs::of(&findings);
        rows.retain(|row| pairs.has(row));
    }
    let mut page = frame_start(about, "Flows");
    let _ = write!(
        page,
        "</header>\n<main id=\"main\">\n<p><a href=\"/\">Back to the verdict</a></p>\n<h2>Flows {}</h2>\n",
        of.told()
    );
    for finding in findings.iter().take(1).filter(|_| matches!(of, Of::Finding(_))) {
        let _ = writeln!(page, "<p><strong>{}</strong>: {}</p>", called(&finding.device), html(&finding.summary));
    }
    let shown = rows.len().min(MAX_LISTED);
    match rows.len() {
        0 => page.push_str(
            "<p>None is in the table now. A flow leaves it after ten idle minutes; a finding stays, and so do its packets.</p>\n",
        ),
        all if all > shown => _ = writeln!(page, "<p>{all} are in the table now; here are {shown}.</p>"),
        all => _ = writeln!(page, "<p>{all} in the table now.</p>"),
    }
    if shown > 0 {
        table(
            &mut page,
            "Table of flows",
            "",
            &["opened by", "to", "service", "reach", "verdict", "rule", "VLAN", "packets out / in", "last seen"],
        );
        rows.iter().take(shown).for_each(|row| row_of(&mut page, row));
        page.push_str(TABLE_END);
    }
    page.push_str("<p class=\"dim\">For programs: <a href=\"/api/v1/flows\">flows (JSON)</a>.</p>\n</main>\n");
    frame_end(page, about, "")
}

fn row_of(page: &mut String, row: &FlowRow) {
    let end = |end: &EndStatus| {
        let mac = end.mac.map(|mac| format!("<br><code class=\"dim\">{mac}</code>")).unwrap_or_default();
        format!("<code>{}</code>{mac}", end.ip)
    };
    let verdict = match row.verdict {
        FlowVerdict::Allowed => "allowed",
        FlowVerdict::Violation => "violation",
        FlowVerdict::Unwatched => "unwatched",
    };
    let kind = row.kind.map(|kind| format!(" {}", kind.name())).unwrap_or_default();
    let vlan = row.vlan.map(|vlan| vlan.to_string()).unwrap_or_default();
    let _ = writeln!(
        page,
        "<tr><td>{}</td><td>{}</td><td>{}/{}</td><td>{}</td><td>{verdict}{kind}</td><td>{}{}</td><td>{vlan}</td>\
         <td>{} / {}</td><td>{}</td></tr>",
        end(&row.initiator),
        end(&row.responder),
        html(&row.proto),
        row.responder.port,
        row.reach.name(),
        html(&row.rule.name),
        place(&row.rule),
        row.packets_out,
        row.packets_in,
        moment(row.last_seen)
    );
}

/// Devices of findings, each with its peers.
struct Pairs {
    by_mac: BTreeSet<(Mac, IpAddr)>,
    by_ip: BTreeSet<(IpAddr, IpAddr)>,
}

impl Pairs {
    fn of(findings: &[&FindingStatus]) -> Pairs {
        let pairs = || findings.iter().flat_map(|finding| finding.peers.iter().map(|peer| (&finding.device, peer.ip)));
        Pairs {
            by_mac: pairs().filter_map(|(device, peer)| Some((device.mac?, peer))).collect(),
            by_ip: pairs().filter_map(|(device, peer)| Some((device.ip?, peer))).collect(),
        }
    }

    fn has(&self, row: &FlowRow) -> bool {
        let is = |device: &EndStatus, peer: &EndStatus| {
            device.mac.is_some_and(|mac| self.by_mac.contains(&(mac, peer.ip)))
                || self.by_ip.contains(&(device.ip, peer.ip))
        };
        is(&row.initiator, &row.responder) || is(&row.responder, &row.initiator)
    }
}
