//! A synthetic site of 72 cameras in two zones, with one of every case that the officer's report has to tell apart, as a
//! mirror shows it in four hours. SADP messages are after the documented layout; internet addresses are those of RFC 5737.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use segwatch::base::{Mac, Timestamp};

use crate::frames::{Packet, flags};
use crate::mirror::{Host, Mirror};

/// 2026-03-02T06:00:00Z.
const START: Timestamp = Timestamp(1_772_431_200 * 1_000_000_000);
/// Rounds of traffic, and minutes between them.
const ROUNDS: u16 = 9;
const ROUND_MINUTES: i64 = 30;
/// The first camera of the outdoor zone.
const FIRST_OUTDOOR: u8 = 40;

/// What becomes of cameras, and how many of them.
const CASES: [(u8, Case); 13] = [
    (28, Case { model: PATCHED, use_: "street", does: Does::Nothing }),
    (4, Case { model: PATCHED, use_: "clinical", does: Does::Nothing }),
    (3, Case { model: VULNERABLE, use_: "Klinisk, sengestue", does: Does::Nothing }),
    (11, Case { model: VULNERABLE, use_: "parking", does: Does::Nothing }),
    (2, Case { model: OPEN, use_: "entrance", does: Does::Nothing }),
    (6, Case { model: SILENT, use_: "corridor", does: Does::Nothing }),
    (4, Case { model: PATCHED, use_: "", does: Does::Nothing }),
    (3, Case { model: PATCHED, use_: "entrance", does: Does::ReachesTheInternet }),
    (2, Case { model: PATCHED, use_: "parking", does: Does::TriesTheInternet }),
    (3, Case { model: PATCHED, use_: "corridor", does: Does::OnlySends }),
    (3, Case { model: PATCHED, use_: "street", does: Does::IsNeverSeen }),
    (2, Case { model: PATCHED, use_: "street", does: Does::FallsSilent }),
    (1, Case { model: PATCHED, use_: "street", does: Does::IsNotListed }),
];

#[derive(Clone, Copy)]
struct Case {
    /// Model and firmware; empty if it never says.
    model: (&'static str, &'static str),
    use_: &'static str,
    does: Does,
}

const PATCHED: (&str, &str) = ("DS-2CD2146G2-I", "V5.7.3 build 220112");
const VULNERABLE: (&str, &str) = ("DS-2CD2142FWD-I", "V5.3.3 build 150615");
/// Affected by an advisory that leaves open what mends it.
const OPEN: (&str, &str) = ("DS-7608NI-K1", "V4.30.210 build 201224");
const SILENT: (&str, &str) = ("", "");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Nothing,
    ReachesTheInternet,
    TriesTheInternet,
    OnlySends,
    IsNeverSeen,
    FallsSilent,
    IsNotListed,
}

/// The policy.
pub fn policy() -> String {
    let mut text = "site: herlev\nsensor: idf3-span\nzones:\n\
        \x20 cctv-indoor:  { cameras: true, vlans: [110], prefixes: [10.110.0.0/24], gateways: [10.110.0.1] }\n\
        \x20 cctv-outdoor: { cameras: true, vlans: [120], prefixes: [10.120.0.0/24], gateways: [10.120.0.1] }\n\
        \x20 recording:    { vlans: [200], prefixes: [10.200.0.0/24], gateways: [10.200.0.1] }\n\
        \x20 edge:         { transit: true, vlans: [900], prefixes: [10.255.0.0/30] }\n\
        watch: { vendors: [hikvision] }\n\
        conduits:\n\
        \x20 - name: recorder pulls video\n\
        \x20   from: { zone: recording, hosts: [10.200.0.10] }\n\
        \x20   to: { zone: [cctv-indoor, cctv-outdoor] }\n\
        \x20   services: [tcp/554]\n\
        \x20   owner: netops@region.example\n\
        \x20   reason: recording server\n\
        \x20   expires: 2099-12-31\n\
        devices:\n"
        .to_owned();
    for (number, case) in cameras().filter(|(_, case)| case.does != Does::IsNotListed) {
        let Host { mac, ip, .. } = host(number);
        let (zone, name) = match number < FIRST_OUTDOOR {
            true => ("cctv-indoor", format!("inde-{number:02}")),
            false => ("cctv-outdoor", format!("ude-{number:02}")),
        };
        let _ =
            writeln!(text, "  - {{ name: {name}, mac: \"{mac}\", ip: {ip}, zone: {zone}, use: \"{}\" }}", case.use_);
    }
    text
}

/// The frames, in the order of their times.
pub fn frames() -> Vec<(Timestamp, Vec<u8>)> {
    let mut mirror = Mirror::new(START, documentation_mac(1));
    let recorder = Host { mac: documentation_mac(0x10), ip: ip(10, 200, 0, 10), vlan: 200, ttl: 128 };
    for round in 0..ROUNDS {
        for (number, case) in cameras() {
            let camera = host(number);
            match case.does {
                Does::IsNeverSeen => continue,
                Does::FallsSilent if round > 2 => continue,
                Does::OnlySends => one_way(&mut mirror, &camera, &recorder, round),
                _ => stream(&mut mirror, &camera, &recorder, round),
            }
            if round == 1 && !case.model.0.is_empty() {
                announce(&mut mirror, &camera, case.model);
            }
            if round == 4 {
                reach_out(&mut mirror, &camera, case.does);
            }
        }
        mirror.pause(ROUND_MINUTES * 60_000);
    }
    mirror.frames
}

/// Every camera by its number, from 1.
fn cameras() -> impl Iterator<Item = (u8, Case)> {
    let cases = CASES.into_iter().flat_map(|(count, case)| std::iter::repeat_n(case, usize::from(count)));
    // Spread over both zones: the numbers 1 to 72, each once, since 29 and 73 have no common factor.
    (1..).map(|at: u32| ((at * 29 % 73) as u8).max(1)).zip(cases)
}

fn host(number: u8) -> Host {
    let (net, vlan) = if number < FIRST_OUTDOOR { (110, 110) } else { (120, 120) };
    Host { mac: Mac([0x44, 0x19, 0xb6, 0, 0x48, number]), ip: ip(10, net, 0, 10 + number), vlan, ttl: 64 }
}

/// The recorder asks for video over RTSP (RFC 2326), and gets it.
fn stream(mirror: &mut Mirror, camera: &Host, recorder: &Host, round: u16) {
    let mut rtsp = mirror.connect(recorder, 50_000 + round, camera, 554);
    rtsp.ask(mirror, format!("OPTIONS rtsp://{}:554/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", camera.ip).as_bytes());
    rtsp.answer(mirror, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n");
    rtsp.answer(mirror, &[0x24; 900]);
}

/// The mirror shows only what the camera sends.
fn one_way(mirror: &mut Mirror, camera: &Host, recorder: &Host, round: u16) {
    let (from, to) = (camera.port(554), recorder.port(50_000 + round));
    for sequence in [5_001, 5_901, 6_801] {
        mirror.send(camera, recorder, Packet::tcp(from, to, flags::ACK).numbers(sequence, 1_001).payload([0x24; 900]));
    }
}

fn announce(mirror: &mut Mirror, camera: &Host, (model, firmware): (&str, &str)) {
    let group = Host { mac: Mac([0x01, 0x00, 0x5e, 0x7f, 0xff, 0xfa]), ip: ip(239, 255, 255, 250), ..*camera };
    let mac = camera.mac.to_string().replace(':', "-");
    let message = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<ProbeMatch><Uuid>7F1A</Uuid><Types>inquiry</Types>\
         <DeviceDescription>{model}</DeviceDescription><DeviceSN>{model}20190412AAWRD4{:07}</DeviceSN>\
         <MAC>{mac}</MAC><IPv4Address>{}</IPv4Address><IPv4SubnetMask>255.255.255.0</IPv4SubnetMask>\
         <SoftwareVersion>{firmware}</SoftwareVersion><Activated>true</Activated></ProbeMatch>",
        1_193_046 + u32::from(camera.mac.0[5]) * 7_919,
        camera.ip
    );
    mirror.send(camera, &group, Packet::udp(camera.port(37_020), group.port(37_020)).payload(message));
}

fn reach_out(mirror: &mut Mirror, camera: &Host, does: Does) {
    let cloud = Host { mac: documentation_mac(2), ip: ip(203, 0, 113, 50), vlan: 900, ttl: 52 };
    match does {
        Does::ReachesTheInternet => {
            let mut tls = mirror.connect(camera, 41_000, &cloud, 443);
            tls.ask(mirror, &[0x16; 300]);
            tls.answer(mirror, &[0x17; 600]);
        }
        Does::TriesTheInternet => {
            let (from, to) = (camera.port(41_001), cloud.port(443));
            mirror.send_dropped(camera, Packet::tcp(from, to, flags::SYN).numbers(1_000, 0));
        }
        _ => {}
    }
}

fn documentation_mac(last: u8) -> Mac {
    Mac([0x00, 0x00, 0x5e, 0x00, 0x53, last])
}

fn ip(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}
