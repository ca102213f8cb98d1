//! The same packets under any policy: what the judge says of each flow, finding and device.

use std::collections::BTreeMap;
use std::net::IpAddr;

use segwatch::base::{Mac, Timestamp};
use segwatch::coverage::Verdict;
use segwatch::engine::{Engine, FlowVerdict, Input, Options};
use segwatch::hint::VendorTable;
use segwatch::packet::LinkType;
use segwatch::policy::Policy;
use segwatch_tests::frames::{Packet, flags};
use segwatch_tests::mirror::{Host, Mirror};

/// 2026-12-01, and the days after conduits of the policies expire.
const DAYS: [i64; 3] = [1_796_083_200, 1_798_848_000, 1_814_400_000];
const ROUTER: Mac = Mac([0x00, 0x00, 0x5e, 0x00, 0x53, 0x01]);
const TCP_PORTS: [u16; 4] = [80, 443, 554, 8000];
const UDP_PORTS: [u16; 3] = [123, 5004, 4789];
const GRE: u8 = 47;
const ECHO: u8 = 8;

pub struct Traffic {
    frames: Vec<(Timestamp, Vec<u8>)>,
    vendors: VendorTable,
}

/// What a policy says of the traffic.
pub struct Judged {
    /// By flow: how bad it is.
    flows: BTreeMap<String, u8>,
    /// By device and kind: class and severity.
    findings: BTreeMap<String, (u8, String)>,
    /// By device.
    devices: BTreeMap<String, Verdict>,
}

impl Traffic {
    pub fn new() -> Self {
        let host = |mac: [u8; 6], ip: [u8; 4], vlan| Host { mac: Mac(mac), ip: IpAddr::from(ip), vlan, ttl: 64 };
        let camera = |last, ip, vlan| host([0x44, 0x19, 0xb6, 1, 2, last], ip, vlan);
        let other = |last, ip, vlan| host([0x00, 0x00, 0x5e, 0x00, 0x53, last], ip, vlan);
        let cameras = [
            camera(3, [10, 110, 0, 11], 110),
            camera(4, [10, 110, 0, 12], 110),
            other(0x20, [10, 110, 0, 50], 110),
            other(0x21, [10, 120, 0, 20], 121),
            camera(7, [10, 120, 2, 9], 130),
        ];
        let others = [
            other(0x10, [10, 200, 0, 10], 200),
            other(0x11, [10, 200, 0, 99], 200),
            other(0x12, [10, 30, 0, 5], 300),
            other(0x13, [10, 40, 0, 5], 400),
            other(0x14, [172, 16, 9, 9], 400),
            other(0x02, [203, 0, 113, 9], 900),
            camera(8, [10, 110, 0, 18], 998),
        ];
        let mut mirror = Mirror::new(Timestamp::new(DAYS[0], 0), ROUTER);
        let mut frames = Vec::new();
        for day in DAYS {
            let mut today = Mirror::new(Timestamp::new(day, 0), ROUTER);
            std::mem::swap(&mut mirror, &mut today);
            for camera in &cameras {
                mirror.resolve_router(camera, IpAddr::from([10, 110, 0, 1]));
            }
            for (camera, other) in cameras.iter().flat_map(|camera| others.iter().map(move |other| (camera, other))) {
                speak(&mut mirror, camera, other);
                speak(&mut mirror, other, camera);
            }
            speak(&mut mirror, &cameras[0], &cameras[1]);
            speak(&mut mirror, &cameras[0], &cameras[4]);
            frames.append(&mut mirror.frames);
        }
        let vendors = VendorTable::parse("prefix,prefix_len,vendor\n4419b6,24,hikvision\n").expect("a vendor table");
        Traffic { frames, vendors }
    }

    pub fn judge(&self, policy: &Policy) -> Judged {
        let options = Options { rows: true, ..Options::default() };
        let mut engine = Engine::new(policy.clone(), self.vendors.clone(), options);
        for (at, data) in &self.frames {
            let wire_len = data.len() as u32;
            engine.handle(Input::Frame { source: 0, at: *at, link_type: LinkType::Ethernet, wire_len, data });
        }
        let snapshot = engine.snapshot();
        let ended = engine.take_rows();
        let flows = ended.into_iter().chain(engine.open_rows()).map(|row| {
            let mut ends = [(row.initiator.ip, row.initiator.port), (row.responder.ip, row.responder.port)];
            ends.sort_unstable();
            let bad = match row.verdict {
                FlowVerdict::Violation => 2 + row.reach as u8,
                FlowVerdict::Allowed | FlowVerdict::Unwatched => 0,
            };
            (format!("{} {ends:?} {}", row.proto, row.first_seen), bad)
        });
        let findings = snapshot.findings.iter().map(|finding| {
            let severity = match finding.severity {
                "info" => 1,
                "warning" => 2,
                _ => 3,
            };
            let device = finding.device.mac.map_or(format!("{:?}", finding.device.ip), |mac| mac.to_string());
            (format!("{} {device}", finding.kind.name()), (severity, finding.summary.clone()))
        });
        let devices =
            snapshot.devices.iter().map(|device| (format!("{:?} {:?}", device.mac, device.ips), device.verdict));
        let flows: BTreeMap<String, u8> = flows.collect();
        Judged { flows, findings: findings.collect(), devices: devices.collect() }
    }
}

impl Judged {
    /// What this policy holds against the traffic and the other does not.
    pub fn stricter_than<'a>(&'a self, other: &'a Judged) -> impl Iterator<Item = String> + 'a {
        let flows = self.flows.iter().filter(|(flow, bad)| other.flows.get(*flow).is_some_and(|others| others < bad));
        // A flow that is no violation of one kind may be one of another: flows tell of those kinds.
        let besides = |what: &str| !what.contains("egress") && !what.contains("ingress") && !what.starts_with("tunnel");
        let findings = self.findings.iter().filter(move |(what, (severity, _))| {
            besides(what) && other.findings.get(*what).is_none_or(|others| others.0 < *severity)
        });
        let devices = self.devices.iter().filter(|(device, verdict)| {
            **verdict == Verdict::Unverified && other.devices.get(*device).is_some_and(|others| others < verdict)
        });
        flows
            .map(|(flow, _)| flow.clone())
            .chain(findings.map(|(what, (_, summary))| format!("{what}: {summary}")))
            .chain(devices.map(|(device, _)| format!("{device} is unverified")))
            .take(3)
    }
}

/// A connection to each port, a datagram each way, a ping, and a tunnel.
fn speak(mirror: &mut Mirror, from: &Host, to: &Host) {
    for port in TCP_PORTS {
        let source = 40_000 + port % 1000;
        let syn = Packet::tcp(from.port(source), to.port(port), flags::SYN).numbers(1, 0);
        let answer = Packet::tcp(to.port(port), from.port(source), flags::SYN | flags::ACK).numbers(9, 2);
        mirror.send(from, to, syn);
        mirror.send(to, from, answer);
    }
    for port in UDP_PORTS {
        mirror.send(from, to, Packet::udp(from.port(50_000), to.port(port)).payload([0x80, 0, 0, 1]));
    }
    mirror.send(from, to, Packet::icmp(from.ip, to.ip, ECHO, 0, 1));
    mirror.send(from, to, Packet::other(from.ip, to.ip, GRE).payload([0, 0, 0x08, 0, 0x45]));
}
