//! From an open finding to an alert.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::engine::{EpisodeStatus, FindingStatus, PeerStatus, Subject};
use crate::finding::Kind;
use crate::metrics::{MAX_LABEL_CHARS, cut_to};

/// Characters of an annotation; what is cut off ends in `…`.
pub const MAX_ANNOTATION_CHARS: usize = 600;
/// Names of a peer that are told.
const MAX_NAMES: usize = 3;

/// Who tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// The site of the policy.
    pub site: String,
    /// The sensor of the policy; may be empty.
    pub sensor: String,
    /// Where people reach the agent, without a slash at the end.
    pub external_url: Option<String>,
}

/// What Alertmanager is told of a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// What it is, and where it goes. Fixed for an episode and severity.
    pub labels: BTreeMap<String, String>,
    /// What a person reads.
    pub annotations: BTreeMap<String, String>,
    /// Where it comes from.
    pub source: Option<String>,
}

/// Whether a finding alerts: its severity is `critical` (`true`) or `warning` (`false`).
pub(super) fn is_critical(finding: &FindingStatus) -> Option<bool> {
    match finding.severity {
        "critical" => Some(true),
        "warning" => Some(false),
        _ => None,
    }
}

impl Alert {
    /// Of a finding in its open episode.
    pub(super) fn of(origin: &Origin, finding: &FindingStatus, episode: &EpisodeStatus) -> Alert {
        let name = alert_name(finding.kind, finding.severity);
        let Subject { zone, device, peer_zone, .. } = &episode.subject;
        let labels = [
            ("alertname", name.to_owned()),
            ("severity", finding.severity.to_owned()),
            ("site", cut_to(&origin.site, MAX_LABEL_CHARS)),
            // Two sensors that see the same are two alerts of one group: one alert would end as soon as either says so.
            ("sensor", cut_to(&origin.sensor, MAX_LABEL_CHARS)),
            ("zone", cut_to(zone, MAX_LABEL_CHARS)),
            ("kind", finding.kind.name().to_owned()),
            ("id", cut_to(&finding.id, MAX_LABEL_CHARS)),
            ("device", cut_to(device, MAX_LABEL_CHARS)),
            ("peer_zone", cut_to(peer_zone, MAX_LABEL_CHARS)),
            ("path", "direct".to_owned()),
        ];
        let source = origin.external_url.as_ref().map(|url| format!("{url}/api/v1/findings"));
        Alert { labels: filled(labels), annotations: annotations(origin, finding, episode, name), source }
    }

    /// Takes the labels that an episode began with; the severity is its own.
    pub(super) fn keep_labels(&mut self, first: &Alert) {
        for (name, value) in &mut self.labels {
            if let (Some(old), false) = (first.labels.get(name), matches!(&**name, "alertname" | "severity")) {
                value.clone_from(old);
            }
        }
    }
}

/// The rule of `config/alerts/findings.yml` that says the same.
fn alert_name(kind: Kind, severity: &str) -> &'static str {
    match (kind, severity) {
        (Kind::Drill, _) => "SegwatchDrill",
        (_, "critical") => "SegwatchViolation",
        _ => "SegwatchAttempt",
    }
}

fn annotations(
    origin: &Origin,
    finding: &FindingStatus,
    episode: &EpisodeStatus,
    name: &str,
) -> BTreeMap<String, String> {
    let summary = match name {
        "SegwatchDrill" => "This is a drill of the paging chain.",
        "SegwatchViolation" => "A camera is not isolated.",
        _ => "A camera tried to leave its segment and was stopped, or did something worth a look.",
    };
    let peer = representative(finding, episode);
    let device = &finding.device;
    let parts = [device.name.clone(), device.mac.map(|mac| mac.to_string()), device.ip.map(|ip| ip.to_string())];
    let evidence = match &origin.external_url {
        Some(url) => format!("finding {id}: {url}/api/v1/findings/{id}/evidence", id = finding.id),
        None => format!("finding {} of sensor {}", finding.id, origin.sensor),
    };
    filled([
        ("summary", summary.to_owned()),
        ("description", finding.summary.clone()),
        ("device", parts.into_iter().flatten().collect::<Vec<_>>().join(" ")),
        ("peer", peer.map_or(episode.subject.peer.clone(), |peer| peer_text(peer, finding.peers_total))),
        ("service", peer.map(service).unwrap_or_default()),
        ("reach", finding.reach.map(|reach| reach.name().to_owned()).unwrap_or_default()),
        ("evidence", evidence),
        ("opened", episode.opened.to_string()),
        ("runbook_url", format!("runbooks/{name}.md")),
    ])
}

/// The peer that stands for all of them.
fn representative<'f>(finding: &'f FindingStatus, episode: &EpisodeStatus) -> Option<&'f PeerStatus> {
    let ip: Option<IpAddr> = episode.subject.peer.split(' ').next().and_then(|ip| ip.parse().ok());
    finding.peers.iter().find(|peer| Some(peer.ip) == ip).or(finding.peers.first())
}

fn peer_text(peer: &PeerStatus, total: u64) -> String {
    let names: Vec<&str> = peer.names.iter().take(MAX_NAMES).map(String::as_str).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    match total.saturating_sub(1) {
        0 => format!("{}{names}", peer.ip),
        others => format!("{}{names}, and {others} more", peer.ip),
    }
}

fn service(peer: &PeerStatus) -> String {
    if peer.port == 0 { peer.proto.clone() } else { format!("{}/{}", peer.proto, peer.port) }
}

/// Those that say something, escaped and cut.
fn filled<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    let filled = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| (name.to_owned(), cut_to(&value, MAX_ANNOTATION_CHARS))).collect()
}
