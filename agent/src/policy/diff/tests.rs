//! The comparison against the judge's own questions: what is told to be opened is what `permit` allows under one policy and
//! not under the other, host by host.

use std::net::IpAddr;

use ipnet::IpNet;

use super::hosts::{Slot, number};
use super::pairing::{Pairing, Side};
use super::rules::{Gain, View, gained, number_of};
use super::*;
use crate::policy::conduit::Side as Hosts;
use crate::policy::{Conduit, Ends, Opening, Permit, Scope, Service, Zone, ZoneId};

const JUDGE: Judge<'static> =
    Judge { tunnel_ports: &[22, 4789], severities: &|_| vec![Severity::Warning, Severity::Critical] };

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn some<T: Clone>(&mut self, of: &[T], most: usize) -> Vec<T> {
        let mut picked: Vec<usize> = (0..self.roll(most + 1)).map(|_| self.roll(of.len())).collect();
        picked.sort_unstable();
        picked.dedup();
        picked.iter().map(|&at| of[at].clone()).collect()
    }
}

fn nets() -> Vec<IpNet> {
    [
        "10.0.0.0/28",
        "10.0.0.0/29",
        "10.0.0.4/30",
        "10.0.0.8/29",
        "10.0.0.3/32",
        "fd00::/125",
        "fd00::4/126",
        "fd00::1/128",
    ]
    .map(|net| net.parse().expect("a prefix"))
    .to_vec()
}

fn services() -> Vec<Service> {
    let ip = |proto, first, last| Service::Ip { proto, first, last };
    vec![
        ip(6, 80, 80),
        ip(6, 79, 81),
        ip(6, 0, u16::MAX),
        ip(17, 5000, 5003),
        ip(47, 0, u16::MAX),
        Service::Icmp,
        Service::Any,
    ]
}

fn policy(dice: &mut Dice) -> Policy {
    let mut free = nets();
    let zones: Vec<Zone> = (0..3)
        .map(|at| {
            let prefixes: Vec<IpNet> = dice.some(&free, 2);
            free.retain(|net| !prefixes.contains(net));
            let vlans = if dice.roll(2) == 0 { vec![at] } else { vec![] };
            Zone { name: format!("z{at}"), cameras: at == 0, vlans, prefixes, ..Zone::default() }
        })
        .collect();
    let mut policy = Policy::build(zones, Vec::new());
    let side = |dice: &mut Dice| loop {
        let side = Hosts { zones: dice.some(&[ZoneId(0), ZoneId(1), ZoneId(2)], 2), hosts: dice.some(&nets(), 2) };
        if !side.zones.is_empty() || !side.hosts.is_empty() {
            return side;
        }
    };
    policy.conduits = (0..dice.roll(4))
        .map(|at| Conduit {
            name: format!("c{at}"),
            from: side(dice),
            to: side(dice),
            services: dice.some(&services(), 3),
            permits: Vec::new(),
            canary: None,
            owner: None,
            reason: None,
            expires: [None, Some(Timestamp(100)), Some(Timestamp(200))][dice.roll(3)],
            place: Place::default(),
        })
        .collect();
    policy
}

/// Whether the judge lets `from` open this to `to`, both at home in the zones given.
fn allows(
    policy: &Policy,
    (from, from_zone): (IpAddr, Option<ZoneId>),
    (to, to_zone): (IpAddr, Option<ZoneId>),
    (proto, port): (u8, u16),
    at: Timestamp,
) -> bool {
    if from_zone.is_some() && from_zone == to_zone {
        return true;
    }
    let ends = Ends { proto, from, from_zone, from_port: 40_000, to, to_zone, to_port: port };
    matches!(policy.permit(&ends, Opening::Seen, at), Permit::Allowed(_))
}

#[test]
fn what_is_told_to_open_is_what_the_judge_allows_anew() {
    let mut dice = Dice(3);
    let hosts: Vec<IpAddr> = (0..16u8)
        .map(|host| IpAddr::from([10, 0, 0, host]))
        .chain((0..8u16).map(|host| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, host])))
        .chain(["64:ff9b::a00:5", "2002:a00:9::1", "192.0.2.1"].map(|ip| ip.parse().expect("an address")))
        .collect();
    let (mut opened, mut kept) = (0, 0);
    for _ in 0..600 {
        let (old, new) = (policy(&mut dice), policy(&mut dice));
        let pairing = Pairing::of(&old, &new);
        let of = |policy, side| View::of(policy, side, &pairing, &JUDGE).flows();
        let gains = gained(&of(&new, Side::New), &of(&old, Side::Old));
        assert!(gains.iter().all(|gain| gain.exact));
        for _ in 0..200 {
            let [(from, from_home), (to, to_home)] = [(); 2].map(|()| {
                let home = (dice.roll(3) == 0).then(|| ZoneId(dice.roll(3) as u16));
                (hosts[dice.roll(hosts.len())], home)
            });
            let service =
                [(6, 80), (6, 79), (6, 443), (17, 5001), (17, 4999), (47, 0), (1, 0), (58, 0), (50, 0)][dice.roll(9)];
            let at = [Timestamp(99), Timestamp(100), Timestamp(199), Timestamp(200)][dice.roll(4)];
            let zone = |policy: &Policy, ip, home: Option<ZoneId>| match (home, policy.scope(ip)) {
                (Some(home), _) => Some(home),
                (None, Scope::Zone(zone)) => Some(zone),
                _ => None,
            };
            // A broadcast address is nobody's, and a home by VLAN needs one.
            let is_group = |policy: &Policy, ip| policy.scope(ip) == Scope::Local;
            let can_be_home = |home: Option<ZoneId>| {
                home.is_none_or(|home| {
                    pairing.key(Side::New, home).is_some_and(|key| pairing.placed().any(|placed| placed == key))
                })
            };
            if [from, to].iter().any(|ip| is_group(&old, *ip) || is_group(&new, *ip))
                || !can_be_home(from_home)
                || !can_be_home(to_home)
            {
                continue;
            }
            let asked = |policy: &Policy| {
                allows(policy, (from, zone(policy, from, from_home)), (to, zone(policy, to, to_home)), service, at)
            };
            let slot = |ip, home: Option<ZoneId>| {
                let (slot, ip) = number(ip);
                let slot = match (home.and_then(|home| pairing.key(Side::New, home)), slot) {
                    (Some(key), Slot::V4) => Slot::HomeV4(key),
                    (Some(key), _) => Slot::HomeV6(key),
                    (None, slot) => slot,
                };
                (slot, ip)
            };
            let (from_slot, to_slot) = (slot(from, from_home), slot(to, to_home));
            let holds = |gain: &Gain| {
                gain.parts
                    .iter()
                    .filter(|area| {
                        area.from.has(from_slot.0, from_slot.1)
                            && area.to.has(to_slot.0, to_slot.1)
                            && area.services.has(services::number(service.0, service.1))
                            && area.times.has(number_of(at))
                    })
                    .count()
            };
            let told: Vec<usize> = gains.iter().map(holds).collect();
            assert!(told.iter().all(|parts| *parts <= 1), "the parts of a rule do not overlap");
            let is_new = asked(&new) && !asked(&old);
            assert_eq!(
                told.contains(&1),
                is_new,
                "{from} {from_home:?} to {to} {to_home:?} {service:?} at {at:?}\n{:#?}\n{:#?}",
                (&old.zones, &old.conduits),
                (&new.zones, &new.conduits)
            );
            if is_new { opened += 1 } else { kept += 1 }
        }
    }
    assert!(opened > 2_000 && kept > 20_000, "{opened} opened, {kept} not");
}
