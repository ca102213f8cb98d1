//! Who opened a flow, as far as a packet tells.

use crate::flow::{Direction, Side};
use crate::packet::Layer;
use crate::policy::{Policy, Service};

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMP: u8 = 1;
pub(super) const ICMPV6: u8 = 58;
pub(super) const SCTP: u8 = 132;

pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

/// SCTP chunk types (RFC 9260, section 3.2).
const SCTP_INIT: u8 = 1;
const SCTP_INIT_ACK: u8 = 2;
pub(super) const SCTP_ABORT: u8 = 6;

/// Ports above 1023 that services of cameras and common servers listen on.
const SERVICES: [u16; 47] = [
    1080, 1194, 1433, 1521, 1701, 1723, 1756, 1812, 1813, 1883, 1900, 1935, 2049, 3128, 3268, 3306, 3389, 3478, 3702,
    4500, 4789, 5050, 5060, 5061, 5353, 5355, 5432, 5900, 6379, 7001, 8000, 8008, 8080, 8081, 8088, 8200, 8443, 8554,
    8883, 8888, 9000, 9010, 9020, 10554, 37020, 37777, 51820,
];

/// Where systems begin to draw the ports of clients (Linux; RFC 6335 has 49152).
const EPHEMERAL: u16 = 32_768;

/// Which ports are a service's: below 1024, well known, or named alone by a conduit.
pub(super) fn service_ports(policy: &Policy) -> Vec<bool> {
    let mut ports = vec![false; 65_536];
    ports[1..1024].fill(true);
    let named = policy.conduits.iter().flat_map(|c| &c.services).filter_map(|service| match service {
        Service::Ip { first, last, .. } if first == last => Some(*first),
        _ => None,
    });
    for port in SERVICES.into_iter().chain(named) {
        ports[usize::from(port)] = port != 0;
    }
    ports
}

/// The initiator that this packet alone suggests, sent by `from`.
pub(super) fn guess(layer: &Layer, from: Side, services: &[bool]) -> (Side, Direction) {
    if let Some(known) = handshake(layer, from) {
        return known;
    }
    let is_service = |port: u16| services.get(usize::from(port)).copied().unwrap_or(false);
    // A client may have drawn its own port among those that some service uses.
    let drawn = layer.proto == UDP && layer.sport >= EPHEMERAL;
    match (is_service(layer.sport), is_service(layer.dport)) {
        (true, false) if !drawn => (from.other(), Direction::Port),
        (false, true) => (from, Direction::Port),
        _ => (from, Direction::FirstSeen),
    }
}

/// The initiator, if this packet is part of a handshake.
pub(super) fn handshake(layer: &Layer, from: Side) -> Option<(Side, Direction)> {
    let opens = Some((from, Direction::Syn));
    let answers = Some((from.other(), Direction::Answer));
    match layer.proto {
        TCP => match layer.tcp?.flags & (SYN | ACK | RST) {
            SYN => opens,
            flags if flags == SYN | ACK || flags == RST | ACK && layer.tcp?.seq == 0 => answers,
            _ => None,
        },
        SCTP => match layer.sctp_chunk? {
            SCTP_INIT => opens,
            SCTP_INIT_ACK => answers,
            _ => None,
        },
        ICMP | ICMPV6 => match icmp_role(layer) {
            IcmpRole::Request => opens,
            IcmpRole::Reply => answers,
            _ => None,
        },
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum IcmpRole {
    Request,
    Reply,
    /// It speaks of another packet; `unreachable` if that was stopped.
    Error {
        unreachable: bool,
    },
    Other,
}

/// What an ICMP message is (RFC 792; RFC 4443; RFC 4884). Fragmentation needed and packet too big stop nothing.
pub(super) fn icmp_role(layer: &Layer) -> IcmpRole {
    match (layer.proto, layer.icmp) {
        (ICMP, Some((8 | 13 | 15 | 17, _))) | (ICMPV6, Some((128 | 139, _))) => IcmpRole::Request,
        (ICMP, Some((0 | 14 | 16 | 18, _))) | (ICMPV6, Some((129 | 140, _))) => IcmpRole::Reply,
        (ICMP, Some((3, code))) => IcmpRole::Error { unreachable: code != 4 },
        (ICMPV6, Some((1, _))) => IcmpRole::Error { unreachable: true },
        (ICMP, Some((4 | 5 | 11 | 12, _))) | (ICMPV6, Some((2..=4, _))) => IcmpRole::Error { unreachable: false },
        _ => IcmpRole::Other,
    }
}
