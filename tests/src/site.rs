//! Traffic of a small site as a mirror of all its VLANs shows it, with nothing wrong: what tests of faults begin with.
//! Its policy is `scenarios/standard.yaml`.

use segwatch::base::{Mac, Timestamp};

use crate::frames::{Packet, flags};
use crate::mirror::{Connection, Host, Mirror};

const SECOND: i64 = 1_000_000_000;
/// When it begins: 2026-03-02T08:00:00Z.
pub const START: Timestamp = Timestamp(1_772_438_400 * SECOND);
/// Cameras of the site; their MACs begin with 44:19:b6.
pub const CAMERAS: u8 = 3;

/// Frames with their times.
pub type Frames = Vec<(Timestamp, Vec<u8>)>;

fn camera(number: u8) -> Host {
    let ip = format!("10.110.0.{}", 10 + number).parse().expect("an address");
    Host { mac: Mac([0x44, 0x19, 0xb6, 0, 0, number]), ip, vlan: 110, ttl: 64 }
}

fn host(number: u8, ip: &str, vlan: u16) -> Host {
    Host { mac: Mac([0, 0, 0x5e, 0, 0x53, number]), ip: ip.parse().expect("an address"), vlan, ttl: 128 }
}

/// Cameras that a recorder pulls video from through a router, by RTP and over TCP; an office and a clinic that talk too.
/// As a mirror of all VLANs shows it, some 120 frames a second: 1500 rounds are two minutes.
pub fn clean(rounds: u16) -> Frames {
    let mut mirror = Mirror::new(START, Mac([0, 0, 0x5e, 0, 0x53, 1]));
    mirror.gap_micros = 15_000;
    let recorder = host(0x10, "10.200.0.10", 200);
    let (office, clinic) = (host(0x20, "10.44.0.7", 400), host(0x30, "10.30.0.7", 300));
    let cameras: Vec<Host> = (1..=CAMERAS).map(camera).collect();
    for camera in &cameras {
        mirror.resolve_router(camera, "10.110.0.1".parse().expect("an address"));
    }
    let open = |mirror: &mut Mirror, number: u8| {
        let mut rtsp = mirror.connect(&recorder, 40_000 + u16::from(number), &cameras[usize::from(number)], 554);
        rtsp.ask(mirror, b"PLAY rtsp://camera/ RTSP/1.0\r\nCSeq: 3\r\n\r\n");
        rtsp.answer(mirror, b"RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n");
        rtsp
    };
    let mut sessions: Vec<Connection> = (0..CAMERAS).map(|number| open(&mut mirror, number)).collect();
    let mut files = mirror.connect(&office, 50_000, &clinic, 443);
    for round in 0..rounds {
        for (camera, port) in [(&cameras[0], 50_000), (&cameras[1], 50_002)] {
            let mut rtp = vec![0x80, 96];
            rtp.extend(round.wrapping_add(65_000).to_be_bytes());
            rtp.extend((u32::from(round) * 3_600).to_be_bytes());
            rtp.extend([0, 0, 0, port as u8]);
            rtp.resize(1_000, round as u8);
            mirror.send(camera, &recorder, Packet::udp(camera.port(8_200), recorder.port(port)).payload(rtp));
        }
        let mut video = vec![b'$', 0, 0x05, 0x74];
        video.resize(1_400, round as u8);
        let tcp = &mut sessions[2];
        tcp.server_sends(&mut mirror, flags::ACK | flags::PSH, &video);
        tcp.server_sends(&mut mirror, flags::ACK | flags::PSH, &video[..900]);
        tcp.client_sends(&mut mirror, flags::ACK, &[]);
        if round % 20 == 0 {
            for session in &mut sessions {
                session.ask(&mut mirror, b"GET_PARAMETER * RTSP/1.0\r\nCSeq: 9\r\n\r\n");
                session.answer(&mut mirror, b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n");
            }
            files.ask(&mut mirror, &[7; 300]);
            files.answer(&mut mirror, &[9; 1_200]);
        }
    }
    mirror.frames
}
