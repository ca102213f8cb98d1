//! ARP for IPv4 over Ethernet (RFC 826).

use std::net::Ipv4Addr;

use super::bytes::array;
use super::decode::{Step, Walk};
use super::link::Arp;
use super::undecoded::Undecoded;
use crate::base::Mac;

/// Hardware types with addresses of IEEE 802: Ethernet, IEEE 802.
const IEEE_802: [u16; 2] = [1, 6];
/// IPv4, and the lengths of both kinds of address.
const IPV4_OVER_MAC: [u8; 4] = [0x08, 0x00, 6, 4];

/// Keeps an ARP packet. One for other kinds of addresses claims nothing that concerns IPv4 and is left alone.
pub fn arp(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    let &[h0, h1, p0, p1, mac_length, ip_length, o0, o1] = array(walk.packet.frame, at).ok_or(Undecoded::Arp)?;
    if !IEEE_802.contains(&u16::from_be_bytes([h0, h1])) || [p0, p1, mac_length, ip_length] != IPV4_OVER_MAC {
        return Ok(Step::Done);
    }
    let mac = |at| array(walk.packet.frame, at).copied().map(Mac).ok_or(Undecoded::Arp);
    let ip = |at| array(walk.packet.frame, at).copied().map(Ipv4Addr::from_octets).ok_or(Undecoded::Arp);
    walk.out.arp = Some(Arp {
        operation: u16::from_be_bytes([o0, o1]),
        sender_mac: mac(at + 8)?,
        sender_ip: ip(at + 14)?,
        target_mac: mac(at + 18)?,
        target_ip: ip(at + 24)?,
    });
    Ok(Step::Done)
}
