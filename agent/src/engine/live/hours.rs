//! For how long each watched device was observed, hour by hour, across restarts and steps of the clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Totals;
use super::clock::{CLOCK_STEP, MAX_PAUSE};
use crate::base::Timestamp;
use crate::coverage::{Loss, Period, Reason, ReasonCode, end_of_hour};
use crate::device::{Device, DeviceId};
use crate::engine::event::Event;
use crate::engine::snapshot::{DeviceRef, DeviceStatus, LossStatus};

/// Devices of which hours are recorded; those of the inventory come first. The others are counted.
pub const MAX_RECORDED: usize = 4_096;
/// Periods of a device that are kept for the page: those that end within this, in nanoseconds.
const RECENT: i64 = 25 * 3_600 * SECOND;
/// So many at most, whatever the clock does.
const MAX_RECENT: usize = 64;
/// Nanoseconds after which a device is recorded for the first time, so that a record names it soon.
const FIRST: i64 = 60 * SECOND;
/// A gap that is longer is told in one record, not one for each hour.
const MAX_SPLIT: i64 = 48 * 3_600 * SECOND;
const SECOND: i64 = 1_000_000_000;

/// Hours of watched devices.
#[derive(Default)]
pub(super) struct Hours {
    rows: BTreeMap<DeviceId, Row>,
    /// Rows that another agent before this one had; nobody looked since.
    resumed: BTreeSet<DeviceId>,
}

/// One device.
#[derive(Clone, Debug)]
struct Row {
    who: DeviceRef,
    zone: String,
    open: Period,
    began_by_step: bool,
    is_new: bool,
    sums: Counts,
    last: Option<Counts>,
    recent: VecDeque<Period>,
}

/// Of unicast frames on the device's own link, and of packets that are numbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(in crate::engine) struct Counts {
    sent: u64,
    received: u64,
    tagged: u64,
    lost: u64,
    seen: u64,
}

/// A watched device, whether somebody vouches for it now, and what it sent.
pub(super) struct Attended<'a> {
    pub(super) id: DeviceId,
    pub(super) status: &'a DeviceStatus,
    pub(super) doubt: Option<&'a Reason>,
    pub(super) counts: Counts,
}

/// How time went on since the tick before.
#[derive(Clone, Copy)]
pub(super) struct Passed {
    pub(super) wall: Timestamp,
    /// Monotonic nanoseconds.
    pub(super) elapsed: i64,
    /// By how much the clock went on otherwise.
    pub(super) jump: i64,
}

/// Of one device, the last day.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceHours {
    /// The device.
    pub device: DeviceRef,
    /// Its home; `none` without one.
    pub zone: String,
    /// In order, the one that is not over yet last.
    pub periods: Vec<Period>,
}

/// What outlives a restart of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedHours {
    pub(super) device: String,
    who: DeviceRef,
    zone: String,
    open: Period,
    began_by_step: bool,
    sums: Counts,
    recent: VecDeque<Period>,
}

impl Counts {
    pub(in crate::engine) fn of(device: &Device) -> Counts {
        let sight = &device.sight;
        let (lost, seen) = sight.numbered.all;
        Counts {
            sent: sight.sent,
            received: sight.received,
            tagged: sight.sent_tagged + sight.received_tagged,
            lost,
            seen,
        }
    }

    fn add_since(&mut self, now: Counts, last: Counts) {
        self.sent += now.sent.saturating_sub(last.sent);
        self.received += now.received.saturating_sub(last.received);
        self.tagged += now.tagged.saturating_sub(last.tagged);
        self.lost += now.lost.saturating_sub(last.lost);
        self.seen += now.seen.saturating_sub(last.seen);
    }
}

impl Hours {
    /// Time goes on for these devices, and for no other.
    pub(super) fn pass<'a>(
        &mut self,
        passed: Passed,
        attended: impl Iterator<Item = Attended<'a>>,
        (totals, events): (&mut Totals, &mut Vec<Event>),
    ) {
        let mut attended: Vec<Attended<'_>> = attended.collect();
        let here: BTreeSet<DeviceId> = attended.iter().map(|device| device.id).collect();
        let gone: Vec<DeviceId> = self.rows.keys().filter(|id| !here.contains(id)).copied().collect();
        for mut row in gone.into_iter().filter_map(|id| self.rows.remove(&id)) {
            row.close(passed.wall, None, events);
        }
        attended.sort_by_key(|device| device.status.name.is_none());
        totals.unrecorded = 0;
        let away = Reason { code: ReasonCode::Gap, detail: "segwatch was not running".to_owned() };
        let pause = (passed.elapsed > MAX_PAUSE).then(|| {
            let seconds = passed.elapsed / SECOND;
            Reason { code: ReasonCode::Gap, detail: format!("segwatch stood still for {seconds} s") }
        });
        for device in attended {
            if !self.rows.contains_key(&device.id) && self.rows.len() >= MAX_RECORDED {
                totals.unrecorded += 1;
                continue;
            }
            let resumed = self.resumed.remove(&device.id);
            let row = self.rows.entry(device.id).or_insert_with(|| Row::new(device.status, passed.wall));
            let doubt = if resumed { Some(&away) } else { pause.as_ref().or(device.doubt) };
            row.pass(if resumed { None } else { Some(passed.elapsed) }, passed, doubt, &device, (totals, events));
        }
        self.resumed.clear();
    }

    pub(super) fn published(&self) -> Arc<Vec<DeviceHours>> {
        let rows = self.rows.values().map(|row| DeviceHours {
            device: row.who.clone(),
            zone: row.zone.clone(),
            periods: row.recent.iter().chain([&row.open]).cloned().collect(),
        });
        Arc::new(rows.collect())
    }

    /// What is open is recorded now: the agent ends.
    pub(super) fn end<'a>(
        &mut self,
        at: Timestamp,
        attended: impl Iterator<Item = Attended<'a>>,
        events: &mut Vec<Event>,
    ) {
        for device in attended {
            if let Some(row) = self.rows.get_mut(&device.id) {
                row.close(at, Some(device.status), events);
            }
        }
    }

    pub(super) fn save(&self, key: impl Fn(DeviceId) -> Option<String>) -> Vec<SavedHours> {
        let rows = self.rows.iter().filter_map(|(&id, row)| {
            Some(SavedHours {
                device: key(id)?,
                who: row.who.clone(),
                zone: row.zone.clone(),
                open: row.open.clone(),
                began_by_step: row.began_by_step,
                sums: row.sums,
                recent: row.recent.clone(),
            })
        });
        rows.collect()
    }

    pub(super) fn restore(&mut self, id: DeviceId, saved: &SavedHours) {
        if self.rows.len() >= MAX_RECORDED {
            return;
        }
        let row = Row {
            who: saved.who.clone(),
            zone: saved.zone.clone(),
            open: saved.open.clone(),
            began_by_step: saved.began_by_step,
            is_new: false,
            sums: saved.sums,
            last: None,
            recent: saved.recent.iter().take(MAX_RECENT).cloned().collect(),
        };
        self.rows.insert(id, row);
        self.resumed.insert(id);
    }
}

impl Row {
    fn new(status: &DeviceStatus, at: Timestamp) -> Row {
        Row {
            who: name_of(status),
            zone: zone_of(status),
            open: Period::at(at),
            began_by_step: false,
            is_new: true,
            sums: Counts::default(),
            last: Some(Counts::default()),
            recent: VecDeque::new(),
        }
    }

    /// `elapsed` is not known across a restart.
    fn pass(
        &mut self,
        elapsed: Option<i64>,
        passed: Passed,
        doubt: Option<&Reason>,
        device: &Attended<'_>,
        (totals, events): (&mut Totals, &mut Vec<Event>),
    ) {
        (self.who, self.zone) = (name_of(device.status), zone_of(device.status));
        let last = self.last.replace(device.counts).unwrap_or(device.counts);
        self.sums.add_since(device.counts, last);
        let is_step = match elapsed {
            Some(_) => passed.jump.abs() > CLOCK_STEP,
            None => self.open.to.since(passed.wall) > CLOCK_STEP,
        };
        // What the clock would show without its step.
        let reached = match elapsed {
            _ if !is_step => passed.wall,
            Some(elapsed) => Timestamp(self.open.to.0.saturating_add(elapsed)),
            None => self.open.to,
        };
        let splits = reached.since(self.open.to) <= MAX_SPLIT;
        while splits && reached >= end_of_hour(self.open.to) {
            let end = end_of_hour(self.open.to);
            self.extend(end, doubt, totals);
            self.close(passed.wall, Some(device.status), events);
        }
        if !splits {
            self.close(passed.wall, Some(device.status), events);
        }
        self.extend(reached, doubt, totals);
        if is_step || !splits || self.is_new && self.open.length() >= FIRST {
            self.close(passed.wall, Some(device.status), events);
        }
        if is_step {
            (self.open, self.began_by_step) = (Period::at(passed.wall), true);
        }
    }

    fn extend(&mut self, to: Timestamp, doubt: Option<&Reason>, totals: &mut Totals) {
        let length = to.since(self.open.to).max(0);
        self.open.extend(to, doubt);
        let (covered, gaps) = (&mut totals.covered, &mut totals.gaps);
        *covered.entry(self.zone.clone()).or_default() += if doubt.is_none() { length } else { 0 };
        if let Some(doubt) = doubt {
            *gaps.entry((self.zone.clone(), doubt.code)).or_default() += length;
        }
    }

    /// Records what is open, and begins anew behind it.
    fn close(&mut self, at: Timestamp, status: Option<&DeviceStatus>, events: &mut Vec<Event>) {
        self.is_new = false;
        let end = self.open.to;
        let period = std::mem::replace(&mut self.open, Period::at(end));
        let began_by_step = std::mem::take(&mut self.began_by_step);
        let sums = std::mem::take(&mut self.sums);
        if period.length() == 0 {
            return;
        }
        events.push(Event::Coverage {
            at,
            device: self.who.clone(),
            zone: self.zone.clone(),
            from: period.from,
            to: period.to,
            observed_seconds: period.observed() as f64 / SECOND as f64,
            gaps: period.gaps.clone(),
            began_by_step,
            sent: sums.sent,
            received: sums.received,
            tagged: sums.tagged,
            loss: LossStatus::of(Loss::of(sums.lost, sums.seen)),
            status: status.cloned().map(Box::new),
        });
        self.recent.push_back(period);
        while self.recent.front().is_some_and(|first| end.since(first.to) > RECENT) || self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
    }
}

fn name_of(status: &DeviceStatus) -> DeviceRef {
    DeviceRef { mac: status.mac, ip: status.ips.first().copied(), name: status.name.clone() }
}

fn zone_of(status: &DeviceStatus) -> String {
    status.zone.clone().unwrap_or_else(|| "none".to_owned())
}
