//! The journal's records, taken in one by one.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Key, Span, key_of};
use crate::base::Timestamp;
use crate::coverage::{Gap, ReasonCode, Verdict};
use crate::engine::{DeviceRef, DeviceStatus, ExceptionStatus, FindingStatus, LossStatus};
use crate::finding::Kind;
use crate::report::Damage;

/// What the journal holds, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Record {
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
pub(super) struct Covered {
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
pub(super) struct Seen {
    pub(super) device: DeviceRef,
    pub(super) zone: String,
    pub(super) status: Option<DeviceStatus>,
    pub(super) frames: [u64; 2],
    pub(super) lost: (u64, u64),
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) length: i64,
    pub(super) gaps: Vec<Gap>,
    /// The agent was started so often before its last record.
    pub(super) starts: u64,
}

/// One finding, so far.
pub(super) struct Found {
    pub(super) finding: FindingStatus,
    /// When, and why.
    pub(super) closed: Option<(Timestamp, String, Option<String>, Option<String>)>,
}

#[derive(Default)]
pub(super) struct Alarms {
    pub(super) times: u64,
    pub(super) length: i64,
    pub(super) since: Option<Timestamp>,
    pub(super) detail: String,
}

#[derive(Default)]
pub(super) struct Reader {
    pub(super) span: Span,
    pub(super) starts: u64,
    pub(super) names: (String, String),
    pub(super) policy: String,
    pub(super) devices: BTreeMap<Key, Seen>,
    pub(super) findings: BTreeMap<String, Found>,
    pub(super) zones: BTreeMap<Option<String>, Verdict>,
    pub(super) alarms: BTreeMap<(String, String), Alarms>,
    pub(super) missing: Vec<Damage>,
}

impl Reader {
    pub(super) fn take(&mut self, record: Record) {
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
}

impl Seen {
    fn add_gap(&mut self, gap: Gap) {
        match self.gaps.last_mut() {
            Some(last) if last.to == gap.from && last.reason == gap.reason => last.to = gap.to,
            _ => self.gaps.push(gap),
        }
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
}
