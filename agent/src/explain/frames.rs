//! Frames of a flow that nobody sent. Checksums are left out: nothing that judges looks at them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::base::Mac;

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;
pub(super) const SCTP: u8 = 132;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// One IP packet of the flow.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) proto: u8,
    pub(super) src: (IpAddr, u16),
    pub(super) dst: (IpAddr, u16),
    pub(super) ttl: u8,
    pub(super) id: u16,
    /// Everything above IP.
    pub(super) body: Vec<u8>,
}

/// What the opener sends, and what answers it.
pub(super) fn exchange(proto: u8, from: (IpAddr, u16), to: (IpAddr, u16)) -> Vec<Packet> {
    let packet = |out: bool, id: u16, body: Vec<u8>| {
        let (src, dst) = if out { (from, to) } else { (to, from) };
        Packet { proto, src, dst, ttl: 64, id, body }
    };
    let ports = |out: bool| {
        let (sport, dport) = if out { (from.1, to.1) } else { (to.1, from.1) };
        [sport.to_be_bytes(), dport.to_be_bytes()].concat()
    };
    match proto {
        TCP => [(true, SYN), (false, SYN | ACK), (true, ACK)]
            .into_iter()
            .zip(1..)
            .map(|((out, flags), id)| packet(out, id, [ports(out), tcp(out, flags)].concat()))
            .collect(),
        UDP => [true, false]
            .into_iter()
            .zip(1..)
            // Length and checksum, one byte of data.
            .map(|(out, id)| packet(out, id, [ports(out), vec![0, 9, 0, 0, 0]].concat()))
            .collect(),
        SCTP => [(true, 1u8), (false, 2)]
            .into_iter()
            .zip(1..)
            .map(|((out, chunk), id)| packet(out, id, [ports(out), sctp(chunk)].concat()))
            .collect(),
        ICMP => vec![packet(true, 1, vec![8, 0, 0, 0, 0, 1, 0, 1]), packet(false, 2, vec![0, 0, 0, 0, 0, 1, 0, 1])],
        ICMPV6 => {
            vec![packet(true, 1, vec![128, 0, 0, 0, 0, 1, 0, 1]), packet(false, 2, vec![129, 0, 0, 0, 0, 1, 0, 1])]
        }
        _ => vec![packet(true, 1, vec![0; 8]), packet(false, 2, vec![0; 8])],
    }
}

/// From the sequence number on.
fn tcp(out: bool, flags: u8) -> Vec<u8> {
    let (seq, ack): (u32, u32) = if out { (1, 1) } else { (1_000, 2) };
    let ack = if flags & ACK == 0 { 0 } else { ack };
    [&seq.to_be_bytes()[..], &ack.to_be_bytes(), &[0x50, flags, 0x40, 0, 0, 0, 0, 0]].concat()
}

/// From the verification tag on: one chunk of 20 bytes.
fn sctp(chunk: u8) -> Vec<u8> {
    [&[0, 0, 0, 1, 0, 0, 0, 0, chunk, 0, 0, 20][..], &[0; 16]].concat()
}

impl Packet {
    /// The same packet behind a router.
    #[must_use]
    pub(super) fn routed(&self) -> Packet {
        Packet { ttl: self.ttl.saturating_sub(1), ..self.clone() }
    }

    /// An Ethernet frame with it. `None` if its addresses are of two families.
    pub(super) fn frame(&self, src: Mac, dst: Mac, vlan: Option<u16>) -> Option<Vec<u8>> {
        let length = u16::try_from(self.body.len()).ok()?;
        let (ethertype, header) = match (self.src.0, self.dst.0) {
            (IpAddr::V4(from), IpAddr::V4(to)) => (ETHERTYPE_IPV4, self.ipv4(length.checked_add(20)?, from, to)),
            (IpAddr::V6(from), IpAddr::V6(to)) => (ETHERTYPE_IPV6, self.ipv6(length, from, to)),
            _ => return None,
        };
        Some([ethernet(src, dst, vlan, ethertype), header, self.body.clone()].concat())
    }

    fn ipv4(&self, length: u16, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
        let mut header = vec![0x45, 0];
        header.extend(length.to_be_bytes());
        header.extend(self.id.to_be_bytes());
        header.extend([0x40, 0, self.ttl, self.proto, 0, 0]);
        header.extend(from.octets());
        header.extend(to.octets());
        header
    }

    fn ipv6(&self, length: u16, from: Ipv6Addr, to: Ipv6Addr) -> Vec<u8> {
        let mut header = vec![0x60, 0, 0, 0];
        header.extend(length.to_be_bytes());
        header.extend([self.proto, self.ttl]);
        header.extend(from.octets());
        header.extend(to.octets());
        header
    }
}

/// A host says which address it has: ARP, or a neighbour advertisement (RFC 4861, section 4.4).
pub(super) fn announcement(mac: Mac, ip: IpAddr, vlan: Option<u16>) -> Option<Vec<u8>> {
    match ip {
        IpAddr::V4(ip) => {
            let mut arp = ethernet(mac, Mac::BROADCAST, vlan, ETHERTYPE_ARP);
            arp.extend([0, 1, 8, 0, 6, 4, 0, 1]);
            arp.extend(mac.0);
            arp.extend(ip.octets());
            arp.extend([0; 6]);
            arp.extend(ip.octets());
            Some(arp)
        }
        IpAddr::V6(ip) => {
            let mut body = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
            body.extend(ip.octets());
            body.extend([2, 1]);
            body.extend(mac.0);
            let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
            let packet = Packet {
                proto: ICMPV6,
                src: (IpAddr::V6(ip), 0),
                dst: (IpAddr::V6(all_nodes), 0),
                ttl: 255,
                id: 0,
                body,
            };
            packet.frame(mac, group_mac(IpAddr::V6(all_nodes)), vlan)
        }
    }
}

/// Where a frame to a group goes (RFC 1112, section 6.4; RFC 2464, section 7).
pub(super) fn group_mac(ip: IpAddr) -> Mac {
    match ip {
        IpAddr::V4(ip) if ip.is_multicast() => {
            let [_, b, c, d] = ip.octets();
            Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(ip) if ip.is_multicast() => {
            let [.., a, b, c, d] = ip.octets();
            Mac([0x33, 0x33, a, b, c, d])
        }
        _ => Mac::BROADCAST,
    }
}

fn ethernet(src: Mac, dst: Mac, vlan: Option<u16>, ethertype: u16) -> Vec<u8> {
    let mut header = [dst.0, src.0].concat();
    if let Some(vlan) = vlan {
        header.extend(ETHERTYPE_VLAN.to_be_bytes());
        header.extend(vlan.to_be_bytes());
    }
    header.extend(ethertype.to_be_bytes());
    header
}
