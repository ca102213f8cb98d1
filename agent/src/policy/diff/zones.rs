//! What a zone is: its role, VLANs, gateways and servers. Its addresses are flows at home, which the rules tell.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;

use ipnet::IpNet;

use super::hosts::Addresses;
use super::pairing::Pairing;
use super::wording::some;
use super::{PolicyDiff, What};
use crate::policy::{Place, Policy, Scope, Zone};

/// VLANs and addresses that a text names.
const SHOWN: usize = 6;

/// Of a watched device in a VLAN of a zone where no cameras live.
const ELSEWHERE: &str = "cameras in it, and what of theirs shows up in it, are in this zone";
/// Of a watched device in a VLAN of no zone.
const ANYWHERE: &str = "cameras in it are where their address belongs, and what of theirs shows up in it is nowhere";

pub(super) fn compare(old: &Policy, new: &Policy, pairing: &Pairing, diff: &mut PolicyDiff) {
    for (before, after) in &pairing.pairs {
        let (before, after) = (before.and_then(|id| old.zone(id)), after.and_then(|id| new.zone(id)));
        let nothing = Zone::default();
        if let (Some(before), Some(after)) = (before, after)
            && before.name != after.name
        {
            let text = format!(
                "zone `{}` is now called `{}`, and findings that name it have other ids",
                before.name, after.name
            );
            diff.note(What::Name, &after.name, text, Some(&after.place));
            diff.renamed_zones.push((before.name.clone(), after.name.clone()));
        }
        let Some(named) = after.or(before) else { continue };
        let mut zone = Comparison {
            before: before.unwrap_or(&nothing),
            after: after.unwrap_or(&nothing),
            both: before.is_some() && after.is_some(),
            name: &named.name,
            place: &named.place,
            diff,
        };
        zone.roles();
        zone.vlans();
        zone.prefixes();
        zone.gateways();
        zone.dhcp();
    }
    broadcasts(old, new, diff);
}

/// One zone; what is not there in one of the policies is a zone without anything.
struct Comparison<'a> {
    before: &'a Zone,
    after: &'a Zone,
    both: bool,
    name: &'a str,
    place: &'a Place,
    diff: &'a mut PolicyDiff,
}

impl Comparison<'_> {
    fn roles(&mut self) {
        let Zone { cameras, transit, onboarding, .. } = self.after;
        match (self.before.cameras, cameras) {
            (false, true) => {
                self.close(What::Zone, "cameras live here: whoever does is watched, gateways aside");
                self.open(What::Zone, "devices of watched vendors are at home here");
            }
            (true, false) => {
                self.open(
                    What::Zone,
                    "no camera zone: who lives here is no longer watched for it, and it has no verdict of its own",
                );
                self.close(What::Zone, "devices of watched vendors are not at home here");
            }
            _ => {}
        }
        match (self.before.transit, transit) {
            (false, true) => self.open(What::Zone, "transit: a copy here no longer proves that a flow was forwarded"),
            (true, false) => self.close(What::Zone, "no transit: a copy here proves that a flow was forwarded"),
            _ => {}
        }
        match (self.before.onboarding, onboarding) {
            (false, true) => self.open(What::Zone, "onboarding: cameras may boot here (DHCP, ARP, ND)"),
            (true, false) => self.close(What::Zone, "no onboarding: cameras may not boot here"),
            _ => {}
        }
    }

    fn vlans(&mut self) {
        let (added, removed) = differing(&self.before.vlans, &self.after.vlans);
        if !added.is_empty() {
            let vlans = listed_vlans(&added);
            let (opens, closes) = match self.after {
                Zone { cameras: true, .. } => ("devices in it are at home here", "whoever lives in it is watched"),
                Zone { transit: true, .. } => ("a copy in it does not prove that a flow was forwarded", ELSEWHERE),
                Zone { onboarding: true, .. } => ("cameras may boot in it", ELSEWHERE),
                _ => ("devices in it are taken to be of this zone", ELSEWHERE),
            };
            self.open(What::Vlan, format!("{vlans}: {opens}"));
            self.close(What::Vlan, format!("{vlans}: {closes}"));
        }
        if !removed.is_empty() {
            let vlans = listed_vlans(&removed);
            let (opens, closes) = match self.before {
                Zone { cameras: true, .. } => {
                    ("who lives in it is no longer watched", "devices in it are not at home here")
                }
                Zone { transit: true, .. } => (ANYWHERE, "a copy in it proves that a flow was forwarded"),
                Zone { onboarding: true, .. } => (ANYWHERE, "cameras may not boot in it"),
                _ => (ANYWHERE, "devices in it are not taken to be of this zone"),
            };
            self.open(What::Vlan, format!("{vlans}: {opens}"));
            self.close(What::Vlan, format!("{vlans}: {closes}"));
        }
        match (self.both, self.before.vlans.is_empty(), self.after.vlans.is_empty()) {
            (true, false, true) => {
                self.open(
                    What::Vlan,
                    "names no VLANs: its devices count as covered without a VLAN tag, and none is in a wrong VLAN",
                );
            }
            (true, true, false) => {
                self.close(What::Vlan, "names VLANs: its devices are covered only where their VLAN is known")
            }
            _ => {}
        }
    }

    fn prefixes(&mut self) {
        let (before, after) = (Addresses::of(&self.before.prefixes), Addresses::of(&self.after.prefixes));
        let (added, removed) = (after.minus(&before), before.minus(&after));
        let listed = |addresses: &Addresses| {
            let hosts = addresses.listed(Vec::new());
            some(&hosts.addresses, SHOWN, hosts.left_out)
        };
        if self.after.cameras && !added.is_empty() {
            self.close(What::Zone, format!("hosts at {} are watched", listed(&added)));
        }
        if self.before.cameras && !removed.is_empty() {
            self.open(What::Zone, format!("hosts at {} are no longer watched for their address", listed(&removed)));
        }
        match (self.both, self.before.prefixes.is_empty(), self.after.prefixes.is_empty()) {
            (true, false, true) => self.open(What::Zone, "names no prefixes: no address is foreign to it"),
            (true, true, false) => self.close(What::Zone, "names prefixes: other addresses of its devices are foreign"),
            _ => {}
        }
    }

    fn gateways(&mut self) {
        let (added, removed) = differing(&self.before.gateways, &self.after.gateways);
        if !added.is_empty() {
            self.open(What::Gateway, format!("{} may be a gateway here, and is not watched", listed_ips(&added)));
            if self.before.gateways.is_empty() {
                self.close(What::Gateway, "names its gateways: any other is a `rogue-service`");
            }
        }
        if !removed.is_empty() {
            self.close(What::Gateway, format!("{} is no gateway here", listed_ips(&removed)));
            if self.after.gateways.is_empty() {
                self.open(What::Gateway, "names no gateways: a false one is not noticed");
            }
        }
    }

    fn dhcp(&mut self) {
        let (added, removed) = differing(&self.before.dhcp, &self.after.dhcp);
        if !added.is_empty() {
            self.open(What::Dhcp, format!("{} may serve DHCP here", listed_ips(&added)));
            if self.before.dhcp.is_empty() {
                self.close(What::Dhcp, "names its DHCP servers: any other is a `rogue-service`");
            }
        }
        if !removed.is_empty() {
            self.close(What::Dhcp, format!("{} may not serve DHCP here", listed_ips(&removed)));
            if self.after.dhcp.is_empty() {
                self.open(What::Dhcp, "names no DHCP servers: a false one is not noticed");
            }
        }
    }

    fn open(&mut self, what: What, text: impl Into<String>) {
        self.diff.open(what, self.name, text, Some(self.place));
    }

    fn close(&mut self, what: What, text: impl Into<String>) {
        self.diff.close(what, self.name, text, Some(self.place));
    }
}

/// Broadcast addresses of prefixes: what is sent to one stays on its link by nature.
fn broadcasts(old: &Policy, new: &Policy, diff: &mut PolicyDiff) {
    let of = |policy: &Policy| -> BTreeSet<IpAddr> {
        let nets = policy.zones.iter().flat_map(|zone| &zone.prefixes);
        let last = nets.filter_map(|net| match net {
            IpNet::V4(net) if net.prefix_len() <= 30 => Some(IpAddr::V4(net.broadcast())),
            _ => None,
        });
        last.filter(|ip| policy.scope(*ip) == Scope::Local).collect()
    };
    let (before, after) = (of(old), of(new));
    let (added, removed): (Vec<IpAddr>, Vec<IpAddr>) =
        (after.difference(&before).copied().collect(), before.difference(&after).copied().collect());
    if !added.is_empty() {
        diff.open(
            What::Home,
            "local-scope",
            format!("{} is a broadcast address: what is sent there stays local", listed_ips(&added)),
            None,
        );
    }
    if !removed.is_empty() {
        diff.close(What::Home, "local-scope", format!("{} is no broadcast address", listed_ips(&removed)), None);
    }
}

/// What is in the second alone, and in the first alone.
pub(super) fn differing<T: Clone + PartialEq>(before: &[T], after: &[T]) -> (Vec<T>, Vec<T>) {
    let without = |some: &[T], others: &[T]| some.iter().filter(|item| !others.contains(item)).cloned().collect();
    (without(after, before), without(before, after))
}

fn listed_vlans(vlans: &[u16]) -> String {
    let runs = vlans.chunk_by(|a, b| a.checked_add(1) == Some(*b)).filter_map(|run| run.first().zip(run.last()));
    let words: Vec<String> =
        runs.map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") }).collect();
    format!("VLAN {}", some(&words, SHOWN, 0))
}

fn listed_ips<T: Display>(ips: &[T]) -> String {
    some(&ips.iter().map(ToString::to_string).collect::<Vec<_>>(), SHOWN, 0)
}
