//! Properties: packets that etherparse builds come back field by field, and no bytes at all break anything.

use etherparse::{PacketBuilder, SingleVlanHeader, VlanId};
use proptest::collection::vec;
use proptest::prelude::*;

use super::invariants::check_invariants;
use super::*;

/// Fields of a built packet.
#[derive(Debug, Clone)]
struct Built {
    vlan: Option<u16>,
    v6: bool,
    addresses: ([u8; 16], [u8; 16]),
    ttl: u8,
    tcp: bool,
    ports: (u16, u16),
    sequence: u32,
    payload: Vec<u8>,
}

fn built() -> impl Strategy<Value = Built> {
    let head = (prop::option::of(0u16..4096), any::<bool>(), any::<([u8; 16], [u8; 16])>(), any::<u8>());
    // Below the ports of tunnels.
    let tail = (any::<bool>(), (0u16..1700, 0u16..1700), any::<u32>(), vec(any::<u8>(), 0..100));
    (head, tail).prop_map(|((vlan, v6, addresses, ttl), (tcp, ports, sequence, payload))| Built {
        vlan,
        v6,
        addresses,
        ttl,
        tcp,
        ports,
        sequence,
        payload,
    })
}

fn bytes(packet: &Built) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]);
    let (src, dst) = packet.addresses;
    let v4 = |address: [u8; 16]| [address[0], address[1], address[2], address[3]];
    let ip = match (packet.vlan.and_then(|vid| VlanId::try_new(vid).ok()), packet.v6) {
        (None, false) => ethernet.ipv4(v4(src), v4(dst), packet.ttl),
        (None, true) => ethernet.ipv6(src, dst, packet.ttl),
        (Some(vlan_id), v6) => {
            let tag = SingleVlanHeader { vlan_id, ..SingleVlanHeader::default() };
            let tagged = ethernet.vlan(etherparse::VlanHeader::Single(tag));
            if v6 { tagged.ipv6(src, dst, packet.ttl) } else { tagged.ipv4(v4(src), v4(dst), packet.ttl) }
        }
    };
    let mut out = Vec::new();
    let (source, destination) = packet.ports;
    let written = if packet.tcp {
        ip.tcp(source, destination, packet.sequence, 1024).syn().write(&mut out, &packet.payload)
    } else {
        ip.udp(source, destination).write(&mut out, &packet.payload)
    };
    written.expect("a vector takes everything");
    out
}

proptest! {
    #[test]
    fn what_etherparse_builds_comes_back(packet in built()) {
        let data = bytes(&packet);
        let out = decoded(LinkType::Ethernet, &data);
        prop_assert_eq!(out.undecoded, None);
        prop_assert_eq!(out.links[0].vlans.vids(), packet.vlan.as_slice());
        let layer = out.layers[0];
        let address = |octets: [u8; 16]| match packet.v6 {
            true => std::net::IpAddr::from(octets),
            false => std::net::IpAddr::from([octets[0], octets[1], octets[2], octets[3]]),
        };
        prop_assert_eq!((layer.src, layer.dst), (address(packet.addresses.0), address(packet.addresses.1)));
        prop_assert_eq!((layer.ttl, layer.sport, layer.dport), (packet.ttl, packet.ports.0, packet.ports.1));
        prop_assert_eq!(layer.tcp.map(|tcp| (tcp.flags, tcp.seq)), packet.tcp.then_some((2, packet.sequence)));
        prop_assert_eq!(layer.payload_len as usize, packet.payload.len());
        prop_assert_eq!(&data[layer.payload as usize..layer.end as usize], packet.payload.as_slice());
    }

    #[test]
    fn cut_anywhere_nothing_breaks(packet in built(), keep in 0usize..160) {
        let data = bytes(&packet);
        check_invariants(&data[..keep.min(data.len())]);
    }

    #[test]
    fn any_bytes_are_survived(data in vec(any::<u8>(), 0..200)) {
        check_invariants(&data);
    }

    /// Bytes that look like headers lead deeper than random ones.
    #[test]
    fn any_chain_of_header_bytes_is_survived(
        parts in vec(prop::sample::select(PARTS.to_vec()), 0..24),
        noise in vec(any::<(prop::sample::Index, u8)>(), 0..4),
    ) {
        let mut data = hex(&parts.concat());
        for (at, byte) in noise {
            if !data.is_empty() {
                let at = at.index(data.len());
                data[at] = byte;
            }
        }
        check_invariants(&data);
    }
}

/// Headers of everything that is followed, to be put together in any order.
const PARTS: [&str; 22] = [
    "4419b6010203 001122334455 0800",
    "4419b6010203 001122334455 8847",
    "4419b6010203 001122334455 88e7 00000001",
    "8100 006e 0800",
    "88a8 0001 8100 0002 86dd",
    "45000000 00070000 40040000 0a000001 0a000002",
    "45000000 00070000 402f0000 0a000001 0a000002",
    "45000000 00070000 40110000 0a000001 0a000002",
    "45000000 00072000 40330000 0a000001 0a000002",
    "60000000 0000 00 40 fd000000000000000000000000000001 fd000000000000000000000000000002",
    "60000000 0000 29 40 fd000000000000000000000000000001 fd000000000000000000000000000002",
    "3c 00 000000000000",
    "2c 00 000000000000",
    "29 00 0001 00000001",
    "1234 12b5 0000 0000 08000000 00000100",
    "1234 9090 0000 0000 01000001 01",
    "1234 17c1 0000 0000 0000 6558 00000100",
    "2000 6558 00000001",
    "1000 88be 00000001 1017 0064 00000000",
    "4000 0800 00000000",
    "00010140 00000000",
    "0040 aaaa03 000000 0800",
];
