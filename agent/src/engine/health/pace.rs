//! The times in a capture file: where they jump, and where steady traffic paused.

use crate::base::Timestamp;

const SECOND: i64 = 1_000_000_000;
/// What times may go back: several queues, or files merged carelessly.
const TOLERANCE: i64 = SECOND;
/// Nobody captured before 2000-01-01: the clock had not been set.
const NEVER_BEFORE: Timestamp = Timestamp(946_684_800 * SECOND);
/// Traffic is steady that for so long ...
const STEADY: i64 = 20 * SECOND;
/// ... never paused longer than this ...
const PAUSE: i64 = 5 * SECOND;
/// ... and was at least so many frames.
const STEADY_FRAMES: u64 = 200;
/// A pause of steady traffic that is told.
const GAP: i64 = 45 * SECOND;
/// Time behind a pause within which streams tell what it was.
const DECIDES: i64 = 10 * SECOND;

/// How the times of one capture went.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Timestamp>,
    steady_since: Timestamp,
    steady_frames: u64,
    pause: Option<Pause>,
    /// Pauses so far, so that each flow speaks once of each.
    pub(super) pauses: u32,
    /// Jumps, and the farthest.
    back: (u64, i64),
    forward: (u64, i64),
    /// Pauses in which nothing was shown, and the longest: where it began, and how long it was.
    silent: (u64, Timestamp, i64),
    unset: u64,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    began: Timestamp,
    ended: Timestamp,
    goes_on: u32,
    breaks: u32,
}

impl Pace {
    pub(super) fn see(&mut self, at: Timestamp) {
        self.unset += u64::from(at < NEVER_BEFORE);
        let last = self.last.replace(at).unwrap_or(at);
        let step = at.since(last);
        if !(-TOLERANCE..=PAUSE).contains(&step) || self.steady_frames == 0 {
            self.jump(last, at, step);
        }
        self.steady_frames += 1;
        if self.pause.is_some_and(|pause| at.since(pause.ended) > DECIDES) {
            self.decide();
        }
    }

    fn jump(&mut self, last: Timestamp, at: Timestamp, step: i64) {
        let was_steady = self.steady_frames >= STEADY_FRAMES && last.since(self.steady_since) >= STEADY;
        (self.steady_since, self.steady_frames) = (at, 0);
        if step < -TOLERANCE {
            self.back = (self.back.0 + 1, self.back.1.max(step.saturating_neg()));
        } else if step >= GAP && was_steady {
            self.decide();
            self.pauses += 1;
            self.pause = Some(Pause { began: last, ended: at, goes_on: 0, breaks: 0 });
        }
    }

    /// A stream that had been steady goes on behind a pause, exactly where it was or elsewhere.
    pub(super) fn hear(&mut self, goes_on: bool) {
        if let Some(pause) = &mut self.pause {
            pause.goes_on += u32::from(goes_on);
            pause.breaks += u32::from(!goes_on);
        }
    }

    /// A pause waits for what streams say.
    pub(super) fn asks(&self) -> bool {
        self.pause.is_some()
    }

    fn decide(&mut self) {
        if let Some(pause) = self.pause.take() {
            (self.forward, self.silent) = self.counting(pause);
        }
    }

    /// The counts with this pause. Where no stream missed anything, only the clock went on.
    fn counting(&self, pause: Pause) -> ((u64, i64), (u64, Timestamp, i64)) {
        let length = pause.ended.since(pause.began);
        let (mut forward, mut silent) = (self.forward, self.silent);
        if pause.goes_on > pause.breaks {
            forward = (forward.0 + 1, forward.1.max(length));
        } else {
            silent.0 += 1;
            if length > silent.2 {
                (silent.1, silent.2) = (pause.began, length);
            }
        }
        (forward, silent)
    }

    fn counts(&self) -> ((u64, i64), (u64, Timestamp, i64)) {
        self.pause.map_or((self.forward, self.silent), |pause| self.counting(pause))
    }

    /// What is wrong with the clock.
    pub(super) fn of_clock(&self) -> Option<String> {
        let ((forward, ahead), _) = self.counts();
        let seconds = |time: i64| time / SECOND;
        let mut told = Vec::new();
        if self.back.0 > 0 {
            told.push(format!("times go back {}, by up to {} s", times(self.back.0), seconds(self.back.1)));
        }
        if forward > 0 {
            told.push(format!("times jump ahead {}, by up to {} s", times(forward), seconds(ahead)));
        }
        if self.unset > 0 {
            told.push(format!("{} frames are from before the year 2000", self.unset));
        }
        (!told.is_empty()).then(|| told.join("; ") + ": the clock where it was captured was set or is wrong")
    }

    /// Where nothing was shown.
    pub(super) fn of_silence(&self) -> Option<String> {
        let (_, (count, began, length)) = self.counts();
        (count > 0).then(|| {
            format!(
                "steady traffic stopped {}, the longest for {} s from {began}, and no stream shows that nothing was \
                 missed: the mirror or the capture was interrupted",
                times(count),
                length / SECOND
            )
        })
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
