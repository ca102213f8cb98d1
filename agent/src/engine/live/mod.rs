//! The engine on a live mirror: what was true becomes what is true now.
//!
//! Every [`Engine::tick`] takes what flows showed since the last one, lets idle ones go, holds the mirror's health
//! against what came, and compares the findings with the open episodes. All of it follows from the inputs alone.

mod adopt;
mod clock;
mod episode;
mod hours;
mod saved;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use clock::CLOCK_STEP;
pub use episode::{EpisodeStatus, MAX_EPISODES, Subject};
pub use hours::{DeviceHours, MAX_RECORDED};
pub use saved::{Changes, Saved};
pub(super) use saved::{key_of, key_text};

use super::Engine;
use super::event::{Command, Event, SourceEvent};
use super::frame::cover;
use super::health::{InterfaceStatus, Mirrors, Rules};
use super::snapshot::{FlowVerdict, Snapshot};
use super::summary::Summary;
use crate::base::Timestamp;
use crate::coverage::{Reason, ReasonCode, Verdict};
use crate::device::Device;
use crate::finding::{FindingKey, Kind};
use crate::flow::{IDLE_TIMEOUT, Reach};
use episode::Episode;
use hours::{Attended, Counts, Hours, Passed};

/// Nanoseconds that a frame's time may lead the clock that ticks give.
const MAX_LEAD: i64 = 5_000_000_000;
/// Nanoseconds without a frame after which a device that nobody declared leaves the verdict.
const LEAVES_AFTER: i64 = 86_400_000_000_000;
const NANOSECONDS_PER_HOUR: i64 = 3_600_000_000_000;

/// What only a live engine has.
#[derive(Default)]
pub(super) struct Live {
    /// Of the last tick.
    wall: Timestamp,
    /// Of the one before.
    former_wall: Timestamp,
    /// The latest wall time since this policy decides: a clock that is set back brings no exception back.
    latest: Timestamp,
    mono: i64,
    /// Monotonic minus wall time.
    offset: i64,
    ticked: bool,
    /// Not before this was anything seen.
    started: i64,
    /// The engine's epoch at the last tick.
    epoch: u32,
    episodes: BTreeMap<String, Episode>,
    drill: Option<episode::Drill>,
    verdicts: BTreeMap<Option<String>, Verdict>,
    full: Full,
    hours: Hours,
    totals: Totals,
    events: Vec<Event>,
    snapshot: Option<Arc<Snapshot>>,
    /// What the findings of the snapshot are about, by id.
    keys: BTreeMap<String, FindingKey>,
}

/// When a table was found full last, and how often by then.
#[derive(Default)]
struct Full {
    count: u64,
    at: Option<i64>,
}

/// Counters since the start, and across restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Openings of findings and rises in reach, by zone, kind and reach.
    pub findings: BTreeMap<(String, Kind, Option<Reach>), u64>,
    /// Flows judged, by the zone of their watched device (`none` without one) and verdict.
    pub flows: BTreeMap<(String, FlowVerdict), u64>,
    /// Flows that a conduit allowed, by its name.
    pub conduits: BTreeMap<String, u64>,
    /// Flows that had to leave a full table, those of watched devices apart.
    pub evicted: [u64; 2],
    /// Flows in the table.
    pub active: u64,
    /// Nanoseconds for which devices were observed, by zone.
    pub covered: BTreeMap<String, i64>,
    /// Nanoseconds for which they were not, by zone and reason.
    pub gaps: BTreeMap<(String, ReasonCode), i64>,
    /// Devices of which no hours are recorded.
    pub unrecorded: u64,
}

/// What a live engine publishes at each tick.
#[derive(Clone, Debug)]
pub struct Published {
    /// The answer.
    pub snapshot: Arc<Snapshot>,
    /// Open findings by id.
    pub episodes: BTreeMap<String, EpisodeStatus>,
    /// Mirror ports, in the order of the configuration.
    pub interfaces: Vec<InterfaceStatus>,
    /// Counters.
    pub totals: Totals,
    /// When each device was observed.
    pub hours: Arc<Vec<DeviceHours>>,
}

impl Live {
    /// Monotonic time of a frame that was captured at `at`.
    pub(super) fn time_of(&self, at: Timestamp, now: i64) -> i64 {
        at.0.saturating_add(self.offset).min(self.mono.saturating_add(MAX_LEAD)).max(now)
    }

    /// Before the first tick there is no time yet.
    fn mono_of(&self, now: i64) -> i64 {
        now.max(self.mono)
    }

    /// Not before this was a device seen with certainty: the start, or the end of the last time that its mirror port
    /// was blind.
    fn seen_since(&self, device: &Device, mirrors: &Mirrors) -> i64 {
        mirrors.of(device.source).map_or(self.started, |port| port.blind_until.max(self.started))
    }

    /// Why a device is not covered now.
    pub(super) fn coverage(
        &self,
        device: &Device,
        mirrors: &Mirrors,
        now: i64,
        silence: i64,
        vlan_matters: bool,
    ) -> Vec<Reason> {
        let recent = &device.sight.recent;
        let blind = self.seen_since(device, mirrors);
        let since = now.saturating_sub(silence).max(blind);
        let is = |at: i64| at >= since && at != i64::MIN;
        let mut reasons = Vec::new();
        let mut doubt = |code: ReasonCode, detail: String| reasons.push(Reason { code, detail });
        match (is(recent.sent), is(recent.received)) {
            (true, true) => {}
            (true, false) => doubt(ReasonCode::OneDirection, "frames from it were seen, but none to it".into()),
            (false, true) => doubt(ReasonCode::OneDirection, "frames to it were seen, but none from it".into()),
            (false, false) if is(recent.routed) => {
                doubt(
                    ReasonCode::BehindRouter,
                    "its traffic was seen only behind a router, never on its own link".into(),
                );
            }
            (false, false) if device.sight.first.is_none() => {
                doubt(ReasonCode::NeverSeen, "no frame of it was seen".into());
            }
            (false, false) if is(recent.any) => {
                doubt(ReasonCode::Silent, "only broadcast or multicast was seen of it".into());
                doubt(ReasonCode::OneDirection, "no unicast frame to it was seen".into());
            }
            (false, false) if blind > now.saturating_sub(silence) => {
                doubt(ReasonCode::Gap, "it has not been seen again since nothing could be observed".into());
            }
            (false, false) => {
                doubt(ReasonCode::Silent, format!("no unicast frame of it within {} s", silence / 1_000_000_000));
            }
        }
        if reasons.is_empty() && vlan_matters && !(is(recent.sent_tagged) && is(recent.received_tagged)) {
            let detail = "its frames had no VLAN tag, so its VLAN is not known".to_owned();
            reasons.push(Reason { code: ReasonCode::Untagged, detail });
        }
        if is(recent.undecoded) {
            let detail = "some of its frames could not be decoded, so nobody knows whom they reached".to_owned();
            reasons.push(Reason { code: ReasonCode::Gap, detail });
        }
        reasons
    }

    /// A device that nobody declared has been gone for so long that it does not count any more.
    pub(super) fn has_left(&self, device: &Device, now: i64) -> bool {
        let last = device.sight.recent.any;
        let known = if last == i64::MIN { self.started } else { last };
        now.saturating_sub(known) > LEAVES_AFTER
    }

    /// The oldest hour of one-way payload that still counts.
    pub(super) fn first_hour(&self, now: i64) -> u32 {
        ((now - NANOSECONDS_PER_HOUR) / NANOSECONDS_PER_HOUR).max(0) as u32
    }

    /// Whether a table was found full within the last `silence`.
    pub(super) fn is_full(&self, now: i64, silence: i64) -> bool {
        self.full.at.is_some_and(|at| now.saturating_sub(at) <= silence)
    }

    pub(super) fn wall(&self) -> Timestamp {
        self.wall
    }

    /// The time that exceptions are held against.
    pub(super) fn latest(&self) -> Timestamp {
        self.latest
    }

    pub(super) fn key_of(&self, id: &str) -> Option<FindingKey> {
        self.keys.get(id).copied()
    }

    pub(super) fn drill(&self) -> Option<super::FindingStatus> {
        self.drill.as_ref().map(episode::Drill::finding)
    }
}

impl Engine {
    /// Time goes on: (wall, monotonic). The answer as of now is published.
    pub(super) fn tick(&mut self, wall: Timestamp, mono: i64) {
        let mut live = self.live.take().unwrap_or_default();
        let elapsed = if live.ticked { mono.saturating_sub(live.mono) } else { 0 };
        let jump = if live.ticked { wall.since(live.wall).saturating_sub(elapsed) } else { 0 };
        if live.ticked {
            self.check_clock(&mut live, wall, mono);
        } else {
            (live.started, live.ticked) = (mono, true);
            self.canaries.start(mono);
            self.now = mono;
        }
        live.former_wall = live.wall;
        live.latest = live.latest.max(wall);
        (live.wall, live.mono, live.offset) = (wall, mono, mono.saturating_sub(wall.0));
        self.now = self.now.max(mono);
        while let Some(flow) = self.flows.take_idle(self.now.saturating_sub(IDLE_TIMEOUT)) {
            self.end_flow(flow);
        }
        if live.epoch != self.epoch {
            self.find_watched();
            live.epoch = self.epoch;
        }
        self.harvest(&mut live);
        self.canaries.judge(self.now);
        live.events.extend(self.canaries.take_events(wall));
        live.end_drill(self.now);
        let first_hour = live.first_hour(self.now);
        self.one_way.retain(|&(_, hour), _| hour >= first_hour);
        let refused = self.refusals();
        if refused > live.full.count {
            live.full = Full { count: refused, at: Some(self.now) };
        }
        self.mirrors.judge(&Rules::of(&self.policy), wall, self.now, &mut live.events);
        live.totals.evicted = [self.counters.evicted - self.counters.evicted_watched, self.counters.evicted_watched];
        live.totals.active = self.flows.len() as u64;
        self.live = Some(live);
        let summary = self.summarise();
        let mut live = self.live.take().unwrap_or_default();
        let closed = live.follow(&summary.snapshot, self.now, self.policy.hold);
        for id in &closed {
            if let Some(&key) = summary.keys.get(id) {
                self.ended.close(key, wall);
            }
        }
        self.live = Some(live);
        // What closed is not shown any more.
        let (summary, keys) = match closed.is_empty() {
            true => (summary, None),
            false => (self.summarise(), Some(summary.keys)),
        };
        let mut live = self.live.take().unwrap_or_default();
        live.compare_verdicts(&summary.snapshot);
        live.hours.pass(Passed { wall, elapsed, jump }, self.attended(&summary), (&mut live.totals, &mut live.events));
        live.snapshot = Some(Arc::new(summary.snapshot));
        live.keys = keys.unwrap_or(summary.keys);
        self.live = Some(live);
    }

    /// Devices whose hours are recorded.
    fn attended<'a>(&'a self, summary: &'a Summary) -> impl Iterator<Item = Attended<'a>> {
        let devices = summary.attended.iter().zip(&summary.snapshot.devices);
        devices.filter(|(attention, _)| attention.counts).filter_map(|(attention, status)| {
            let counts = Counts::of(self.devices.get(attention.id)?);
            Some(Attended { id: attention.id, status, doubt: attention.doubt.as_ref(), counts })
        })
    }

    /// The agent ends: what is known of the hour that is not over is recorded.
    pub fn end_hours(&mut self) {
        let summary = self.summarise();
        let Some(mut live) = self.live.take() else { return };
        live.hours.end(live.wall, self.attended(&summary), &mut live.events);
        self.live = Some(live);
    }

    /// A mirror port tells something. What flows showed before it could not be read is no sign of what it shows after.
    pub(super) fn hear(&mut self, source: u16, event: SourceEvent) {
        if self.mirrors.hear(source, &event) {
            return;
        }
        let mut live = self.live.take().unwrap_or_default();
        if live.ticked && matches!(event, SourceEvent::Up { .. } | SourceEvent::Down { .. } | SourceEvent::Gap { .. }) {
            self.harvest(&mut live);
        }
        let now = live.mono_of(self.now);
        let loses = matches!(event, SourceEvent::Drops { .. } | SourceEvent::Up { .. } | SourceEvent::Gap { .. });
        if loses {
            self.mirrors.forget_sessions(source);
        }
        if let Some(port) = self.mirrors.make(source) {
            port.tell(event, live.wall, now, &mut live.events);
        }
        self.live = Some(live);
    }

    /// What was published last; `None` before the first tick.
    pub fn published(&self) -> Option<Published> {
        let live = self.live.as_ref()?;
        Some(Published {
            snapshot: live.snapshot.clone()?,
            episodes: live.episodes.iter().map(|(id, episode)| (id.clone(), episode.status())).collect(),
            interfaces: self.mirrors.ports().iter().map(super::health::Interface::status).collect(),
            totals: live.totals.clone(),
            hours: live.hours.published(),
        })
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.live.as_mut().map(|live| std::mem::take(&mut live.events)).unwrap_or_default()
    }

    /// Does what a person asks. `false` if there is no such finding.
    pub(super) fn obey(&mut self, command: Command) -> bool {
        let Some(live) = &mut self.live else { return false };
        match command {
            Command::Drill { by } => live.start_drill(&by, self.now, &self.policy.site),
            Command::Ack { id, by, reason } => live.ack(&id, by, reason),
            Command::Close { id, by, reason } => {
                let wall = live.wall;
                if !live.close_by_person(&id, by, reason) {
                    return false;
                }
                let keys = self.summarise().keys;
                if let Some(&key) = keys.get(&id) {
                    self.ended.close(key, wall);
                }
                true
            }
        }
    }

    /// Flows whose device turned out to be watched after they began.
    fn find_watched(&mut self) {
        let found: Vec<_> =
            self.flows.ids().filter(|&id| self.flows.get(id).is_some_and(|flow| self.concerns_watched(flow))).collect();
        for id in found {
            self.flows.set_watched(id, true);
        }
    }

    /// Takes what flows of watched devices showed since the last time.
    fn harvest(&mut self, live: &mut Live) {
        let ids: Vec<_> = self.flows.watched().collect();
        for id in ids {
            let Some(flow) = self.flows.get_mut(id) else { continue };
            let (proto, acknowledged) = (flow.key.proto(), flow.evidence.has_acknowledged());
            let covered: Vec<_> = flow.take_covered().collect();
            for (_, covered) in &covered {
                cover(&mut self.devices, covered, self.now);
            }
            let shown: Vec<_> = covered.iter().map(|(_, covered)| *covered).collect();
            self.heed(id, &shown, live.wall);
            if let Some((source, packets)) = self.own_link(covered.into_iter())
                && let Some(port) = self.mirrors.of_mut(source)
            {
                port.talk(proto, packets, acknowledged);
            }
            self.harvest_losses(id);
            self.count_flow(id, live);
        }
    }

    /// Counts a flow once it has been judged, and once more when it turns into a violation.
    fn count_flow(&mut self, id: crate::flow::FlowId, live: &mut Live) {
        let Some(flow) = self.flows.get(id).filter(|flow| !flow.counted) else { return };
        let judgement = self.judge(flow);
        if !flow.evidence.is_settled() && judgement.verdict == FlowVerdict::Allowed {
            return;
        }
        let zone = self.zone_of_flow(flow);
        let answers = self.zones_that_answer(flow);
        *live.totals.flows.entry((zone, judgement.verdict)).or_default() += 1;
        if judgement.verdict == FlowVerdict::Allowed
            && self.policy.conduits.iter().any(|c| c.name == judgement.rule.name)
        {
            *live.totals.conduits.entry(judgement.rule.name.clone()).or_default() += 1;
        }
        if let Some(flow) = self.flows.get_mut(id) {
            flow.counted = true;
        }
        answers.into_iter().for_each(|zone| self.mirrors.answered(zone));
    }

    /// How often something found no place.
    fn refusals(&self) -> u64 {
        self.counters.evicted_watched
            + self.devices.refused
            + self.bindings.refused
            + self.ended.refused
            + self.requests.refused
            + self.changes.refused
    }
}
