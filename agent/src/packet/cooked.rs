//! Link types other than Ethernet: Linux cooked captures, loopback, raw IP (formats as in the pcap LINKTYPE registry).

use super::bytes::{array, be16};
use super::decode::{Carrier, Step, Walk};
use super::ethernet::tags;
use super::link::{Link, LinkType};
use super::numbers::ether_type;
use super::undecoded::Undecoded;
use crate::base::Mac;

/// The link header of a capture that is not Ethernet.
pub fn link(walk: &mut Walk, link_type: LinkType) -> Result<Step, Undecoded> {
    match link_type {
        LinkType::LinuxSll => sll(walk),
        LinkType::LinuxSll2 => sll2(walk),
        LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 => raw_ip(walk, 0),
        LinkType::Null | LinkType::Loop => loopback(walk),
        // Ethernet has its own module.
        LinkType::Ethernet | LinkType::Other(_) => Err(Undecoded::LinkType),
    }
}

fn raw_ip(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    walk.push_link(Carrier::Wire)?;
    walk.out.link_payload = at;
    Ok(Step::Ip(at))
}

/// Address families: 2 is IPv4 everywhere; IPv6 is 10 on Linux, 23 on Windows, 24, 28 and 30 on the BSDs. Both
/// byte orders are tried, because the order is that of the host that captured.
fn loopback(walk: &mut Walk) -> Result<Step, Undecoded> {
    let family = array(walk.packet.frame, 0).copied().map(u32::from_le_bytes);
    match family.map(|f| if f > 0xffff { f.swap_bytes() } else { f }) {
        Some(2 | 10 | 23 | 24 | 28 | 30) => raw_ip(walk, 4),
        _ => no_header(walk),
    }
}

fn sll(walk: &mut Walk) -> Result<Step, Undecoded> {
    let Some(&[_, packet_type, h0, h1, _, length, a, b, c, d, e, f, _, _]) = array(walk.packet.frame, 0) else {
        return no_header(walk);
    };
    let frame = walk.packet.frame;
    let link = cooked_link(walk, packet_type, [h0, h1], length, [a, b, c, d, e, f])?;
    let payload = tags(frame, 14, &mut link.vlans);
    cooked_payload(walk, [h0, h1], payload)
}

/// As SLL, but the protocol stands first, so that a tag's TCI follows the whole header.
fn sll2(walk: &mut Walk) -> Result<Step, Undecoded> {
    const HEADER: usize = 20;
    let Some(&[p0, p1, _, _, _, _, _, _, h0, h1, packet_type, length, a, b, c, d, e, f, _, _]) =
        array(walk.packet.frame, 0)
    else {
        return no_header(walk);
    };
    let frame = walk.packet.frame;
    let link = cooked_link(walk, packet_type, [h0, h1], length, [a, b, c, d, e, f])?;
    let protocol = u16::from_be_bytes([p0, p1]);
    let payload = match protocol {
        ether_type::C_TAG
        | ether_type::S_TAG
        | ether_type::OLD_TAG_1
        | ether_type::OLD_TAG_2
        | ether_type::OLD_TAG_3 => be16(frame, HEADER).and_then(|tci| {
            link.vlans.push(tci);
            tags(frame, HEADER + 2, &mut link.vlans)
        }),
        _ => Some((protocol, HEADER)),
    };
    cooked_payload(walk, [h0, h1], payload)
}

fn no_header(walk: &mut Walk) -> Result<Step, Undecoded> {
    walk.push_link(Carrier::Wire)?;
    Err(Undecoded::LinkHeader)
}

fn cooked_link<'w>(
    walk: &'w mut Walk,
    packet_type: u8,
    hardware: [u8; 2],
    address_length: u8,
    address: [u8; 6],
) -> Result<&'w mut Link, Undecoded> {
    let is_mac = u16::from_be_bytes(hardware) == ETHERNET_HARDWARE && address_length == 6;
    let link = walk.push_link(Carrier::Wire)?;
    link.src = is_mac.then_some(Mac(address));
    link.sll_packet_type = Some(packet_type);
    Ok(link)
}

fn cooked_payload(walk: &mut Walk, hardware: [u8; 2], payload: Option<(u16, usize)>) -> Result<Step, Undecoded> {
    let (protocol, at) = payload.ok_or(Undecoded::LinkHeader)?;
    // Netlink messages, and the protocols that Linux numbers itself (CAN, …), are no frames of a network.
    let is_local = protocol < ether_type::LOWEST && protocol != LINUX_802_2;
    if is_local || u16::from_be_bytes(hardware) == NETLINK_HARDWARE {
        return Ok(Step::Done);
    }
    walk.link_payload(protocol, at)
}

/// Linux ARPHRD values.
const ETHERNET_HARDWARE: u16 = 1;
const NETLINK_HARDWARE: u16 = 824;
/// The number that Linux gives to 802.2 frames instead of an EtherType.
const LINUX_802_2: u16 = 4;
