//! How much of what there was the mirror never showed: an estimate from numbered data, with its interval.

use std::fmt;

/// Lost packets below which nothing is claimed: one may be the network's own doing.
const MIN_LOST: u64 = 2;
/// Quantile of the normal distribution for 95 %.
const Z: f64 = 1.96;

/// Packets whose numbers tell of them: those that were lost, and all that there must have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Loss {
    /// Never seen.
    pub lost: u64,
    /// Seen or not.
    pub expected: u64,
}

impl Loss {
    /// Of so many seen packets and lost ones.
    pub fn of(lost: u64, seen: u64) -> Loss {
        Loss { lost, expected: lost.saturating_add(seen) }
    }

    /// Share that was lost, 0 to 1; `None` without a packet.
    pub fn estimate(&self) -> Option<f64> {
        (self.expected > 0).then(|| self.lost as f64 / self.expected as f64)
    }

    /// Between these shares it lies with a certainty of 95 % (Wilson 1927); `None` without a packet.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let share = self.estimate()?;
        let n = self.expected as f64;
        let (middle, width) =
            (share + Z * Z / (2.0 * n), Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt());
        let all = 1.0 + Z * Z / n;
        Some((((middle - width) / all).max(0.0), ((middle + width) / all).min(1.0)))
    }

    /// Packets were lost, and nobody can say that they were no more than this share.
    pub fn may_exceed(&self, limit: f64) -> bool {
        self.lost >= MIN_LOST && self.interval().is_some_and(|(_, high)| high > limit)
    }
}

impl std::ops::AddAssign for Loss {
    fn add_assign(&mut self, other: Loss) {
        self.lost = self.lost.saturating_add(other.lost);
        self.expected = self.expected.saturating_add(other.expected);
    }
}

impl fmt::Display for Loss {
    /// `2.1 % of packets (1.5 % to 2.9 %): 21 of 1000 that TCP or RTP numbers`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(share), Some((low, high))) = (self.estimate(), self.interval()) else {
            return f.write_str("no packet that tells of loss");
        };
        let percent = |share: f64| format!("{:.*} %", if share < 0.1 { 2 } else { 1 }, share * 100.0);
        let (share, low, high) = (percent(share), percent(low), percent(high));
        write!(f, "{share} of packets ({low} to {high}): {} of {} that are numbered", self.lost, self.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    #[test]
    fn the_interval_is_wilsons() {
        for (lost, expected, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)]
        {
            let (l, h) = Loss { lost, expected }.interval().unwrap();
            assert!((l - low).abs() < 1e-4 && (h - high).abs() < 1e-4, "{lost} of {expected}: {l} {h}");
        }
    }

    #[test]
    fn little_is_claimed_only_where_much_was_seen() {
        assert!(!Loss::of(0, 10).may_exceed(0.01));
        assert!(!Loss::of(1, 10).may_exceed(0.01));
        assert!(Loss::of(2, 100).may_exceed(0.01));
        assert!(Loss::of(3, 500).may_exceed(0.01), "up to 1.7 %");
        assert!(!Loss::of(50, 10_000).may_exceed(0.01), "0.5 % of many");
        assert!(Loss::of(200, 9_800).may_exceed(0.01));
        assert_eq!(Loss::of(20, 980).to_string(), "2.00 % of packets (1.30 % to 3.07 %): 20 of 1000 that are numbered");
    }
}
