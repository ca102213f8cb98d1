//! Open findings: one episode each, from the first time it is judged until it is quiet, allowed, or closed by a person.

use std::collections::{BTreeMap, BTreeSet};

use super::{Live, Totals};
use crate::base::Timestamp;
use crate::coverage::Verdict;
use crate::engine::event::{Closing, Event};
use crate::engine::snapshot::{DeviceRef, FindingStatus, RuleRef, Snapshot};
use crate::finding::{Class, Kind};
use crate::flow::Reach;

/// Episodes open at once; further findings count in the verdict but open no episode.
pub const MAX_EPISODES: usize = crate::finding::MAX_FINDINGS;
/// Nanoseconds after which a drill ends by itself.
const DRILL_LASTS: i64 = 900_000_000_000;

/// An open finding.
#[derive(Clone, Debug)]
pub(super) struct Episode {
    pub(super) opened: Timestamp,
    pub(super) reach: Option<Reach>,
    pub(super) severity: &'static str,
    pub(super) last: Timestamp,
    /// Monotonic time at which it was seen last.
    pub(super) touched: i64,
    pub(super) peer: String,
    pub(super) acked: Option<Ack>,
}

/// Somebody took note.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Ack {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in nanoseconds since 1970.
    pub at: i64,
}

/// What is published of an episode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EpisodeStatus {
    /// When it was opened.
    pub opened: Timestamp,
    /// The peer that stands for all of them, fixed when it was opened.
    pub peer: String,
    /// Who took note.
    pub acked: Option<Ack>,
}

/// The drill that is on.
#[derive(Clone, Debug)]
pub(super) struct Drill {
    id: String,
    by: String,
    at: Timestamp,
    until: i64,
}

impl Drill {
    pub(super) fn finding(&self) -> FindingStatus {
        FindingStatus {
            id: self.id.clone(),
            kind: Kind::Drill,
            class: Class::None,
            severity: "critical",
            reach: None,
            device: DeviceRef { mac: None, ip: None, name: Some("drill".to_owned()) },
            zone: "none".to_owned(),
            peer_zone: "none".to_owned(),
            peers: Vec::new(),
            peers_total: 0,
            first_seen: self.at,
            last_seen: self.at,
            rule: RuleRef { name: "drill".to_owned(), file: None, line: None },
            summary: format!("A drill, raised by {}: no device did anything.", self.by),
        }
    }
}

impl Episode {
    pub(super) fn status(&self) -> EpisodeStatus {
        EpisodeStatus { opened: self.opened, peer: self.peer.clone(), acked: self.acked.clone() }
    }
}

/// What stands for all peers in a label.
fn peer_label(finding: &FindingStatus) -> String {
    finding.peers.first().map_or_else(String::new, |peer| peer.ip.to_string())
}

fn rank(severity: &str) -> u8 {
    match severity {
        "critical" => 2,
        "warning" => 1,
        _ => 0,
    }
}

impl Totals {
    fn count(&mut self, finding: &FindingStatus) {
        *self.findings.entry((finding.zone.clone(), finding.kind, finding.reach)).or_default() += 1;
    }
}

impl Live {
    /// Holds the findings of now against the open episodes. Returns those that have been quiet for `hold`.
    pub(super) fn follow(&mut self, snapshot: &Snapshot, now: i64, hold: i64) -> Vec<String> {
        let wall = self.wall;
        let mut quiet = Vec::new();
        let mut seen = BTreeSet::new();
        for finding in &snapshot.findings {
            seen.insert(finding.id.as_str());
            let has_room = self.episodes.len() < MAX_EPISODES;
            match self.episodes.get_mut(&finding.id) {
                Some(episode) => {
                    if finding.last_seen != episode.last {
                        (episode.last, episode.touched) = (finding.last_seen, now);
                    }
                    if finding.kind != Kind::Drill && now.saturating_sub(episode.touched) > hold {
                        quiet.push(finding.id.clone());
                        continue;
                    }
                    let rose = finding.reach > episode.reach;
                    if rose || rank(finding.severity) > rank(episode.severity) {
                        if rose {
                            self.totals.count(finding);
                        }
                        episode.reach = finding.reach;
                        episode.severity = finding.severity;
                        self.events.push(Event::FindingRaised { at: wall, finding: Box::new(finding.clone()) });
                    }
                }
                None if has_room => {
                    self.totals.count(finding);
                    self.episodes.insert(
                        finding.id.clone(),
                        Episode {
                            opened: wall,
                            reach: finding.reach,
                            severity: finding.severity,
                            last: finding.last_seen,
                            touched: now,
                            peer: peer_label(finding),
                            acked: None,
                        },
                    );
                    self.events.push(Event::FindingOpened { at: wall, finding: Box::new(finding.clone()) });
                }
                None => {}
            }
        }
        let gone: Vec<String> = self.episodes.keys().filter(|id| !seen.contains(id.as_str())).cloned().collect();
        for id in gone {
            self.end(&id, Closing::Renamed);
        }
        for id in &quiet {
            self.end(id, Closing::Quiet);
        }
        quiet
    }

    pub(super) fn end(&mut self, id: &str, why: Closing) {
        if self.episodes.remove(id).is_some() {
            let closed = Event::FindingClosed { at: self.wall, id: id.to_owned(), why, by: None, reason: None };
            self.events.push(closed);
        }
    }

    pub(super) fn close_by_person(&mut self, id: &str, by: String, reason: String) -> bool {
        if self.episodes.remove(id).is_none() {
            return false;
        }
        self.drill.take_if(|drill| drill.id == id);
        self.events.push(Event::FindingClosed {
            at: self.wall,
            id: id.to_owned(),
            why: Closing::Person,
            by: Some(by),
            reason: Some(reason),
        });
        true
    }

    pub(super) fn ack(&mut self, id: &str, by: String, reason: String) -> bool {
        let Some(episode) = self.episodes.get_mut(id) else { return false };
        episode.acked = Some(Ack { by: by.clone(), reason: reason.clone(), at: self.wall.0 });
        self.events.push(Event::FindingAcked { at: self.wall, id: id.to_owned(), by, reason });
        true
    }

    /// A drill ends by itself.
    pub(super) fn end_drill(&mut self, now: i64) {
        if let Some(drill) = self.drill.take_if(|drill| drill.until <= now) {
            self.end(&drill.id, Closing::Quiet);
        }
    }

    pub(super) fn is_drill(&self, id: &str) -> bool {
        self.drill.as_ref().is_some_and(|drill| drill.id == id)
    }

    pub(super) fn start_drill(&mut self, by: &str, now: i64, site: &str) -> bool {
        let id = super::super::summary::short_hash(&[site, "drill", &self.wall.to_string()]);
        let drill = Drill { id, by: by.to_owned(), at: self.wall, until: now.saturating_add(DRILL_LASTS) };
        if let Some(old) = self.drill.replace(drill) {
            self.end(&old.id, Closing::Quiet);
        }
        true
    }

    /// Tells which verdicts are not what they were.
    pub(super) fn compare_verdicts(&mut self, snapshot: &Snapshot) {
        let zones = snapshot.zones.iter().filter_map(|z| Some((Some(z.name.clone()), z.verdict?, &z.reasons)));
        let mut now = BTreeMap::new();
        for (zone, to, reasons) in zones.chain([(None, snapshot.verdict, &snapshot.reasons)]) {
            let from: Option<Verdict> = self.verdicts.get(&zone).copied();
            if from != Some(to) {
                let reasons = reasons.clone();
                self.events.push(Event::Verdict { at: self.wall, zone: zone.clone(), from, to, reasons });
            }
            now.insert(zone, to);
        }
        self.verdicts = now;
    }
}
