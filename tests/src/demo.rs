//! The capture of `make demo`: synthetic, made from the addresses that RFC 5737 and RFC 7042 reserve for documents.
//! Four Hikvision cameras in VLAN 110 and a recorder in VLAN 200 that pulls their video through a router. One camera
//! reaches an internet address, one is refused; a fifth of the inventory never appears.

use std::net::{IpAddr, Ipv4Addr};

use segwatch::base::{Mac, Timestamp};

use crate::frames::{Packet, flags};
use crate::mirror::{Host, Mirror};

/// 2026-03-02T08:00:00Z.
const START: Timestamp = Timestamp(1_772_438_400 * 1_000_000_000);
const CAMERAS: u8 = 4;
const RTP_ROUNDS: u16 = 16;
const RTP_PAYLOAD_BYTES: usize = 160;

/// The frames, in the order of their times.
pub fn frames() -> Vec<(Timestamp, Vec<u8>)> {
    let mut mirror = Mirror::new(START, documentation_mac(1));
    let cameras: Vec<Host> = (1..=CAMERAS).map(camera).collect();
    for camera in &cameras {
        mirror.resolve_router(camera, ip(10, 110, 0, 1));
        ask_time(&mut mirror, camera);
    }
    mirror.resolve_router(&recorder(), ip(10, 200, 0, 1));
    for (at, camera) in (0..).zip(&cameras) {
        open_stream(&mut mirror, camera, 50_100 + at);
    }
    for round in 0..RTP_ROUNDS {
        for camera in &cameras {
            send_video(&mut mirror, camera, round);
        }
        match round {
            5 => reach_the_internet(&mut mirror, &cameras[2]),
            8 => try_the_internet(&mut mirror, &cameras[3]),
            _ => mirror.pause(500),
        }
    }
    mirror.frames
}

fn camera(number: u8) -> Host {
    Host { mac: Mac([0x44, 0x19, 0xb6, 0, 0, number]), ip: ip(10, 110, 0, 10 + number), vlan: 110, ttl: 64 }
}

fn recorder() -> Host {
    Host { mac: documentation_mac(0x10), ip: ip(10, 200, 0, 10), vlan: 200, ttl: 128 }
}

fn time_server() -> Host {
    Host { mac: documentation_mac(0x11), ip: ip(10, 40, 0, 5), vlan: 400, ttl: 64 }
}

/// A server beyond the firewall, seen in the VLAN between router and firewall, some hops into its way.
fn cloud() -> Host {
    Host { mac: documentation_mac(2), ip: ip(203, 0, 113, 50), vlan: 900, ttl: 52 }
}

fn ask_time(mirror: &mut Mirror, camera: &Host) {
    let server = time_server();
    let (from, to) = (camera.port(45_123), server.port(123));
    let mut query = [0; 48];
    query[0] = 0x23;
    let mut reply = query;
    reply[0] = 0x24;
    mirror.send(camera, &server, Packet::udp(from, to).payload(query));
    mirror.send(&server, camera, Packet::udp(to, from).payload(reply));
}

/// The recorder asks for video over RTSP (RFC 2326); the camera sends it as RTP over UDP.
fn open_stream(mirror: &mut Mirror, camera: &Host, client_port: u16) {
    let recorder = recorder();
    let url = format!("rtsp://{}:554/Streaming/Channels/101", camera.ip);
    let mut rtsp = mirror.connect(&recorder, client_port, camera, 554);
    rtsp.ask(mirror, format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n").as_bytes());
    let sdp = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
    let length = sdp.len();
    rtsp.answer(mirror, format!("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: {length}\r\n\r\n{sdp}").as_bytes());
    let transport = format!("RTP/AVP;unicast;client_port={}-{}", video_port(camera), video_port(camera) + 1);
    rtsp.ask(mirror, format!("SETUP {url} RTSP/1.0\r\nCSeq: 2\r\nTransport: {transport}\r\n\r\n").as_bytes());
    rtsp.answer(
        mirror,
        format!("RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 7\r\nTransport: {transport}\r\n\r\n").as_bytes(),
    );
    rtsp.ask(mirror, format!("PLAY {url} RTSP/1.0\r\nCSeq: 3\r\nSession: 7\r\n\r\n").as_bytes());
    rtsp.answer(mirror, b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 7\r\n\r\n");
}

/// One RTP packet (RFC 3550) from the camera; its payload is zeros, no picture.
fn send_video(mirror: &mut Mirror, camera: &Host, sequence: u16) {
    let recorder = recorder();
    let mut rtp = vec![0x80, 96];
    rtp.extend(sequence.to_be_bytes());
    rtp.extend((u32::from(sequence) * 45_000).to_be_bytes());
    rtp.extend(u32::from(video_port(camera)).to_be_bytes());
    rtp.resize(12 + RTP_PAYLOAD_BYTES, 0);
    mirror.send(camera, &recorder, Packet::udp(camera.port(8_200), recorder.port(video_port(camera))).payload(rtp));
}

/// A connection to the maker's cloud that the firewall lets through, answered.
fn reach_the_internet(mirror: &mut Mirror, camera: &Host) {
    let mut connection = mirror.connect(camera, 41_002, &cloud(), 443);
    connection.ask(mirror, &[0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00]);
    connection.answer(mirror, &[0x16, 0x03, 0x03, 0x00, 0x04, 0x02, 0x00, 0x00, 0x00]);
    connection.close(mirror);
}

/// Two attempts that the router refuses: communication administratively prohibited (RFC 1812, section 5.2.7.1).
fn try_the_internet(mirror: &mut Mirror, camera: &Host) {
    let to = "198.51.100.20:8800".parse().expect("an address");
    for _ in 0..2 {
        let syn = Packet::tcp(camera.port(41_003), to, flags::SYN).numbers(9_000, 0);
        mirror.send_dropped(camera, syn.clone());
        let quote = &syn.bytes()[..28];
        let refusal = Packet::icmp(ip(10, 110, 0, 1), camera.ip, 3, 13, 0).payload(quote);
        mirror.send_from_router(camera, refusal);
        mirror.pause(1_000);
    }
}

fn video_port(camera: &Host) -> u16 {
    let IpAddr::V4(ip) = camera.ip else { return 50_000 };
    50_000 + 2 * u16::from(ip.octets()[3])
}

fn documentation_mac(number: u8) -> Mac {
    Mac([0x00, 0x00, 0x5e, 0x00, 0x53, number])
}

fn ip(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    Ipv4Addr::new(a, b, c, d).into()
}
