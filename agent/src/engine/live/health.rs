//! Health of a mirror port: what makes what came through it worth less than it looks.

use std::collections::BTreeMap;

use crate::base::Timestamp;
use crate::coverage::{Reason, ReasonCode};
use crate::engine::event::{Event, SourceEvent};
use crate::engine::snapshot::HealthStatus;
use crate::policy::{Policy, Untagged};

/// Mirror ports of one engine.
pub(super) const MAX_INTERFACES: usize = 64;
const SECOND: i64 = 1_000_000_000;
/// What came is judged in windows of this length.
const WINDOW: i64 = 10 * SECOND;
/// Windows in a row that raise, or end, an alarm about the sort of frames that came.
const WINDOWS: u32 = 3;
/// A mirror port without a frame for so long is silent: something always talks on a network.
const SILENT_AFTER: i64 = 45 * SECOND;
/// Frames of a window below which it says nothing.
const MIN_FRAMES: u64 = 20;
/// No network carries longer frames (IEEE 802.3: jumbo frames are about 9,000 bytes): the sensor's own card joined them.
const MAX_FRAME: u32 = 10_000;
/// Share of frames that came twice above which the mirror is set up twice.
const DUPLICATES: f64 = 0.2;
/// A step of the clock against monotonic time that is told.
const CLOCK_STEP: i64 = SECOND;
/// How long an alarm about the clock lasts.
const CLOCK_LASTS: i64 = 600 * SECOND;
const TCP: u8 = 6;

/// Alarms of a mirror port (DESIGN, section 6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum Alarm {
    Silent,
    KernelDrops,
    UpstreamLoss,
    OneDirectional,
    Untagged,
    Filtered,
    Undecodable,
    Duplicates,
    Truncated,
    Offload,
    Clock,
}

impl Alarm {
    /// Every alarm.
    pub const ALL: [Alarm; 11] = [
        Alarm::Silent,
        Alarm::KernelDrops,
        Alarm::UpstreamLoss,
        Alarm::OneDirectional,
        Alarm::Untagged,
        Alarm::Filtered,
        Alarm::Undecodable,
        Alarm::Duplicates,
        Alarm::Truncated,
        Alarm::Offload,
        Alarm::Clock,
    ];

    /// The word used in labels and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Alarm::Silent => "silent",
            Alarm::KernelDrops => "kernel-drops",
            Alarm::UpstreamLoss => "upstream-loss",
            Alarm::OneDirectional => "one-directional",
            Alarm::Untagged => "untagged",
            Alarm::Filtered => "filtered",
            Alarm::Undecodable => "undecodable",
            Alarm::Duplicates => "duplicates",
            Alarm::Truncated => "truncated",
            Alarm::Offload => "offload",
            Alarm::Clock => "clock",
        }
    }

    /// What came while it lasts is not enough for a verdict.
    pub fn blinds(self) -> bool {
        !matches!(self, Alarm::Duplicates | Alarm::Truncated | Alarm::Offload | Alarm::Clock)
    }

    /// The reason that it gives, if it blinds.
    fn reason(self) -> ReasonCode {
        match self {
            Alarm::KernelDrops | Alarm::UpstreamLoss => ReasonCode::Loss,
            Alarm::OneDirectional => ReasonCode::OneDirection,
            Alarm::Untagged => ReasonCode::Untagged,
            _ => ReasonCode::Gap,
        }
    }

    /// After it ended, a device has to be seen again: what was missed is not known.
    fn forgets(self) -> bool {
        matches!(self, Alarm::Silent | Alarm::OneDirectional | Alarm::Untagged | Alarm::Undecodable)
    }
}

/// What the policy says about health.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    loss: f64,
    tags_expected: bool,
}

impl Rules {
    pub(super) fn of(policy: &Policy) -> Rules {
        let tags_expected = policy.untagged == Untagged::Reject && policy.zones.iter().any(|z| !z.vlans.is_empty());
        Rules { loss: policy.coverage.loss, tags_expected }
    }
}

/// What one frame says about its mirror port.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Pulse {
    pub(in crate::engine) at: Timestamp,
    pub(in crate::engine) now: i64,
    pub(in crate::engine) bytes: u32,
    pub(in crate::engine) tagged: bool,
    pub(in crate::engine) undecoded: bool,
    pub(in crate::engine) truncated: bool,
    pub(in crate::engine) duplicate: bool,
}

/// Counts of one window.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    frames: u64,
    tagged: u64,
    undecoded: u64,
    truncated: u64,
    duplicates: u64,
    long: u64,
    lost: u64,
    one_sided: u64,
    two_sided: u64,
}

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
pub(super) struct Interface {
    status: InterfaceStatus,
    window: Counts,
    window_began: Option<i64>,
    last_frame: Option<i64>,
    runs: BTreeMap<Alarm, (u32, u32)>,
    clock_until: i64,
    down: Option<String>,
    /// Before then nothing, or not enough, was seen.
    pub(super) blind_until: i64,
}

impl Interface {
    pub(super) fn pulse(&mut self, pulse: &Pulse) {
        self.status.packets += 1;
        self.status.bytes += u64::from(pulse.bytes);
        self.status.last = Some(pulse.at);
        self.last_frame = Some(pulse.now);
        let window = &mut self.window;
        window.frames += 1;
        window.tagged += u64::from(pulse.tagged);
        window.undecoded += u64::from(pulse.undecoded);
        window.truncated += u64::from(pulse.truncated);
        window.duplicates += u64::from(pulse.duplicate);
        window.long += u64::from(pulse.bytes > MAX_FRAME);
    }

    /// What a flow of a watched device showed since the last tick.
    pub(super) fn conversation(&mut self, proto: u8, packets: [u64; 2], acknowledged: [bool; 2]) {
        match packets {
            [0, 0] => {}
            [sent, received] if sent > 0 && received > 0 => self.window.two_sided += 1,
            // Only TCP tells one direction from a host that nobody answers: it acknowledges what was not seen.
            [sent, received] if proto == TCP => {
                let side = usize::from(received > 0);
                if acknowledged[side] {
                    self.window.one_sided += sent + received;
                }
            }
            _ => {}
        }
    }

    pub(super) fn tell(&mut self, event: SourceEvent, wall: Timestamp, now: i64, events: &mut Vec<Event>) {
        match event {
            SourceEvent::Up { name } => {
                self.status.up = true;
                self.status.name = name;
                if self.down.take().is_some() {
                    self.clear(Alarm::Silent, wall, now, events);
                }
                self.blind_until = now.saturating_add(1);
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
                for (total, new) in self.status.dropped.iter_mut().zip([kernel, interface, agent]) {
                    *total += new;
                }
                self.window.lost += kernel + interface + agent;
            }
            SourceEvent::Gap { why } => {
                self.gap(&why, wall, events);
                self.blind_until = now.saturating_add(1);
            }
            SourceEvent::Filter { expression } => {
                let detail = format!("the capture filter `{expression}` hides traffic");
                self.raise(Alarm::Filtered, detail, wall, events);
            }
        }
    }

    fn gap(&self, why: &str, wall: Timestamp, events: &mut Vec<Event>) {
        events.push(Event::Gap { at: wall, interface: self.status.name.clone(), what: why.to_owned() });
    }

    /// The wall clock went this much farther than monotonic time.
    pub(super) fn clock(&mut self, jump: i64, now: i64) {
        if jump.saturating_abs() > CLOCK_STEP {
            self.clock_until = now.saturating_add(CLOCK_LASTS);
        }
    }

    /// Raises and ends alarms.
    pub(super) fn judge(&mut self, rules: &Rules, wall: Timestamp, now: i64, events: &mut Vec<Event>) {
        if self.down.is_none() {
            let last = *self.last_frame.get_or_insert(now);
            if now.saturating_sub(last) > SILENT_AFTER {
                self.raise(Alarm::Silent, format!("no frame for {} s", SILENT_AFTER / SECOND), wall, events);
            } else {
                self.clear(Alarm::Silent, wall, now, events);
            }
        }
        if now < self.clock_until {
            self.raise(Alarm::Clock, "the clock was set while packets came in".to_owned(), wall, events);
        } else {
            self.clear(Alarm::Clock, wall, now, events);
        }
        let (lost, frames) = (self.window.lost, self.window.frames);
        if share(lost, lost + frames) > rules.loss {
            self.raise(Alarm::KernelDrops, format!("{lost} of {} packets were lost", lost + frames), wall, events);
        }
        let began = *self.window_began.get_or_insert(now);
        if now.saturating_sub(began) < WINDOW {
            return;
        }
        self.window_began = Some(now);
        let window = std::mem::take(&mut self.window);
        let enough = window.frames >= MIN_FRAMES;
        let of_frames = |count: u64| format!("{count} of {} frames", window.frames);
        let checks = [
            (Alarm::KernelDrops, share(window.lost, window.lost + window.frames) > rules.loss, true, String::new()),
            (
                Alarm::Untagged,
                rules.tags_expected && window.tagged == 0,
                enough,
                "no frame has a VLAN tag, but zones name VLANs".to_owned(),
            ),
            (
                Alarm::OneDirectional,
                window.one_sided > 0,
                window.two_sided > 0 || window.one_sided >= MIN_FRAMES / 2,
                "TCP acknowledges data that the mirror does not show: it copies one direction only".to_owned(),
            ),
            (
                Alarm::Undecodable,
                share(window.undecoded, window.frames) > rules.loss,
                enough,
                of_frames(window.undecoded) + " could not be decoded",
            ),
            (
                Alarm::Duplicates,
                share(window.duplicates, window.frames) > DUPLICATES,
                enough,
                of_frames(window.duplicates) + " came twice",
            ),
            (Alarm::Truncated, window.truncated > 0, enough, of_frames(window.truncated) + " are cut short"),
            (
                Alarm::Offload,
                window.long > 0,
                enough,
                of_frames(window.long) + " are longer than a network carries: switch GRO and LRO off on this port",
            ),
        ];
        for (alarm, bad, telling, detail) in checks {
            if !telling {
                continue;
            }
            let bad = bad && !(alarm == Alarm::OneDirectional && window.two_sided > 0);
            let (bads, goods) = self.runs.entry(alarm).or_default();
            (*bads, *goods) = if bad { (*bads + 1, 0) } else { (0, *goods + 1) };
            let (bads, goods) = (*bads, *goods);
            if bad && bads >= WINDOWS {
                self.raise(alarm, detail, wall, events);
            } else if goods >= WINDOWS {
                self.clear(alarm, wall, now, events);
            }
        }
    }

    fn raise(&mut self, alarm: Alarm, detail: String, wall: Timestamp, events: &mut Vec<Event>) {
        if let std::collections::btree_map::Entry::Vacant(place) = self.status.alarms.entry(alarm) {
            place.insert(detail.clone());
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

    pub(super) fn blind_reasons(&self) -> impl Iterator<Item = Reason> {
        self.status
            .alarms
            .iter()
            .filter(|(alarm, _)| alarm.blinds())
            .map(|(alarm, detail)| Reason { code: alarm.reason(), detail: format!("{}: {detail}", self.status.name) })
    }

    pub(super) fn health(&self) -> impl Iterator<Item = HealthStatus> {
        self.status.alarms.iter().map(|(alarm, detail)| HealthStatus {
            interface: self.status.name.clone(),
            alarm: alarm.name(),
            blinds: alarm.blinds(),
            detail: detail.clone(),
        })
    }

    pub(super) fn status(&self) -> InterfaceStatus {
        self.status.clone()
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
