//! Longest-prefix match by binary search.

/// An address as an integer.
pub(super) trait Bits: Copy + Ord {
    /// The last address of the prefix that begins here.
    fn last(self, prefix_len: u8) -> Self;
    /// The next address; `None` after the highest.
    fn next(self) -> Option<Self>;
}

impl Bits for u32 {
    fn last(self, prefix_len: u8) -> Self {
        self | u32::MAX.checked_shr(u32::from(prefix_len)).unwrap_or(0)
    }
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Bits for u128 {
    fn last(self, prefix_len: u8) -> Self {
        self | u128::MAX.checked_shr(u32::from(prefix_len)).unwrap_or(0)
    }
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// Prefixes cut into ranges that do not overlap, each with the value of the longest prefix that covers it.
/// A lookup is one binary search over the range starts.
#[derive(Clone, Debug)]
pub(super) struct PrefixTable<K, V> {
    starts: Vec<K>,
    values: Vec<Option<V>>,
}

impl<K, V> Default for PrefixTable<K, V> {
    fn default() -> Self {
        PrefixTable { starts: Vec::new(), values: Vec::new() }
    }
}

impl<K: Bits, V: Copy + PartialEq> PrefixTable<K, V> {
    /// From (network address, prefix length, value). Of two equal prefixes the first wins.
    pub(super) fn new(mut prefixes: Vec<(K, u8, V)>) -> Self {
        prefixes.sort_by_key(|&(start, len, _)| (start, len));
        prefixes.dedup_by_key(|&mut (start, len, _)| (start, len));
        let mut table = PrefixTable::default();
        // Prefixes are nested or apart, so the ones still open form a stack: (last address, value).
        let mut open: Vec<(K, V)> = Vec::new();
        for (start, len, value) in prefixes {
            table.close(&mut open, Some(start));
            table.push(start, Some(value));
            open.push((start.last(len), value));
        }
        table.close(&mut open, None);
        table
    }

    /// The value of the longest prefix that covers `key`.
    pub(super) fn get(&self, key: K) -> Option<V> {
        let after = self.starts.partition_point(|&start| start <= key);
        self.values.get(after.checked_sub(1)?).copied().flatten()
    }

    /// Ends the prefixes that lie wholly before `before` (all, if `None`).
    fn close(&mut self, open: &mut Vec<(K, V)>, before: Option<K>) {
        while let Some(&(last, _)) = open.last() {
            if before.is_some_and(|start| start <= last) {
                return;
            }
            open.pop();
            if let Some(next) = last.next() {
                self.push(next, open.last().map(|&(_, value)| value));
            }
        }
    }

    fn push(&mut self, start: K, value: Option<V>) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last().copied().flatten() != value {
            self.starts.push(start);
            self.values.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(prefixes: &[(u32, u8, char)]) -> PrefixTable<u32, char> {
        PrefixTable::new(prefixes.to_vec())
    }

    #[test]
    fn the_longest_prefix_wins_and_ends() {
        let t = table(&[(0x0a00_0000, 8, 'a'), (0x0a01_0000, 16, 'b'), (0x0a01_0100, 24, 'c'), (0x0a01_0105, 32, 'd')]);
        for (key, want) in [
            (0x09ff_ffff, None),
            (0x0a00_0000, Some('a')),
            (0x0a01_0000, Some('b')),
            (0x0a01_0100, Some('c')),
            (0x0a01_0105, Some('d')),
            (0x0a01_0106, Some('c')),
            (0x0a01_0200, Some('b')),
            (0x0a02_0000, Some('a')),
            (0x0aff_ffff, Some('a')),
            (0x0b00_0000, None),
        ] {
            assert_eq!(t.get(key), want, "{key:08x}");
        }
    }

    #[test]
    fn reaches_both_ends_of_the_address_space() {
        let t = table(&[(0, 0, 'a'), (0xffff_ffff, 32, 'b'), (0, 32, 'c')]);
        assert_eq!(
            [t.get(0), t.get(1), t.get(u32::MAX - 1), t.get(u32::MAX)],
            [Some('c'), Some('a'), Some('a'), Some('b')]
        );
        assert_eq!(PrefixTable::<u32, char>::default().get(7), None);
    }

    #[test]
    fn agrees_with_a_plain_search() {
        let mut seed = 1u32;
        let mut random = || {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            seed
        };
        for _ in 0..200 {
            let prefixes: Vec<(u32, u8, u32)> = (0..30)
                .map(|value| {
                    let len = (random() % 13) as u8;
                    let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
                    (random() & mask, len, value % 5)
                })
                .collect();
            let t = PrefixTable::new(prefixes.clone());
            for _ in 0..200 {
                let key = random();
                let slow = prefixes.iter().filter(|&&(start, len, _)| start <= key && key <= start.last(len)).fold(
                    None,
                    |best: Option<(u8, u32)>, &(_, len, value)| match best {
                        Some((longest, _)) if longest >= len => best,
                        _ => Some((len, value)),
                    },
                );
                assert_eq!(t.get(key), slow.map(|(_, value)| value), "{key:08x} in {prefixes:?}");
            }
        }
    }
}
