//! Canaries: flows that must be seen again and again. Where one is missing, nobody knows what else the mirror does not show.
//!
//! Nothing is done for a packet. A live engine takes at each tick what flows showed since the one before; for a capture
//! it looks at its flows a few times within the shortest interval.

use std::borrow::Cow;

use super::Engine;
use super::event::Event;
use super::judge::Judgement;
use super::snapshot::{CanaryStatus, FlowVerdict};
use crate::base::Timestamp;
use crate::coverage::{Reason, ReasonCode};
use crate::flow::{Covered, Flow, FlowId};
use crate::policy::{ConduitId, Policy, ZoneId};

/// Looks within the shortest interval, for a capture.
const LOOKS: i64 = 16;

/// All canaries of the policy.
#[derive(Clone, Debug)]
pub(super) struct Canaries {
    all: Vec<Canary>,
    /// Packets up to this time were looked at; of a capture only.
    looked: Timestamp,
    /// When a capture is looked at next; never for a live engine.
    due: i64,
    live: bool,
}

/// A conduit's traffic in one camera zone. Durations are held against monotonic time.
#[derive(Clone, Debug)]
struct Canary {
    conduit: ConduitId,
    zone: ZoneId,
    name: String,
    zone_name: String,
    interval: i64,
    /// It counts from here: the start, or the policy that brought it.
    since: Option<i64>,
    seen: Option<i64>,
    last: Option<Timestamp>,
    /// Live, until it is seen again; in a capture, for good.
    silent: bool,
    /// What the last event said.
    told: bool,
}

/// What outlives a restart. Times are nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct SavedCanary {
    canary: String,
    zone: String,
    last: Option<i64>,
    silent: bool,
}

impl Canaries {
    pub(super) fn of(policy: &Policy) -> Canaries {
        let mut canaries = Canaries { all: Vec::new(), looked: Timestamp(i64::MIN), due: i64::MAX, live: false };
        canaries.adopt(policy, None);
        canaries
    }

    /// Takes over another policy's; what was known stays.
    pub(super) fn adopt(&mut self, policy: &Policy, now: Option<i64>) {
        let known = std::mem::take(&mut self.all);
        for canary in policy.canaries() {
            let (Some(conduit), Some(zone)) = (policy.conduit(canary.conduit), policy.zone(canary.zone)) else {
                continue;
            };
            let fresh = Canary {
                conduit: canary.conduit,
                zone: canary.zone,
                name: conduit.name.clone(),
                zone_name: zone.name.clone(),
                interval: canary.interval,
                since: now,
                seen: None,
                last: None,
                silent: false,
                told: false,
            };
            let before = known.iter().find(|old| old.name == fresh.name && old.zone_name == fresh.zone_name);
            self.all.push(match before {
                Some(old) => {
                    Canary { conduit: fresh.conduit, zone: fresh.zone, interval: fresh.interval, ..old.clone() }
                }
                None => fresh,
            });
        }
        self.due = if self.all.is_empty() || self.live { i64::MAX } else { i64::MIN };
    }

    /// A live engine starts: what was seen before is not known to be there still.
    pub(super) fn start(&mut self, now: i64) {
        (self.live, self.due) = (true, i64::MAX);
        for canary in &mut self.all {
            (canary.since, canary.seen) = (Some(now), None);
        }
    }

    /// Whether a capture is to be looked at now.
    pub(super) fn is_due(&self, now: i64) -> bool {
        now >= self.due
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn credit(&mut self, conduit: ConduitId, zone: ZoneId, at: Timestamp, now: i64) {
        for canary in self.all.iter_mut().filter(|canary| canary.conduit == conduit && canary.zone == zone) {
            canary.seen = canary.seen.max(Some(now));
            canary.last = if self.live { Some(at) } else { canary.last.max(Some(at)) };
            canary.silent &= !self.live;
        }
    }

    /// Notes which are missing now.
    pub(super) fn judge(&mut self, now: i64) {
        for canary in &mut self.all {
            let since = *canary.since.get_or_insert(now);
            let seen = canary.seen.unwrap_or(since).max(since);
            canary.silent |= now.saturating_sub(seen) > canary.interval;
        }
    }

    /// What changed since the last call.
    pub(super) fn take_events(&mut self, at: Timestamp) -> Vec<Event> {
        let changed = self.all.iter_mut().filter(|canary| canary.silent != canary.told);
        changed
            .map(|canary| {
                canary.told = canary.silent;
                let (zone, name) = (canary.zone_name.clone(), canary.name.clone());
                Event::Canary { at, zone, canary: name, silent: canary.silent, last_seen: canary.last }
            })
            .collect()
    }

    /// Why the devices of a zone are not covered.
    pub(super) fn reasons(&self, zone: Option<ZoneId>) -> impl Iterator<Item = Reason> {
        let missing = self.all.iter().filter(move |canary| canary.silent && Some(canary.zone) == zone);
        missing.map(|canary| {
            let Canary { name, zone_name, interval, .. } = canary;
            let seconds = interval / 1_000_000_000;
            let detail = format!("canary {name} was not seen in zone {zone_name} for more than {seconds} s");
            Reason { code: ReasonCode::Silent, detail }
        })
    }

    pub(super) fn status(&self, zone: &str) -> Vec<CanaryStatus> {
        let here = self.all.iter().filter(|canary| canary.zone_name == zone);
        here.map(|canary| CanaryStatus {
            name: canary.name.clone(),
            interval_seconds: canary.interval / 1_000_000_000,
            last_seen: canary.last,
            silent: canary.silent,
        })
        .collect()
    }

    pub(super) fn save(&self) -> Vec<SavedCanary> {
        let saved = self.all.iter().map(|canary| SavedCanary {
            canary: canary.name.clone(),
            zone: canary.zone_name.clone(),
            last: canary.last.map(|at| at.0),
            silent: canary.silent,
        });
        saved.collect()
    }

    /// One that was missing before a restart is missing until it is seen.
    pub(super) fn restore(&mut self, saved: &[SavedCanary]) {
        for canary in &mut self.all {
            let before = saved.iter().find(|old| old.canary == canary.name && old.zone == canary.zone_name);
            if let Some(before) = before {
                canary.last = before.last.map(Timestamp);
                (canary.silent, canary.told) = (before.silent, before.silent);
            }
        }
    }
}

impl Engine {
    /// Packets of a flow were seen: those of a canary count where they were a device's own, or came to it.
    pub(super) fn heed(&mut self, flow: FlowId, covered: &[Covered], wall: Timestamp) {
        if self.canaries.is_empty() || covered.is_empty() {
            return;
        }
        let Some(flow) = self.flows.get(flow) else { return };
        let at = flow.last.min(wall);
        for (conduit, zone) in self.canaries_of(&self.judge(flow), covered) {
            self.canaries.credit(conduit, zone, at, self.now);
        }
    }

    /// The same for a flow that leaves the table.
    pub(super) fn heed_last(&mut self, flow: &Flow, judgement: &Judgement) {
        if self.canaries.is_empty() || !self.canaries.live && flow.last <= self.canaries.looked {
            return;
        }
        let covered: Vec<Covered> = flow.covered().collect();
        let (at, now) = match &self.live {
            Some(live) => (flow.last.min(live.wall()), self.now),
            None => (flow.last, flow.last.0.min(self.now)),
        };
        for (conduit, zone) in self.canaries_of(judgement, &covered) {
            self.canaries.credit(conduit, zone, at, now);
        }
    }

    /// Looks at the flows of a capture.
    pub(super) fn look_for_canaries(&mut self) {
        let mut canaries = self.canaries.clone();
        self.look(&mut canaries, self.flows.watched());
        let shortest = canaries.all.iter().map(|canary| canary.interval).min().unwrap_or(i64::MAX);
        canaries.looked = self.counters.last;
        canaries.due = self.now.saturating_add(shortest / LOOKS);
        self.canaries = canaries;
    }

    /// The canaries as of now.
    pub(super) fn canaries_now(&self) -> Cow<'_, Canaries> {
        if self.canaries.live || self.canaries.is_empty() {
            return Cow::Borrowed(&self.canaries);
        }
        let mut canaries = self.canaries.clone();
        self.look(&mut canaries, self.flows.ids());
        Cow::Owned(canaries)
    }

    fn look(&self, canaries: &mut Canaries, flows: impl Iterator<Item = FlowId>) {
        let looked = canaries.looked;
        for flow in flows.filter_map(|id| self.flows.get(id)).filter(|flow| flow.last > looked) {
            let covered: Vec<Covered> = flow.covered().collect();
            for (conduit, zone) in self.canaries_of(&self.judge(flow), &covered) {
                canaries.credit(conduit, zone, flow.last, flow.last.0.min(self.now));
            }
        }
        canaries.judge(self.now);
    }

    /// The canary that a flow belongs to, and the zones in which its packets were seen. A conduit that has expired allows
    /// nothing, but its traffic still shows that the mirror works.
    fn canaries_of(&self, judgement: &Judgement, covered: &[Covered]) -> Vec<(ConduitId, ZoneId)> {
        let named = || {
            let at = self.policy.conduits.iter().position(|conduit| conduit.name == judgement.rule.name)?;
            (judgement.verdict == FlowVerdict::Allowed).then_some(())?;
            u16::try_from(at).ok().map(ConduitId)
        };
        let expired = judgement.violations.iter().flatten().find_map(|violation| violation.expired);
        let Some(conduit) = expired.or_else(named) else { return Vec::new() };
        let devices = covered.iter().flat_map(|covered| [covered.credit.sent, covered.credit.received]).flatten();
        devices.filter_map(|id| Some((conduit, self.home(id)?))).collect()
    }
}
