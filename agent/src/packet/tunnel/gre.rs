//! GRE (RFC 2784, 2890, 1701) and its PPTP variant (RFC 2637).

use super::erspan::{self, Version};
use crate::packet::bytes::{array, be16};
use crate::packet::decode::{Carrier, Packet, Step};
use crate::packet::layer::{Layer, Tunnel};
use crate::packet::numbers::ether_type;
use crate::packet::undecoded::Undecoded;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Only in version 1.
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

/// A GRE header; `layer` is the one whose payload it is.
pub fn gre(packet: &Packet, layer: &mut Layer, at: usize) -> Result<Step, Undecoded> {
    layer.tunnel = Some(Tunnel::Gre);
    let &[f0, f1, p0, p1] = array(packet.frame, at).ok_or(Undecoded::TunnelHeader)?;
    let (flags, protocol) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
    let body = match flags & VERSION {
        0 => body(packet.frame, flags, at).ok_or(Undecoded::TunnelHeader)?,
        1 => at + 8 + words(flags, SEQUENCE) + words(flags, ACKNOWLEDGMENT),
        _ => return Err(Undecoded::TunnelHeader),
    };
    if body >= packet.limit {
        // A keepalive, or an acknowledgment of PPTP.
        return Ok(Step::Done);
    }
    match protocol {
        ether_type::ERSPAN if flags & SEQUENCE == 0 => erspan::erspan(packet, layer, Version::I, body),
        ether_type::ERSPAN | ether_type::ERSPAN_III => erspan::erspan(packet, layer, Version::InHeader, body),
        ether_type::ETHERNET => Ok(Step::Ethernet(body, Carrier::Tunnel)),
        // Version 2 puts four bytes of its own in front of the packet.
        ether_type::WCCP if packet.frame.get(body).is_some_and(|first| first >> 4 != 4) => Ok(Step::Ip(body + 4)),
        ether_type::WCCP => Ok(Step::Ip(body)),
        other => Ok(Step::Protocol(other, body)),
    }
}

/// Session and sequence number of an ERSPAN packet, from its GRE header on; `None` where it has none (type I).
pub fn erspan_sequence(packet: &[u8]) -> Option<(u16, u32)> {
    let flags = be16(packet, 0)?;
    if flags & SEQUENCE == 0 || flags & VERSION != 0 {
        return None;
    }
    let number = 4 + words(flags, CHECKSUM | ROUTING) + words(flags, KEY);
    let &[n0, n1, n2, n3, _, _, s0, s1] = array(packet, number)?;
    // The session's ten bits, behind version, VLAN and priority.
    Some((u16::from_be_bytes([s0, s1]) & 0x03ff, u32::from_be_bytes([n0, n1, n2, n3])))
}

fn words(flags: u16, bit: u16) -> usize {
    if flags & bit != 0 { 4 } else { 0 }
}

/// Where the payload of a version 0 header starts.
fn body(frame: &[u8], flags: u16, at: usize) -> Option<usize> {
    let mut body = at + 4 + words(flags, CHECKSUM | ROUTING) + words(flags, KEY) + words(flags, SEQUENCE);
    if flags & ROUTING != 0 {
        // Source routes: family, offset, length, and that many bytes; an empty one ends the list (RFC 1701).
        loop {
            let &[_, length] = array(frame, body + 2)?;
            let end = be16(frame, body)? == 0 && length == 0;
            body += 4 + usize::from(length);
            if end {
                break;
            }
        }
    }
    Some(body)
}
