//! What the fuzz targets in `agent/fuzz` do with their input; a test replays the seeds through the same functions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use segwatch::base::Timestamp;
use segwatch::capture::{Files, FrameSource, Next};
use segwatch::config;
use segwatch::coverage::Verdict;
use segwatch::engine::{FindingStatus, FlowRow, Options, Snapshot};
use segwatch::finding::Kind;
use segwatch::hint::VendorTable;
use segwatch::packet::{DecodeOptions, Decoded, LinkType, MAX_LAYERS, decode};
use segwatch::policy::Policy;
use segwatch::replay::{Replayed, replay};
use segwatch::report::{CaptureFiles, Damage, FlowFormat, FlowWriter, check_json};

/// Link types that an input may choose, by its first byte.
pub const LINK_TYPES: [u32; 9] = [1, 0, 12, 108, 113, 147, 228, 229, 276];

/// The decoder: first byte the link type, second byte the options (bits 0 and 1) and how many bytes the snap length cut off
/// (the rest), then the frame. Panics where a promise of [`Decoded`] is broken.
pub fn decode_frame(input: &[u8]) {
    let [link, options, frame @ ..] = input else { return };
    let link_type = LinkType::from(LINK_TYPES[usize::from(*link) % LINK_TYPES.len()]);
    let wire_len = frame.len() as u32 + u32::from(options >> 2);
    let options = DecodeOptions { erspan: options & 1 == 0, tzsp: options & 2 == 0 };
    let mut decoded = Decoded::default();
    decode(link_type, frame, wire_len, &options, &mut decoded);
    check(&decoded, frame);

    let first = format!("{decoded:?}");
    decode(link_type, frame, wire_len, &options, &mut decoded);
    assert_eq!(first, format!("{decoded:?}"), "a used `Decoded` changed the result");
}

/// The engine: a capture file, judged by the built-in policy, and by one with every sort of rule and a table of only
/// [`FEW_FLOWS`]. Panics where a promise of [`Snapshot`] or [`FlowRow`] is broken.
pub fn judge_capture(input: &[u8]) {
    static VENDORS: LazyLock<VendorTable> = LazyLock::new(VendorTable::builtin);
    static POLICIES: LazyLock<[(Policy, usize); 2]> =
        LazyLock::new(|| [(Policy::builtin(), Options::default().max_flows), (zoned_policy(), FEW_FLOWS)]);

    let ledger = Ledger::of(input);
    for (policy, max_flows) in &*POLICIES {
        let judge = || {
            let options = Options { max_flows: *max_flows, ..Options::default() };
            Judged::of(input, policy.clone(), VENDORS.clone(), options)
        };
        let judged = judge();
        ledger.check(&judged);
        check_answer(&judged.snapshot, policy);
        assert_eq!(judged.json, judge().json, "two runs differ");
        serde_json::from_str::<serde_json::Value>(&judged.json[0]).expect("the answer is JSON");
    }
}

/// So few that most captures make some leave the table.
pub const FEW_FLOWS: usize = 8;

/// Zones of every sort, conduits with and without an end, an inventory seen, expected and gone, limits.
pub const ZONED_POLICY: &str = r#"
site: fuzz
sensor: span
capture: [{ interface: eth0, untagged: reject, rspan_vlan: 999 }]
zones:
  cctv:      { cameras: true, vlans: [110], prefixes: [10.110.0.0/24, "fd00:110::/64"], gateways: [10.110.0.1], dhcp: [10.40.0.5] }
  recording: { vlans: [200], prefixes: [10.200.0.0/24, "fd00:200::/64"] }
  doors:     { cameras: true, prefixes: [10.111.0.0/24] }
  edge:      { transit: true, vlans: [900], prefixes: [10.255.0.0/30] }
  nac:       { onboarding: true, vlans: [998] }
watch: { vendors: [hikvision, dahua] }
edge_hops: 1
coverage: { silence: 1m, loss: 0.01 }
severity: { unknown-device: info }
conduits:
  - { name: video, from: { zone: recording, hosts: [10.200.0.10, "fd00:200::10"] }, to: { zone: cctv }, services: [tcp/554, udp/*], owner: a, reason: b, expires: 2099-12-31 }
  - { name: time, from: { zone: cctv }, to: { hosts: [10.40.0.5] }, services: [udp/123, icmp], owner: a, reason: b, expires: 2020-12-31 }
  - { name: any, from: { zone: doors }, to: { zone: recording }, services: [any], owner: a, reason: b }
devices:
  - { name: entrance, mac: "44:19:b6:00:00:01", ip: 10.110.0.11, zone: cctv }
  - { name: door, ip: 10.111.0.12, zone: doors }
  - { name: elsewhere, mac: "44:19:b6:00:00:03", sensor: other }
  - { name: away, mac: "44:19:b6:00:00:04", zone: cctv, out_of_service: 2027-01-01 }
"#;

fn zoned_policy() -> Policy {
    let loaded = config::load_str("fuzz.yaml", ZONED_POLICY, Timestamp(0), &mut |_| Ok(Vec::new()));
    loaded.unwrap_or_else(|problems| panic!("{problems:?}")).config.policy
}

fn open(input: &[u8]) -> Files {
    Files::from_reader("fuzz.pcap", Box::new(Cursor::new(input.to_vec())))
}

/// What one run came to.
struct Judged {
    snapshot: Snapshot,
    rows: Vec<FlowRow>,
    /// The answer, and the rows.
    json: [String; 2],
}

impl Judged {
    fn of(input: &[u8], policy: Policy, vendors: VendorTable, options: Options) -> Judged {
        let mut rows = Vec::new();
        let mut sink = |row: &FlowRow| {
            rows.push(row.clone());
            ControlFlow::Continue(())
        };
        let Replayed { snapshot, files, damage } =
            replay(policy, vendors, options, open(input), Some(&mut sink), &mut |_| {});
        let damage = damage
            .into_iter()
            .map(|d| Damage { file: files[0].clone(), offset: d.offset, packet: d.packet, what: d.what })
            .collect();
        let json = check_json(&snapshot, &CaptureFiles { files, damage }).expect("JSON of the answer");
        let mut lines = Vec::new();
        let mut writer = FlowWriter::new(&mut lines, FlowFormat::Jsonl).expect("a vector takes everything");
        rows.iter().for_each(|row| writer.write(row).expect("a vector takes everything"));
        writer.finish().expect("a vector takes everything");
        let lines = String::from_utf8(lines).expect("JSON is UTF-8");
        Judged { snapshot, rows, json: [json, lines] }
    }
}

/// The packets of a capture, counted without the engine.
#[derive(Default)]
struct Ledger {
    packets: u64,
    bytes: u64,
    truncated: u64,
    undecoded: BTreeMap<&'static str, u64>,
    /// Frames with at least so many IP headers, less one.
    layers: [u64; MAX_LAYERS],
}

impl Ledger {
    fn of(input: &[u8]) -> Ledger {
        let mut ledger = Ledger::default();
        let mut decoded = Decoded::default();
        let mut source = open(input);
        loop {
            match source.next() {
                Next::Frame(frame) => {
                    decode(frame.link_type, frame.data, frame.wire_len, &DecodeOptions::default(), &mut decoded);
                    ledger.packets += 1;
                    ledger.bytes += u64::from(frame.wire_len);
                    ledger.truncated += u64::from(decoded.truncated);
                    if let Some(why) = decoded.undecoded {
                        *ledger.undecoded.entry(why.name()).or_default() += 1;
                    }
                    ledger.layers.iter_mut().take(decoded.layers.len()).for_each(|count| *count += 1);
                }
                Next::Silence | Next::Damage(_) => {}
                Next::End => return ledger,
            }
        }
    }

    /// Every packet is in the answer once, and in one row for each of its IP headers, whatever left the tables.
    fn check(&self, judged: &Judged) {
        let traffic = &judged.snapshot.traffic;
        assert_eq!(
            (traffic.packets, traffic.bytes, traffic.truncated),
            (self.packets, self.bytes, self.truncated),
            "packets, bytes, truncated"
        );
        assert_eq!(traffic.undecoded, self.undecoded);
        assert!(traffic.duplicates + traffic.routed_copies <= traffic.packets, "more copies than packets");
        let mut counted = [[0; 2]; MAX_LAYERS];
        for row in &judged.rows {
            let [counted, by_stack] = &mut counted[usize::from(row.layer)];
            *counted += row.packets_out + row.packets_in + row.duplicates + row.routed_copies;
            *by_stack += row.vlans.iter().map(|vlan| vlan.packets).sum::<u64>();
            assert!(row.first_seen <= row.last_seen, "{row:?}");
        }
        assert_eq!(counted, self.layers.map(|frames| [frames; 2]), "packets of the rows by layer");
    }
}

fn check_answer(snapshot: &Snapshot, policy: &Policy) {
    for device in &snapshot.devices {
        let sees_both = device.coverage.sent > 0 && device.coverage.received > 0;
        match device.verdict {
            Verdict::Isolated | Verdict::Contained => {
                assert!(sees_both && device.reasons.is_empty(), "green without coverage: {device:?}");
            }
            Verdict::Unverified => assert!(!device.reasons.is_empty(), "nobody knows why: {device:?}"),
            Verdict::Violated => assert!(device.reasons.is_empty(), "{device:?}"),
        }
    }
    let verdicts = snapshot.zones.iter().filter_map(|zone| zone.verdict);
    assert!(snapshot.verdict >= verdicts.max().unwrap_or(Verdict::Unverified), "the site is better than a zone");
    assert!(snapshot.verdict != Verdict::Unverified || !snapshot.reasons.is_empty(), "nobody knows why");

    let mut ids = BTreeSet::new();
    for finding in &snapshot.findings {
        assert!(ids.insert(&finding.id), "an id twice: {finding:?}");
        assert!(["info", "warning", "critical"].contains(&finding.severity), "{}", finding.severity);
        assert!(finding.peers.len() as u64 <= finding.peers_total, "{finding:?}");
        assert!(finding.first_seen <= finding.last_seen, "{finding:?}");
        let known = |name: &str| policy.builtin || name == "none" || policy.zones.iter().any(|zone| zone.name == name);
        assert!(known(&finding.zone), "{finding:?}");
        // A gateway is never watched, and may be one that should not be there.
        let is_rogue = finding.kind == Kind::RogueService;
        assert!(is_rogue || is_listed(snapshot, finding), "its device is not listed: {finding:?}");
    }
}

fn is_listed(snapshot: &Snapshot, finding: &FindingStatus) -> bool {
    let about = &finding.device;
    snapshot.devices.iter().any(|device| {
        let same_host = match about.mac {
            Some(_) => device.mac == about.mac,
            None => device.mac.is_none() && about.ip.is_some_and(|ip| device.ips.contains(&ip)),
        };
        same_host && device.name == about.name
    })
}

fn check(decoded: &Decoded, frame: &[u8]) {
    assert!(decoded.layers.len() <= MAX_LAYERS);
    for layer in &decoded.layers {
        assert!(usize::from(layer.link) < decoded.links.len(), "{layer:?} has no link");
        assert!(layer.start <= layer.end && layer.end as usize <= frame.len(), "{layer:?} leaves the frame");
        assert!(layer.start <= layer.payload, "{layer:?}");
        assert!(layer.src.is_ipv4() == layer.dst.is_ipv4(), "{layer:?} mixes families");
    }
}
