//! A small network as a mirror of all its VLANs shows it: a routed packet appears in both VLANs, the second time
//! with a TTL one lower and the router's source MAC.

use std::net::{IpAddr, SocketAddr};

use segwatch::base::{Mac, Timestamp};

use crate::frames::{self, Packet, flags};

/// Microseconds that the router takes from one VLAN to the other.
const FORWARDING_MICROS: i64 = 40;
/// Microseconds between two packets of a new mirror.
const PACKET_GAP_MICROS: i64 = 700;

/// A host as its own link knows it. A host of the internet stands in the VLAN of the edge, with the firewall's MAC.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// MAC on its link.
    pub mac: Mac,
    /// Address.
    pub ip: IpAddr,
    /// VLAN of its link.
    pub vlan: u16,
    /// TTL of its packets when they first appear.
    pub ttl: u8,
}

impl Host {
    /// One of its ports.
    pub fn port(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip, port)
    }
}

/// The mirror and what it copied so far.
pub struct Mirror {
    /// Frames in the order of their times.
    pub frames: Vec<(Timestamp, Vec<u8>)>,
    /// Microseconds between two packets.
    pub gap_micros: i64,
    now: Timestamp,
    router: Mac,
    next_id: u16,
}

impl Mirror {
    /// A mirror beside a router that has the same MAC in each VLAN.
    pub fn new(start: Timestamp, router: Mac) -> Self {
        Mirror { frames: Vec::new(), gap_micros: PACKET_GAP_MICROS, now: start, router, next_id: 1 }
    }

    /// Lets time pass without a packet.
    pub fn pause(&mut self, milliseconds: i64) {
        self.now.0 += milliseconds * 1_000_000;
    }

    /// A packet that arrives: one copy inside a VLAN, two across the router.
    pub fn send(&mut self, from: &Host, to: &Host, packet: Packet) {
        let packet = self.prepare(from, packet);
        if from.vlan == to.vlan {
            self.push(packet.frame(from.mac, to.mac, &[from.vlan]));
            return;
        }
        let entered = self.now;
        self.push(packet.frame(from.mac, self.router, &[from.vlan]));
        self.now.0 = entered.0 + FORWARDING_MICROS * 1_000;
        self.push(packet.routed().frame(self.router, to.mac, &[to.vlan]));
    }

    /// A packet that the router drops: its copy was made as it entered the switch.
    pub fn send_dropped(&mut self, from: &Host, packet: Packet) {
        let packet = self.prepare(from, packet);
        self.push(packet.frame(from.mac, self.router, &[from.vlan]));
    }

    /// A packet that the router itself sends to a host of this VLAN.
    pub fn send_from_router(&mut self, to: &Host, packet: Packet) {
        let id = self.take_id();
        self.push(packet.id(id).frame(self.router, to.mac, &[to.vlan]));
    }

    /// A host asks who has the router's address in its VLAN and is answered. Nothing happens for IPv6.
    pub fn resolve_router(&mut self, host: &Host, router_ip: IpAddr) {
        let (IpAddr::V4(own), IpAddr::V4(wanted)) = (host.ip, router_ip) else { return };
        self.push(frames::arp((host.mac, own), wanted, None, &[host.vlan]));
        self.push(frames::arp((self.router, wanted), own, Some(host.mac), &[host.vlan]));
    }

    /// Opens a TCP connection with a whole handshake.
    pub fn connect(&mut self, client: &Host, client_port: u16, server: &Host, server_port: u16) -> Connection {
        let mut connection = Connection {
            client: *client,
            server: *server,
            client_end: client.port(client_port),
            server_end: server.port(server_port),
            client_seq: 1_000,
            server_seq: 5_000,
        };
        connection.client_sends(self, flags::SYN, &[]);
        connection.server_sends(self, flags::SYN | flags::ACK, &[]);
        connection.client_sends(self, flags::ACK, &[]);
        connection
    }

    fn prepare(&mut self, from: &Host, packet: Packet) -> Packet {
        let id = self.take_id();
        packet.id(id).ttl(from.ttl)
    }

    fn take_id(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    fn push(&mut self, frame: Vec<u8>) {
        self.frames.push((self.now, frame));
        self.now.0 += self.gap_micros * 1_000;
    }
}

/// An open TCP connection.
pub struct Connection {
    client: Host,
    server: Host,
    client_end: SocketAddr,
    server_end: SocketAddr,
    client_seq: u32,
    server_seq: u32,
}

impl Connection {
    /// The client sends data, the server acknowledges it.
    pub fn ask(&mut self, mirror: &mut Mirror, data: &[u8]) {
        self.client_sends(mirror, flags::PSH | flags::ACK, data);
        self.server_sends(mirror, flags::ACK, &[]);
    }

    /// The server sends data, the client acknowledges it.
    pub fn answer(&mut self, mirror: &mut Mirror, data: &[u8]) {
        self.server_sends(mirror, flags::PSH | flags::ACK, data);
        self.client_sends(mirror, flags::ACK, &[]);
    }

    /// The client closes, the server too.
    pub fn close(mut self, mirror: &mut Mirror) {
        self.client_sends(mirror, flags::FIN | flags::ACK, &[]);
        self.server_sends(mirror, flags::FIN | flags::ACK, &[]);
        self.client_sends(mirror, flags::ACK, &[]);
    }

    /// The client sends one segment.
    pub fn client_sends(&mut self, mirror: &mut Mirror, bits: u8, data: &[u8]) {
        let ack = if bits & flags::ACK == 0 { 0 } else { self.server_seq };
        let packet = Packet::tcp(self.client_end, self.server_end, bits).numbers(self.client_seq, ack).payload(data);
        mirror.send(&self.client, &self.server, packet);
        self.client_seq = self.client_seq.wrapping_add(consumed(bits, data));
    }

    /// The server sends one segment.
    pub fn server_sends(&mut self, mirror: &mut Mirror, bits: u8, data: &[u8]) {
        let packet =
            Packet::tcp(self.server_end, self.client_end, bits).numbers(self.server_seq, self.client_seq).payload(data);
        mirror.send(&self.server, &self.client, packet);
        self.server_seq = self.server_seq.wrapping_add(consumed(bits, data));
    }
}

/// Sequence numbers that a segment uses: its data, and one each for SYN and FIN (RFC 9293, section 3.4).
fn consumed(bits: u8, data: &[u8]) -> u32 {
    data.len() as u32 + u32::from(bits & (flags::SYN | flags::FIN) != 0)
}
