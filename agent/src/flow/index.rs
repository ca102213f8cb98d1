//! Where a hash of 32 bits may be found.

/// Places at first: a power of two, as ever after.
const FIRST: usize = 64;
const EMPTY: u64 = u64::MAX;

/// Numbers by the hash of what they stand for: open addressing, half full at most, so that a lookup reads one cache line
/// and mostly no other. A table with control bytes reads two, which is what finding one of a million flows costs.
pub(super) struct Index {
    /// Hash above number. The place of an entry is its hash's, or the next free one.
    places: Vec<u64>,
    len: usize,
}

impl Index {
    /// An empty one.
    pub(super) fn new() -> Self {
        Index { places: vec![EMPTY; FIRST], len: 0 }
    }

    /// The number with this hash that `is_it` accepts.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let at = self.position(hash, |entry| (entry >> 32) as u32 == hash && is_it(entry as u32))?;
        self.places.get(at).map(|&entry| entry as u32)
    }

    /// Adds a number (not `u32::MAX`) that is not in it.
    pub(super) fn insert(&mut self, hash: u32, number: u32) {
        if (self.len + 1) * 2 > self.places.len() {
            let larger = vec![EMPTY; self.places.len() * 2];
            for entry in std::mem::replace(&mut self.places, larger).into_iter().filter(|&entry| entry != EMPTY) {
                self.put(entry);
            }
        }
        self.put(u64::from(hash) << 32 | u64::from(number));
        self.len += 1;
    }

    /// Takes out a number.
    pub(super) fn remove(&mut self, hash: u32, number: u32) {
        let gone = u64::from(hash) << 32 | u64::from(number);
        let Some(mut hole) = self.position(hash, |entry| entry == gone) else { return };
        self.len -= 1;
        // Entries behind the hole move up, unless their own place lies behind it: no lookup may stop short of one.
        let mut at = hole;
        loop {
            at = self.next(at);
            let entry = self.places.get(at).copied().unwrap_or(EMPTY);
            if entry == EMPTY {
                break;
            }
            let mask = self.places.len() - 1;
            let from_home = at.wrapping_sub(self.home((entry >> 32) as u32)) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.set(hole, entry);
                hole = at;
            }
        }
        self.set(hole, EMPTY);
    }

    #[inline]
    fn position(&self, hash: u32, is_it: impl Fn(u64) -> bool) -> Option<usize> {
        let mut at = self.home(hash);
        loop {
            match *self.places.get(at)? {
                EMPTY => return None,
                entry if is_it(entry) => return Some(at),
                _ => at = self.next(at),
            }
        }
    }

    fn put(&mut self, entry: u64) {
        if let Some(free) = self.free(self.home((entry >> 32) as u32)) {
            self.set(free, entry);
        }
    }

    fn free(&self, mut at: usize) -> Option<usize> {
        while *self.places.get(at)? != EMPTY {
            at = self.next(at);
        }
        Some(at)
    }

    fn set(&mut self, at: usize, entry: u64) {
        if let Some(place) = self.places.get_mut(at) {
            *place = entry;
        }
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.places.len() - 1)
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_found_when_others_go() {
        let mut index = Index::new();
        // Seven homes at the end of any table, so that chains are long and wrap around.
        let hash = |number: u32| u32::MAX - number % 7;
        for number in 0..500 {
            index.insert(hash(number), number);
        }
        for gone in (0..500).filter(|number| number % 3 == 0) {
            index.remove(hash(gone), gone);
            index.remove(hash(gone), gone);
        }
        for number in 0..500 {
            let found = index.find(hash(number), |it| it == number);
            assert_eq!(found, (number % 3 != 0).then_some(number));
        }
        assert_eq!(index.len, 333);
    }
}
