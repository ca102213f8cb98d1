//! Questions and their answers.

use super::*;
use crate::engine::FlowVerdict;
use crate::finding::Kind;
use crate::policy::{InventoryDevice, Tried, Zone};

fn zone(name: &str, vlan: u16, prefixes: &[&str]) -> Zone {
    Zone {
        name: name.to_owned(),
        vlans: vec![vlan],
        prefixes: prefixes.iter().map(|net| net.parse().unwrap()).collect(),
        ..Zone::default()
    }
}

fn policy() -> Policy {
    let cctv = Zone { cameras: true, ..zone("cctv", 110, &["10.110.0.0/24", "fd00:110::/64"]) };
    let cctv = Zone { gateways: vec!["10.110.0.1".parse().unwrap()], dhcp: vec!["10.40.0.5".parse().unwrap()], ..cctv };
    let zones = vec![cctv, zone("clinical", 300, &["10.30.0.0/16"]), zone("edge", 900, &[]), zone("twins", 7, &[])];
    let mut policy = Policy::build(zones, crate::policy::default_internal());
    let device = |name: &str, mac: &str, ip: Option<&str>| InventoryDevice {
        name: name.to_owned(),
        mac: mac.parse().ok(),
        ip: ip.map(|ip| ip.parse().unwrap()),
        zone: Some(ZoneId(0)),
        ..InventoryDevice::default()
    };
    policy.inventory = vec![
        device("entrance-1", "44:19:b6:01:02:03", Some("10.110.0.11")),
        device("yard", "44:19:b6:01:02:04", None),
        device("twins", "44:19:b6:01:02:05", None),
        device("same", "44:19:b6:01:02:06", None),
        device("same", "44:19:b6:01:02:07", None),
    ];
    policy
}

fn ask(policy: &Policy, from: &str, to: &str, service: Service, vlan: Option<u16>) -> Result<Answer, String> {
    let question = Question { from: from.to_owned(), to: to.to_owned(), service, vlan, at: Timestamp(0) };
    suppose(policy, &VendorTable::builtin(), &question).map_err(|problems| problems.join("\n"))
}

fn tcp(port: u16) -> Service {
    Service::one(TCP, port)
}

#[test]
fn every_word_for_an_end_is_understood() {
    let policy = policy();
    for (word, ip, name) in [
        ("10.110.0.11", "10.110.0.11", Some("entrance-1")),
        ("entrance-1", "10.110.0.11", Some("entrance-1")),
        ("4419.b601.0203", "10.110.0.11", Some("entrance-1")),
        ("yard", "10.110.0.2", Some("yard")),
        ("44-19-B6-AA-BB-CC", "10.110.0.2", None),
        ("cctv", "10.110.0.2", None),
        ("fd00:110::99", "fd00:110::99", None),
    ] {
        let answer = ask(&policy, word, "internet", tcp(443), None).unwrap();
        let flow = &answer.explanation.flow;
        assert_eq!(flow.initiator.ip.to_string(), ip, "{word}");
        assert_eq!((flow.verdict, flow.kind), (FlowVerdict::Violation, Some(Kind::InternetEgress)), "{word}");
        assert_eq!((flow.vlan, flow.direction), (Some(110), crate::flow::Direction::Syn), "{word}");
        let Some(Step::End(end)) = answer.explanation.steps.first() else { panic!("{word}") };
        assert_eq!((end.name.as_deref(), end.place.as_str()), (name, "cctv"), "{word}");
    }
}

#[test]
fn what_cannot_be_answered_says_why() {
    let policy = policy();
    for (from, to, service, why) in [
        ("twins", "internet", tcp(1), "both a zone and a device"),
        ("same", "internet", tcp(1), "the name of 2 devices"),
        ("cctx", "internet", tcp(1), "did you mean `cctv`?"),
        ("edge", "internet", tcp(1), "no address is known for `edge`"),
        ("10.110.0.11", "fd00::1", tcp(1), "no address of the same IP version"),
        ("10.110.0.11", "entrance-1", tcp(1), "is both ends"),
        ("cctv", "internet", Service::Any, "no single service"),
        ("cctv", "internet", Service::Ip { proto: UDP, first: 0, last: u16::MAX }, "`udp/*` is more than one port"),
    ] {
        let answer = ask(&policy, from, to, service, None).err().unwrap_or_default();
        assert!(answer.contains(why), "{from} {to}: {answer}");
    }
}

#[test]
fn every_protocol_makes_a_flow_that_was_answered() {
    let policy = policy();
    for (to, service, proto) in [
        ("10.30.0.9", tcp(80), TCP),
        ("10.30.0.9", Service::one(UDP, 53), UDP),
        ("10.30.0.9", Service::one(SCTP, 9), SCTP),
        ("10.30.0.9", Service::Icmp, ICMP),
        ("10.30.0.9", Service::one(47, 0), 47),
        ("10.30.0.9", Service::one(4, 0), 4),
        ("2001:db8::1", Service::Icmp, ICMPV6),
        ("2001:db8::1", tcp(80), TCP),
    ] {
        let from = if to.contains(':') { "fd00:110::11" } else { "10.110.0.11" };
        let flow = ask(&policy, from, to, service, None).unwrap().explanation.flow;
        assert_eq!((flow.ip_proto, flow.reach.name()), (proto, "established"), "{to} {service}");
        assert_eq!(flow.verdict, FlowVerdict::Violation, "{to} {service}");
        assert!(flow.routed_copies > 0 || flow.vlans.len() == 1, "{to} {service}: {flow:?}");
    }
}

#[test]
fn home_dhcp_and_local_scope_need_no_conduit() {
    let policy = policy();
    for (from, to, service, rule) in [
        ("entrance-1", "cctv", tcp(80), "home"),
        ("entrance-1", "10.40.0.5", Service::one(UDP, 67), "home"),
        ("entrance-1", "239.255.255.250", Service::one(UDP, 37_020), "local-scope"),
        ("entrance-1", "255.255.255.255", Service::one(UDP, 9), "local-scope"),
        ("entrance-1", "169.254.1.1", tcp(80), "local-scope"),
        ("fd00:110::7", "ff02::fb", Service::one(UDP, 5353), "local-scope"),
    ] {
        let flow = ask(&policy, from, to, service, None).unwrap().explanation.flow;
        assert_eq!((flow.verdict, flow.rule.name.as_str()), (FlowVerdict::Allowed, rule), "{to}");
    }
    let flow = ask(&policy, "clinical", "internet", tcp(80), None).unwrap().explanation.flow;
    assert_eq!(flow.verdict, FlowVerdict::Unwatched);
}

#[test]
fn another_vlan_raises_what_a_capture_of_it_would() {
    let answer = ask(&policy(), "entrance-1", "clinical", tcp(80), Some(300)).unwrap();
    let kinds: Vec<Kind> = answer.besides.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [Kind::WrongVlan]);
    assert_eq!(answer.explanation.flow.vlan, Some(300));
    assert!(answer.explanation.violations.iter().all(|violation| violation.id.is_some()));
    // A host of a foreign prefix that is seen in the cameras' VLAN lives there.
    let answer = ask(&policy(), "10.99.0.5", "internet", tcp(80), Some(110)).unwrap();
    assert_eq!(answer.explanation.flow.kind, Some(Kind::InternetEgress));
}

#[test]
fn a_mac_that_was_made_up_stays_inside() {
    let answer = ask(&policy(), "10.110.0.99", "10.30.0.9", tcp(80), None).unwrap();
    let told = format!("{:?} {:?} {:?}", answer.explanation, answer.assumptions, answer.besides);
    assert!(!told.contains("02:00:00:00:00:"), "{told}");
    assert!(answer.explanation.violations.iter().all(|violation| violation.id.is_none()));
}

fn with_conduits() -> Policy {
    use crate::policy::{Conduit, Place, Side};
    let side = |zone: Option<u16>, hosts: &[&str]| Side {
        zones: zone.map(ZoneId).into_iter().collect(),
        hosts: hosts.iter().map(|net| net.parse().unwrap()).collect(),
    };
    let conduit = |name: &str, line, from: Side, to: Side, service: Service| Conduit {
        name: name.to_owned(),
        from,
        to,
        services: vec![service],
        permits: Vec::new(),
        canary: None,
        owner: None,
        reason: None,
        expires: (name == "old").then_some(Timestamp(0)),
        place: Place { file: "f".to_owned(), line },
    };
    let (cctv, recording) = (Zone { cameras: true, ..zone("cctv", 110, &["10.110.0.0/24"]) }, ["10.200.0.0/24"]);
    let mut policy = Policy::build(vec![cctv, zone("recording", 200, &recording)], crate::policy::default_internal());
    policy.conduits = vec![
        conduit("far", 5, side(Some(0), &[]), side(None, &["10.9.9.9/32"]), Service::one(UDP, 53)),
        conduit("video", 6, side(Some(1), &["10.200.0.10/32"]), side(Some(0), &[]), tcp(554)),
        conduit("old", 7, side(Some(1), &[]), side(Some(0), &[]), tcp(23)),
    ];
    policy
}

#[test]
fn the_nearest_conduit_and_what_differs() {
    let policy = with_conduits();
    for (from, to, service, name, keys) in [
        ("10.200.0.10", "cctv", tcp(80), "video", vec!["services"]),
        ("10.200.0.99", "cctv", tcp(554), "video", vec!["from.hosts"]),
        ("10.200.0.99", "cctv", tcp(23), "old", vec!["expires"]),
        ("10.110.0.7", "10.200.0.10", tcp(554), "video", vec!["direction"]),
        ("10.110.0.7", "10.9.9.8", Service::one(UDP, 53), "far", vec!["to.hosts"]),
    ] {
        let answer = ask(&policy, from, to, service, None).unwrap();
        let nearest = answer.explanation.nearest.unwrap();
        let differs: Vec<&str> = nearest.differs.iter().map(|difference| difference.key).collect();
        assert_eq!((nearest.name.as_str(), differs, nearest.near), (name, keys, true), "{from} {to} {service}");
        assert_eq!(answer.explanation.conduits.len(), 3);
    }
    let answer = ask(&policy, "internet", "10.200.0.10", tcp(443), None).unwrap();
    assert!(answer.explanation.nearest.is_some_and(|nearest| !nearest.near));
    let answer = ask(&policy, "10.200.0.10", "cctv", tcp(554), None).unwrap();
    assert!(answer.explanation.nearest.is_none(), "it is allowed");
    let results: Vec<Tried> = answer.explanation.conduits.iter().map(|trial| trial.result).collect();
    assert_eq!(results, [Tried::Differs, Tried::Allows], "the third was not asked");
}
