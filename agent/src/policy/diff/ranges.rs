//! Sets of numbers as ranges, which addresses, services and times are to a comparison.

/// Ranges in order, apart from each other, both ends included.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ranges(Vec<(u128, u128)>);

impl Ranges {
    /// One range; nothing if it ends before it begins.
    pub fn of(first: u128, last: u128) -> Ranges {
        Ranges(if first <= last { vec![(first, last)] } else { Vec::new() })
    }

    /// All of these, in any order.
    pub fn union(ranges: impl IntoIterator<Item = (u128, u128)>) -> Ranges {
        let mut all: Vec<(u128, u128)> = ranges.into_iter().filter(|range| range.0 <= range.1).collect();
        all.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match joined.last_mut() {
                Some(open) if open.1.checked_add(1).is_none_or(|next| first <= next) => open.1 = open.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Ranges(joined)
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Ranges) -> Ranges {
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common = Vec::new();
        while let (Some(&&a), Some(&&b)) = (mine.peek(), theirs.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                common.push((first, last));
            }
            if a.1 <= b.1 {
                mine.next()
            } else {
                theirs.next()
            };
        }
        Ranges(common)
    }

    /// What is in this one alone.
    #[must_use]
    pub fn minus(&self, other: &Ranges) -> Ranges {
        let mut left = Vec::new();
        let mut cuts = other.0.iter().peekable();
        for &(mut first, last) in &self.0 {
            while cuts.next_if(|cut| cut.1 < first).is_some() {}
            let mut spent = false;
            // A cut that reaches beyond this range may cut the next one too.
            while let Some(&&(from, to)) = cuts.peek().filter(|cut| cut.0 <= last) {
                if first < from {
                    left.push((first, from - 1));
                }
                match to.checked_add(1).filter(|&next| next <= last) {
                    Some(next) => first = next,
                    None => {
                        spent = true;
                        break;
                    }
                }
                cuts.next();
            }
            if !spent {
                left.push((first, last));
            }
        }
        Ranges(left)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this number is in it.
    #[cfg(test)]
    pub fn has(&self, number: u128) -> bool {
        let after = self.0.partition_point(|range| range.0 <= number);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|range| number <= range.1)
    }

    /// The ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u128, u128)> + '_ {
        self.0.iter().copied()
    }

    /// How many numbers; `None` for all 2^128.
    pub fn count(&self) -> Option<u128> {
        let one = |range: &(u128, u128)| (range.1 - range.0).checked_add(1);
        self.0.iter().try_fold(0u128, |sum, range| sum.checked_add(one(range)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_sets_of_single_numbers() {
        let mut seed = 7u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u128::from((seed >> 33) % below)
        };
        for _ in 0..2_000 {
            let mut some = || {
                let ranges: Vec<(u128, u128)> = (0..random(5)).map(|_| (random(40), random(40))).collect();
                (Ranges::union(ranges.clone()), ranges)
            };
            let ((a, plain_a), (b, plain_b)) = (some(), some());
            let has = |plain: &[(u128, u128)], n: u128| plain.iter().any(|r| r.0 <= n && n <= r.1);
            let (both, mine) = (a.and(&b), a.minus(&b));
            for n in 0..42 {
                let (in_a, in_b) = (has(&plain_a, n), has(&plain_b, n));
                assert_eq!(a.has(n), in_a, "{n} in {plain_a:?}");
                assert_eq!(both.has(n), in_a && in_b, "{n} in {plain_a:?} and {plain_b:?}");
                assert_eq!(mine.has(n), in_a && !in_b, "{n} in {plain_a:?} without {plain_b:?}");
            }
            assert_eq!(a.count(), Some((0..42).filter(|&n| has(&plain_a, n)).count() as u128));
        }
    }

    #[test]
    fn reaches_both_ends() {
        let all = Ranges::of(0, u128::MAX);
        assert_eq!(all.count(), None);
        let without = all.minus(&Ranges::union([(0, 0), (u128::MAX, u128::MAX)]));
        assert_eq!(without.iter().collect::<Vec<_>>(), [(1, u128::MAX - 1)]);
        assert!(all.minus(&all).is_empty());
        assert_eq!(Ranges::union([(0, u128::MAX), (5, 9)]), all);
    }
}
