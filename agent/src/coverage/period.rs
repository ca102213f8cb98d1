//! For how long a device was watched: observed time and gaps, which together are all of the time.

use serde::{Deserialize, Serialize};

use super::{Reason, ReasonCode};
use crate::base::Timestamp;

/// Gaps of one period; the last one reaches over all that come after it.
pub const MAX_GAPS: usize = 16;
const NANOSECONDS_PER_HOUR: i64 = 3_600_000_000_000;

/// From when to when nobody vouches for a device, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gap {
    /// The beginning.
    pub from: Timestamp,
    /// The end.
    pub to: Timestamp,
    /// The first of the reasons.
    pub reason: ReasonCode,
    /// One clause.
    pub detail: String,
}

impl Gap {
    /// Its length, in nanoseconds.
    pub fn length(&self) -> i64 {
        self.to.since(self.from)
    }
}

/// A span of time, at most an hour of the clock. What is in no gap was observed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Period {
    /// The beginning.
    pub from: Timestamp,
    /// The end.
    pub to: Timestamp,
    /// In order, none of them over another.
    pub gaps: Vec<Gap>,
}

impl Period {
    /// An empty one.
    pub fn at(at: Timestamp) -> Period {
        Period { from: at, to: at, gaps: Vec::new() }
    }

    /// Its length, in nanoseconds.
    pub fn length(&self) -> i64 {
        self.to.since(self.from)
    }

    /// Observed time, in nanoseconds.
    pub fn observed(&self) -> i64 {
        self.length() - self.gaps.iter().map(Gap::length).sum::<i64>()
    }

    /// Goes on until `to`, observed or not. Time that does not go on adds nothing.
    pub fn extend(&mut self, to: Timestamp, doubt: Option<&Reason>) {
        let from = self.to;
        if to <= from {
            return;
        }
        self.to = to;
        let Some(doubt) = doubt else { return };
        let is_full = self.gaps.len() >= MAX_GAPS;
        match self.gaps.last_mut() {
            Some(last) if is_full || last.to == from && last.reason == doubt.code => last.to = to,
            _ => self.gaps.push(Gap { from, to, reason: doubt.code, detail: doubt.detail.clone() }),
        }
    }
}

/// The end of the hour of the clock that `at` is in.
pub fn end_of_hour(at: Timestamp) -> Timestamp {
    Timestamp(at.0.div_euclid(NANOSECONDS_PER_HOUR).saturating_add(1).saturating_mul(NANOSECONDS_PER_HOUR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn doubt(code: ReasonCode) -> Reason {
        Reason { code, detail: String::new() }
    }

    #[test]
    fn what_lies_beside_each_other_for_the_same_reason_is_one_gap() {
        let mut period = Period::at(Timestamp(0));
        for (to, why) in [
            (10, None),
            (20, Some(ReasonCode::Silent)),
            (30, Some(ReasonCode::Silent)),
            (40, Some(ReasonCode::Gap)),
            (50, None),
            (60, Some(ReasonCode::Gap)),
        ] {
            period.extend(Timestamp(to), why.map(doubt).as_ref());
        }
        let gaps: Vec<_> = period.gaps.iter().map(|gap| (gap.from.0, gap.to.0, gap.reason)).collect();
        assert_eq!(gaps, [(10, 30, ReasonCode::Silent), (30, 40, ReasonCode::Gap), (50, 60, ReasonCode::Gap)]);
        assert_eq!((period.observed(), period.length()), (20, 60));
    }

    #[test]
    fn an_hour_ends_on_the_hour_before_1970_too() {
        assert_eq!(end_of_hour(Timestamp(0)).0, NANOSECONDS_PER_HOUR);
        assert_eq!(end_of_hour(Timestamp(NANOSECONDS_PER_HOUR)).0, 2 * NANOSECONDS_PER_HOUR);
        assert_eq!(end_of_hour(Timestamp(-1)).0, 0);
        assert!(end_of_hour(Timestamp(i64::MAX)) >= Timestamp(i64::MAX - NANOSECONDS_PER_HOUR));
    }

    proptest! {
        #[test]
        fn observed_time_and_gaps_are_all_of_the_time(steps in prop::collection::vec((-50i64..1000, 0usize..4), 0..200)) {
            let mut period = Period::at(Timestamp(5));
            let (mut now, mut seen) = (5, 0);
            for (step, why) in steps {
                let why = [None, Some(ReasonCode::Silent), Some(ReasonCode::Loss), Some(ReasonCode::Gap)][why].map(doubt);
                let before = period.to.0;
                now += step;
                period.extend(Timestamp(now), why.as_ref());
                seen += if why.is_none() { (now - before).max(0) } else { 0 };
                prop_assert!(period.gaps.len() <= MAX_GAPS);
            }
            let gaps: i64 = period.gaps.iter().map(Gap::length).sum();
            prop_assert_eq!(period.observed() + gaps, period.length());
            prop_assert!(period.observed() >= 0 && period.observed() <= seen);
            prop_assert!(period.gaps.iter().all(|gap| gap.from < gap.to));
            prop_assert!(period.gaps.windows(2).all(|pair| pair[0].to <= pair[1].from));
        }
    }
}
