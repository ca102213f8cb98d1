//! Builds frames with right lengths and checksums: Ethernet with any VLAN stack, ARP, IPv4, IPv6, TCP, UDP, ICMP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use segwatch::base::Mac;

/// TCP flags (RFC 9293, section 3.1).
pub mod flags {
    #![allow(missing_docs)]
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
}

/// IANA protocol numbers.
pub mod proto {
    #![allow(missing_docs)]
    pub const ICMP: u8 = 1;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const GRE: u8 = 47;
    pub const ICMPV6: u8 = 58;
}

/// EtherTypes.
pub mod ethertype {
    #![allow(missing_docs)]
    pub const IPV4: u16 = 0x0800;
    pub const ARP: u16 = 0x0806;
    pub const VLAN: u16 = 0x8100;
    pub const IPV6: u16 = 0x86dd;
}

/// One IP packet. Both addresses must be of the same family.
#[derive(Clone, Debug)]
pub struct Packet {
    src: IpAddr,
    dst: IpAddr,
    ttl: u8,
    id: u16,
    transport: Transport,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Transport {
    Tcp { sport: u16, dport: u16, seq: u32, ack: u32, flags: u8 },
    Udp { sport: u16, dport: u16 },
    Icmp { kind: u8, code: u8, rest: u32 },
    Other(u8),
}

impl Packet {
    /// A TCP segment; `seq` and `ack` are 0 until set.
    pub fn tcp(from: SocketAddr, to: SocketAddr, flags: u8) -> Packet {
        let transport = Transport::Tcp { sport: from.port(), dport: to.port(), seq: 0, ack: 0, flags };
        Packet::new(from.ip(), to.ip(), transport)
    }

    /// A UDP datagram.
    pub fn udp(from: SocketAddr, to: SocketAddr) -> Packet {
        Packet::new(from.ip(), to.ip(), Transport::Udp { sport: from.port(), dport: to.port() })
    }

    /// An ICMP or (between IPv6 addresses) ICMPv6 message; `rest` is its second word.
    pub fn icmp(src: IpAddr, dst: IpAddr, kind: u8, code: u8, rest: u32) -> Packet {
        Packet::new(src, dst, Transport::Icmp { kind, code, rest })
    }

    /// A packet of any other protocol; the payload follows the IP header directly.
    pub fn other(src: IpAddr, dst: IpAddr, proto: u8) -> Packet {
        Packet::new(src, dst, Transport::Other(proto))
    }

    fn new(src: IpAddr, dst: IpAddr, transport: Transport) -> Packet {
        Packet { src, dst, ttl: 64, id: 0, transport, payload: Vec::new() }
    }

    /// Sets the TCP sequence and acknowledgement numbers; no effect on other transports.
    pub fn numbers(mut self, new_seq: u32, new_ack: u32) -> Packet {
        if let Transport::Tcp { seq, ack, .. } = &mut self.transport {
            (*seq, *ack) = (new_seq, new_ack);
        }
        self
    }

    /// Sets what follows the transport header.
    pub fn payload(mut self, payload: impl Into<Vec<u8>>) -> Packet {
        self.payload = payload.into();
        self
    }

    /// Sets TTL or hop limit (64 unless set).
    pub fn ttl(mut self, ttl: u8) -> Packet {
        self.ttl = ttl;
        self
    }

    /// Sets the IPv4 identification (0 unless set); IPv6 has none.
    pub fn id(mut self, id: u16) -> Packet {
        self.id = id;
        self
    }

    /// The TTL or hop limit.
    pub fn hops(&self) -> u8 {
        self.ttl
    }

    /// The same packet behind a router: TTL one lower.
    pub fn routed(&self) -> Packet {
        self.clone().ttl(self.ttl.saturating_sub(1))
    }

    /// The packet from its IP header on.
    pub fn bytes(&self) -> Vec<u8> {
        let body = self.body();
        let mut out = match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let mut header = vec![0x45, 0];
                header.extend(length16(20 + body.len()).to_be_bytes());
                header.extend(self.id.to_be_bytes());
                header.extend([0x40, 0, self.ttl, self.proto(), 0, 0]);
                header.extend(src.octets());
                header.extend(dst.octets());
                let sum = checksum(&header, 0);
                header[10..12].copy_from_slice(&sum.to_be_bytes());
                header
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let mut header = vec![0x60, 0, 0, 0];
                header.extend(length16(body.len()).to_be_bytes());
                header.extend([self.proto(), self.ttl]);
                header.extend(src.octets());
                header.extend(dst.octets());
                header
            }
            (src, dst) => panic!("{src} and {dst} are of different families"),
        };
        out.extend(body);
        out
    }

    /// The packet in an Ethernet frame with 802.1Q tags, outermost first.
    pub fn frame(&self, src: Mac, dst: Mac, vlans: &[u16]) -> Vec<u8> {
        let kind = if self.src.is_ipv4() { ethertype::IPV4 } else { ethertype::IPV6 };
        ethernet(src, dst, vlans, kind, &self.bytes())
    }

    fn proto(&self) -> u8 {
        match self.transport {
            Transport::Tcp { .. } => proto::TCP,
            Transport::Udp { .. } => proto::UDP,
            Transport::Icmp { .. } if self.src.is_ipv4() => proto::ICMP,
            Transport::Icmp { .. } => proto::ICMPV6,
            Transport::Other(proto) => proto,
        }
    }

    fn body(&self) -> Vec<u8> {
        let (mut body, sum_at) = match self.transport {
            Transport::Tcp { sport, dport, seq, ack, flags } => {
                let mut head = ports(sport, dport);
                head.extend(seq.to_be_bytes());
                head.extend(ack.to_be_bytes());
                head.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
                (head, Some(16))
            }
            Transport::Udp { sport, dport } => {
                let mut head = ports(sport, dport);
                head.extend(length16(8 + self.payload.len()).to_be_bytes());
                head.extend([0, 0]);
                (head, Some(6))
            }
            Transport::Icmp { kind, code, rest } => {
                let mut head = vec![kind, code, 0, 0];
                head.extend(rest.to_be_bytes());
                (head, Some(2))
            }
            Transport::Other(_) => (Vec::new(), None),
        };
        body.extend(&self.payload);
        if let Some(at) = sum_at {
            let start = if self.proto() == proto::ICMP { 0 } else { self.pseudo_header_sum(body.len()) };
            let sum = checksum(&body, start);
            // RFC 768: a UDP checksum of zero means "none", so zero is sent as all ones.
            let sum = if sum == 0 && self.proto() == proto::UDP { 0xffff } else { sum };
            body[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
        body
    }

    fn pseudo_header_sum(&self, body_len: usize) -> u32 {
        let addresses = match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => [src.octets(), dst.octets()].concat(),
            (IpAddr::V6(src), IpAddr::V6(dst)) => [src.octets(), dst.octets()].concat(),
            _ => Vec::new(),
        };
        sum_words(&addresses) + u32::from(self.proto()) + u32::from(length16(body_len))
    }
}

/// An Ethernet frame with 802.1Q tags, outermost first, padded to 60 bytes as on the wire (without its check sequence).
pub fn ethernet(src: Mac, dst: Mac, vlans: &[u16], kind: u16, payload: &[u8]) -> Vec<u8> {
    let tags: Vec<(u16, u16)> = vlans.iter().map(|&vid| (ethertype::VLAN, vid)).collect();
    tagged(src, dst, &tags, kind, payload)
}

/// An Ethernet frame with tags of any kind, each as (TPID, TCI), outermost first.
pub fn tagged(src: Mac, dst: Mac, tags: &[(u16, u16)], kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(18 + payload.len());
    frame.extend(dst.0);
    frame.extend(src.0);
    for (tpid, tci) in tags {
        frame.extend(tpid.to_be_bytes());
        frame.extend(tci.to_be_bytes());
    }
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// An ARP request (broadcast) or, with `answer_to`, the reply to it.
pub fn arp(sender: (Mac, Ipv4Addr), target_ip: Ipv4Addr, answer_to: Option<Mac>, vlans: &[u16]) -> Vec<u8> {
    let mut body = vec![0, 1, 8, 0, 6, 4, 0, if answer_to.is_some() { 2 } else { 1 }];
    body.extend(sender.0.0);
    body.extend(sender.1.octets());
    body.extend(answer_to.unwrap_or(Mac::ZERO).0);
    body.extend(target_ip.octets());
    ethernet(sender.0, answer_to.unwrap_or(Mac::BROADCAST), vlans, ethertype::ARP, &body)
}

/// The Internet checksum (RFC 1071) of `bytes`, started from a partial sum.
pub fn checksum(bytes: &[u8], start: u32) -> u16 {
    !fold(sum_words(bytes) + start)
}

/// A partial sum folded to 16 bits.
pub fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn sum_words(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0))).sum()
}

fn ports(sport: u16, dport: u16) -> Vec<u8> {
    [sport.to_be_bytes(), dport.to_be_bytes()].concat()
}

fn length16(length: usize) -> u16 {
    u16::try_from(length).expect("an IP packet is shorter than 64 KiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header and its checksum are the worked example in the article on the IPv4 checksum in RFC 1071 sense:
    /// 192.168.0.1 to 192.168.0.199, UDP, total length 115, TTL 64: 0xb861.
    #[test]
    fn ipv4_header_checksum_is_that_of_a_known_packet() {
        let header = [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7];
        assert_eq!(checksum(&header, 0), 0xb861);
        let packet = Packet::udp("192.168.0.1:1".parse().unwrap(), "192.168.0.199:2".parse().unwrap());
        let bytes = packet.payload(vec![0; 115 - 28]).bytes();
        assert_eq!(&bytes[10..12], &[0xb8, 0x61]);
    }

    #[test]
    fn a_packet_sums_to_zero_with_its_checksum() {
        for (from, to) in [("10.0.0.1:5000", "10.0.0.2:554"), ("[fd00::1]:5000", "[fd00::2]:554")] {
            let packet = Packet::tcp(from.parse().unwrap(), to.parse().unwrap(), flags::SYN).payload(*b"odd");
            let body = packet.body();
            assert_eq!(checksum(&body, packet.pseudo_header_sum(body.len())), 0, "{from}");
        }
    }
}
