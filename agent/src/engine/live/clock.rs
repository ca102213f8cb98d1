//! A clock that is set, and time in which nobody looked.
//!
//! Durations are of monotonic time and know nothing of it. Records have wall time, and some of them are compared: a
//! finding that goes on has a later last packet, a closed one opens again by a later one. So what a clock that was
//! ahead has dated after now is dated now; else it would hide all that comes until then.

use super::Live;
use crate::base::Timestamp;
use crate::engine::Engine;
use crate::engine::event::Event;

/// A step of the clock against monotonic time that is told, in nanoseconds.
pub(in crate::engine) const CLOCK_STEP: i64 = 1_000_000_000;
/// Nanoseconds between two ticks, which come every second; longer, and nobody looked.
pub(super) const MAX_PAUSE: i64 = 10_000_000_000;

impl Engine {
    /// Holds a tick against the one before.
    pub(super) fn check_clock(&mut self, live: &mut Live, wall: Timestamp, mono: i64) {
        let passed = mono.saturating_sub(live.mono);
        let expected = Timestamp(live.wall.0.saturating_add(passed));
        let step = wall.since(expected);
        self.mirrors.set_clock(step, mono);
        if step.saturating_abs() > CLOCK_STEP {
            live.events.push(Event::Clock { at: wall, expected, stepped_ms: step / 1_000_000 });
        }
        // The last tick, by the clock of today.
        let before = Timestamp(wall.0.saturating_sub(passed));
        if step < -CLOCK_STEP {
            self.date_no_later(before);
            live.date_no_later(before);
        }
        if passed > MAX_PAUSE {
            live.events.push(Event::Paused { from: before, until: wall, why: "the agent did not run" });
            live.skip(passed);
            self.mirrors.skip(mono);
        }
    }

    /// What was dated after this time is dated to it.
    pub(super) fn date_no_later(&mut self, latest: Timestamp) {
        let ids: Vec<_> = self.flows.ids().collect();
        for id in ids {
            if let Some(flow) = self.flows.get_mut(id) {
                limit(flow.times_mut(), latest);
            }
        }
        limit(self.devices.iter_mut().flat_map(crate::device::Device::times_mut), latest);
        limit(self.ended.times_mut(), latest);
        limit(self.hopping.times_mut(), latest);
        limit(self.rogues.times_mut(), latest);
        limit(self.foreign.times_mut(), latest);
        limit(self.hints.times_mut(), latest);
        limit(self.lookups.times_mut(), latest);
        limit(self.changes.times_mut(), latest);
        self.counters.last = self.counters.last.min(latest);
    }
}

impl Live {
    pub(super) fn date_no_later(&mut self, latest: Timestamp) {
        // Not when an episode was opened: that is its name to others.
        limit(self.episodes.values_mut().map(|episode| &mut episode.last), latest);
        self.wall = self.wall.min(latest);
    }

    /// Nobody looked for so long: that nothing was seen then says nothing.
    fn skip(&mut self, passed: i64) {
        for episode in self.episodes.values_mut() {
            episode.touched = episode.touched.saturating_add(passed);
        }
    }
}

fn limit<'t>(times: impl IntoIterator<Item = &'t mut Timestamp>, latest: Timestamp) {
    for time in times {
        *time = (*time).min(latest);
    }
}
