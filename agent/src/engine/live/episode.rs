//! Open findings: one episode each, from the first time it is judged until it is quiet, allowed, or closed by a person.

use std::collections::{BTreeMap, BTreeSet};

use super::{Live, Totals};
use crate::base::Timestamp;
use crate::coverage::Verdict;
use crate::engine::event::{Closing, Event};
use crate::engine::snapshot::{DeviceRef, ExceptionStatus, FindingStatus, PeerStatus, RuleRef, Snapshot, rank};
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
    /// What mutes it.
    pub(super) exception: Option<ExceptionStatus>,
    pub(super) last: Timestamp,
    /// Monotonic time at which it was seen last.
    pub(super) touched: i64,
    pub(super) subject: Subject,
    pub(super) acked: Option<Ack>,
}

/// What an episode is about, in words that stay while it is open, across restarts too: what is learnt of a device later
/// must not end one alert and begin another.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Subject {
    /// Zone of the device.
    pub zone: String,
    /// Its name, else its MAC, else its address.
    pub device: String,
    /// Zone of the other end.
    pub peer_zone: String,
    /// The peer that began it, and the service that was asked for: `203.0.113.9 tcp/443`. Empty without a peer.
    pub peer: String,
}

impl Subject {
    /// Of a finding as it is now.
    pub fn of(finding: &FindingStatus) -> Subject {
        let device = &finding.device;
        let named = device.name.clone().or_else(|| device.mac.map(|mac| mac.to_string()));
        // The peer that began it, whatever others came later.
        let first = finding.peers.iter().min_by_key(|peer| (peer.first_seen, peer.ip, peer.port));
        Subject {
            zone: finding.zone.clone(),
            device: named.or_else(|| device.ip.map(|ip| ip.to_string())).unwrap_or_default(),
            peer_zone: finding.peer_zone.clone(),
            peer: first.map(service_at).unwrap_or_default(),
        }
    }
}

fn service_at(peer: &PeerStatus) -> String {
    match peer.port {
        0 => format!("{} {}", peer.ip, peer.proto),
        port => format!("{} {}/{port}", peer.ip, peer.proto),
    }
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
    /// What it is about.
    pub subject: Subject,
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

/// A drill that a restart must not end: a page that was sent would be taken back. Times are nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct SavedDrill {
    pub(super) id: String,
    by: String,
    at: i64,
    opened: i64,
    until: i64,
}

impl Drill {
    pub(super) fn finding(&self) -> FindingStatus {
        FindingStatus {
            id: self.id.clone(),
            kind: Kind::Drill,
            class: Class::None,
            severity: "critical",
            exception: None,
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
        EpisodeStatus { opened: self.opened, subject: self.subject.clone(), acked: self.acked.clone() }
    }

    /// Takes over what mutes a finding now. One that is muted may rise anew, to the severity that it had.
    fn mute(&mut self, finding: &FindingStatus, at: Timestamp) -> Option<Event> {
        if self.exception == finding.exception {
            return None;
        }
        let id = finding.id.clone();
        let former = std::mem::replace(&mut self.exception, finding.exception.clone());
        match (finding.exception.clone(), former) {
            (Some(exception), _) => {
                self.severity = finding.severity;
                Some(Event::FindingMuted { at, id, exception })
            }
            (None, Some(exception)) => Some(Event::FindingRearmed { at, id, exception }),
            (None, None) => None,
        }
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
                    self.events.extend(episode.mute(finding, wall));
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
                            exception: finding.exception.clone(),
                            last: finding.last_seen,
                            touched: now,
                            subject: Subject::of(finding),
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

    /// The drill that is on, once it is an episode.
    pub(super) fn save_drill(&self) -> Option<SavedDrill> {
        let drill = self.drill.as_ref()?;
        let opened = self.episodes.get(&drill.id)?.opened.0;
        let (id, by, until) = (drill.id.clone(), drill.by.clone(), drill.until.saturating_sub(self.offset));
        Some(SavedDrill { id, by, at: drill.at.0, opened, until })
    }

    /// Goes on with a drill that was on before a restart; never longer than a drill lasts, whatever the clock says.
    pub(super) fn resume_drill(&mut self, saved: &SavedDrill, wall: Timestamp, mono: i64) {
        let left = saved.until.saturating_sub(wall.0).clamp(0, DRILL_LASTS);
        let (id, by) = (saved.id.clone(), saved.by.clone());
        let drill = Drill { id, by, at: Timestamp(saved.at), until: mono.saturating_add(left) };
        let finding = drill.finding();
        let episode = Episode {
            opened: Timestamp(saved.opened),
            reach: None,
            severity: finding.severity,
            exception: None,
            last: finding.last_seen,
            touched: drill.until,
            subject: Subject::of(&finding),
            acked: None,
        };
        self.episodes.insert(finding.id, episode);
        self.drill = Some(drill);
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
