//! Who is meant by a word: an address, a MAC, a device of the inventory, a zone.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::base::Mac;
use crate::policy::{Policy, Scope, ZoneId};

/// The word for everything outside.
const INTERNET: &str = "internet";
/// Addresses for documents, which nobody has (RFC 5737, RFC 3849).
const EXAMPLES: [&str; 2] = ["203.0.113.1", "2001:db8::1"];
/// Addresses of a prefix that are looked at to find one that stands for it.
const MAX_LOOKED_AT: usize = 4_096;
/// Names that are so far from what was written are no suggestion.
const FAR: usize = 3;

/// What a word means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    Address(IpAddr),
    /// Index in the inventory.
    Device(usize),
    Mac(Mac),
    Zone(ZoneId),
    Internet,
}

/// Finds out what a word means.
pub(super) fn meaning(policy: &Policy, word: &str) -> Result<Meaning, String> {
    let listed = |is: &dyn Fn(&crate::policy::InventoryDevice) -> bool| -> Vec<Meaning> {
        let found = policy.inventory.iter().enumerate().filter(|(_, entry)| is(entry));
        found.map(|(at, _)| Meaning::Device(at)).collect()
    };
    if let Ok(ip) = word.parse::<IpAddr>() {
        return Ok(listed(&|entry| entry.ip == Some(ip)).first().copied().unwrap_or(Meaning::Address(ip)));
    }
    if let Ok(mac) = word.parse::<Mac>() {
        return Ok(listed(&|entry| entry.mac == Some(mac)).first().copied().unwrap_or(Meaning::Mac(mac)));
    }
    let mut found = listed(&|entry| entry.name == word);
    let devices = found.len();
    found.extend(
        policy.zones.iter().zip(0..).filter(|(zone, _)| zone.name == word).map(|(_, at)| Meaning::Zone(ZoneId(at))),
    );
    match (found.as_slice(), devices) {
        ([one], _) => Ok(*one),
        ([], _) if word == INTERNET => Ok(Meaning::Internet),
        ([], _) => Err(unknown(policy, word)),
        (all, devices) if devices == all.len() => {
            Err(format!("`{word}` is the name of {devices} devices of the inventory: say an address or a MAC"))
        }
        _ => Err(format!("`{word}` is both a zone and a device of the inventory: say an address or a MAC")),
    }
}

fn unknown(policy: &Policy, word: &str) -> String {
    let names = policy.zones.iter().map(|zone| zone.name.as_str());
    let names = names.chain(policy.inventory.iter().map(|entry| entry.name.as_str())).chain([INTERNET]);
    let near = names.map(|name| (strsim::damerau_levenshtein(word, name), name)).min();
    let hint = match near {
        Some((distance, name)) if distance < FAR && distance < name.chars().count() => {
            format!("; did you mean `{name}`?")
        }
        _ => String::new(),
    };
    format!("`{word}` is no address, no MAC, no device of the inventory and no zone{hint}")
}

impl Meaning {
    /// The zone that it belongs to by what the policy says of it; not by its address.
    pub(super) fn zone(self, policy: &Policy) -> Option<ZoneId> {
        match self {
            Meaning::Device(at) => policy.inventory.get(at)?.zone,
            Meaning::Zone(zone) => Some(zone),
            _ => None,
        }
    }

    /// Addresses that it has, or that may stand for it; and whether it is the latter. `taken` is the other end's.
    pub(super) fn addresses(self, policy: &Policy, vlan: Option<u16>, taken: Option<IpAddr>) -> Vec<(IpAddr, bool)> {
        match self {
            Meaning::Address(ip) => vec![(ip, false)],
            Meaning::Internet => EXAMPLES
                .iter()
                .filter_map(|text| text.parse().ok())
                .filter(|&ip| policy.scope(ip) == Scope::Internet)
                .map(|ip| (ip, true))
                .collect(),
            Meaning::Zone(zone) => stand_ins(policy, zone, taken),
            Meaning::Device(at) => match policy.inventory.get(at).and_then(|entry| entry.ip) {
                Some(ip) => vec![(ip, false)],
                None => self.of_its_zone(policy, vlan, taken),
            },
            Meaning::Mac(_) => self.of_its_zone(policy, vlan, taken),
        }
    }

    /// Of its zone, else of the VLAN's, else of the only camera zone.
    fn of_its_zone(self, policy: &Policy, vlan: Option<u16>, taken: Option<IpAddr>) -> Vec<(IpAddr, bool)> {
        let of_vlan = || vlan.and_then(|vlan| policy.zone_of_vlan(vlan));
        let only = || {
            let mut cameras = policy.zones.iter().zip(0..).filter(|(zone, _)| zone.cameras).map(|(_, at)| ZoneId(at));
            cameras.next().filter(|_| cameras.next().is_none())
        };
        match self.zone(policy).or_else(of_vlan).or_else(only) {
            Some(zone) => stand_ins(policy, zone, taken),
            // Without zones any internal address is as good as another.
            None if policy.builtin => {
                policy.internal.iter().filter_map(|net| free(policy, net, Scope::Internal, taken)).take(1).collect()
            }
            None => Vec::new(),
        }
    }
}

/// An address of each family that stands for a zone.
fn stand_ins(policy: &Policy, zone: ZoneId, taken: Option<IpAddr>) -> Vec<(IpAddr, bool)> {
    let prefixes = policy.zone(zone).map(|zone| zone.prefixes.as_slice()).unwrap_or_default();
    let of = |v4: bool| {
        prefixes
            .iter()
            .filter(|net| matches!(net, IpNet::V4(_)) == v4)
            .find_map(|net| free(policy, net, Scope::Zone(zone), taken))
    };
    [of(true), of(false)].into_iter().flatten().collect()
}

/// The first address that belongs there and that the policy gives to nobody.
fn free(policy: &Policy, net: &IpNet, scope: Scope, taken: Option<IpAddr>) -> Option<(IpAddr, bool)> {
    let given = |ip: IpAddr| {
        Some(ip) == taken
            || ip == net.network() && net.prefix_len() < net.max_prefix_len()
            || policy.zones.iter().any(|zone| zone.gateways.contains(&ip) || zone.dhcp.contains(&ip))
            || policy.inventory.iter().any(|entry| entry.ip == Some(ip))
    };
    net.hosts().take(MAX_LOOKED_AT).find(|&ip| policy.scope(ip) == scope && !given(ip)).map(|ip| (ip, true))
}
