//! One mirror port, or one capture file.

use std::collections::{BTreeMap, VecDeque};

use super::alarm::Alarm;
use super::counts::{Counts, Pulse, Rules};
use super::pace::Pace;
use super::raised::Raised;
use super::vlans::Vlans;
use super::words::{of_filtered, of_loss};
use crate::base::Timestamp;
use crate::coverage::Loss;
use crate::engine::event::{Event, SourceEvent};
use crate::engine::live::CLOCK_STEP;

const SECOND: i64 = 1_000_000_000;
/// What came is judged in windows of this length.
const WINDOW: i64 = 10 * SECOND;
/// Windows in a row that raise, or end, an alarm about the sort of frames that came.
const WINDOWS: u32 = 3;
/// Windows over which loss is estimated: those of a minute, and those of ten for traffic that is thin.
const LOSS_WINDOWS: [usize; 2] = [6, 60];
/// A mirror port without a frame for so long is silent: something always talks on a network.
const SILENT_AFTER: i64 = 45 * SECOND;
/// How long an alarm about the clock lasts.
const CLOCK_LASTS: i64 = 600 * SECOND;
/// What is missing for so long after a drop at the sensor is put down to that.
const DROPS_EXPLAIN: i64 = 3 * SECOND;
/// A VLAN is missing when it was not seen for once to twice this long.
const VLANS_WITHIN: i64 = 1_800 * SECOND;

/// What is published of a mirror port.
#[derive(Clone, Debug, Default)]
pub struct InterfaceStatus {
    /// Its name.
    pub name: String,
    /// It can be read.
    pub up: bool,
    /// Frames read.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Lost in the kernel's buffer, in the interface, in the agent.
    pub dropped: [u64; 3],
    /// Time of the last frame.
    pub last: Option<Timestamp>,
    /// Alarms that are on, with one sentence each.
    pub alarms: BTreeMap<Alarm, String>,
}

/// One mirror port.
#[derive(Debug, Default)]
pub(in crate::engine) struct Interface {
    pub(super) status: InterfaceStatus,
    /// Of the last seconds; of a capture file all there was.
    pub(super) window: Counts,
    window_began: Option<i64>,
    last_frame: Option<i64>,
    runs: BTreeMap<Alarm, (u32, u32)>,
    /// Of each window, the latest first.
    losses: VecDeque<Loss>,
    pub(super) vlans: Vlans,
    vlans_turned: Option<i64>,
    /// Zones whose VLANs are missing.
    filtered: Vec<u16>,
    /// A filter of the capture itself hides what nobody can tell.
    filter: Option<String>,
    cuts_headers: bool,
    pub(super) pace: Pace,
    clock_until: i64,
    down: Option<String>,
    /// Times that packets were dropped at the sensor, and until when that explains what is missing.
    pub(super) drops: u32,
    explained_until: i64,
    /// Before then nothing, or not enough, was seen.
    pub(in crate::engine) blind_until: i64,
}

impl Interface {
    pub(super) fn named(name: String) -> Interface {
        Interface { status: InterfaceStatus { name, up: true, ..InterfaceStatus::default() }, ..Interface::default() }
    }

    pub(super) fn pulse(&mut self, pulse: &Pulse, is_file: bool) {
        self.status.packets += 1;
        self.status.bytes += u64::from(pulse.bytes);
        self.status.last = Some(pulse.at);
        self.last_frame = Some(pulse.now);
        self.window.add(pulse);
        if let Some(vlan) = pulse.vlan {
            self.vlans.see(vlan);
        }
        if is_file {
            self.pace.see(pulse.at);
        }
    }

    /// What a flow of a watched device showed on its own link since the last tick.
    pub(in crate::engine) fn talk(&mut self, proto: u8, packets: [u64; 2], acknowledged: [bool; 2]) {
        self.window.talks.add(proto, packets, acknowledged);
    }

    /// (lost, seen) of numbered data.
    pub(super) fn count_loss(&mut self, (lost, seen): (u32, u32), now: i64) {
        if now >= self.explained_until {
            self.window.loss += Loss::of(lost.into(), seen.into());
        }
    }

    pub(in crate::engine) fn tell(&mut self, event: SourceEvent, wall: Timestamp, now: i64, events: &mut Vec<Event>) {
        match event {
            SourceEvent::Up { name } => {
                self.status.up = true;
                self.status.name = name;
                if self.down.take().is_some() {
                    self.clear(Alarm::Silent, wall, now, events);
                }
                self.missed(now);
                self.last_frame = Some(now);
                self.window_began = Some(now);
            }
            SourceEvent::Down { why } => {
                self.status.up = false;
                self.gap(&why, wall, events);
                self.raise(Alarm::Silent, why.clone(), wall, events);
                self.down = Some(why);
            }
            SourceEvent::Drops { kernel, interface, agent } => {
                self.count_drops([kernel, interface, agent]);
                self.explain(now);
            }
            SourceEvent::Gap { why } => {
                self.gap(&why, wall, events);
                self.missed(now);
            }
            SourceEvent::Filter { expression } => {
                let detail = format!("the capture filter `{expression}` hides traffic: remove it");
                self.filter = Some(detail.clone());
                self.raise(Alarm::Filtered, detail, wall, events);
            }
        }
    }

    pub(super) fn count_drops(&mut self, drops: [u64; 3]) {
        for (total, new) in self.status.dropped.iter_mut().zip(drops) {
            *total += new;
        }
        self.window.dropped += drops.iter().sum::<u64>();
    }

    /// What is missing around now was not lost before this port.
    fn explain(&mut self, now: i64) {
        self.drops = self.drops.wrapping_add(1);
        self.explained_until = now.saturating_add(DROPS_EXPLAIN);
        self.window.loss = Loss::default();
    }

    /// For a while nothing was read.
    fn missed(&mut self, now: i64) {
        self.blind_until = now.saturating_add(1);
        self.explain(now);
    }

    fn gap(&self, why: &str, wall: Timestamp, events: &mut Vec<Event>) {
        events.push(Event::Gap { at: wall, interface: self.status.name.clone(), what: why.to_owned() });
    }

    /// The wall clock went this much farther than monotonic time.
    pub(in crate::engine) fn clock(&mut self, jump: i64, now: i64) {
        if jump.saturating_abs() > CLOCK_STEP {
            self.clock_until = now.saturating_add(CLOCK_LASTS);
        }
    }

    /// Nobody looked until now.
    pub(in crate::engine) fn skip(&mut self, now: i64) {
        if self.last_frame.is_some() {
            self.last_frame = Some(now);
        }
    }

    /// Raises and ends alarms of a live port. `answers` tells zones of which hosts answer watched devices.
    pub(in crate::engine) fn judge(
        &mut self,
        rules: &Rules,
        answers: &dyn Fn(usize) -> bool,
        wall: Timestamp,
        now: i64,
        events: &mut Vec<Event>,
    ) {
        if self.down.is_none() {
            let last = *self.last_frame.get_or_insert(now);
            let silent = (now.saturating_sub(last) > SILENT_AFTER).then(|| {
                format!("no frame for {} s: a cable, a port that is shut, or no mirror session", SILENT_AFTER / SECOND)
            });
            if silent.is_some() {
                // What is missing when it speaks again was told as silence, and has another cause.
                self.explain(now);
            }
            self.hold(Alarm::Silent, silent, wall, now, events);
        }
        let clock = (now < self.clock_until).then(|| "the clock was set while packets came in: see to NTP".to_owned());
        self.hold(Alarm::Clock, clock, wall, now, events);
        if self.window.drops_too_many(rules) {
            self.raise(Alarm::KernelDrops, self.window.of_drops(), wall, events);
        }
        let began = *self.window_began.get_or_insert(now);
        if now.saturating_sub(began) < WINDOW {
            return;
        }
        self.window_began = Some(now);
        let window = std::mem::take(&mut self.window);
        self.run(Alarm::KernelDrops, window.drops_too_many(rules), window.of_drops(), wall, now, events);
        for check in window.checks(rules).into_iter().filter(|check| check.telling) {
            self.run(check.alarm, check.bad, check.detail, wall, now, events);
        }
        self.cuts_headers = window.cuts_headers(rules);
        let upstream = self.upstream_loss(window.loss, rules);
        self.hold(Alarm::UpstreamLoss, upstream, wall, now, events);
        let filtered = self.missing_vlans(rules, answers, now);
        self.hold(Alarm::Filtered, filtered, wall, now, events);
    }

    fn upstream_loss(&mut self, latest: Loss, rules: &Rules) -> Option<String> {
        self.losses.push_front(latest);
        self.losses.truncate(LOSS_WINDOWS[1]);
        let sum = |windows: usize| {
            let mut sum = Loss::default();
            self.losses.iter().take(windows).for_each(|&loss| sum += loss);
            sum
        };
        LOSS_WINDOWS.into_iter().map(sum).find(|loss| loss.may_exceed(rules.loss)).map(of_loss)
    }

    fn missing_vlans(&mut self, rules: &Rules, answers: &dyn Fn(usize) -> bool, now: i64) -> Option<String> {
        let turned = *self.vlans_turned.get_or_insert(now);
        if now.saturating_sub(turned) > VLANS_WITHIN {
            self.vlans_turned = Some(now);
            let missing = self.vlans.missing(&rules.zones, answers);
            self.vlans.turn();
            self.filtered = missing.iter().map(|it| it.zone).collect();
            if self.filter.is_none() {
                return of_filtered(missing.into_iter().map(|it| it.detail));
            }
        }
        let still = self.status.alarms.get(&Alarm::Filtered).cloned();
        self.filter.clone().or(still)
    }

    /// Raises an alarm after some bad windows in a row, and ends it after some good ones.
    fn run(&mut self, alarm: Alarm, bad: bool, detail: String, wall: Timestamp, now: i64, events: &mut Vec<Event>) {
        let (bads, goods) = self.runs.entry(alarm).or_default();
        (*bads, *goods) = if bad { (*bads + 1, 0) } else { (0, *goods + 1) };
        let (bads, goods) = (*bads, *goods);
        if bad && bads >= WINDOWS {
            self.raise(alarm, detail, wall, events);
        } else if goods >= WINDOWS {
            self.clear(alarm, wall, now, events);
        }
    }

    /// Raises an alarm if there is a detail, else ends it.
    fn hold(&mut self, alarm: Alarm, detail: Option<String>, wall: Timestamp, now: i64, events: &mut Vec<Event>) {
        match detail {
            Some(detail) => self.raise(alarm, detail, wall, events),
            None => self.clear(alarm, wall, now, events),
        }
    }

    /// What an alarm says is of now, while it lasts.
    fn raise(&mut self, alarm: Alarm, detail: String, wall: Timestamp, events: &mut Vec<Event>) {
        if self.status.alarms.insert(alarm, detail.clone()).is_none() {
            let interface = self.status.name.clone();
            events.push(Event::Mirror { at: wall, interface, alarm: alarm.name(), raised: true, detail });
        }
    }

    fn clear(&mut self, alarm: Alarm, wall: Timestamp, now: i64, events: &mut Vec<Event>) {
        if let Some(detail) = self.status.alarms.remove(&alarm) {
            if alarm.forgets() {
                self.blind_until = now;
            }
            let interface = self.status.name.clone();
            events.push(Event::Mirror { at: wall, interface, alarm: alarm.name(), raised: false, detail });
        }
    }

    /// The alarms of a live port.
    pub(super) fn raised(&self) -> Raised {
        Raised {
            interface: self.status.name.clone(),
            alarms: self.status.alarms.clone(),
            filtered: self.filtered.clone(),
            hides_all: self.filter.is_some(),
            cuts_headers: self.cuts_headers,
        }
    }

    pub(super) fn is_used(&self) -> bool {
        self.status.packets > 0
    }

    pub(in crate::engine) fn status(&self) -> InterfaceStatus {
        self.status.clone()
    }
}
