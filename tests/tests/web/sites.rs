//! Sites to show: one with something of everything, one of which nobody could read all.

use std::collections::BTreeMap;
use std::sync::Arc;

use segwatch::base::Timestamp;
use segwatch::coverage::{Gap, Period, ReasonCode};
use segwatch::engine::{
    Ack, DeviceHours, DeviceRef, DeviceStatus, FindingStatus, FlowRow, HealthStatus, PolicyRef, Snapshot, ZoneStatus,
};
use segwatch::web::{About, ConduitStatus, Published};
use serde_json::{Value, json};

const MINUTE: i64 = 60_000_000_000;
/// 2026-03-02T12:00:00Z.
const NOON: Timestamp = Timestamp(1_772_452_800_000_000_000);
/// What a device says its name is, where it means no good.
pub(crate) const HOSTILE: &str =
    "<img src=x onerror=\"window.pwned=1\">'\u{202e}</td></table><script>window.pwned=1</script>";

fn mac(number: usize) -> String {
    format!("44:19:b6:00:{:02x}:{:02x}", number / 256, number % 256)
}

fn ip(number: usize) -> String {
    format!("10.110.{}.{}", number / 250, 10 + number % 240)
}

fn device(number: usize, name: &str, verdict: &str, reasons: Value) -> DeviceStatus {
    let device = json!({
        "mac": mac(number), "name": name, "ips": [ip(number)], "vlans": [110], "vendor": "hikvision",
        "model": "DS-2CD2143G0-I", "firmware": "V5.5.82", "serial": null, "use": "street", "zone": "cctv",
        "verdict": verdict, "reasons": reasons, "hints": [],
        "coverage": { "sent": 10_000, "received": 900, "first_seen": "2026-03-01T08:00:00.000000Z", "last_seen": "2026-03-02T11:59:58.120000Z" },
    });
    serde_json::from_value(device).expect("a device")
}

/// Of a device, with so many peers.
fn finding(id: usize, number: usize, name: &str, reach: &str, peers: usize) -> FindingStatus {
    let through = matches!(reach, "forwarded" | "established");
    let peer = |at: usize| {
        json!({
            "ip": format!("203.0.113.{}", 50 + at), "port": 443, "proto": "tcp", "initiator": "device", "reach": reach,
            "packets_out": 12, "packets_in": 9, "bytes_out": 1400, "bytes_in": 5200,
            "first_seen": "2026-03-02T11:20:03.000000Z", "last_seen": "2026-03-02T11:58:00.000000Z", "names": ["dev.hik-connect.com"],
        })
    };
    let finding = json!({
        "id": format!("{id:016x}"), "kind": "internet-egress", "class": "reach",
        "severity": if through { "critical" } else { "warning" }, "reach": reach,
        "device": { "mac": mac(number), "ip": ip(number), "name": name }, "zone": "cctv", "peer_zone": "internet",
        "peers": (0..peers).map(peer).collect::<Vec<_>>(), "peers_total": peers,
        "first_seen": "2026-03-02T11:20:03.000000Z", "last_seen": "2026-03-02T11:58:00.000000Z",
        "rule": { "name": "default-deny", "file": null, "line": null },
        "summary": format!("{name} opened tcp/443 to 203.0.113.50 on the internet, and it was answered"),
    });
    serde_json::from_value(finding).expect("a finding")
}

fn zone(name: &str, verdict: Option<&str>, devices: usize, findings: usize, canaries: Value) -> ZoneStatus {
    let reasons = if verdict.is_some() {
        json!([{ "code": "silent", "detail": "no unicast frame of it within 3600 s" }])
    } else {
        json!([])
    };
    let zone = json!({ "name": name, "verdict": verdict, "reasons": reasons, "devices": devices, "findings": findings, "canaries": canaries });
    serde_json::from_value(zone).expect("a zone")
}

/// A day, or the last `minutes` of one, with these gaps, in minutes before its end.
fn hours(of: &DeviceStatus, minutes: i64, gaps: &[(i64, i64, ReasonCode)]) -> DeviceHours {
    let before = |minutes: i64| Timestamp(NOON.0 - minutes * MINUTE);
    let gap = |&(from, to, reason): &(i64, i64, ReasonCode)| Gap {
        from: before(from),
        to: before(to),
        reason,
        detail: String::new(),
    };
    let period = Period { from: before(minutes), to: NOON, gaps: gaps.iter().map(gap).collect() };
    let device = DeviceRef { mac: of.mac, ip: of.ips.first().copied(), name: of.name.clone() };
    DeviceHours { device, zone: "cctv".into(), periods: vec![period] }
}

fn publish(snapshot: Snapshot, hours: Vec<DeviceHours>) -> Published {
    let about =
        About { version: "1.2.3".into(), site: "herlev".into(), sensor: "idf3-span".into(), ..About::default() };
    let conduit = |name: &str, from: &str, to: &str, flows| ConduitStatus {
        name: name.into(),
        from: vec![from.into()],
        to: vec![to.into()],
        flows,
    };
    let conduits = vec![
        conduit("recorder pulls video", "recording", "cctv", 48),
        conduit("time", "cctv", "servers", 1_204),
        conduit("firmware & \"more\"", "recording", "cctv", 0),
    ];
    Published::new(about, Arc::new(snapshot), NOON, String::new()).with_conduits(conduits).with_hours(Arc::new(hours))
}

fn snapshot() -> Snapshot {
    let hash = "3c1de0a4b2f95c7786f1".to_owned();
    Snapshot::unseen(PolicyRef { file: Some("/etc/segwatch/segwatch.yaml".into()), hash })
}

/// Something of everything; with `more`, a finding besides.
pub(crate) fn small(more: bool) -> Arc<Published> {
    let silent = json!([{ "code": "silent", "detail": "no unicast frame of it within 3600 s" }]);
    let devices = vec![
        device(1, "entrance-1", "violated", json!([])),
        device(2, HOSTILE, "violated", json!([])),
        device(3, "parking-deck-north", "unverified", silent.clone()),
        device(
            4,
            "ward-7-corridor",
            "unverified",
            json!([{ "code": "one-direction", "detail": "frames from it were seen, but none to it" }]),
        ),
        device(5, "loading-bay", "contained", json!([])),
        device(6, "roof", "isolated", json!([])),
    ];
    let mut findings = vec![
        finding(1, 1, "entrance-1", "established", 3),
        finding(2, 2, HOSTILE, "forwarded", 1),
        finding(3, 5, "loading-bay", "refused", 1),
    ];
    findings[0].rule =
        segwatch::engine::RuleRef { name: "cloud, expired".into(), file: Some("segwatch.yaml".into()), line: Some(41) };
    findings[2].exception = Some(segwatch::engine::ExceptionStatus {
        owner: "netops@region.example".into(),
        reason: "supplier tests <b>until</b> June".into(),
        expires: "2026-06-30".into(),
    });
    findings[2].severity = "info";
    if more {
        findings.insert(0, finding(4, 6, "roof", "attempted", 1));
    }
    let gaps = [
        hours(&devices[0], 1_440, &[(530, 480, ReasonCode::Silent), (100, 97, ReasonCode::Loss)]),
        hours(&devices[1], 1_440, &[]),
        hours(&devices[2], 1_440, &[(700, 0, ReasonCode::Silent)]),
        hours(&devices[3], 95, &[(95, 0, ReasonCode::OneDirection)]),
        hours(&devices[4], 300, &[(120, 110, ReasonCode::Gap)]),
    ];
    let canary = |silent: bool| json!([{ "name": "recorder pulls video", "interval_seconds": 600, "last_seen": "2026-03-02T11:02:00.000000Z", "silent": silent }]);
    let alarm = |alarm: &'static str, blinds: bool, detail: &str| HealthStatus {
        interface: "eth1".into(),
        alarm,
        blinds,
        detail: detail.into(),
    };
    let snapshot = Snapshot {
        verdict: segwatch::coverage::Verdict::Violated,
        zones: vec![
            zone("cctv", Some("violated"), 6, findings.len(), canary(true)),
            zone("recording", None, 0, 0, json!([])),
            zone("clinical", None, 0, 0, json!([])),
        ],
        health: vec![
            alarm(
                "one-directional",
                true,
                "of 4 devices only what they send is seen: the mirror copies ingress only; add `both` to the session",
            ),
            alarm(
                "duplicates",
                false,
                "31 % of the packets were mirrored twice: two source ports of the session see the same frame",
            ),
        ],
        devices,
        findings,
        ..snapshot()
    };
    let ack = Ack { by: "ann".into(), reason: "ticket 4711".into(), at: NOON.0 - 10 * MINUTE };
    let acks = BTreeMap::from([(snapshot.findings[usize::from(more)].id.clone(), ack)]);
    Arc::new(publish(snapshot, gaps.into()).with_acks(acks))
}

/// So many cameras, of which every fifth is unverified, and so many findings with `peers` each.
pub(crate) fn crowded(cameras: usize, findings: usize, peers: usize) -> Arc<Published> {
    let name = |number: usize| format!("camera-{number:03} building {}", number % 17);
    let reasons = json!([{ "code": "silent", "detail": "no unicast frame of it within 3600 s" }]);
    let devices: Vec<DeviceStatus> = (0..cameras)
        .map(|n| match n % 5 {
            0 => device(n, &name(n), "unverified", reasons.clone()),
            _ => device(n, &name(n), "violated", json!([])),
        })
        .collect();
    let gaps = [
        (900, 890, ReasonCode::Silent),
        (700, 640, ReasonCode::Gap),
        (300, 299, ReasonCode::Loss),
        (60, 20, ReasonCode::Silent),
    ];
    let hours = devices.iter().map(|device| hours(device, 1_440, &gaps)).collect();
    let findings: Vec<FindingStatus> = (0..findings)
        .map(|n| {
            finding(n, n % cameras, &name(n % cameras), if n % 3 == 0 { "established" } else { "attempted" }, peers)
        })
        .collect();
    let zones = vec![zone("cctv", Some("violated"), cameras, findings.len(), json!([]))];
    let verdict = segwatch::coverage::Verdict::Violated;
    Arc::new(publish(Snapshot { verdict, zones, devices, findings, ..snapshot() }, hours))
}

/// A flow of the first finding of [`small`], and one of nobody.
pub(crate) fn rows() -> Vec<FlowRow> {
    let end = |number: Option<usize>, ip: &str, port: u16| segwatch::engine::EndStatus {
        ip: ip.parse().expect("an address"),
        port,
        mac: number.map(|number| mac(number).parse().expect("a MAC")),
    };
    let row = |initiator, responder| FlowRow {
        proto: "tcp".into(),
        ip_proto: 6,
        initiator,
        responder,
        direction: segwatch::flow::Direction::Syn,
        vlan: Some(110),
        vlans: Vec::new(),
        layer: 0,
        innermost: true,
        packets_out: 12,
        packets_in: 9,
        duplicates: 0,
        routed_copies: 3,
        bytes_out: 1_400,
        bytes_in: 5_200,
        first_seen: NOON,
        last_seen: NOON,
        is_conversation: true,
        reach: segwatch::flow::Reach::Established,
        verdict: segwatch::engine::FlowVerdict::Violation,
        kind: None,
        rule: segwatch::engine::RuleRef { name: "default-deny".into(), file: None, line: None },
        facts: None,
    };
    vec![
        row(end(Some(1), &ip(1), 41_000), end(None, "203.0.113.50", 443)),
        row(end(Some(9), &ip(9), 41_000), end(None, "198.51.100.1", 80)),
    ]
}

/// The same with another snapshot.
pub(crate) fn again(snapshot: &Snapshot) -> Arc<Published> {
    let ack = Ack { by: "ann".into(), reason: "ticket 4711".into(), at: NOON.0 - 10 * MINUTE };
    let acks = BTreeMap::from([(snapshot.findings[0].id.clone(), ack)]);
    Arc::new(publish(snapshot.clone(), Vec::new()).with_acks(acks))
}
