//! `flows` over real captures agrees with tshark and tcpdump (the captures' README has the rules), but for what
//! `differences.csv` lists with the reason why we are right. Skipped with a message where the captures are not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use segwatch::capture::Files;
use segwatch::engine::{FlowRow, Options};
use segwatch::hint::VendorTable;
use segwatch::policy::Policy;
use segwatch::replay::replay;
use segwatch_tests::corpus;
use serde::Deserialize;

const DIFFERENCES: &str = "differences.csv";

/// Hosts that speak a protocol under a stack of tags.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    ip_proto: u8,
    hosts: [IpAddr; 2],
    vlans: Vec<u16>,
}

/// What was seen between them.
#[derive(Default)]
struct Seen {
    packets: u64,
    /// By the ports of the two hosts, in their order.
    ports: BTreeMap<[u16; 2], u64>,
    /// tshark and tcpdump do not agree.
    contested: bool,
    /// There are fragments, or headers cut before the ports: only packets are compared.
    without_ports: bool,
}

type Flows = BTreeMap<Pair, Seen>;

/// One line of `differences.csv`, without its reason.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Difference {
    capture: String,
    level: String,
    flow: String,
    tshark: String,
    segwatch: String,
}

#[test]
fn flows_agree_with_tshark() {
    let Some(folder) = corpus::folder() else { return };
    let found: BTreeSet<Difference> =
        corpus::names(&folder).iter().flat_map(|name| differences(&folder, name)).collect();
    let listed = listed();
    let new: Vec<_> = found.difference(&listed).collect();
    assert!(new.is_empty(), "not in {DIFFERENCES}: {new:#?}");
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(gone.is_empty(), "still in {DIFFERENCES}, but there no more: {gone:#?}");
}

fn listed() -> BTreeSet<Difference> {
    let mut lines = csv::Reader::from_path(DIFFERENCES).expect(DIFFERENCES);
    let lines = lines.deserialize::<(String, String, String, String, String, String)>();
    lines
        .map(|line| {
            let (capture, level, flow, tshark, segwatch, reason) = line.expect("a line of six cells");
            assert!(!reason.is_empty(), "{capture}: no reason");
            Difference { capture, level, flow, tshark, segwatch }
        })
        .collect()
}

#[derive(Deserialize)]
struct Expected {
    class: String,
    counts: Counts,
    #[serde(default)]
    xcheck: CrossCheck,
    flows_outer: Vec<ExpectedFlow>,
    flows_inner: Inner,
}

#[derive(Deserialize)]
struct Counts {
    malformed: u64,
}

#[derive(Deserialize, Default)]
struct CrossCheck {
    #[serde(default)]
    contested_frames: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Inner {
    Flows(Vec<ExpectedFlow>),
    Same(String),
}

#[derive(Deserialize)]
struct ExpectedFlow {
    proto: u8,
    a: IpAddr,
    ap: u16,
    b: IpAddr,
    bp: u16,
    vlans: Vec<u16>,
    #[serde(default)]
    frag: bool,
    #[serde(default)]
    l4: String,
    packets: u64,
    #[serde(default)]
    contested: u64,
}

fn differences(folder: &Path, name: &str) -> Vec<Difference> {
    let text = fs::read_to_string(folder.join("expected").join(format!("{name}.json"))).expect("what is expected");
    let expected: Expected = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (rows, is_damaged) = rows(folder.join(name));
    match expected.class.as_str() {
        // Nothing to compare: that it ends well is all.
        "not-a-capture" | "other-linktype" => return Vec::new(),
        "broken-file" => assert!(is_damaged, "{name} is broken, and nothing says so"),
        _ => assert!(!is_damaged, "{name} is whole, and is called damaged"),
    }
    let tolerates_more = expected.counts.malformed > 0 || !expected.xcheck.contested_frames.is_empty();
    let outer = flows_of(&expected.flows_outer);
    let inner = match &expected.flows_inner {
        Inner::Flows(flows) => &flows_of(flows),
        Inner::Same(word) => {
            assert_eq!(word, "same-as-flows_outer");
            &outer
        }
    };
    let mut differences = Vec::new();
    for (level, expected, is_level) in
        [("outer", &outer, (|row| row.layer == 0) as fn(&FlowRow) -> bool), ("inner", inner, |row| row.innermost)]
    {
        let ours = flows_of_rows(rows.iter().filter(|row| is_level(row)));
        for (flow, tshark, segwatch) in compare(expected, &ours, tolerates_more) {
            differences.push(Difference { capture: name.into(), level: level.into(), flow, tshark, segwatch });
        }
    }
    differences
}

/// Packets first, which must agree whatever one does with fragments; then ports, where none can be missing.
fn compare(expected: &Flows, ours: &Flows, tolerates_more: bool) -> Vec<(String, String, String)> {
    let packets = |seen: Option<&Seen>| seen.map_or("-".to_string(), |seen| seen.packets.to_string());
    let mut differences = Vec::new();
    for pair in expected.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        match (expected.get(pair), ours.get(pair)) {
            (Some(seen), _) if seen.contested => {}
            (None, _) if tolerates_more => {}
            (Some(theirs), Some(ours)) if theirs.packets == ours.packets => {
                if !theirs.without_ports && theirs.ports != ours.ports {
                    differences.push((words(pair), format!("{:?}", theirs.ports), format!("{:?}", ours.ports)));
                }
            }
            (theirs, ours) => differences.push((words(pair), packets(theirs), packets(ours))),
        }
    }
    differences
}

/// `6 10.0.0.1 10.0.0.2`, and the tags, outermost first, where there are some.
fn words(pair: &Pair) -> String {
    let vlans: String = pair.vlans.iter().map(|vlan| format!(" {vlan}")).collect();
    format!("{} {} {}{vlans}", pair.ip_proto, pair.hosts[0], pair.hosts[1])
}

fn flows_of(expected: &[ExpectedFlow]) -> Flows {
    let mut flows = Flows::new();
    for flow in expected {
        let seen = add(&mut flows, flow.proto, (flow.a, flow.ap), (flow.b, flow.bp), &flow.vlans, flow.packets);
        seen.contested |= flow.contested > 0;
        seen.without_ports |= flow.frag || matches!(flow.l4.as_str(), "short" | "frag");
    }
    flows
}

fn flows_of_rows<'a>(rows: impl Iterator<Item = &'a FlowRow>) -> Flows {
    let mut flows = Flows::new();
    for row in rows {
        for count in &row.vlans {
            let (a, b) = (&row.initiator, &row.responder);
            add(&mut flows, row.ip_proto, (a.ip, a.port), (b.ip, b.port), &count.stack, count.packets);
        }
    }
    flows
}

fn add<'a>(
    flows: &'a mut Flows,
    ip_proto: u8,
    a: (IpAddr, u16),
    b: (IpAddr, u16),
    vlans: &[u16],
    packets: u64,
) -> &'a mut Seen {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let seen = flows.entry(Pair { ip_proto, hosts: [low.0, high.0], vlans: vlans.to_vec() }).or_default();
    seen.packets += packets;
    *seen.ports.entry([low.1, high.1]).or_default() += packets;
    seen
}

/// The rows of a capture, and whether it could not be read to its end.
fn rows(capture: PathBuf) -> (Vec<FlowRow>, bool) {
    let mut rows = Vec::new();
    let mut sink = |row: &FlowRow| {
        rows.push(row.clone());
        ControlFlow::Continue(())
    };
    let (policy, vendors) = (Policy::builtin(), VendorTable::builtin());
    let replayed = replay(policy, vendors, Options::default(), Files::open(&[capture]), Some(&mut sink), &mut |_| {});
    (rows, !replayed.damage.is_empty())
}
