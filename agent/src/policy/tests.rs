use std::net::IpAddr;

use ipnet::IpNet;

use super::*;
use crate::base::Timestamp;

const CCTV: ZoneId = ZoneId(0);
const RECORDING: ZoneId = ZoneId(1);
const CLINICAL: ZoneId = ZoneId(2);

fn nets(list: &[&str]) -> Vec<IpNet> {
    list.iter().map(|text| text.parse().expect("a prefix")).collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn zone(name: &str, vlans: &[u16], prefixes: &[&str]) -> Zone {
    Zone { name: name.to_owned(), vlans: vlans.to_vec(), prefixes: nets(prefixes), ..Zone::default() }
}

fn policy() -> Policy {
    Policy::build(
        vec![
            zone("cctv", &[110, 4094], &["10.110.0.0/24", "fd00:110::/64"]),
            zone("recording", &[200], &["10.200.0.0/24", "10.110.0.77/32", "10.110.0.254/31", "fd00:110::77/128"]),
            zone("clinical", &[300], &["10.30.0.0/16", "203.0.113.0/24"]),
        ],
        default_internal(),
    )
}

#[test]
fn scope_of_every_sort_of_address() {
    let policy = policy();
    for (address, want) in [
        ("10.110.0.11", Scope::Zone(CCTV)),
        ("10.110.0.77", Scope::Zone(RECORDING)),
        ("10.110.0.78", Scope::Zone(CCTV)),
        ("203.0.113.9", Scope::Zone(CLINICAL)),
        ("10.1.2.3", Scope::Internal),
        ("100.64.0.1", Scope::Internal),
        ("172.31.255.255", Scope::Internal),
        ("172.32.0.0", Scope::Internet),
        ("8.8.8.8", Scope::Internet),
        ("0.0.0.1", Scope::Internet),
        // The last address of a longer prefix without a broadcast is a host.
        ("10.110.0.255", Scope::Zone(RECORDING)),
        ("10.200.0.255", Scope::Local),
        ("203.0.113.255", Scope::Local),
        ("10.30.1.255", Scope::Zone(CLINICAL)),
        ("10.255.255.255", Scope::Internal),
        ("255.255.255.255", Scope::Local),
        ("0.0.0.0", Scope::Local),
        ("127.0.0.1", Scope::Local),
        ("169.254.7.7", Scope::Local),
        ("224.0.0.251", Scope::Local),
        ("239.255.255.250", Scope::Local),
        ("fd00:110::1", Scope::Zone(CCTV)),
        ("fd00:110::77", Scope::Zone(RECORDING)),
        ("fd00:110:0:1::1", Scope::Internal),
        ("2001:db8::1", Scope::Internet),
        ("fe80::1", Scope::Local),
        ("febf::1", Scope::Local),
        ("fec0::1", Scope::Internet),
        ("ff02::1", Scope::Local),
        ("::", Scope::Local),
        ("::1", Scope::Local),
    ] {
        assert_eq!(policy.scope(ip(address)), want, "{address}");
    }
}

#[test]
fn embedded_ipv4_decides() {
    let policy = policy();
    for (address, want) in [
        ("::ffff:10.110.0.11", Scope::Zone(CCTV)),
        ("::ffff:8.8.8.8", Scope::Internet),
        ("64:ff9b::10.1.2.3", Scope::Internal),
        ("64:ff9b::8.8.8.8", Scope::Internet),
        ("2002:0a6e:000b:1::5", Scope::Zone(CCTV)),
        ("2002:0808:0808::1", Scope::Internet),
        // Routed as IPv6, so not local, whatever is inside.
        ("64:ff9b::127.0.0.1", Scope::Internet),
        ("2002:7f00:1::1", Scope::Internet),
        ("::ffff:255.255.255.255", Scope::Internet),
        ("64:ff9b::10.200.0.255", Scope::Zone(RECORDING)),
        // Neighbours of these prefixes embed nothing.
        ("64:ff9b:1::10.110.0.11", Scope::Internet),
        ("::fffe:10.110.0.11", Scope::Internet),
        ("::10.110.0.11", Scope::Internet),
        ("2003:0a6e:000b::1", Scope::Internet),
    ] {
        assert_eq!(policy.scope(ip(address)), want, "{address}");
    }
    assert_eq!(embedded_ipv4(ip("64:ff9b::10.1.2.3")).map(IpAddr::V4), Some(ip("10.1.2.3")));
    assert_eq!(embedded_ipv4(ip("10.1.2.3")), None);
}

#[test]
fn inside_is_what_the_policy_lists() {
    let policy = policy();
    for (address, want) in [
        ("10.1.2.3", true),
        ("203.0.113.255", true),
        ("::ffff:203.0.113.9", true),
        ("fd12::1", true),
        ("fe80::1", false),
        ("169.254.0.1", false),
        ("8.8.8.8", false),
    ] {
        assert_eq!(policy.is_internal(ip(address)), want, "{address}");
    }
}

#[test]
fn vlans_have_one_owner() {
    let policy = policy();
    let owners = [0, 110, 111, 200, 4094, 4095, 4096, u16::MAX].map(|vlan| policy.zone_of_vlan(vlan));
    assert_eq!(owners, [None, Some(CCTV), None, Some(RECORDING), Some(CCTV), None, None, None]);
    assert_eq!(policy.zone(CLINICAL).map(|zone| zone.name.as_str()), Some("clinical"));
    assert!(policy.zone(ZoneId(3)).is_none());
}

#[test]
fn built_in_policy_watches_hikvision_and_allows_nothing() {
    let policy = Policy::builtin();
    assert!(policy.builtin && policy.zones.is_empty() && policy.conduits.is_empty());
    assert_eq!((policy.watch_vendors, policy.untagged), (vec!["hikvision".to_owned()], Untagged::Unknown));
    assert_eq!((policy.internal.len(), policy.hash.len()), (DEFAULT_INTERNAL.len(), 64));
}

// Conduits.

const TCP: u8 = 6;
const UDP: u8 = 17;

fn side(zones: &[ZoneId], hosts: &[&str]) -> Side {
    Side { zones: zones.to_vec(), hosts: nets(hosts) }
}

fn conduit(from: Side, to: Side, services: &[Service]) -> Conduit {
    Conduit {
        name: String::new(),
        from,
        to,
        services: services.to_vec(),
        permits: Vec::new(),
        canary: None,
        owner: None,
        reason: None,
        expires: None,
        place: Place::default(),
    }
}

fn with(conduits: Vec<Conduit>) -> Policy {
    let mut policy = policy();
    policy.conduits = conduits;
    policy
}

fn port(proto: u8, port: u16) -> Service {
    Service::Ip { proto, first: port, last: port }
}

/// A flow between addresses in their zones' prefixes.
fn flow(policy: &Policy, proto: u8, from: (&str, u16), to: (&str, u16)) -> Ends {
    let zone = |address| match policy.scope(ip(address)) {
        Scope::Zone(zone) => Some(zone),
        _ => None,
    };
    Ends {
        proto,
        from: ip(from.0),
        from_zone: zone(from.0),
        from_port: from.1,
        to: ip(to.0),
        to_zone: zone(to.0),
        to_port: to.1,
    }
}

const RECORDER: (&str, u16) = ("10.200.0.10", 40_000);
const CAMERA: (&str, u16) = ("10.110.0.11", 554);
const FIRST: Permit = Permit::Allowed(ConduitId(0));

fn pulls_video() -> Conduit {
    conduit(side(&[RECORDING], &["10.200.0.10/32"]), side(&[CCTV], &[]), &[port(TCP, 554), port(UDP, 554)])
}

#[test]
fn a_seen_opening_binds_the_direction() {
    let policy = with(vec![pulls_video()]);
    let there = flow(&policy, TCP, RECORDER, CAMERA);
    let back = flow(&policy, TCP, CAMERA, RECORDER);
    assert_eq!(policy.permit(&there, Opening::Seen, Timestamp(0)), FIRST);
    assert_eq!(policy.permit(&back, Opening::Seen, Timestamp(0)), Permit::Denied);
    assert_eq!(policy.permit(&there, Opening::Guess, Timestamp(0)), FIRST);
    assert_eq!(policy.permit(&back, Opening::Guess, Timestamp(0)), FIRST);
}

#[test]
fn a_guess_needs_the_port_at_the_to_end() {
    let policy = with(vec![pulls_video()]);
    let wrong_end = flow(&policy, UDP, ("10.110.0.11", 40_000), ("10.200.0.10", 554));
    assert_eq!(policy.permit(&wrong_end, Opening::Guess, Timestamp(0)), Permit::Denied);
    let right_end = flow(&policy, UDP, ("10.110.0.11", 554), ("10.200.0.10", 40_000));
    assert_eq!(policy.permit(&right_end, Opening::Guess, Timestamp(0)), FIRST);
}

#[test]
fn zone_and_hosts_both_hold() {
    let policy = with(vec![pulls_video()]);
    for (from, to, want) in [
        (("10.200.0.11", 1), CAMERA, Permit::Denied),
        (RECORDER, ("10.110.0.77", 554), Permit::Denied),
        (RECORDER, ("10.110.0.12", 554), FIRST),
        (RECORDER, ("10.110.0.12", 555), Permit::Denied),
        (("::ffff:10.200.0.10", 1), ("::ffff:10.110.0.11", 554), FIRST),
        (("::ffff:10.200.0.11", 1), CAMERA, Permit::Denied),
    ] {
        let ends = flow(&policy, TCP, from, to);
        assert_eq!(policy.permit(&ends, Opening::Seen, Timestamp(0)), want, "{from:?} {to:?}");
    }
    // The zone is the one that the caller judged, not the address's.
    let mut elsewhere = flow(&policy, TCP, RECORDER, CAMERA);
    elsewhere.from_zone = None;
    assert_eq!(policy.permit(&elsewhere, Opening::Seen, Timestamp(0)), Permit::Denied);
}

#[test]
fn an_empty_side_or_no_service_allows_nothing() {
    let nothing = Side::default();
    let anyone = side(&[], &["0.0.0.0/0", "::/0"]);
    for (from, to, services, want) in [
        (nothing.clone(), anyone.clone(), vec![Service::Any], Permit::Denied),
        (anyone.clone(), nothing, vec![Service::Any], Permit::Denied),
        (anyone.clone(), anyone.clone(), vec![], Permit::Denied),
        (anyone.clone(), anyone, vec![Service::Any], FIRST),
    ] {
        let policy = with(vec![conduit(from, to, &services)]);
        let ends = flow(&policy, TCP, RECORDER, CAMERA);
        assert_eq!(policy.permit(&ends, Opening::Guess, Timestamp(0)), want);
    }
}

#[test]
fn services_cover_protocols_and_ports() {
    let range = Service::Ip { proto: UDP, first: 5000, last: 6000 };
    let gre = Service::Ip { proto: 47, first: 0, last: u16::MAX };
    for (service, proto, port, want) in [
        (Service::Any, 132, 9, true),
        (Service::Icmp, 1, 0, true),
        (Service::Icmp, 58, 0, true),
        (Service::Icmp, TCP, 0, false),
        (range, UDP, 5000, true),
        (range, UDP, 6000, true),
        (range, UDP, 6001, false),
        (range, TCP, 5500, false),
        (gre, 47, 0, true),
        (gre, 50, 0, false),
    ] {
        assert_eq!(service.covers(proto, port), want, "{service:?} {proto}/{port}");
    }
}

#[test]
fn the_first_that_holds_answers_and_an_expired_one_only_if_alone() {
    let expired = Conduit { expires: Some(Timestamp(100)), ..pulls_video() };
    let policy = with(vec![expired.clone(), expired.clone(), pulls_video(), pulls_video()]);
    let ends = flow(&policy, TCP, RECORDER, CAMERA);
    assert_eq!(policy.permit(&ends, Opening::Seen, Timestamp(99)), FIRST);
    assert_eq!(policy.permit(&ends, Opening::Seen, Timestamp(100)), Permit::Allowed(ConduitId(2)));
    let policy = with(vec![expired.clone(), expired]);
    assert_eq!(policy.permit(&ends, Opening::Seen, Timestamp(99)), FIRST);
    assert_eq!(policy.permit(&ends, Opening::Seen, Timestamp(100)), Permit::Expired(ConduitId(0)));
    assert_eq!(policy.conduit(ConduitId(1)).map(|c| c.expires), Some(Some(Timestamp(100))));
}

#[test]
fn a_conduit_permits_what_it_says_or_what_it_names_alone() {
    let gre = Service::Ip { proto: 47, first: 0, last: u16::MAX };
    let to_all = |services: &[Service]| Conduit { services: services.to_vec(), ..pulls_video() };
    assert!(to_all(&[gre]).names(47, None));
    assert!(to_all(&[port(6, 22)]).names(6, Some(22)));
    assert!(!to_all(&[port(6, 443)]).names(6, Some(22)));
    assert!(!to_all(&[port(6, 22)]).names(6, None), "the flow is on another port");
    assert!(!to_all(&[Service::Any]).names(47, None));
    assert!(!to_all(&[Service::Ip { proto: 17, first: 0, last: u16::MAX }]).names(17, Some(4789)));
    let permitting = Conduit { permits: vec!["tunnel".to_owned()], ..pulls_video() };
    assert!(permitting.permits("tunnel") && !permitting.permits("port-mapping"));
}
