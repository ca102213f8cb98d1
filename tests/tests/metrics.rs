//! The exposition text: that of one site to the letter, and its shape whatever a snapshot holds.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use segwatch::base::{Mac, Timestamp};
use segwatch::config::{MAX_SERIES, SERIES_PER_INTERFACE, load_str, series_count};
use segwatch::coverage::{Reason, ReasonCode, Verdict};
use segwatch::engine::*;
use segwatch::finding::Kind;
use segwatch::flow::Reach;
use segwatch::hint::Posture;
use segwatch::metrics::*;
use segwatch::policy::Policy;
use segwatch_tests::exposition::{Exposition, parse};

/// 2026-11-24 12:00:00 UTC.
const NOON: Timestamp = Timestamp(1_795_521_600_000_000_000);

const SITE: &str = r#"
site: herlev
capture: [{ interface: eth1 }, { interface: eth2 }]
zones:
  cctv:      { cameras: true, vlans: [110], prefixes: [10.110.0.0/24] }
  recording: { vlans: [200], prefixes: [10.200.0.0/24] }
watch: { vendors: [hikvision, dahua] }
severity: { unknown-device: info }
conduits:
  - name: 'recorder "pulls" \ video'
    from: { zone: recording }
    to:   { zone: cctv }
    services: [tcp/554]
    expires: 2027-06-30
  - { name: time, from: { zone: cctv }, to: { zone: recording }, services: [udp/123], canary: 10m }
"#;

fn policy(text: &str) -> Policy {
    load_str("site.yaml", text, NOON, &mut |_| Err(std::io::ErrorKind::NotFound.into()))
        .expect("a sound policy")
        .config
        .policy
}

fn exporter() -> Exporter {
    let build = BuildInfo { version: "1.2.3".into(), revision: "0123abc".into(), rustversion: "1.95.0".into() };
    Exporter::started_at(build, NOON)
}

/// The snapshot of an engine that has seen nothing.
fn nothing_seen(policy: &Policy) -> Snapshot {
    Engine::new(policy.clone(), segwatch::hint::VendorTable::builtin(), Options::default()).snapshot()
}

fn counters(interfaces: &[&str]) -> Counters {
    let interfaces = interfaces
        .iter()
        .map(|name| InterfaceCounters { interface: (*name).to_owned(), ..InterfaceCounters::default() })
        .collect();
    Counters { interfaces, reload: Reload { successful: true, last_success: Some(NOON) }, ..Counters::default() }
}

fn device(name: &str, zone: Option<&str>, verdict: Verdict) -> DeviceStatus {
    let unverified = verdict == Verdict::Unverified;
    let reason = |code| Reason { code, detail: String::new() };
    DeviceStatus {
        mac: Some(Mac([0x44, 0x19, 0xb6, 0, 0, 1])),
        name: Some(name.to_owned()),
        ips: vec![],
        vlans: vec![110],
        vendor: Some("hikvision".into()),
        model: None,
        firmware: None,
        serial: None,
        use_: None,
        zone: zone.map(str::to_owned),
        verdict,
        reasons: if unverified { vec![reason(ReasonCode::Untagged), reason(ReasonCode::Silent)] } else { vec![] },
        posture: Posture::default(),
        hints: vec![],
        coverage: CoverageStatus { sent: 9, received: 9, first_seen: Some(NOON), last_seen: Some(NOON), loss: None },
    }
}

fn finding(id: &str, kind: Kind, severity: &'static str, reach: Option<Reach>, first_seen: Timestamp) -> FindingStatus {
    let peer = PeerStatus {
        ip: [203, 0, 113, 9].into(),
        port: 443,
        proto: "tcp".into(),
        initiator: "device",
        reach: Reach::Established,
        packets_out: 1,
        packets_in: 1,
        bytes_out: 40,
        bytes_in: 40,
        first_seen,
        last_seen: first_seen,
        names: vec![],
    };
    FindingStatus {
        id: id.to_owned(),
        kind,
        class: kind.class(Reach::Attempted),
        severity,
        exception: None,
        reach,
        device: DeviceRef { mac: None, ip: Some([10, 110, 0, 11].into()), name: Some("entrance-1".into()) },
        zone: "cctv".into(),
        peer_zone: "internet".into(),
        peers: if reach.is_some() { vec![peer] } else { vec![] },
        peers_total: 1,
        first_seen,
        last_seen: first_seen,
        rule: RuleRef { name: "default-deny".into(), file: None, line: None },
        summary: String::new(),
    }
}

fn read(exporter: &mut Exporter, policy: &Policy, snapshot: &Snapshot, counters: &Counters) -> Exposition {
    let text = exporter.render(policy, snapshot, counters).expect("no metric contradicts another");
    parse(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

/// A site with something of everything.
fn busy(policy: &Policy) -> (Snapshot, Counters) {
    let mut snapshot = nothing_seen(policy);
    snapshot.verdict = Verdict::Violated;
    snapshot.zones[0].verdict = Some(Verdict::Violated);
    snapshot.policy.hash = "ab".repeat(32);
    snapshot.devices = vec![
        device("entrance-1", Some("cctv"), Verdict::Violated),
        device("entrance-2", Some("cctv"), Verdict::Unverified),
        DeviceStatus { vendor: Some("axis".into()), ..device("lobby", Some("cctv"), Verdict::Isolated) },
        device("stray", None, Verdict::Contained),
    ];
    snapshot.findings = vec![
        finding("aa01", Kind::InternetEgress, "critical", Some(Reach::Established), NOON),
        finding("aa02", Kind::InternetEgress, "warning", Some(Reach::Attempted), NOON),
        finding("aa03", Kind::WrongVlan, "critical", None, NOON),
    ];
    snapshot.findings[1].device.name = Some("say \"hi\"\\\n\u{1b}[2J\u{202e}".into());
    snapshot.health =
        vec![HealthStatus { interface: "eth1".into(), alarm: "one-directional", blinds: true, detail: String::new() }];
    let mut counters = counters(&["eth1", "eth2"]);
    counters.interfaces[0] = InterfaceCounters {
        packets: 1_834_201,
        bytes: 2_214_882_101,
        dropped_by_kernel: 3,
        dropped_by_interface: 2,
        dropped_by_agent: 1,
        last_packet: Some(Timestamp(NOON.0 + 250_000_000)),
        alarms: vec!["offload"],
        ..counters.interfaces[0].clone()
    };
    counters.flows = [
        (("cctv".to_owned(), FlowVerdict::Violation), 3),
        (("none".to_owned(), FlowVerdict::Unwatched), 7),
        (("gone".to_owned(), FlowVerdict::Allowed), 99),
    ]
    .into();
    counters.flows_active = 12;
    counters.flows_evicted = [(Eviction::FullOfWatched, 5)].into();
    counters.conduit_flows = [("time".to_owned(), 41), ("gone".to_owned(), 1)].into();
    counters.findings = [
        (("cctv".to_owned(), Kind::InternetEgress, Some(Reach::Established)), 1),
        (("cctv".to_owned(), Kind::WrongVlan, None), 2),
    ]
    .into();
    counters.decode_errors = [("macsec", 17)].into();
    counters.sink_lost = [(Sink::Syslog, 4)].into();
    snapshot.zones[0].canaries =
        vec![CanaryStatus { name: "time".into(), interval_seconds: 600, last_seen: Some(NOON), silent: true }];
    (snapshot, counters)
}

/// `SEGWATCH_UPDATE=1` rewrites it; read it in the diff.
#[test]
fn the_whole_page_is_the_golden_one() {
    let policy = policy(SITE);
    let (snapshot, counters) = busy(&policy);
    let text = exporter().render(&policy, &snapshot, &counters).expect("rendered");
    parse(&text).unwrap_or_else(|fault| panic!("{fault}"));
    // What the process itself uses differs from run to run.
    let steady: String =
        text.lines().filter(|line| !line.contains("process_")).map(|line| format!("{line}\n")).collect();
    if std::env::var_os("SEGWATCH_UPDATE").is_some() {
        fs::write("golden/metrics.txt", &steady).expect("the golden file can be written");
    }
    assert_eq!(steady, fs::read_to_string("golden/metrics.txt").unwrap_or_default());
}

#[test]
fn every_metric_of_the_design_is_there_with_its_type_and_labels() {
    let policy = policy(SITE);
    let (snapshot, counters) = busy(&policy);
    let read = read(&mut exporter(), &policy, &snapshot, &counters);
    for (name, kind, labels) in [
        ("verdict", "gauge", "verdict zone"),
        ("site_verdict", "gauge", "verdict"),
        ("devices", "gauge", "vendor verdict zone"),
        ("devices_unverified", "gauge", "reason zone"),
        ("coverage_ratio", "gauge", "zone"),
        ("findings_open", "gauge", "kind reach severity zone"),
        ("findings_total", "counter", "kind reach zone"),
        ("finding_info", "gauge", "device id kind peer peer_zone severity zone"),
        ("finding_info_suppressed", "gauge", ""),
        ("flows_total", "counter", "verdict zone"),
        ("flows_active", "gauge", ""),
        ("flows_evicted_total", "counter", "reason"),
        ("conduit_flows_total", "counter", "conduit"),
        ("conduit_expiry_timestamp_seconds", "gauge", "conduit"),
        ("capture_packets_total", "counter", "interface"),
        ("capture_bytes_total", "counter", "interface"),
        ("capture_dropped_packets_total", "counter", "interface where"),
        ("capture_last_packet_timestamp_seconds", "gauge", "interface"),
        ("mirror_health", "gauge", "alarm interface"),
        ("canary_last_seen_timestamp_seconds", "gauge", "canary zone"),
        ("canary_silent", "gauge", "canary zone"),
        ("decode_errors_total", "counter", "reason"),
        ("sink_lost_total", "counter", "sink"),
        ("journal_failing", "gauge", ""),
        ("build_info", "gauge", "revision rustversion version"),
        ("config_last_reload_successful", "gauge", ""),
        ("config_last_reload_success_timestamp_seconds", "gauge", ""),
        ("policy_info", "gauge", "hash"),
        ("start_time_seconds", "gauge", ""),
    ] {
        let name = format!("segwatch_{name}");
        assert_eq!(read.families.get(&name).map(|family| family.kind.as_str()), Some(kind), "{name}");
        for (found, _) in read.of(&name) {
            assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>().join(" "), labels, "{name}");
        }
        assert!(!read.of(&name).is_empty(), "{name}");
    }
    let unexpected: Vec<&String> =
        read.families.keys().filter(|name| !name.starts_with("segwatch_") && !name.starts_with("process_")).collect();
    assert!(unexpected.is_empty() && !read.families.contains_key("process_start_time_seconds"), "{unexpected:?}");
}

#[test]
fn promtool_finds_nothing_to_complain_about() {
    let policy = policy(SITE);
    let (snapshot, counters) = busy(&policy);
    let text = exporter().render(&policy, &snapshot, &counters).expect("rendered");
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = match started {
        Ok(child) => child,
        Err(error) => return eprintln!("skipped: promtool (Debian package prometheus): {error}"),
    };
    promtool.stdin.take().expect("piped").write_all(text.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn everything_exists_with_zero_before_anything_was_seen() {
    let policy = policy(SITE);
    let read = read(&mut exporter(), &policy, &nothing_seen(&policy), &counters(&["eth1", "eth2"]));
    for (labels, value) in read.of("segwatch_findings_open").iter().chain(&read.of("segwatch_findings_total")) {
        assert_eq!(*value, 0.0, "{labels:?}");
    }
    let value = |metric: &str, labels: &[(&str, &str)]| read.value(&format!("segwatch_{metric}"), labels);
    for kind in Kind::ALL {
        let reach =
            if kind.class(Reach::Attempted) == segwatch::finding::Class::Reach { "established" } else { "none" };
        let labels = [("zone", "none"), ("kind", kind.name()), ("reach", reach)];
        assert_eq!(value("findings_total", &labels), Some(0.0), "{labels:?}");
    }
    assert_eq!(value("verdict", &[("zone", "cctv"), ("verdict", "unverified")]), Some(1.0));
    assert_eq!(value("verdict", &[("zone", "recording"), ("verdict", "unverified")]), None);
    assert_eq!(value("verdict", &[("zone", "none"), ("verdict", "unverified")]), Some(0.0));
    assert_eq!(value("coverage_ratio", &[("zone", "cctv")]), Some(0.0));
    assert!(value("coverage_ratio", &[("zone", "none")]).is_some_and(f64::is_nan));
    assert_eq!(value("site_verdict", &[("verdict", "unverified")]), Some(1.0));
    assert_eq!(value("capture_last_packet_timestamp_seconds", &[("interface", "eth2")]), Some(0.0));
}

#[test]
fn numbers_are_those_of_the_snapshot() {
    let policy = policy(SITE);
    let (snapshot, counters) = busy(&policy);
    let read = read(&mut exporter(), &policy, &snapshot, &counters);
    let value = |metric: &str, labels: &[(&str, &str)]| read.value(&format!("segwatch_{metric}"), labels);
    assert_eq!(value("coverage_ratio", &[("zone", "cctv")]).map(|share| (share * 3.0).round()), Some(2.0));
    assert_eq!(value("devices", &[("zone", "cctv"), ("vendor", "other"), ("verdict", "isolated")]), Some(1.0));
    assert_eq!(value("devices_unverified", &[("zone", "cctv"), ("reason", "silent")]), Some(1.0));
    assert_eq!(value("verdict", &[("zone", "none"), ("verdict", "contained")]), Some(1.0));
    assert_eq!(value("flows_total", &[("zone", "cctv"), ("verdict", "violation")]), Some(3.0));
    assert_eq!(value("mirror_health", &[("interface", "eth1"), ("alarm", "offload")]), Some(1.0));
    assert_eq!(value("mirror_health", &[("interface", "eth2"), ("alarm", "one-directional")]), Some(0.0));
    assert_eq!(
        value("conduit_expiry_timestamp_seconds", &[("conduit", "recorder \"pulls\" \\ video")]),
        Some(1_814_400_000.0)
    );
    assert_eq!(value("start_time_seconds", &[]), Some(1_795_521_600.0));
    let open = [("zone", "cctv"), ("kind", "internet-egress"), ("reach", "established"), ("severity", "critical")];
    assert_eq!(value("findings_open", &open), Some(1.0));
}

/// A device that is listed for another sensor and was not seen here is not missed here.
#[test]
fn devices_of_another_sensor_are_not_missed() {
    let text = "sensor: here\nzones: { cctv: { cameras: true, vlans: [110] } }\ndevices:\n  \
                - { name: a, mac: \"44:19:b6:01:02:03\", zone: cctv, sensor: here }\n  \
                - { name: b, mac: \"44:19:b6:01:02:04\", zone: cctv, sensor: there }\n";
    let policy = policy(text);
    let read = read(&mut exporter(), &policy, &nothing_seen(&policy), &counters(&[]));
    let all: f64 = read.of("segwatch_devices").iter().map(|(_, value)| value).sum();
    assert_eq!(all, 1.0);
}

#[test]
fn finding_info_keeps_its_labels_while_the_finding_is_open() {
    let policy = policy(SITE);
    let mut exporter = exporter();
    let mut snapshot = nothing_seen(&policy);
    let mut counters = counters(&[]);
    let mut shown = |snapshot: &Snapshot, counters: &Counters| {
        let read = read(&mut exporter, &policy, snapshot, counters);
        read.of("segwatch_finding_info").into_iter().map(|(labels, _)| labels.clone()).collect::<Vec<_>>()
    };
    snapshot.findings = vec![finding("aa01", Kind::InternetEgress, "warning", Some(Reach::Attempted), NOON)];
    counters.subjects = [("aa01".to_owned(), Subject::of(&snapshot.findings[0]))].into();
    let first = shown(&snapshot, &counters);
    assert_eq!((first[0]["device"].as_str(), first[0]["peer"].as_str()), ("entrance-1", "203.0.113.9 tcp/443"));

    snapshot.findings[0].device.name = Some("renamed".into());
    let other =
        PeerStatus { ip: [198, 51, 100, 1].into(), first_seen: Timestamp(0), ..snapshot.findings[0].peers[0].clone() };
    snapshot.findings[0].peers.insert(0, other);
    assert_eq!(shown(&snapshot, &counters), first);

    snapshot.findings[0].severity = "critical";
    let raised = shown(&snapshot, &counters);
    assert_eq!(raised.len(), 1);
    assert_eq!((raised[0]["severity"].as_str(), raised[0]["device"].as_str()), ("critical", "entrance-1"));

    counters.subjects = [("aa01".to_owned(), Subject::of(&snapshot.findings[0]))].into();
    assert_eq!(shown(&snapshot, &counters)[0]["device"], "renamed", "a new episode has new labels");
}

#[test]
fn critical_findings_have_the_first_right_to_finding_info() {
    let policy = policy(SITE);
    let make = |count: usize, severity: &'static str| {
        (0..count).map(move |n| {
            let id = format!("{severity}-{n:04}");
            finding(&id, Kind::InternetEgress, severity, Some(Reach::Established), Timestamp(NOON.0 + n as i64))
        })
    };
    for (critical, warning, want_critical, want_warning) in
        [(0, 150, 0, 100), (0, 5000, 0, 100), (100, 5000, 100, 100), (150, 150, 150, 50), (1000, 1000, 200, 0)]
    {
        let mut snapshot = nothing_seen(&policy);
        snapshot.findings = make(warning, "warning").chain(make(critical, "critical")).collect();
        let read = read(&mut exporter(), &policy, &snapshot, &counters(&[]));
        let of = |severity: &str| {
            let all = read.of("segwatch_finding_info");
            all.iter()
                .filter(|(labels, _)| labels["severity"] == severity)
                .map(|(l, _)| l["id"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!((of("critical").len(), of("warning").len()), (want_critical, want_warning));
        let left = (critical + warning - want_critical - want_warning) as f64;
        assert_eq!(read.value("segwatch_finding_info_suppressed", &[]), Some(left));
        // The oldest stay, so that a new one ends no page.
        assert!(of("critical").iter().enumerate().all(|(n, id)| *id == format!("critical-{n:04}")));
    }
}

#[test]
fn what_an_exception_mutes_is_counted_as_info_and_pages_nobody() {
    let excepted = "devices: [{ name: entrance-1, ip: 10.110.0.11 }]\nexceptions:\n  - { device: entrance-1, \
                    kind: internet-egress, owner: a, reason: b, expires: 2099-12-31 }\n";
    let policy = policy(&(SITE.to_owned() + excepted));
    let info = [("zone", "cctv"), ("kind", "internet-egress"), ("reach", "established"), ("severity", "info")];
    let before = read(&mut exporter(), &policy, &nothing_seen(&policy), &counters(&[]));
    assert_eq!(before.value("segwatch_findings_open", &info), Some(0.0), "there from the first scrape");
    assert_eq!(before.series.len() + 200, expected_series(&policy, 0));

    let mut snapshot = nothing_seen(&policy);
    snapshot.findings = vec![finding("aa01", Kind::InternetEgress, "info", Some(Reach::Established), NOON)];
    snapshot.findings.extend(
        (0..100).map(|n| finding(&format!("w{n}"), Kind::CloudLookup, "warning", None, Timestamp(NOON.0 + 1 + n))),
    );
    let counters = counters(&[]);
    let mut exporter = exporter();
    let read = read(&mut exporter, &policy, &snapshot, &counters);
    assert_eq!(read.value("segwatch_findings_open", &info), Some(1.0));
    let shown = read.of("segwatch_finding_info");
    assert_eq!(shown.iter().filter(|(labels, _)| labels["severity"] == "warning").count(), 100, "tickets come first");
    snapshot.findings.truncate(1);
    let text = exporter.render(&policy, &snapshot, &counters).expect("rendered");
    let read = parse(&text).expect("metrics");
    let shown = read.of("segwatch_finding_info");
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].0["severity"], "info", "a series of its own, so that a page is new once it rearms");
}

#[test]
fn a_finding_that_becomes_critical_ends_no_other_page() {
    let policy = policy(SITE);
    let mut exporter = exporter();
    let mut snapshot = nothing_seen(&policy);
    let critical = |n: usize| {
        finding(&format!("c{n}"), Kind::InternetEgress, "critical", Some(Reach::Established), Timestamp(NOON.0 + 1))
    };
    snapshot.findings = (0..200).map(critical).collect();
    snapshot.findings.push(finding("old", Kind::InternetEgress, "warning", Some(Reach::Attempted), NOON));
    let mut shown = |snapshot: &Snapshot| {
        let read = read(&mut exporter, &policy, snapshot, &counters(&[]));
        let all = read.of("segwatch_finding_info");
        let ids = all.into_iter().map(|(labels, _)| labels["id"].clone()).collect::<std::collections::BTreeSet<_>>();
        (ids, read.value("segwatch_finding_info_suppressed", &[]))
    };
    let before = shown(&snapshot);
    snapshot.findings[200].severity = "critical";
    assert_eq!(shown(&snapshot), before);
    assert_eq!((before.0.len(), before.1), (200, Some(1.0)));
}

/// Series of a page; with every place of `finding_info` taken.
fn expected_series(policy: &Policy, interfaces: usize) -> usize {
    series_count(policy) + interfaces * SERIES_PER_INTERFACE
}

/// Fills every place of `finding_info`.
fn flooded(policy: &Policy, name: &str) -> Snapshot {
    let mut snapshot = nothing_seen(policy);
    snapshot.findings = (0..3000u32)
        .map(|n| {
            let mut one =
                finding(&format!("{n:016x}"), Kind::InternetEgress, "critical", Some(Reach::Established), NOON);
            one.device.name = Some(format!("{name}{n}"));
            one.zone = format!("{name}{n}");
            one
        })
        .collect();
    snapshot.devices = (0..3000u32)
        .map(|n| {
            let mut one = device(&format!("{name}{n}"), Some(&format!("{name}{n}")), Verdict::Violated);
            one.vendor = Some(format!("{name}{n}"));
            one
        })
        .collect();
    snapshot
}

#[test]
fn a_flood_of_hostile_names_makes_exactly_the_series_that_config_check_counts() {
    let many: String = (1..=9).map(|n| format!("  cctv{n}: {{ cameras: true, vlans: [{n}] }}\n")).collect();
    for text in [
        SITE,
        "zones: { cctv: { cameras: true, vlans: [110] } }",
        &format!("zones:\n{many}watch: {{ vendors: [other, a, b] }}\n"),
    ] {
        let policy = policy(text);
        let names: Vec<&str> = ["eth1", "eth2"].into_iter().take(if text == SITE { 2 } else { 0 }).collect();
        let snapshot = flooded(&policy, "x\u{1b}[31m\"\\\n\u{202e}\0");
        let read = read(&mut exporter(), &policy, &snapshot, &counters(&names));
        assert_eq!(read.series.len(), expected_series(&policy, names.len()));
        assert!(read.series.len() <= MAX_SERIES);
        for (series, _) in read.of("segwatch_finding_info") {
            assert!(series.values().all(|value| value.chars().count() <= MAX_LABEL_CHARS));
        }
    }
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        any::<Vec<char>>().prop_map(|chars| chars.into_iter().collect()),
        "[\\x00-\\x1f\"\\\\\u{7f}-\u{9f}\u{202a}-\u{202e}\u{feff}]{0,80}",
        Just("cctv".to_owned()),
        Just("x\"} 1\nsegwatch_site_verdict{verdict=\"isolated".to_owned()),
        any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

fn snapshots() -> impl Strategy<Value = Vec<(String, String, String, usize, usize, usize)>> {
    proptest::collection::vec((hostile(), hostile(), hostile(), 0..Kind::ALL.len(), 0..4usize, 0..5usize), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_word_of_a_device_breaks_the_page_or_makes_a_series(rows in snapshots()) {
        let policy = policy(SITE);
        let mut snapshot = nothing_seen(&policy);
        for (at, (name, zone, vendor, kind, severity, reach)) in rows.iter().enumerate() {
            let kind = Kind::ALL[*kind];
            let severity = ["info", "warning", "critical", "no word of ours"][*severity];
            let reach = [None, Some(Reach::Attempted), Some(Reach::Refused), Some(Reach::Forwarded), Some(Reach::Established)][*reach];
            let mut one = finding(name, kind, severity, reach, Timestamp(at as i64));
            (one.zone, one.peer_zone, one.device.name) = (zone.clone(), vendor.clone(), Some(name.clone()));
            one.peers.iter_mut().for_each(|peer| peer.proto.clone_from(vendor));
            snapshot.findings.push(one);
            let mut camera = device(name, Some(zone), Verdict::ALL[at % 4]);
            camera.vendor = Some(vendor.clone());
            snapshot.devices.push(camera);
            snapshot.health.push(HealthStatus { interface: zone.clone(), alarm: "silent", blinds: true, detail: name.clone() });
        }
        let mut counters = counters(&["eth1"]);
        for (name, zone, ..) in &rows {
            counters.conduit_flows.insert(name.clone(), 1);
            counters.flows.insert((zone.clone(), FlowVerdict::Allowed), 1);
            counters.findings.insert((name.clone(), Kind::WrongVlan, Some(Reach::Attempted)), 1);
        }
        let page = read(&mut exporter(), &policy, &snapshot, &counters);
        let shown = page.of("segwatch_finding_info").len();
        prop_assert!(shown <= rows.len().min(MAX_FINDING_INFO));
        prop_assert_eq!(page.series.len() - shown, expected_series(&policy, 1) - MAX_FINDING_INFO);
        let quiet = read(&mut exporter(), &policy, &nothing_seen(&policy), &counters);
        let fixed = |page: &Exposition| page.series.keys().filter(|(name, _)| name != "segwatch_finding_info").cloned().collect::<Vec<_>>();
        prop_assert_eq!(fixed(&page), fixed(&quiet));
        // No finding is lost on the way.
        let open: f64 = page.of("segwatch_findings_open").iter().map(|(_, value)| value).sum();
        prop_assert_eq!(open as usize, rows.len());
    }
}
