//! Ethernet headers, their tags, and LLC.

use super::bytes::{array, be16};
use super::decode::{Carrier, Step, Walk};
use super::numbers::ether_type;
use super::undecoded::Undecoded;
use crate::base::{Mac, VlanStack};

/// An Ethernet header with its tags.
#[inline(always)]
pub fn ethernet(walk: &mut Walk, at: usize, carrier: Carrier) -> Result<Step, Undecoded> {
    let frame = walk.packet.frame;
    let link = walk.push_link(carrier)?;
    link.dst = Some(Mac(*array(frame, at).ok_or(Undecoded::LinkHeader)?));
    link.src = Some(Mac(*array(frame, at + 6).ok_or(Undecoded::LinkHeader)?));
    let (ether_type, payload) = tags(frame, at + 12, &mut link.vlans).ok_or(Undecoded::LinkHeader)?;
    walk.link_payload(ether_type, payload)
}

/// Walks the tags from the EtherType at `at` on, however many. Returns the first EtherType that is no tag, and
/// where its payload starts; `None` if the frame ends before.
#[inline(always)]
pub fn tags(frame: &[u8], mut at: usize, vlans: &mut VlanStack) -> Option<(u16, usize)> {
    loop {
        let ether_type = be16(frame, at)?;
        if ether_type == ether_type::IPV4 {
            return Some((ether_type, at + 2));
        }
        at += match ether_type {
            ether_type::C_TAG
            | ether_type::S_TAG
            | ether_type::OLD_TAG_1
            | ether_type::OLD_TAG_2
            | ether_type::OLD_TAG_3 => {
                vlans.push(be16(frame, at + 2)?);
                4
            }
            ether_type::VN_TAG | ether_type::HSR => 6,
            ether_type::E_TAG => 8,
            // Version, then the number of options, each of 4 bytes.
            ether_type::CISCO_METADATA => 4 + 4 * usize::from(*frame.get(at + 3)?),
            ether_type::MACSEC => match macsec_clear(*frame.get(at + 2)?) {
                Some(length) => length,
                None => return Some((ether_type, at + 2)),
            },
            _ => return Some((ether_type, at + 2)),
        };
    }
}

/// Length of a MACsec tag up to the EtherType behind it, given its control bits; `None` if that is encrypted or
/// changed (IEEE 802.1AE, clause 9.5).
fn macsec_clear(control: u8) -> Option<usize> {
    const CHANNEL_IDENTIFIER: u8 = 0x20;
    const ENCRYPTED: u8 = 0x08;
    const CHANGED: u8 = 0x04;
    if control & (ENCRYPTED | CHANGED) != 0 {
        None
    } else if control & CHANNEL_IDENTIFIER != 0 {
        Some(16)
    } else {
        Some(8)
    }
}

/// The rest of an I-TAG: four bytes of priority and service identifier, then the customer's frame (802.1ah).
pub fn backbone(at: usize) -> Result<Step, Undecoded> {
    Ok(Step::Ethernet(at + 4, Carrier::Tunnel))
}

/// An LLC header (IEEE 802.2). Only SNAP (RFC 1042) and the old access point of IP carry IP.
pub fn llc(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    const SNAP: u8 = 0xaa;
    const IP: u8 = 0x06;
    let &[destination, source, control] = array(walk.packet.frame, at).ok_or(Undecoded::Llc)?;
    let body = at + if control & 3 == 3 { 3 } else { 4 };
    match (destination, source & 0xfe) {
        (SNAP, SNAP) => snap(walk, body),
        (IP, IP) => Ok(Step::Ip(body)),
        _ => Ok(Step::Done),
    }
}

fn snap(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    match array(walk.packet.frame, at).ok_or(Undecoded::Llc)? {
        // RFC 1042, and the bridge tunnel of IEEE 802.1H.
        [0, 0, 0] | [0, 0, 0xf8] => {}
        // IEEE 802.1: bridged frames of other media (RFC 2684).
        [0, 0x80, 0xc2] => return Err(Undecoded::Llc),
        _ => return Ok(Step::Done),
    }
    let vlans = &mut walk.out.links.last_mut().ok_or(Undecoded::Llc)?.vlans;
    match tags(walk.packet.frame, at + 3, vlans).ok_or(Undecoded::Llc)? {
        (0..ether_type::LOWEST | ether_type::LLC, _) => Ok(Step::Done),
        (ether_type, payload) => walk.link_protocol(ether_type, payload),
    }
}
