//! `finding_info`: which finding a page is about. The only series with words of a device, so they have a limit.

use std::collections::BTreeMap;

use prometheus::Error;

use super::page::{Page, count};
use crate::base::{Timestamp, escape};
use crate::engine::{FindingStatus, PeerStatus, Snapshot};

/// Series of `finding_info`; `finding_info_suppressed` counts the rest. Critical findings come first, and in each
/// severity those that have been open longest, so that a new finding does not end the page of another.
pub const MAX_FINDING_INFO: usize = 200;
/// Of them, those that are not critical: the others are kept for critical findings.
pub const MAX_FINDING_INFO_NOT_CRITICAL: usize = 100;
/// Characters of a label that a device chose; what is cut off ends in `…`.
pub const MAX_LABEL_CHARS: usize = 64;

/// Labels of the findings that are shown, kept while each is open: what is learnt of a device later must not end one
/// alert and begin another. Never more than [`MAX_FINDING_INFO`].
#[derive(Default)]
pub(super) struct Episodes {
    shown: BTreeMap<(String, Timestamp), Labels>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Labels {
    pub(crate) zone: String,
    pub(crate) device: String,
    pub(crate) peer_zone: String,
    pub(crate) peer: String,
}

impl Episodes {
    /// Writes the series of the open findings and forgets those that are not open any more.
    pub(super) fn write(&mut self, page: &Page, snapshot: &Snapshot) -> Result<(), Error> {
        let info = page.gauges(
            "finding_info",
            "1 for each open finding, with what it is about; at most 200, critical ones first.",
            &["id", "zone", "kind", "severity", "device", "peer_zone", "peer"],
        )?;
        let chosen = choose(&snapshot.findings);
        let mut shown = BTreeMap::new();
        for finding in &chosen {
            let episode = (finding.id.clone(), finding.first_seen);
            let labels = self.shown.remove(&episode).unwrap_or_else(|| Labels::of(finding));
            let (id, kind) = (cut(&finding.id), finding.kind.name());
            let Labels { zone, device, peer_zone, peer } = &labels;
            info.set(&[&id, zone, kind, finding.severity, device, peer_zone, peer], 1.0)?;
            shown.insert(episode, labels);
        }
        self.shown = shown;
        page.gauge(
            "finding_info_suppressed",
            "Open findings that have no finding_info series because there are too many.",
            count((snapshot.findings.len() - chosen.len()) as u64),
        )
    }
}

fn choose(findings: &[FindingStatus]) -> Vec<&FindingStatus> {
    let (mut critical, mut rest): (Vec<_>, Vec<_>) =
        findings.iter().partition(|finding| finding.severity == "critical");
    for group in [&mut critical, &mut rest] {
        group.sort_by(|a, b| (a.first_seen, &a.id).cmp(&(b.first_seen, &b.id)));
    }
    critical.truncate(MAX_FINDING_INFO);
    rest.truncate((MAX_FINDING_INFO - critical.len()).min(MAX_FINDING_INFO_NOT_CRITICAL));
    // Whatever the snapshot holds, no series is written twice.
    let mut seen = std::collections::BTreeSet::new();
    critical.into_iter().chain(rest).filter(|finding| seen.insert(cut(&finding.id))).collect()
}

impl Labels {
    pub(crate) fn of(finding: &FindingStatus) -> Labels {
        let device = &finding.device;
        let named = device.name.clone().or_else(|| device.mac.map(|mac| mac.to_string()));
        let device = named.or_else(|| device.ip.map(|ip| ip.to_string())).unwrap_or_default();
        // The peer that began it, whatever others came later.
        let first = finding.peers.iter().min_by_key(|peer| (peer.first_seen, peer.ip, peer.port));
        Labels {
            zone: cut(&finding.zone),
            device: cut(&device),
            peer_zone: cut(&finding.peer_zone),
            peer: first.map(peer_label).unwrap_or_default(),
        }
    }
}

/// `203.0.113.9 tcp/443`: the other end, and the service that was asked for at the responder.
fn peer_label(peer: &PeerStatus) -> String {
    cut(&match peer.port {
        0 => format!("{} {}", peer.ip, peer.proto),
        port => format!("{} {}/{port}", peer.ip, peer.proto),
    })
}

/// At most [`MAX_LABEL_CHARS`] characters, none of them hidden.
fn cut(text: &str) -> String {
    cut_to(text, MAX_LABEL_CHARS)
}

/// At most `max` characters, none of them hidden; what is cut off ends in `…`.
pub(crate) fn cut_to(text: &str, max: usize) -> String {
    let start: String = text.chars().take(max + 1).collect();
    let shown = escape(&start);
    if shown.chars().count() <= max {
        return shown.into_owned();
    }
    shown.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}
