//! MPLS label stacks (RFC 3032) and what lies below them, which no header says (RFC 4928).

use crate::packet::bytes::{array, be16};
use crate::packet::decode::{Carrier, Packet, Step, Walk};
use crate::packet::numbers::ether_type;
use crate::packet::undecoded::Undecoded;

/// A label stack and the packet below it.
pub fn mpls(walk: &mut Walk, mut at: usize) -> Result<Step, Undecoded> {
    const BOTTOM_OF_STACK: u8 = 1;
    let packet = &walk.packet;
    loop {
        let &[_, _, label, _] = array(packet.frame, at).ok_or(Undecoded::TunnelHeader)?;
        at += 4;
        if label & BOTTOM_OF_STACK != 0 {
            break;
        }
    }
    let Some(first) = packet.frame.get(at) else { return Ok(Step::Done) };
    Ok(match first >> 4 {
        4 if !is_ipv4(packet, at) && is_ethernet(packet, at) => Step::Ethernet(at, Carrier::Tunnel),
        4 => Step::Ip(at),
        6 if !is_ipv6(packet, at) && is_ethernet(packet, at) => Step::Ethernet(at, Carrier::Tunnel),
        6 => Step::Ip(at),
        // An associated channel: operation and maintenance (RFC 5586).
        1 => Step::Done,
        0 if has_control_word(packet, at) => Step::Ethernet(at + CONTROL_WORD, Carrier::Tunnel),
        _ => Step::Ethernet(at, Carrier::Tunnel),
    })
}

const CONTROL_WORD: usize = 4;

/// Whether a control word (RFC 4448) stands there rather than an address that begins with a zero nibble. It says
/// nothing but a sequence number, often 0. A tag is as long as the word, so that a tagged frame without one looks
/// right both ways: then the two bytes that are always zero decide.
fn has_control_word(packet: &Packet, at: usize) -> bool {
    let zeros = be16(packet.frame, at) == Some(0);
    !is_ethernet(packet, at) || zeros && is_ethernet(packet, at + CONTROL_WORD)
}

/// The MAC prefix 44:19:b6 of a camera looks like IPv4 with an impossible header length: lengths must agree too.
fn is_ipv4(packet: &Packet, at: usize) -> bool {
    let Some(&[v, _, t0, t1]) = array(packet.frame, at) else { return false };
    let length = usize::from(u16::from_be_bytes([t0, t1]));
    let header = usize::from(v & 15) * 4;
    header >= 20 && (length == 0 || length >= header) && at + length <= packet.limit
}

fn is_ipv6(packet: &Packet, at: usize) -> bool {
    be16(packet.frame, at + 4).is_some_and(|length| at + 40 + usize::from(length) <= packet.limit)
}

/// Whether a frame with an EtherType that we know, from a unicast address, seems to stand at `at`.
fn is_ethernet(packet: &Packet, at: usize) -> bool {
    use ether_type::{ARP, C_TAG, IPV4, IPV6, LOWEST, MPLS, MPLS_UPSTREAM, PPPOE_SESSION, S_TAG};
    let from_unicast = packet.frame.get(at + 6).is_some_and(|first| first & 1 == 0);
    from_unicast
        && match be16(packet.frame, at + 12) {
            Some(ARP | C_TAG | IPV4 | IPV6 | MPLS | MPLS_UPSTREAM | PPPOE_SESSION | S_TAG) => true,
            Some(length @ 1..LOWEST) => at + 14 + usize::from(length) <= packet.limit,
            _ => false,
        }
}
