//! What the journal of an agent says of a span of time: the same answer as of a capture, with the hours beside it.
//!
//! A device is judged by what it was at the end, by what was found of it within the span (unless a person or a policy
//! closed it), and by how much of the span it was covered. What the journal does not tell is a gap.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use serde::Deserialize;

use crate::base::{Mac, Timestamp};
use crate::coverage::{Gap, Reason, ReasonCode, Verdict, merge_reasons};
use crate::engine::{
    Alarm, CoverageStatus, DeviceRef, DeviceStatus, ExceptionStatus, FindingStatus, HealthStatus, LossStatus,
    PolicyRef, Snapshot, Window, ZoneStatus,
};
use crate::finding::{Class, Kind};
use crate::flow::Reach;
use crate::hint::Posture;
use crate::journal;
use crate::report::{CaptureFiles, Damage, Hours};

/// Share of the span that a device has to be covered for, lest it is unverified.
pub const MIN_SHARE: f64 = 0.9;
const SECOND: i64 = 1_000_000_000;

/// What came of it.
#[derive(Debug)]
pub struct History {
    /// The answer for the span.
    pub snapshot: Snapshot,
    /// The journal, and what is missing in it.
    pub files: CaptureFiles,
    /// The site that the agent was configured for.
    pub site: String,
    /// The sensor that it was.
    pub sensor: String,
    hours: BTreeMap<Key, Hours>,
}

/// From when to when; without a bound, as far as the journal reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Nothing before this.
    pub from: Option<Timestamp>,
    /// Nothing from this on.
    pub to: Option<Timestamp>,
}

/// Who a device is: its MAC, else its address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Mac(Mac),
    Ip(IpAddr),
    Name(String),
}

/// What the journal holds, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Record {
    Started {
        policy: String,
        #[serde(default)]
        site: String,
        #[serde(default)]
        sensor: String,
    },
    Policy {
        hash: String,
    },
    Coverage(Box<Covered>),
    FindingOpened {
        at: Timestamp,
        finding: Box<FindingStatus>,
    },
    FindingRaised {
        at: Timestamp,
        finding: Box<FindingStatus>,
    },
    FindingClosed {
        at: Timestamp,
        id: String,
        why: String,
        by: Option<String>,
        reason: Option<String>,
    },
    FindingMuted {
        at: Timestamp,
        id: String,
        exception: ExceptionStatus,
    },
    FindingRearmed {
        at: Timestamp,
        id: String,
    },
    Verdict {
        at: Timestamp,
        zone: Option<String>,
        to: Verdict,
    },
    Mirror {
        at: Timestamp,
        interface: String,
        alarm: String,
        raised: bool,
        detail: String,
    },
    Cut {
        first: u64,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Covered {
    device: DeviceRef,
    zone: String,
    from: Timestamp,
    to: Timestamp,
    gaps: Vec<Gap>,
    began_by_step: bool,
    sent: u64,
    received: u64,
    loss: Option<LossStatus>,
    status: Option<DeviceStatus>,
}

/// One device, so far.
struct Seen {
    device: DeviceRef,
    zone: String,
    status: Option<DeviceStatus>,
    frames: [u64; 2],
    lost: (u64, u64),
    first: Timestamp,
    last: Timestamp,
    length: i64,
    gaps: Vec<Gap>,
    /// The agent was started so often before its last record.
    starts: u64,
}

/// One finding, so far.
struct Found {
    finding: FindingStatus,
    /// When, and why.
    closed: Option<(Timestamp, String, Option<String>, Option<String>)>,
}

#[derive(Default)]
struct Alarms {
    times: u64,
    length: i64,
    since: Option<Timestamp>,
    detail: String,
}

#[derive(Default)]
struct Reader {
    span: Span,
    starts: u64,
    names: (String, String),
    policy: String,
    devices: BTreeMap<Key, Seen>,
    findings: BTreeMap<String, Found>,
    zones: BTreeMap<Option<String>, Verdict>,
    alarms: BTreeMap<(String, String), Alarms>,
    missing: Vec<Damage>,
}

/// Reads the journal in a folder.
///
/// # Errors
/// The folder or a file of it cannot be read, or holds no journal.
pub fn history(directory: &Path, span: Span) -> io::Result<History> {
    let directory = journal::directory_of(directory);
    let mut reader = Reader { span, ..Reader::default() };
    let name = directory.display().to_string();
    let (mut last, mut kept_from) = (None, 0);
    for record in journal::read(&directory)? {
        let record = record?;
        let said = serde_json::from_str::<Record>(&record.text);
        if let Ok(Record::Cut { first }) = said {
            kept_from = kept_from.max(first);
        }
        if let Some(before) = last.filter(|&before| record.sequence > before + 1 && record.sequence > kept_from) {
            let what = format!("records {} to {} are missing", before + 1, record.sequence - 1);
            reader.missing.push(Damage { file: name.clone(), offset: 0, packet: 0, what });
        }
        last = Some(record.sequence);
        if let Ok(said) = said {
            reader.take(said);
        }
    }
    if last.is_none() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no journal"));
    }
    Ok(reader.finish(name))
}

impl History {
    /// For how long a device was covered.
    pub fn hours(&self, device: &DeviceStatus) -> Option<Hours> {
        self.hours.get(&key_of(device.mac, device.ips.first().copied(), device.name.as_deref())).cloned()
    }
}

impl Span {
    fn has(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.is_before_end(at)
    }

    fn is_before_end(&self, at: Timestamp) -> bool {
        self.to.is_none_or(|to| at < to)
    }

    /// The part of it that lies within.
    pub(super) fn clip(&self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let from = self.from.map_or(from, |first| from.max(first));
        let to = self.to.map_or(to, |last| to.min(last));
        (from < to).then_some((from, to))
    }
}

impl Reader {
    fn take(&mut self, record: Record) {
        match record {
            Record::Started { policy, site, sensor } => {
                self.starts += 1;
                (self.names, self.policy) = ((site, sensor), policy);
            }
            Record::Policy { hash } => self.policy = hash,
            Record::Coverage(covered) => self.cover(*covered),
            Record::FindingOpened { at, finding } | Record::FindingRaised { at, finding } => {
                let is_real = finding.kind != Kind::Drill;
                if is_real && self.span.is_before_end(at) {
                    let known = self.findings.remove(&finding.id);
                    let mut finding = *finding;
                    if let Some(known) = known {
                        finding.first_seen = finding.first_seen.min(known.finding.first_seen);
                    }
                    self.findings.insert(finding.id.clone(), Found { finding, closed: None });
                }
            }
            Record::FindingClosed { at, id, why, by, reason } => {
                if self.span.is_before_end(at)
                    && let Some(found) = self.findings.get_mut(&id)
                {
                    found.closed = Some((at, why, by, reason));
                }
            }
            Record::FindingMuted { at, id, exception } => self.except(at, &id, Some(exception)),
            // What it is again follows as a rise.
            Record::FindingRearmed { at, id } => self.except(at, &id, None),
            Record::Verdict { at, zone, to } => {
                if self.span.is_before_end(at) {
                    self.zones.insert(zone, to);
                }
            }
            Record::Mirror { at, interface, alarm, raised, detail } => {
                if self.span.has(at) {
                    self.alarms.entry((interface, alarm)).or_default().take(at, raised, detail);
                }
            }
            Record::Cut { .. } | Record::Other => {}
        }
    }

    fn except(&mut self, at: Timestamp, id: &str, exception: Option<ExceptionStatus>) {
        let found = self.findings.get_mut(id).filter(|_| self.span.is_before_end(at));
        if let Some(Found { finding, .. }) = found {
            finding.severity = if exception.is_some() { "info" } else { finding.severity };
            finding.exception = exception;
        }
    }

    fn cover(&mut self, covered: Covered) {
        let Some((from, to)) = self.span.clip(covered.from, covered.to) else { return };
        let key = key_of(covered.device.mac, covered.device.ip, covered.device.name.as_deref());
        let starts = self.starts;
        let seen = self.devices.entry(key).or_insert_with(|| Seen {
            device: covered.device.clone(),
            zone: covered.zone.clone(),
            status: None,
            frames: [0, 0],
            lost: (0, 0),
            first: from,
            last: from,
            length: 0,
            gaps: Vec::new(),
            starts,
        });
        if from > seen.last && !covered.began_by_step && seen.starts != starts {
            let detail = "the journal says nothing".to_owned();
            seen.add_gap(Gap { from: seen.last, to: from, reason: ReasonCode::Gap, detail });
            seen.length += from.since(seen.last);
        }
        (seen.device, seen.zone, seen.starts) = (covered.device, covered.zone, starts);
        seen.status = covered.status.or(seen.status.take());
        seen.frames = [seen.frames[0] + covered.sent, seen.frames[1] + covered.received];
        if let Some(loss) = covered.loss {
            seen.lost = (seen.lost.0 + loss.lost, seen.lost.1 + loss.expected);
        }
        seen.length += to.since(from);
        (seen.first, seen.last) = (seen.first.min(from), to);
        for gap in covered.gaps {
            if let Some((from, to)) = self.span.clip(gap.from, gap.to) {
                seen.add_gap(Gap { from, to, ..gap });
            }
        }
    }

    fn finish(mut self, name: String) -> History {
        self.join_named();
        let findings = self.take_findings();
        let first = self.devices.values().map(|seen| seen.first).min();
        let last = self.devices.values().map(|seen| seen.last).max();
        let devices: Vec<(DeviceStatus, Hours)> =
            std::mem::take(&mut self.devices).into_values().map(|seen| seen.judge(&findings)).collect();
        let zones = self.judge_zones(&devices, &findings);
        let outside = devices.iter().filter(|(device, _)| device.zone.is_none());
        let verdict = (zones.iter().filter_map(|zone| zone.verdict))
            .chain(outside.clone().map(|(device, _)| device.verdict))
            .chain(self.zones.get(&None).copied())
            .max()
            .unwrap_or(Verdict::Unverified);
        let reasons = match verdict {
            Verdict::Unverified => merge_reasons(
                zones.iter().flat_map(|zone| &zone.reasons).chain(outside.flat_map(|(device, _)| &device.reasons)),
            ),
            _ => Vec::new(),
        };
        let window = first.zip(last).map(|(first, last)| Window {
            first,
            last,
            seconds: last.since(first) as f64 / SECOND as f64,
        });
        let key = |device: &DeviceStatus| key_of(device.mac, device.ips.first().copied(), device.name.as_deref());
        let hours = devices.iter().map(|(device, hours)| (key(device), hours.clone())).collect();
        let mut devices: Vec<DeviceStatus> = devices.into_iter().map(|(device, _)| device).collect();
        devices.sort_by_key(|device| std::cmp::Reverse(device.verdict));
        let policy = PolicyRef { file: None, hash: self.policy };
        let health = self.alarms.into_iter().map(|((interface, alarm), alarms)| alarms.tell(interface, &alarm, last));
        let snapshot = Snapshot {
            verdict,
            reasons,
            window,
            zones,
            devices,
            findings: findings.into_iter().map(|(finding, _)| finding).collect(),
            health: health.flatten().collect(),
            ..Snapshot::unseen(policy)
        };
        let files = CaptureFiles { files: vec![name], damage: self.missing };
        let (site, sensor) = self.names;
        History { snapshot, files, site, sensor, hours }
    }

    /// A listed device that was known by its address before it was seen is the one that bears its name now.
    fn join_named(&mut self) {
        let names: Vec<(Key, String)> = (self.devices.iter())
            .filter(|(key, _)| !matches!(key, Key::Mac(_)))
            .filter_map(|(key, seen)| Some((key.clone(), seen.device.name.clone()?)))
            .collect();
        for (key, name) in names {
            let mut bearers = self
                .devices
                .iter()
                .filter(|(other, seen)| matches!(other, Key::Mac(_)) && seen.device.name.as_ref() == Some(&name));
            let bearer = match (bearers.next(), bearers.next()) {
                (Some((bearer, _)), None) => bearer.clone(),
                _ => continue,
            };
            let Some(before) = self.devices.remove(&key) else { continue };
            if let Some(after) = self.devices.get_mut(&bearer) {
                after.length += before.length;
                after.first = after.first.min(before.first);
                after.gaps = before.gaps.into_iter().chain(std::mem::take(&mut after.gaps)).collect();
            }
        }
    }

    /// Findings of the span, the worst first; and whether each still counts.
    fn take_findings(&mut self) -> Vec<(FindingStatus, bool)> {
        let from = self.span.from;
        let mut findings: Vec<(FindingStatus, bool)> = std::mem::take(&mut self.findings)
            .into_values()
            .filter(|found| match (&found.closed, from) {
                (Some((at, why, ..)), from) => why != "renamed" && from.is_none_or(|from| *at >= from),
                (None, _) => true,
            })
            .map(Found::tell)
            .collect();
        let rank = |finding: &FindingStatus| match finding.severity {
            "critical" => 0,
            "warning" => 1,
            _ => 2,
        };
        findings.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id)));
        findings
    }

    fn judge_zones(&self, devices: &[(DeviceStatus, Hours)], findings: &[(FindingStatus, bool)]) -> Vec<ZoneStatus> {
        let mut names: Vec<&str> = devices.iter().filter_map(|(device, _)| device.zone.as_deref()).collect();
        names.extend(self.zones.keys().filter_map(|zone| zone.as_deref()));
        names.sort_unstable();
        names.dedup();
        let zone = |name: &str| {
            let here = devices.iter().map(|(device, _)| device).filter(|device| device.zone.as_deref() == Some(name));
            // A rogue server of a zone is a device of none.
            let rogues =
                findings.iter().filter(|(f, counts)| *counts && f.zone == name && f.kind == Kind::RogueService);
            let verdict = (here.clone().map(|device| device.verdict))
                .chain(self.zones.get(&Some(name.to_owned())).copied())
                .chain(rogues.map(|_| Verdict::Violated))
                .max()
                .unwrap_or(Verdict::Unverified);
            let reasons = match verdict {
                Verdict::Unverified => merge_reasons(here.clone().flat_map(|device| &device.reasons)),
                _ => Vec::new(),
            };
            ZoneStatus {
                name: name.to_owned(),
                verdict: Some(verdict),
                reasons,
                devices: here.count() as u64,
                findings: findings.iter().filter(|(finding, _)| finding.zone == name).count() as u64,
                canaries: Vec::new(),
            }
        };
        names.into_iter().map(zone).collect()
    }
}

impl Seen {
    fn add_gap(&mut self, gap: Gap) {
        match self.gaps.last_mut() {
            Some(last) if last.to == gap.from && last.reason == gap.reason => last.to = gap.to,
            _ => self.gaps.push(gap),
        }
    }

    fn judge(self, findings: &[(FindingStatus, bool)]) -> (DeviceStatus, Hours) {
        let missing: i64 = self.gaps.iter().map(Gap::length).sum();
        let observed = (self.length - missing).max(0);
        let share = if self.length > 0 { observed as f64 / self.length as f64 } else { 0.0 };
        let mut device = self.status.unwrap_or_else(|| unknown(&self.device, &self.zone));
        let is_its = |finding: &FindingStatus| match (device.mac, finding.device.mac) {
            (Some(mac), Some(its)) => mac == its,
            (None, None) => finding.device.ip.is_some_and(|ip| device.ips.contains(&ip)),
            _ => false,
        };
        let found =
            findings.iter().filter(|(finding, counts)| *counts && is_its(finding)).map(|(f, _)| effect(f)).max();
        if share < MIN_SHARE && device.verdict < Verdict::Violated {
            let detail = format!("covered for {:.1} % of the time", (share * 1000.0).floor() / 10.0);
            device.reasons.push(Reason { code: ReasonCode::Gap, detail });
            device.verdict = Verdict::Unverified;
        }
        device.verdict = found.map_or(device.verdict, |found| device.verdict.max(found));
        if device.verdict != Verdict::Unverified {
            device.reasons.clear();
        }
        let loss = crate::coverage::Loss { lost: self.lost.0, expected: self.lost.1 };
        device.coverage = CoverageStatus {
            sent: self.frames[0],
            received: self.frames[1],
            first_seen: device.coverage.first_seen.map(|at| at.max(self.first)),
            last_seen: device.coverage.last_seen,
            loss: LossStatus::of(loss),
        };
        let whole = |nanoseconds: i64| u64::try_from(nanoseconds / SECOND).unwrap_or(0);
        (device, Hours { observed_seconds: whole(observed), seconds: whole(self.length), gaps: self.gaps })
    }
}

impl Found {
    fn tell(self) -> (FindingStatus, bool) {
        let mut finding = self.finding;
        let Some((at, why, by, reason)) = self.closed else { return (finding, true) };
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        finding.summary = format!("{} Closed ({why}) at {at}{by}{reason}.", finding.summary);
        (finding, why == "quiet")
    }
}

impl Alarms {
    fn take(&mut self, at: Timestamp, raised: bool, detail: String) {
        match (raised, self.since) {
            (true, None) => (self.times, self.since, self.detail) = (self.times + 1, Some(at), detail),
            (false, Some(since)) => {
                self.length += at.since(since).max(0);
                self.since = None;
            }
            _ => {}
        }
    }

    fn tell(self, interface: String, alarm: &str, end: Option<Timestamp>) -> Option<HealthStatus> {
        let alarm = Alarm::from_name(alarm)?;
        let open = self.since.zip(end).map_or(0, |(since, end)| end.since(since).max(0));
        let seconds = (self.length + open) / SECOND;
        let now = if self.since.is_some() { ", and still" } else { "" };
        let detail = format!("raised {} times, for {seconds} s in all{now}; last: {}", self.times, self.detail);
        (self.times > 0).then_some(HealthStatus { interface, alarm: alarm.name(), blinds: alarm.blinds(), detail })
    }
}

fn key_of(mac: Option<Mac>, ip: Option<IpAddr>, name: Option<&str>) -> Key {
    match (mac, ip) {
        (Some(mac), _) => Key::Mac(mac),
        (None, Some(ip)) => Key::Ip(ip),
        (None, None) => Key::Name(name.unwrap_or_default().to_owned()),
    }
}

fn effect(finding: &FindingStatus) -> Verdict {
    match (finding.class, finding.reach) {
        (Class::Breach, _) => Verdict::Violated,
        (Class::Reach, Some(reach)) if reach < Reach::Forwarded => Verdict::Contained,
        (Class::Reach, _) => Verdict::Violated,
        (Class::Notice | Class::None, _) => Verdict::Isolated,
    }
}

/// A device of which the journal tells nothing but its name.
fn unknown(device: &DeviceRef, zone: &str) -> DeviceStatus {
    DeviceStatus {
        mac: device.mac,
        name: device.name.clone(),
        ips: device.ip.into_iter().collect(),
        vlans: Vec::new(),
        vendor: None,
        model: None,
        firmware: None,
        serial: None,
        use_: None,
        zone: (zone != "none").then(|| zone.to_owned()),
        verdict: Verdict::Unverified,
        reasons: vec![Reason { code: ReasonCode::Gap, detail: "the journal says nothing of it".to_owned() }],
        posture: Posture::default(),
        hints: Vec::new(),
        coverage: CoverageStatus { sent: 0, received: 0, first_seen: None, last_seen: None, loss: None },
    }
}
