//! Hand-made answers for tests.

use std::net::{IpAddr, Ipv4Addr};

use super::{CaptureFiles, Damage};
use crate::base::{Mac, Timestamp};
use crate::coverage::{Reason, ReasonCode, Verdict};
use crate::engine::*;
use crate::finding::Kind;
use crate::flow::{Direction, Reach};
use crate::hint::Posture;

/// 2026-03-01 08:00:00 UTC and some seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_772_352_000 + seconds, 0)
}

/// No packet, no zone, no device.
pub(crate) fn empty() -> Snapshot {
    Snapshot::unseen(PolicyRef { file: None, hash: "9f86d081884c7d659a2feaa0c55ad015".to_owned() })
}

/// `devices` cameras and about as many `findings`, all verdicts among them.
pub(crate) fn site(devices: u8, findings: u8) -> Snapshot {
    let mut snapshot = Snapshot {
        policy: PolicyRef { file: Some("herlev.yaml".to_owned()), ..empty().policy },
        window: Some(Window { first: at(0), last: at(4350), seconds: 4350.0 }),
        traffic: Traffic {
            packets: 1_834_201,
            bytes: 2_214_882_101,
            undecoded: [("ipv4-length", 5), ("snap-unknown", 12)].into(),
            duplicates: 12_345,
            routed_copies: 678,
            truncated: 0,
        },
        ..empty()
    };
    for n in 1..=devices {
        snapshot.devices.push(device(n, if n <= findings.div_ceil(2) { Verdict::Violated } else { verdict_of(n) }));
    }
    for n in 1..=findings {
        snapshot.findings.push(finding(n, &KINDS[usize::from(n - 1) % KINDS.len()]));
    }
    snapshot.devices.sort_by_key(|d| (std::cmp::Reverse(d.verdict), d.mac));
    snapshot.findings.sort_by_key(|f| f.severity);
    snapshot.verdict = snapshot.devices.iter().map(|d| d.verdict).max().unwrap_or(Verdict::Unverified);
    snapshot.reasons = snapshot.devices.iter().flat_map(|d| d.reasons.clone()).take(1).collect();
    snapshot.zones = zones(&snapshot);
    snapshot
}

pub(crate) fn files() -> CaptureFiles {
    CaptureFiles { files: vec!["monday.pcap".to_owned(), "tuesday.pcapng.zst".to_owned()], damage: vec![] }
}

pub(crate) fn damaged_files() -> CaptureFiles {
    let what = "the packet's length is 4294967295, more than any link carries".to_owned();
    CaptureFiles {
        damage: vec![Damage { file: "monday.pcap".to_owned(), offset: 10_240, packet: 17, what }],
        ..files()
    }
}

fn verdict_of(n: u8) -> Verdict {
    match n % 9 {
        7 => Verdict::Unverified,
        8 => Verdict::Contained,
        _ => Verdict::Isolated,
    }
}

fn camera_ip(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 110, 0, 10 + n))
}

fn camera_mac(n: u8) -> Mac {
    Mac([0x44, 0x19, 0xb6, 1, 2, n])
}

pub(crate) fn device(n: u8, verdict: Verdict) -> DeviceStatus {
    let unverified = verdict == Verdict::Unverified;
    DeviceStatus {
        mac: Some(camera_mac(n)),
        name: (!n.is_multiple_of(5)).then(|| format!("entrance-{n}")),
        ips: vec![camera_ip(n)],
        vlans: vec![110],
        vendor: Some("hikvision".to_owned()),
        model: None,
        firmware: None,
        serial: None,
        use_: None,
        zone: Some("cctv".to_owned()),
        verdict,
        reasons: if unverified { vec![one_direction()] } else { vec![] },
        posture: Posture::default(),
        hints: vec![Hint {
            source: "oui",
            says: "vendor",
            value: "hikvision".to_owned(),
            confidence: "high",
            first_seen: None,
            last_seen: None,
        }],
        coverage: CoverageStatus {
            sent: 15_000 * u64::from(n),
            received: if unverified { 0 } else { 812 * u64::from(n) },
            first_seen: Some(at(1)),
            last_seen: Some(at(4349)),
            loss: None,
        },
    }
}

/// A camera for each reason, and a mirror that drops.
pub(crate) fn unverified() -> Snapshot {
    const CODES: [ReasonCode; 9] = [
        ReasonCode::NeverSeen,
        ReasonCode::Silent,
        ReasonCode::OneDirection,
        ReasonCode::Untagged,
        ReasonCode::Loss,
        ReasonCode::Gap,
        ReasonCode::BehindRouter,
        ReasonCode::OneWayEgress,
        ReasonCode::HomeUnknown,
    ];
    let mut snapshot = site(0, 0);
    for (n, code) in (1..).zip(CODES) {
        let reason = Reason { code, detail: format!("what was seen of entrance-{n}, in a sentence") };
        let mut device = device(n, Verdict::Unverified);
        device.reasons = vec![reason.clone()];
        snapshot.devices.push(device);
        snapshot.reasons.push(reason);
    }
    snapshot.devices.push(DeviceStatus {
        mac: None,
        ips: vec!["2001:db8:110::4419:b6ff:fe01:203".parse().unwrap(), camera_ip(20)],
        vlans: vec![110, 300],
        ..device(20, Verdict::Isolated)
    });
    snapshot.health.push(HealthStatus {
        interface: "monday.pcap".to_owned(),
        alarm: "one-directional",
        blinds: true,
        detail: "9 of 10 devices were seen in one direction only".to_owned(),
    });
    snapshot.zones = zones(&snapshot);
    snapshot
}

fn one_direction() -> Reason {
    let detail = "frames from the device were seen, but no unicast frame to it".to_owned();
    Reason { code: ReasonCode::OneDirection, detail }
}

type Shape = (Kind, Option<Reach>, &'static str, &'static str, u16, IpAddr);

const fn ip(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const KINDS: [Shape; 6] = [
    (Kind::InternetEgress, Some(Reach::Established), "internet", "tcp", 443, ip(203, 0, 113, 9)),
    (Kind::CrossZoneEgress, Some(Reach::Forwarded), "clinical", "tcp", 445, ip(10, 30, 4, 5)),
    (Kind::InternetEgress, Some(Reach::Attempted), "internet", "udp", 123, ip(198, 51, 100, 7)),
    (Kind::CrossZoneIngress, Some(Reach::Established), "clinical", "tcp", 80, ip(10, 30, 4, 6)),
    (Kind::WrongVlan, None, "clinical", "udp", 37020, ip(239, 255, 255, 250)),
    (Kind::UnknownDevice, None, "cctv", "icmp", 0, ip(10, 110, 0, 1)),
];

fn finding(n: u8, (kind, reach, peer_zone, proto, port, peer): &Shape) -> FindingStatus {
    let ingress = matches!(kind, Kind::CrossZoneIngress | Kind::InternetIngress);
    let through = reach.is_some_and(|r| r >= Reach::Forwarded);
    let peer = PeerStatus {
        ip: *peer,
        port: *port,
        proto: (*proto).to_owned(),
        initiator: if ingress { "peer" } else { "device" },
        reach: reach.unwrap_or(Reach::Attempted),
        packets_out: 412,
        packets_in: if through { 398 } else { 0 },
        bytes_out: 52_100,
        bytes_in: 340_210,
        first_seen: at(60),
        last_seen: at(3500),
        names: if *peer_zone == "internet" { vec!["litedev.hik-connect.example".to_owned()] } else { vec![] },
    };
    let name = (!n.is_multiple_of(5)).then(|| format!("entrance-{n}"));
    FindingStatus {
        id: format!("{:016x}", 0x3fa2_0000_0000_0000_u64 + u64::from(n)),
        kind: *kind,
        class: kind.class(reach.unwrap_or(Reach::Attempted)),
        severity: kind.severity(reach.unwrap_or(Reach::Attempted)).name(),
        exception: None,
        reach: *reach,
        summary: format!("{} and {} spoke, which no rule allows", name.as_deref().unwrap_or("a camera"), peer.ip),
        device: DeviceRef { mac: Some(camera_mac(n)), ip: Some(camera_ip(n)), name },
        zone: "cctv".to_owned(),
        peer_zone: (*peer_zone).to_owned(),
        peers: (0..n.min(6))
            .map(|more| PeerStatus { port: if *port == 0 { 0 } else { port + u16::from(more) }, ..peer.clone() })
            .collect(),
        peers_total: u64::from(n),
        first_seen: at(60),
        last_seen: at(3500),
        rule: RuleRef { name: "default-deny".to_owned(), file: None, line: None },
    }
}

fn zones(snapshot: &Snapshot) -> Vec<ZoneStatus> {
    let zone = |name: &str, verdict, reasons, devices, findings| ZoneStatus {
        name: name.to_owned(),
        verdict,
        reasons,
        devices,
        findings,
        canaries: vec![],
    };
    vec![
        zone("recording", None, vec![], 0, 0),
        zone(
            "cctv",
            Some(snapshot.verdict),
            snapshot.reasons.clone(),
            snapshot.devices.len() as u64,
            snapshot.findings.len() as u64,
        ),
        zone("clinical", None, vec![], 0, 0),
    ]
}

/// A violation, or an allowed flow.
pub(crate) fn flow(violation: bool) -> FlowRow {
    let end = |ip, port, mac| EndStatus { ip, port, mac };
    FlowRow {
        proto: "tcp".to_owned(),
        ip_proto: 6,
        initiator: end(camera_ip(1), 50_123, Some(camera_mac(1))),
        responder: if violation { end(ip(203, 0, 113, 9), 443, None) } else { end(ip(10, 200, 0, 10), 554, None) },
        direction: Direction::FirstSeen,
        vlan: Some(110),
        vlans: vec![VlanCount { stack: vec![110], packets: 9 }, VlanCount { stack: vec![], packets: 1 }],
        layer: 0,
        innermost: true,
        packets_out: 5,
        packets_in: 4,
        duplicates: 1,
        routed_copies: 0,
        bytes_out: 1200,
        bytes_in: 48_000,
        first_seen: at(60),
        last_seen: at(61),
        is_conversation: true,
        reach: Reach::Established,
        verdict: if violation { FlowVerdict::Violation } else { FlowVerdict::Allowed },
        kind: violation.then_some(Kind::InternetEgress),
        rule: if violation {
            RuleRef { name: "default-deny".to_owned(), file: None, line: None }
        } else {
            RuleRef { name: "=recorder pulls video".to_owned(), file: Some("herlev.yaml".to_owned()), line: Some(23) }
        },
        facts: None,
    }
}
