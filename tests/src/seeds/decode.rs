//! Frames: one for each thing that the decoder follows.

use std::net::{IpAddr, SocketAddr};

use segwatch::base::Mac;

use super::Seeds;
use crate::frames::{Packet, arp, ethernet, ethertype, flags, proto, tagged};
use crate::tunnels::{erspan_ii, gre, vxlan};

/// Seeds of the target `decode`, by name.
pub fn decode() -> Seeds {
    let (a, b) = (Mac([0x44, 0x19, 0xb6, 0, 0, 1]), Mac([0, 0, 0x5e, 0, 0x53, 1]));
    let (a4, b4) = (end("10.110.0.11:554"), end("10.200.0.10:50100"));
    let (a6, b6) = (end("[fd00:110::11]:554"), end("[2001:db8::10]:50100"));
    let tcp4 = Packet::tcp(a4, b4, flags::SYN | flags::ACK).numbers(7, 9).payload(*b"data");
    let udp4 = Packet::udp(a4, b4).payload(*b"data");
    let tcp6 = Packet::tcp(a6, b6, flags::SYN).payload(*b"data");
    let inner = udp4.frame(a, b, &[110]);
    let other = |number| Packet::other(a4.ip(), b4.ip(), number);
    let unreachable = Packet::icmp(b4.ip(), a4.ip(), 3, 13, 0).payload(&tcp4.bytes()[..28]);
    let too_big = Packet::icmp(b6.ip(), a6.ip(), 2, 0, 1280).payload(tcp6.bytes());
    let IpAddr::V4(address) = a4.ip() else { return Vec::new() };
    vec![
        ("tcp", ether(tcp4.frame(a, b, &[110]))),
        ("udp", ether(udp4.frame(a, b, &[110]))),
        ("tcp-ipv6", ether(tcp6.frame(a, b, &[]))),
        ("five-tags", ether(udp4.frame(a, b, &[1, 2, 3, 4, 110]))),
        ("qinq", ether(tagged(a, b, &[(0x88a8, 0x2064), (0x8100, 0xe06e)], ethertype::IPV4, &udp4.bytes()))),
        ("arp", ether(arp((a, address), address, None, &[110]))),
        ("icmp-error", ether(unreachable.frame(b, a, &[110]))),
        ("icmpv6-error", ether(too_big.frame(b, a, &[110]))),
        ("gre", ether(gre(a4.ip(), b4.ip(), 0x0800, &udp4.bytes()).frame(a, b, &[]))),
        ("gre-ethernet", ether(gre(a4.ip(), b4.ip(), 0x6558, &inner).frame(a, b, &[]))),
        ("erspan-i", ether(gre(a4.ip(), b4.ip(), 0x88be, &inner).frame(a, b, &[]))),
        ("erspan-ii", ether(erspan_ii(a4.ip(), b4.ip(), 1, 110, 7, &inner).frame(a, b, &[]))),
        ("vxlan", ether(vxlan(a4.ip(), b4.ip(), 42, &inner).frame(a, b, &[]))),
        ("ip-in-ip", ether(other(4).payload(tcp4.bytes()).frame(a, b, &[]))),
        ("six-in-four", ether(other(41).payload(tcp6.bytes()).frame(a, b, &[]))),
        ("teredo", ether(Packet::udp(a4, end("192.0.2.1:3544")).payload(tcp6.bytes()).frame(a, b, &[]))),
        ("sctp", ether(other(132).payload(sctp_init()).frame(a, b, &[]))),
        ("ah", ether(other(51).payload(authenticated(&udp4.bytes()[20..])).frame(a, b, &[]))),
        ("snap", ether(tagged(a, b, &[], 40, &[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &udp4.bytes()].concat()))),
        ("mpls", ether(ethernet(a, b, &[], 0x8847, &[&[0, 0x01, 0x01, 64][..], &udp4.bytes()].concat()))),
        ("pppoe", ether(ethernet(a, b, &[], 0x8864, &[&[0x11, 0, 0, 1, 0, 34, 0, 0x21][..], &udp4.bytes()].concat()))),
        ("cut", [&[0, 20 << 2][..], &inner[..40]].concat()),
        ("null", [&[1, 0, 2, 0, 0, 0][..], &udp4.bytes()].concat()),
        ("raw", [&[2, 0][..], &tcp6.bytes()].concat()),
        ("sll", [&[4, 0][..], &[0, 0, 0, 1, 0, 6], &a.0, &[0, 0, 8, 0], &udp4.bytes()].concat()),
        ("sll2", [&[8, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6][..], &a.0, &[0, 0], &udp4.bytes()].concat()),
    ]
}

/// A whole Ethernet frame as an input of the target.
fn ether(frame: Vec<u8>) -> Vec<u8> {
    [vec![0, 0], frame].concat()
}

/// SCTP (RFC 9260): an INIT chunk of 20 bytes. Its checksum is left 0.
fn sctp_init() -> Vec<u8> {
    let mut packet = vec![0x02, 0x2a, 0xc3, 0xb4, 0, 0, 0, 0, 0, 0, 0, 0];
    packet.extend([1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 1]);
    packet
}

/// An authentication header (RFC 4302) of 24 bytes in front of UDP.
fn authenticated(body: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 24];
    header[0] = proto::UDP;
    header[1] = 4;
    header.extend(body);
    header
}

fn end(text: &str) -> SocketAddr {
    text.parse().expect("an address with a port")
}
