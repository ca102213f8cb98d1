//! Copies of one packet: a mirror that shows a frame twice, a router that passed it on.
//!
//! A duplicate has the same bytes from the IP header on, TTL included, within 50 ms. What a router passed on is equal
//! but for TTL, header checksum and TOS, with a lower TTL. Retransmissions and RTP differ in their bytes.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;

use crate::base::Seeded;

/// Nanoseconds within which an equal packet is a copy.
const WINDOW: i64 = 50_000_000;
/// Places per bucket: one cache line.
const WAYS: usize = 4;
/// Buckets at first, and at most: the table doubles when more packets than buckets came within 50 ms, so that a slow
/// link's fits a core's cache and a fast one's holds 2.5 million packets a second. Beyond that the oldest of a bucket
/// goes; its copies then count as packets.
const FIRST_BUCKETS: usize = 1_024;
const MAX_BUCKETS: usize = 65_536;
/// Packets kept of those that are still fresh when their bucket is full.
const MAX_OVERFLOW: usize = 8_192;

/// One packet, as far as copies are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    /// Monotonic nanoseconds.
    pub at: i64,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// Judged VLAN.
    pub vlan: Option<u16>,
}

/// What an earlier packet makes of this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Copy {
    /// None was equal.
    First,
    /// The mirror's: the same packet again.
    Duplicate,
    /// A router's: the same packet with another TTL.
    Routed,
    /// The same packet, TTL included, in another VLAN.
    Leaked,
}

#[derive(Clone, Copy, Default)]
struct Place {
    /// 48 bits of hash, TTL, TOS; 0 is empty.
    tag: u64,
    /// Monotonic microseconds, low 32 bits.
    at: u32,
    /// VLAN + 1; 0 is none.
    vlan: u16,
}

#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket([Place; WAYS]);

/// The packets of the last 50 ms.
pub struct Copies {
    /// A power of two of them.
    buckets: Vec<Bucket>,
    /// Fresh packets that had to leave a full bucket: which bucket is full depends on the seed, what is found must not.
    overflow: HashTable<Place>,
    seed: Seeded,
    /// Start of the current 50 ms, and packets in it.
    window: (i64, usize),
}

impl Default for Copies {
    fn default() -> Self {
        Copies {
            buckets: vec![Bucket::default(); FIRST_BUCKETS],
            overflow: HashTable::new(),
            seed: Seeded::default(),
            window: (i64::MIN, 0),
        }
    }
}

impl Copies {
    /// Looks for an earlier copy of the packet with this [`Copies::hash`], and remembers this one.
    pub fn see(&mut self, hash: u64, now: Sighting) -> Copy {
        self.pace(now.at);
        let key = hash >> 16 << 16;
        let at_bucket = bucket_of(key, self.buckets.len());
        let Some(Bucket(bucket)) = self.buckets.get_mut(at_bucket) else { return Copy::First };
        let at = (now.at / 1000) as u32;
        let vlan = now.vlan.map_or(0, |v| v + 1);
        // No branch depends on what the bucket holds unless it matches: a miss in the cache is waited for by nobody.
        let matches = bucket.iter().fold(false, |any, place| any | (place.tag >> 16 == key >> 16));
        let mut copy = Copy::First;
        if matches {
            copy = compare(bucket.iter(), copy, key, at, vlan, now);
        }
        if !self.overflow.is_empty() {
            copy = compare(self.overflow.iter_hash(overflow_hash(key)), copy, key, at, vlan, now);
        }
        if copy != Copy::Duplicate {
            // Newest first, so that the oldest goes.
            let oldest = bucket[WAYS - 1];
            *bucket = [
                Place { tag: key | u64::from(now.ttl) << 8 | u64::from(now.tos), at, vlan },
                bucket[0],
                bucket[1],
                bucket[2],
            ];
            if oldest.is_fresh(at) && self.overflow.len() < MAX_OVERFLOW {
                self.overflow.insert_unique(overflow_hash(oldest.tag), oldest, |place| overflow_hash(place.tag));
            }
        }
        copy
    }

    /// Doubles the table when packets come faster than it can hold.
    fn pace(&mut self, now: i64) {
        if now.saturating_sub(self.window.0) > WINDOW {
            self.window = (now, 0);
            self.overflow.retain(|place| place.is_fresh((now / 1000) as u32));
        }
        self.window.1 += 1;
        let size = self.buckets.len();
        if self.window.1 <= size || size >= MAX_BUCKETS {
            return;
        }
        let old = std::mem::replace(&mut self.buckets, vec![Bucket::default(); size * 2]);
        for place in old.iter().flat_map(|bucket| bucket.0).filter(|place| place.tag != 0) {
            if let Some(Bucket(bucket)) = self.buckets.get_mut(bucket_of(place.tag, size * 2))
                && let Some(free) = bucket.iter_mut().find(|other| other.tag == 0)
            {
                *free = place;
            }
        }
    }

    /// Hash of all that a router leaves as it is of the packet that starts at this IP header.
    /// `salt` keeps apart what is no copy although its bytes are equal (the layer in its frame).
    pub fn hash(&self, packet: &[u8], salt: u8) -> u64 {
        let mut hasher = self.seed.build_hasher();
        // The first words without TTL, checksum and TOS, then everything from the addresses on (IPv4) or from the
        // payload length's end on (IPv6).
        match packet.first_chunk::<12>() {
            Some(&[v4, _, l0, l1, i0, i1, f0, f1, _, proto, _, _]) if v4 >> 4 == 4 => {
                hasher.write_u64(u64::from_le_bytes([l0, l1, i0, i1, f0, f1, proto, salt]));
                hasher.write_u8(v4);
                hasher.write(packet.get(12..).unwrap_or_default());
            }
            Some(&[v6, class, f0, f1, l0, l1, next, _, ..]) if v6 >> 4 == 6 => {
                hasher.write_u64(u64::from_le_bytes([class & 0x0f, f0, f1, l0, l1, next, 6, salt]));
                hasher.write(packet.get(8..).unwrap_or_default());
            }
            _ => hasher.write(packet),
        }
        hasher.finish() | 1 << 63
    }
}

/// What the places with this key make of the packet, given what others made of it. Their order does not matter.
fn compare<'a>(
    places: impl Iterator<Item = &'a Place>,
    mut copy: Copy,
    key: u64,
    at: u32,
    vlan: u16,
    now: Sighting,
) -> Copy {
    for place in places.filter(|place| place.tag >> 16 == key >> 16 && place.is_fresh(at)) {
        let (ttl, tos) = ((place.tag >> 8) as u8, place.tag as u8);
        if ttl != now.ttl {
            if copy == Copy::First {
                copy = Copy::Routed;
            }
        } else if place.vlan == vlan || place.vlan == 0 || vlan == 0 {
            if tos == now.tos {
                return Copy::Duplicate;
            }
        } else if copy != Copy::Duplicate {
            copy = Copy::Leaked;
        }
    }
    copy
}

impl Place {
    fn is_fresh(&self, at: u32) -> bool {
        self.tag != 0 && i64::from(at.wrapping_sub(self.at)) * 1000 <= WINDOW
    }
}

/// The same bits of a tag, laid out as the table wants them.
fn overflow_hash(tag: u64) -> u64 {
    (tag >> 16 << 16).rotate_right(32)
}

/// The bucket for a tag: by the middle of its hash, which is kept in the tag.
fn bucket_of(tag: u64, buckets: usize) -> usize {
    (tag >> 20) as usize & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ttl: u8, id: u8) -> Vec<u8> {
        let mut p = vec![0x45, 0, 0, 30, 0, id, 0, 0, ttl, 17, ttl, 9, 10, 0, 0, 1, 10, 0, 0, 2];
        p.extend([0x9c, 0x40, 0, 53, 0, 10, 0, 0, 1, 2]);
        p
    }

    fn see(copies: &mut Copies, at_ms: i64, ttl: u8, id: u8, vlan: Option<u16>) -> Copy {
        copies.see(copies.hash(&packet(ttl, id), 0), Sighting { at: at_ms * 1_000_000, ttl, tos: 0, vlan })
    }

    #[test]
    fn equal_bytes_within_50_ms_are_a_duplicate() {
        let mut c = Copies::default();
        assert_eq!(see(&mut c, 1000, 64, 0, Some(110)), Copy::First);
        assert_eq!(see(&mut c, 1050, 64, 0, Some(110)), Copy::Duplicate);
        assert_eq!(see(&mut c, 1051, 64, 0, Some(110)), Copy::First, "a retransmission");
        assert_eq!(see(&mut c, 1051, 64, 1, Some(110)), Copy::First, "another packet");
    }

    #[test]
    fn a_lower_ttl_is_routed_and_another_vlan_a_leak() {
        let mut c = Copies::default();
        assert_eq!(see(&mut c, 0, 64, 0, Some(110)), Copy::First);
        assert_eq!(see(&mut c, 1, 63, 0, Some(200)), Copy::Routed);
        assert_eq!(see(&mut c, 2, 63, 0, Some(200)), Copy::Duplicate, "of the routed copy");
        assert_eq!(see(&mut c, 2, 64, 0, Some(300)), Copy::Leaked);
        assert_eq!(see(&mut c, 3, 64, 0, None), Copy::Duplicate, "its VLAN is not known to differ");
    }

    #[test]
    fn a_flood_makes_the_table_grow_and_forgets_nothing_fresh() {
        let mut c = Copies::default();
        let flood = |c: &mut Copies| -> usize {
            let mut copies = 0;
            for id in 0..=255 {
                for byte in 0..40 {
                    let mut p = packet(64, id);
                    p[21] = byte;
                    copies += usize::from(
                        c.see(c.hash(&p, 0), Sighting { at: 5, ttl: 64, tos: 0, vlan: None }) == Copy::Duplicate,
                    );
                }
            }
            copies
        };
        assert_eq!(flood(&mut c), 0);
        assert!(c.buckets.len() >= 256 * 40 / 2);
        assert_eq!(flood(&mut c), 256 * 40);
    }

    #[test]
    fn no_seed_changes_what_is_found() {
        // 20,000 packets a second in a table for as many, then ten times that; every third comes again 30 ms later.
        let run = || {
            let mut c = Copies::default();
            let mut found = Vec::new();
            let mut see = |at: i64, number: u32| {
                let mut p = packet(64, 0);
                p[20..24].copy_from_slice(&number.to_be_bytes());
                found.push(c.see(c.hash(&p, 0), Sighting { at, ttl: 64, tos: 0, vlan: None }));
            };
            for (gap, behind) in [(50_000, 600), (5_000, 6_000)] {
                for number in 0..60_000_u32 {
                    let at = i64::from(gap) * i64::from(number) + i64::from(behind) * 10_000_000;
                    see(at, number + behind);
                    if number >= behind && number % 3 == 0 {
                        see(at, number);
                    }
                }
            }
            found
        };
        let first = run();
        for _ in 0..8 {
            assert!(run() == first);
        }
    }
}
