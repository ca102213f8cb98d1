//! Ports of fragmented packets: later fragments have none, and count to the flow of their first.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::base::Map;

/// Packets under way whose ports are remembered; beyond it the oldest is forgotten and its later fragments count
/// to ports 0.
const MAX_PACKETS: usize = 16_384;
/// Nanoseconds for which a first fragment is remembered (RFC 791 suggests 15 s, Linux takes 30 s).
const LIFETIME: i64 = 30_000_000_000;

type Key = (IpAddr, IpAddr, u32, u8);

/// Ports by source, destination, identification and protocol.
#[derive(Debug, Default)]
pub struct Fragments {
    ports: Map<Key, (u16, u16, i64)>,
    order: VecDeque<Key>,
}

impl Fragments {
    /// Remembers the ports of a first fragment, at this monotonic time.
    pub fn first(&mut self, src: IpAddr, dst: IpAddr, id: u32, proto: u8, ports: (u16, u16), at: i64) {
        let key = (src, dst, id, proto);
        if self.ports.insert(key, (ports.0, ports.1, at)).is_none() {
            self.order.push_back(key);
            if self.order.len() > MAX_PACKETS
                && let Some(oldest) = self.order.pop_front()
            {
                self.ports.remove(&oldest);
            }
        }
    }

    /// Ports of the packet that a later fragment belongs to, if its first was seen.
    pub fn ports(&self, src: IpAddr, dst: IpAddr, id: u32, proto: u8, at: i64) -> Option<(u16, u16)> {
        let &(sport, dport, seen) = self.ports.get(&(src, dst, id, proto))?;
        (at.saturating_sub(seen) <= LIFETIME).then_some((sport, dport))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_fragments_find_their_ports_for_a_while() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut f = Fragments::default();
        f.first(a, b, 7, 17, (5000, 53), i64::MIN);
        assert_eq!(f.ports(a, b, 7, 17, i64::MAX), None);
        f.first(a, b, 7, 17, (5000, 53), 0);
        assert_eq!(f.ports(a, b, 7, 17, LIFETIME), Some((5000, 53)));
        assert_eq!(f.ports(a, b, 7, 17, LIFETIME + 1), None);
        assert_eq!(f.ports(b, a, 7, 17, 0), None);
        for id in 0..=MAX_PACKETS as u32 {
            f.first(a, b, 100 + id, 17, (1, 2), 0);
        }
        assert_eq!(f.ports(a, b, 7, 17, 0), None, "the oldest went");
        assert_eq!((f.ports.len(), f.order.len()), (MAX_PACKETS, MAX_PACKETS));
    }
}
