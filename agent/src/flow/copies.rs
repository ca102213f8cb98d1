//! Copies of one packet: a mirror that shows a frame twice, a router that passed it on.
//!
//! A duplicate has the same bytes from the IP header on, TTL included, within 50 ms. What a router passed on is equal
//! but for TTL, header checksum and TOS, with a lower TTL. Retransmissions and RTP differ in their bytes.

use std::hash::{BuildHasher, Hasher};

use crate::base::Seeded;

/// Nanoseconds within which an equal packet is a copy.
const WINDOW: i64 = 50_000_000;
/// Places per bucket: one cache line.
const WAYS: usize = 4;
/// Buckets: 65,536 places hold 50 ms of 1.3 million packets a second. Beyond it the oldest of a bucket goes, counted in
/// [`Copies::displaced`]; its copies then count as packets.
const BUCKETS: usize = 16_384;

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

/// The packets of the last 50 ms.
pub struct Copies {
    buckets: Vec<[Place; WAYS]>,
    seed: Seeded,
    /// Packets of the last 50 ms that lost their place.
    pub displaced: u64,
}

impl Default for Copies {
    fn default() -> Self {
        Copies { buckets: vec![[Place::default(); WAYS]; BUCKETS], seed: Seeded::default(), displaced: 0 }
    }
}

impl Copies {
    /// Looks for an earlier copy of the packet that starts at this IP header, and remembers this one.
    /// `salt` keeps apart what is no copy although its bytes are equal (the layer in its frame).
    pub fn see(&mut self, packet: &[u8], salt: u8, now: Sighting) -> Copy {
        let hash = self.hash(packet, salt);
        let Some(bucket) = self.buckets.get_mut(hash as usize % BUCKETS) else { return Copy::First };
        let key = hash >> 16 << 16;
        let at = (now.at / 1000) as u32;
        let vlan = now.vlan.map_or(0, |v| v + 1);
        let mut oldest = 0;
        let mut oldest_age = 0;
        let mut copy = Copy::First;
        for (index, place) in bucket.iter().enumerate() {
            let age = if place.tag == 0 { u32::MAX } else { at.wrapping_sub(place.at) };
            let fresh = i64::from(age) * 1000 <= WINDOW;
            if fresh && place.tag & !0xffff == key && place.tag != 0 {
                let (ttl, tos) = ((place.tag >> 8) as u8, place.tag as u8);
                if ttl != now.ttl {
                    if copy == Copy::First {
                        copy = Copy::Routed;
                    }
                } else if place.vlan == vlan || place.vlan == 0 || vlan == 0 {
                    if tos == now.tos {
                        return Copy::Duplicate;
                    }
                } else {
                    copy = Copy::Leaked;
                }
            }
            if age >= oldest_age {
                (oldest, oldest_age) = (index, age);
            }
        }
        if i64::from(oldest_age) * 1000 <= WINDOW {
            self.displaced += 1;
        }
        bucket[oldest] = Place { tag: key | 1 << 63 | u64::from(now.ttl) << 8 | u64::from(now.tos), at, vlan };
        copy
    }

    /// Hash of all that a router leaves as it is.
    fn hash(&self, packet: &[u8], salt: u8) -> u64 {
        let mut hasher = self.seed.build_hasher();
        match packet.first_chunk::<20>() {
            Some(head) if head[0] >> 4 == 4 => {
                let mut head = *head;
                head[1] = 0;
                head[8] = salt;
                head[10..12].copy_from_slice(&[0, 0]);
                hasher.write(&head);
                hasher.write(&packet[20..]);
            }
            Some(head) if head[0] >> 4 == 6 => {
                let mut head = *head;
                head[0] = 6 << 4;
                head[1] &= 0x0f;
                head[7] = salt;
                hasher.write(&head);
                hasher.write(&packet[20..]);
            }
            _ => hasher.write(packet),
        }
        hasher.finish() | 1 << 63
    }
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
        copies.see(&packet(ttl, id), 0, Sighting { at: at_ms * 1_000_000, ttl, tos: 0, vlan })
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
    fn a_full_bucket_forgets_its_oldest_and_counts() {
        let mut c = Copies::default();
        for id in 0..=255 {
            for ttl in 1..=255 {
                let mut p = packet(64, id);
                p[20] = ttl;
                for extra in 0..2u8 {
                    p[21] = extra;
                    let _ = c.see(&p, 0, Sighting { at: 5, ttl: 64, tos: 0, vlan: None });
                }
            }
        }
        assert!(c.displaced > 0);
    }
}
