//! The packet quoted in an ICMP error: its beginning only, often just 8 bytes behind the IP header (RFC 792).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::bytes::array;
use super::ip::Chain;
use super::layer::{Fragment, IcmpQuote};
use super::transport::has_ports;

/// The packet quoted at `at`, as far as it is there.
pub fn quote(frame: &[u8], at: usize) -> Option<IcmpQuote> {
    match frame.get(at)? >> 4 {
        4 => ipv4(frame, at),
        6 => ipv6(frame, at),
        _ => None,
    }
}

fn ipv4(frame: &[u8], at: usize) -> Option<IcmpQuote> {
    let &[v, _, _, _, _, _, f0, f1, _, proto, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = array(frame, at)?;
    let (src, dst) = (Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3));
    let later = u16::from_be_bytes([f0, f1]) & 0x1fff != 0;
    let fragment = if later { Fragment::Later(0) } else { Fragment::Whole };
    let mut chain = Chain { proto, at: at + usize::from(v & 15).max(5) * 4, fragment, cut: false };
    if proto == super::numbers::ip_proto::AUTHENTICATION {
        chain.walk(frame);
    }
    let (sport, dport) = ports(frame, &chain);
    Some(IcmpQuote { src: src.into(), dst: dst.into(), proto: chain.proto, sport, dport })
}

fn ipv6(frame: &[u8], at: usize) -> Option<IcmpQuote> {
    let &[_, _, _, _, _, _, proto, _] = array(frame, at)?;
    let src = Ipv6Addr::from(*array::<16>(frame, at + 8)?);
    let dst = Ipv6Addr::from(*array::<16>(frame, at + 24)?);
    let mut chain = Chain { proto, at: at + 40, fragment: Fragment::Whole, cut: false };
    chain.walk(frame);
    let (sport, dport) = ports(frame, &chain);
    Some(IcmpQuote { src: src.into(), dst: dst.into(), proto: chain.proto, sport, dport })
}

fn ports(frame: &[u8], chain: &Chain) -> (u16, u16) {
    match array(frame, chain.at) {
        Some(&[s0, s1, d0, d1])
            if has_ports(chain.proto) && !chain.cut && !matches!(chain.fragment, Fragment::Later(_)) =>
        {
            (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]))
        }
        _ => (0, 0),
    }
}
