//! Tunnels in UDP, told by their registered ports, on either side.

use crate::packet::bytes::{array, be16};
use crate::packet::decode::{Carrier, Packet, Step};
use crate::packet::layer::{Layer, Tunnel};
use crate::packet::numbers::port;
use crate::packet::undecoded::Undecoded;

/// Whether a tunnel may be on this port.
#[inline(always)]
pub fn is_tunnel_port(number: u16) -> bool {
    use port::{GENEVE, GRE, GTP_U, L2TP, MPLS, TEREDO, TZSP, VXLAN};
    matches!(number, L2TP | GTP_U | TEREDO | GRE | VXLAN | GENEVE | MPLS | TZSP)
}

/// The tunnel in the payload of a UDP layer, if it is one. A port alone proves nothing, since it may have been
/// chosen at random: what does not look like the tunnel stays plain UDP.
pub fn udp(packet: &Packet, layer: &mut Layer, at: usize) -> Result<Step, Undecoded> {
    for number in [layer.dport, layer.sport] {
        let found = match number {
            port::VXLAN => vxlan(packet, at),
            port::GENEVE => geneve(packet.frame, at),
            port::TEREDO => teredo(packet.frame, at),
            port::TZSP => tzsp(packet, at),
            port::GTP_U => gtp(packet.frame, at),
            port::L2TP => l2tp(packet.frame, at),
            port::MPLS => Some((Tunnel::Mpls, Step::Mpls(at))),
            port::GRE => return super::gre::gre(packet, layer, at),
            _ => None,
        };
        if let Some((tunnel, step)) = found {
            layer.tunnel = Some(tunnel);
            return Ok(step);
        }
    }
    Ok(Step::Done)
}

type Found = Option<(Tunnel, Step)>;

/// RFC 7348, section 5: eight bytes, then a frame.
fn vxlan(packet: &Packet, at: usize) -> Found {
    const LEAST: usize = 8 + 14;
    (packet.limit >= at + LEAST).then_some((Tunnel::Vxlan, Step::Ethernet(at + 8, Carrier::Tunnel)))
}

/// RFC 8926, section 3.4: eight bytes, options, then what the EtherType says.
fn geneve(frame: &[u8], at: usize) -> Found {
    let &[version_and_length, _, p0, p1] = array(frame, at)?;
    let body = at + 8 + usize::from(version_and_length & 0x3f) * 4;
    (version_and_length >> 6 == 0).then_some((Tunnel::Geneve, Step::Protocol(u16::from_be_bytes([p0, p1]), body)))
}

/// RFC 4380, section 5.1.1: an optional authentication header, an optional origin indication, then IPv6.
fn teredo(frame: &[u8], mut at: usize) -> Found {
    const FIXED: usize = 13;
    if let Some(&[0, 1, client, authentication]) = array(frame, at) {
        at += FIXED + usize::from(client) + usize::from(authentication);
    }
    if let Some(&[0, 0]) = array(frame, at) {
        at += 8;
    }
    (frame.get(at)? >> 4 == 6).then_some((Tunnel::Teredo, Step::Ip(at)))
}

/// TaZmen Sniffer Protocol: version, type, what is carried, tags, frame.
fn tzsp(packet: &Packet, at: usize) -> Found {
    const ETHERNET: u16 = 1;
    let frame = packet.frame;
    // Received, or to be sent; other types carry no frame.
    let &[1, 0 | 1, e0, e1] = array(frame, at)? else { return None };
    if u16::from_be_bytes([e0, e1]) != ETHERNET {
        return None;
    }
    let mut at = at + 4;
    loop {
        match *frame.get(at)? {
            0 => at += 1,
            1 => break,
            _ => at += 2 + usize::from(*frame.get(at + 1)?),
        }
    }
    let carrier = if packet.options.tzsp { Carrier::Mirror(None) } else { Carrier::Tunnel };
    Some((Tunnel::Tzsp, Step::Ethernet(at + 1, carrier)))
}

/// User data of GTP version 1 (3GPP TS 29.281, section 5.1).
fn gtp(frame: &[u8], at: usize) -> Found {
    const VERSION_AND_TYPE: u8 = 0xf0;
    const OPTIONAL_FIELDS: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    const USER_DATA: u8 = 255;
    let &[flags, USER_DATA] = array(frame, at)? else { return None };
    if flags & VERSION_AND_TYPE != 0x30 {
        return None;
    }
    let mut body = at + 8;
    if flags & OPTIONAL_FIELDS != 0 {
        body += 4;
    }
    if flags & EXTENSION != 0 {
        // Each begins with its length in words and ends with the type of the next; the last says 0.
        while *frame.get(body - 1)? != 0 {
            body += usize::from(*frame.get(body)?).max(1) * 4;
        }
    }
    matches!(frame.get(body)? >> 4, 4 | 6).then_some((Tunnel::Gtp, Step::Ip(body)))
}

/// Data messages of L2TP version 2 (RFC 2661, section 3.1).
fn l2tp(frame: &[u8], at: usize) -> Found {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    let flags = be16(frame, at)?;
    if flags & CONTROL != 0 || flags & 0x000f != 2 {
        return None;
    }
    let mut body = at + 6;
    if flags & LENGTH != 0 {
        body += 2;
    }
    if flags & SEQUENCE != 0 {
        body += 4;
    }
    if flags & OFFSET != 0 {
        body += 2 + usize::from(be16(frame, body)?);
    }
    Some((Tunnel::L2tp, Step::Ppp(body)))
}
