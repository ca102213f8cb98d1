//! PPP frames (RFC 1661, 1662), as PPPoE, PPTP and L2TP carry them.

use crate::packet::bytes::{array, be16};
use crate::packet::decode::{Step, Walk};
use crate::packet::undecoded::Undecoded;

const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS_UNICAST: u16 = 0x0281;
const MPLS_MULTICAST: u16 = 0x0283;

/// A PPP frame. Address and control bytes, and the first byte of the protocol, may have been left out.
pub fn ppp(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    let at = if array(walk.packet.frame, at) == Some(&[0xff, 0x03]) { at + 2 } else { at };
    let first = *walk.packet.frame.get(at).ok_or(Undecoded::TunnelHeader)?;
    let (protocol, body) = match first & 1 {
        1 => (u16::from(first), at + 1),
        _ => (be16(walk.packet.frame, at).ok_or(Undecoded::TunnelHeader)?, at + 2),
    };
    match protocol {
        IPV4 | IPV6 => Ok(Step::Ip(body)),
        MPLS_UNICAST | MPLS_MULTICAST => Ok(Step::Mpls(body)),
        _ if hides_ip(protocol) && walk.out.layers.is_empty() => Err(Undecoded::TunnelHeader),
        _ => Ok(Step::Done),
    }
}

/// Van Jacobson compression, bridging, multilink, encryption, robust header compression, compression (IANA PPP
/// numbers). Inside a layer of their own they are an opaque tunnel, whose outer addresses are judged.
fn hides_ip(protocol: u16) -> bool {
    matches!(protocol, 0x2d | 0x2f | 0x31 | 0x3d | 0x53 | 0x55 | 0x61..=0x69 | 0xfb | 0xfd | 0x0003 | 0x0005)
}
