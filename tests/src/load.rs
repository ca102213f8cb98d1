//! Captures for measuring speed: synthetic, with a fixed seed, so that the same bytes come out everywhere. All three
//! show one site ([`zones_yaml`]): 72 cameras in VLAN 110, a recorder in VLAN 200, hosts of a hospital in VLAN 300.
//! Nothing in them is a violation.

use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use segwatch::base::{Mac, Timestamp};

use crate::frames::{Packet, flags};
use crate::mirror::{Connection, Host, Mirror};

/// 2026-03-02T08:00:00Z.
const START: Timestamp = Timestamp(1_772_438_400 * 1_000_000_000);
const CAMERAS: u16 = 72;
const CAMERAS_WITH_UDP: u16 = 48;
const SEED: u64 = 0x5e67_7761_7463_6801;
/// Flows that are open at once in [`flows`].
const OPEN_FLOWS: usize = 4_096;

/// Takes the frames in the order of their times.
pub type Sink<'a> = dyn FnMut(Timestamp, &[u8]) -> io::Result<()> + 'a;

/// Ten million packets make the standard size: frames of 64 to 200 bytes, some thousands of TCP and UDP flows, half of the
/// frames camera traffic that is seen in both VLANs.
pub fn small(out: &mut Sink<'_>, packets: u64) -> io::Result<()> {
    let mut random = Random(SEED);
    let mut mirror = mirror(10);
    let (mut video, mut other) = (Vec::new(), Vec::new());
    for number in 0..CAMERAS {
        for port in [554, 8_000, 80] {
            video.push(Flow::Tcp(mirror.connect(&recorder(), 40_000 + number, &camera(number), port)));
        }
        video.push(Flow::Udp(camera(number), 8_200, recorder(), 50_000 + number, 0));
    }
    for number in 0..3_600_u16 {
        let (a, b) = (office(number % 400), office(number % 400 + 400 + 8 * (random.below(40) as u16)));
        let port = 20_000 + number;
        other.push(match number % 3 {
            0 => Flow::Udp(a, port, b, 5_004, 0),
            _ => Flow::Tcp(mirror.connect(&a, port, &b, 443)),
        });
    }
    let mut written = drain(&mut mirror, out)?;
    let filler: Vec<u8> = (0..200).map(|_| random.next() as u8).collect();
    while written < packets {
        let flows = if random.below(3) == 0 { &mut video } else { &mut other };
        let at = random.below(flows.len() as u64) as usize;
        let payload = &filler[..random.below(113) as usize + 6];
        flows[at].step(&mut mirror, payload, random.below(5) < 3);
        written += drain(&mut mirror, out)?;
    }
    Ok(())
}

/// 1.8 million packets make the standard size, 2.2 GB: video of 1400 bytes a packet, over RTP or interleaved in TCP, and its
/// control traffic, as a mirror of the camera VLAN alone shows it.
pub fn video(out: &mut Sink<'_>, packets: u64) -> io::Result<()> {
    let mut random = Random(SEED);
    let mut mirror = mirror(40);
    let recorder = recorder_behind_router();
    let mut control: Vec<Connection> =
        (0..CAMERAS).map(|number| mirror.connect(&recorder, 40_000 + number, &camera(number), 554)).collect();
    let mut written = drain(&mut mirror, out)?;
    let mut sequences = [0_u16; CAMERAS as usize];
    let mut payload: Vec<u8> = (0..1_400).map(|_| random.next() as u8).collect();
    while written < packets {
        let number = random.below(u64::from(CAMERAS)) as u16;
        let (camera, sequence) = (camera(number), &mut sequences[usize::from(number)]);
        *sequence = sequence.wrapping_add(1);
        let rtsp = &mut control[usize::from(number)];
        if number < CAMERAS_WITH_UDP {
            payload[..2].copy_from_slice(&[0x80, 96]);
            payload[2..4].copy_from_slice(&sequence.to_be_bytes());
            let (from, to) = (camera.port(8_200), recorder.port(50_000 + number));
            mirror.send(&camera, &recorder, Packet::udp(from, to).payload(payload.as_slice()));
            if sequence.is_multiple_of(400) {
                rtsp.ask(&mut mirror, b"GET_PARAMETER * RTSP/1.0\r\nCSeq: 9\r\n\r\n");
            }
        } else {
            // RFC 2326, section 10.12: a frame of interleaved data starts with $, a channel and its length.
            payload[..4].copy_from_slice(&[b'$', 0, 0x05, 0x74]);
            rtsp.server_sends(&mut mirror, flags::ACK | flags::PSH, &payload);
            if sequence.is_multiple_of(2) {
                rtsp.client_sends(&mut mirror, flags::ACK, &[]);
            }
        }
        written += drain(&mut mirror, out)?;
    }
    Ok(())
}

/// A million flows of six packets each make the standard size; 4,096 of them are open at any time.
pub fn flows(out: &mut Sink<'_>, flows: u64) -> io::Result<()> {
    let mut random = Random(SEED);
    let mut mirror = mirror(20);
    let mut open: Vec<(u64, u8)> = (0..flows.min(OPEN_FLOWS as u64)).map(|flow| (flow, 0)).collect();
    let mut next = open.len() as u64;
    while !open.is_empty() {
        let at = random.below(open.len() as u64) as usize;
        let (flow, step) = open[at];
        short_flow(&mut mirror, flow, step);
        match (step, next < flows) {
            (0..5, _) => open[at].1 += 1,
            (_, true) => {
                open[at] = (next, 0);
                next += 1;
            }
            (_, false) => drop(open.swap_remove(at)),
        }
        drain(&mut mirror, out)?;
    }
    Ok(())
}

/// The policy for all three captures.
pub fn zones_yaml() -> String {
    let mut text = String::from(
        "# Made by make-captures for the synthetic captures beside this file.
site: load
sensor: load-span
zones:
  cctv:      { cameras: true, vlans: [110], prefixes: [10.110.0.0/24], gateways: [10.110.0.1] }
  recording: { vlans: [200], prefixes: [10.200.0.0/24], gateways: [10.200.0.1] }
  clinical:  { vlans: [300], prefixes: [10.30.0.0/16, \"fd00:30::/64\"] }
watch: { vendors: [hikvision, dahua] }
conduits:
  - name: recorder pulls video
    from: { zone: recording, hosts: [10.200.0.10] }
    to: { zone: cctv }
    services: [tcp/554, tcp/80, tcp/8000, udp/*]
    owner: netops@region.example
    reason: recording server
    expires: 2099-12-31
devices:
",
    );
    for number in 0..CAMERAS {
        let Host { mac, ip, .. } = camera(number);
        let _ = writeln!(text, "  - {{ name: camera-{number}, mac: \"{mac}\", ip: {ip}, zone: cctv }}");
    }
    text
}

enum Flow {
    Tcp(Connection),
    /// Both ends with their ports, and a number that makes each payload another.
    Udp(Host, u16, Host, u16, u32),
}

impl Flow {
    fn step(&mut self, mirror: &mut Mirror, payload: &[u8], forward: bool) {
        match self {
            Flow::Tcp(connection) if forward => connection.client_sends(mirror, flags::ACK, payload),
            Flow::Tcp(connection) => connection.server_sends(mirror, flags::ACK, payload),
            Flow::Udp(a, a_port, b, b_port, number) => {
                let (from, to) = (a.port(*a_port), b.port(*b_port));
                // IPv6 has no identification: the same payload again within 50 ms would be a duplicate.
                *number = number.wrapping_add(1);
                let mut payload = payload.to_vec();
                payload[..4].copy_from_slice(&number.to_be_bytes());
                let packet = |from, to| Packet::udp(from, to).payload(payload);
                if forward {
                    mirror.send(a, b, packet(from, to));
                } else {
                    mirror.send(b, a, packet(to, from));
                }
            }
        }
    }
}

/// Packet `step` of 0 to 5 of a short flow. One in sixteen is the recorder's with a camera, the rest stays in VLAN 300.
fn short_flow(mirror: &mut Mirror, flow: u64, step: u8) {
    let port = 38_000 + (flow % 20_000) as u16;
    // The pair changes once the ports are used up, so that no two flows share all of addresses and ports.
    let (client, server, server_port) = if flow.is_multiple_of(16) {
        (recorder_behind_router(), camera((flow / 20_000) as u16 % CAMERAS), 8_000)
    } else {
        (office((flow % 1_000) as u16), office(1_000 + 8 * ((flow / 20_000) as u16) + (flow % 8) as u16), 443)
    };
    let (from, to) = (client.port(port), server.port(server_port));
    if flow % 2 == 1 {
        let ask = step.is_multiple_of(2);
        let (sender, receiver) = if ask { (&client, &server) } else { (&server, &client) };
        let (from, to) = if ask { (from, to) } else { (to, from) };
        mirror.send(sender, receiver, Packet::udp(from, to).payload([step; 32]));
        return;
    }
    let forward = |bits, seq, ack| Packet::tcp(from, to, bits).numbers(seq, ack);
    let back = |bits, seq, ack| Packet::tcp(to, from, bits).numbers(seq, ack);
    match step {
        0 => mirror.send(&client, &server, forward(flags::SYN, 100, 0)),
        1 => mirror.send(&server, &client, back(flags::SYN | flags::ACK, 900, 101)),
        2 => mirror.send(&client, &server, forward(flags::ACK | flags::PSH, 101, 901).payload([1; 40])),
        3 => mirror.send(&server, &client, back(flags::ACK | flags::PSH, 901, 141).payload([2; 100])),
        4 => mirror.send(&client, &server, forward(flags::FIN | flags::ACK, 141, 1_001)),
        _ => mirror.send(&server, &client, back(flags::FIN | flags::ACK, 1_001, 142)),
    }
}

fn mirror(gap_micros: i64) -> Mirror {
    let mut mirror = Mirror::new(START, documentation_mac(1));
    mirror.gap_micros = gap_micros;
    mirror
}

fn drain(mirror: &mut Mirror, out: &mut Sink<'_>) -> io::Result<u64> {
    let count = mirror.frames.len() as u64;
    for (at, frame) in mirror.frames.drain(..) {
        out(at, &frame)?;
    }
    Ok(count)
}

fn camera(number: u16) -> Host {
    let octet = number as u8;
    Host {
        mac: Mac([0x44, 0x19, 0xb6, 1, 0, octet]),
        ip: Ipv4Addr::new(10, 110, 0, 11 + octet).into(),
        vlan: 110,
        ttl: 64,
    }
}

fn recorder() -> Host {
    Host { mac: documentation_mac(0x10), ip: Ipv4Addr::new(10, 200, 0, 10).into(), vlan: 200, ttl: 128 }
}

/// The recorder as the camera VLAN alone shows it.
fn recorder_behind_router() -> Host {
    Host { vlan: 110, mac: documentation_mac(1), ttl: 127, ..recorder() }
}

/// A host in VLAN 300; one in eight speaks IPv6.
fn office(number: u16) -> Host {
    let [high, low] = number.to_be_bytes();
    let ip: IpAddr = if number.is_multiple_of(8) {
        Ipv6Addr::new(0xfd00, 0x30, 0, 0, 0, 0, 1, number).into()
    } else {
        Ipv4Addr::new(10, 30, 1 + high, low).into()
    };
    Host { mac: Mac([0x02, 0, 0, 0, high, low]), ip, vlan: 300, ttl: 64 }
}

fn documentation_mac(number: u8) -> Mac {
    Mac([0x00, 0x00, 0x5e, 0x00, 0x53, number])
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
