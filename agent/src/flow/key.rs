//! What makes two packets one flow.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One of the two ends of a flow, in the order of its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Side {
    /// The lower (address, port).
    A = 0,
    /// The higher one.
    B = 1,
}

impl Side {
    /// The opposite end.
    pub fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }
}

/// Addresses, protocol, ports, and where in the packet the header stood, in five words that compare and hash fast.
#[derive(Clone, Copy, Debug)]
pub struct FlowKey([u64; 5]);

// Word by word: the derived comparison calls memcmp, which is half of what finding a flow costs.
impl PartialEq for FlowKey {
    fn eq(&self, other: &FlowKey) -> bool {
        self.0.iter().zip(&other.0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl Eq for FlowKey {}

const V6: u64 = 1;
const INNERMOST: u64 = 1 << 1;
const ICMP_ERROR: u64 = 1 << 2;
const ICMP_OPENER_A: u64 = 1 << 3;
const LAYER: u32 = 4;

impl FlowKey {
    /// Key of a packet, and the end that sent it. `layer` counts the IP headers above (at most 15).
    pub fn new(proto: u8, src: (IpAddr, u16), dst: (IpAddr, u16), layer: u8, innermost: bool) -> (FlowKey, Side) {
        let place = u64::from(proto) << 24 | u64::from(layer & 15) << LAYER | if innermost { INNERMOST } else { 0 };
        if let (IpAddr::V4(s), IpAddr::V4(d)) = (src.0, dst.0) {
            // Which end is the lower one is a coin toss for every packet: no branch may depend on it.
            let (s, d) =
                (u64::from(s.to_bits()) << 16 | u64::from(src.1), u64::from(d.to_bits()) << 16 | u64::from(dst.1));
            let (a, b) = (s.min(d), s.max(d));
            let meta = (a & 0xffff) << 48 | (b & 0xffff) << 32 | place;
            let side = if s <= d { Side::A } else { Side::B };
            return (FlowKey([0, a >> 16, 0, b >> 16, meta]), side);
        }
        let (s, d) = ((halves(src.0), src.1), (halves(dst.0), dst.1));
        let (side, a, b) = if s <= d { (Side::A, s, d) } else { (Side::B, d, s) };
        let meta = u64::from(a.1) << 48 | u64::from(b.1) << 32 | place | V6;
        (FlowKey([a.0.0, a.0.1, b.0.0, b.0.1, meta]), side)
    }

    /// The same ends, for ICMP errors: they are counted apart from the echoes of the same hosts.
    #[must_use]
    pub fn icmp_error(mut self) -> FlowKey {
        self.0[4] |= ICMP_ERROR;
        self
    }

    /// The same ends, for ICMP opened by `opener`: having no ports, the two directions would be one flow.
    #[must_use]
    pub fn icmp_opened_by(mut self, opener: Side) -> FlowKey {
        if opener == Side::A {
            self.0[4] |= ICMP_OPENER_A;
        }
        self
    }

    /// The same flow as it would be called were it (not) the innermost layer.
    #[must_use]
    pub fn with_innermost(mut self, innermost: bool) -> FlowKey {
        self.0[4] = self.0[4] & !INNERMOST | if innermost { INNERMOST } else { 0 };
        self
    }

    /// The words, to hash them.
    pub fn words(&self) -> [u64; 5] {
        self.0
    }

    /// Address of one end.
    pub fn ip(&self, side: Side) -> IpAddr {
        let at = side as usize * 2;
        let (high, low) = (self.0[at], self.0[at + 1]);
        if self.0[4] & V6 == 0 {
            IpAddr::V4(Ipv4Addr::from_bits(low as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)))
        }
    }

    /// Port of one end; 0 without one.
    pub fn port(&self, side: Side) -> u16 {
        (self.0[4] >> if side == Side::A { 48 } else { 32 }) as u16
    }

    /// IANA protocol number.
    pub fn proto(&self) -> u8 {
        (self.0[4] >> 24) as u8
    }

    /// IP headers above this one.
    pub fn layer(&self) -> u8 {
        (self.0[4] >> LAYER) as u8 & 15
    }

    /// It is the last IP header of its packets.
    pub fn is_innermost(&self) -> bool {
        self.0[4] & INNERMOST != 0
    }

    /// It holds ICMP errors, which belong to the flows that they quote.
    pub fn is_icmp_error(&self) -> bool {
        self.0[4] & ICMP_ERROR != 0
    }
}

fn halves(ip: IpAddr) -> (u64, u64) {
    let bits = match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    ((bits >> 64) as u64, bits as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_key() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        for (x, y) in [("10.0.0.1", "9.0.0.1"), ("fd00::1", "fd00::2")] {
            let (x, y) = ((ip(x), 40_000), (ip(y), 443));
            let (there, from) = FlowKey::new(6, x, y, 2, true);
            let (back, to) = FlowKey::new(6, y, x, 2, true);
            assert_eq!((there, from), (back, to.other()));
            assert_eq!((there.ip(from), there.port(from)), x);
            assert_eq!((there.ip(to), there.port(to)), y);
            assert_eq!((there.proto(), there.layer(), there.is_innermost()), (6, 2, true));
            assert_ne!(there, FlowKey::new(6, x, y, 1, true).0);
            assert_ne!(there, FlowKey::new(17, x, y, 2, true).0);
            assert_eq!(there.with_innermost(false).with_innermost(true), there);
        }
    }
}
