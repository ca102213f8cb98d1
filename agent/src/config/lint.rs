//! What loads but is probably not what was meant.

use std::net::IpAddr;

use ipnet::IpNet;

use super::capture::CaptureDraft;
use super::conduits::{ConduitDraft, SideDraft};
use super::devices::DeviceDraft;
use super::load::common;
use super::problem::quoted;
use super::settings::Settings;
use super::shadow;
use super::source::Source;
use super::value::nearest;
use super::zones::ZoneDraft;
use crate::base::Timestamp;
use crate::hint::{Marks, VendorTable};
use crate::policy::{Policy, Scope, Service, Untagged};

/// A policy without errors, with the places of its parts.
pub(super) struct Facts<'a> {
    pub(super) policy: &'a Policy,
    pub(super) zones: &'a [ZoneDraft],
    pub(super) conduits: &'a [ConduitDraft],
    pub(super) captures: &'a [CaptureDraft],
    pub(super) settings: &'a Settings,
    pub(super) today: Timestamp,
}

/// Lints of everything but the inventory.
pub(super) fn file(source: &mut Source, facts: &Facts<'_>) {
    zones(source, facts);
    nested_prefixes(source, facts.zones);
    for conduit in facts.conduits {
        paperwork(source, conduit, facts.today);
        any_any(source, conduit);
        impossible(source, conduit, facts);
    }
    shadow::lint(source, facts.conduits, facts.today);
    captures(source, facts);
    settings(source, facts.settings);
}

/// Lints of the inventory, which may stand in a file of its own.
pub(super) fn inventory(source: &mut Source, facts: &Facts<'_>, inventory: &[DeviceDraft]) {
    for draft in inventory {
        let Some((ip, home)) = draft.device.ip.zip(draft.device.zone) else { continue };
        let Some(zone) = facts.zones.get(usize::from(home.0)) else { continue };
        if zone.prefixes.is_empty() || facts.policy.scope(ip) == Scope::Zone(home) {
            continue;
        }
        let home = quoted(&zone.name);
        let message = match facts.policy.scope(ip) {
            Scope::Zone(other) => {
                let other = facts.policy.zone(other).map_or(String::new(), |other| quoted(&other.name));
                format!("{ip} lies in zone {other}, and the home of this device is {home}")
            }
            _ => format!("{ip} lies outside the prefixes of {home}, the home of this device"),
        };
        source.lint(draft.ip_at, message);
    }
}

fn zones(source: &mut Source, facts: &Facts<'_>) {
    for zone in facts.zones.iter().filter(|zone| zone.cameras) {
        if zone.gateways.is_empty() {
            source
                .lint(zone.at, format!("camera zone {} has no gateways", quoted(&zone.name)))
                .help("add `gateways` with the router's address on that link: a gateway is no camera, and a false one is noticed");
        }
        if zone.prefixes.is_empty() {
            source
                .lint(zone.at, format!("camera zone {} has no prefixes", quoted(&zone.name)))
                .help("add `prefixes`: without them nothing but the VLAN tells what is at home");
        }
    }
}

/// Prefixes inside another zone's.
fn nested_prefixes(source: &mut Source, zones: &[ZoneDraft]) {
    let mut all: Vec<(IpNet, &ZoneDraft, super::source::Span)> =
        zones.iter().flat_map(|zone| zone.prefixes.iter().map(move |prefix| (prefix.value, zone, prefix.at))).collect();
    all.sort_by_key(|&(net, ..)| (net.network(), net.prefix_len()));
    let mut open: Vec<(IpNet, &ZoneDraft)> = Vec::new();
    for (net, zone, at) in all {
        while open.last().is_some_and(|(outer, _)| !outer.contains(&net)) {
            open.pop();
        }
        if let Some((outer, owner)) = open.last().filter(|(_, owner)| owner.name != zone.name) {
            source
                .lint(at, format!("{net} lies inside {outer} of zone {}", quoted(&owner.name)))
                .help(format!("the longest prefix wins: {net} belongs to {}", quoted(&zone.name)));
        }
        open.push((net, zone));
    }
}

/// Who answers for it, why, until when.
fn paperwork(source: &mut Source, conduit: &ConduitDraft, today: Timestamp) {
    let missing: Vec<&str> = [
        ("owner", conduit.owner.is_none()),
        ("reason", conduit.reason.is_none()),
        ("expires", conduit.expires.is_none()),
    ]
    .iter()
    .filter(|item| item.1)
    .map(|item| item.0)
    .collect();
    if !missing.is_empty() {
        let list = missing.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        source
            .lint(conduit.at, format!("conduit {} has no {list}", quoted(&conduit.name)))
            .help("an exception has someone who answers for it, a reason and an end");
    }
    if let Some(expires) = conduit.expires.as_ref().filter(|expires| expires.value <= today) {
        source
            .lint(expires.at, format!("conduit {} has expired", quoted(&conduit.name)))
            .help("its traffic is judged as without it: renew or remove it");
    }
}

fn any_any(source: &mut Source, conduit: &ConduitDraft) {
    for (key, side) in [("from", &conduit.from), ("to", &conduit.to)] {
        if let (true, Some(all)) = (side.zones.is_empty(), side.hosts.iter().find(|host| host.value.prefix_len() == 0))
        {
            source
                .lint(all.at, format!("conduit {}: `{key}` is any address", quoted(&conduit.name)))
                .help("name the zone or the hosts");
        }
    }
    if let Some(any) = conduit.services.iter().find(|service| service.value == Service::Any) {
        source
            .lint(any.at, format!("conduit {} allows every service", quoted(&conduit.name)))
            .help("name the services that are needed");
    }
}

/// Conduits that no flow can take, or needs.
fn impossible(source: &mut Source, conduit: &ConduitDraft, facts: &Facts<'_>) {
    for (key, side) in [("from", &conduit.from), ("to", &conduit.to)] {
        if !reachable(side, facts) {
            source
                .lint(
                    side.at,
                    format!(
                        "conduit {}: no host of `{key}` lies in its zone, so it allows nothing",
                        quoted(&conduit.name)
                    ),
                )
                .help("zone and hosts both hold");
        }
    }
    if let (Some(from), Some(to)) = (family(&conduit.from), family(&conduit.to))
        && from != to
    {
        source.lint(
            conduit.to.at,
            format!("conduit {} joins IPv4 and IPv6, so it allows nothing", quoted(&conduit.name)),
        );
    }
    if let ([from], [to]) = (conduit.from.zones.as_slice(), conduit.to.zones.as_slice())
        && from.value == to.value
    {
        source
            .lint(conduit.to.at, format!("conduit {} stays inside one zone", quoted(&conduit.name)))
            .help("inside its home a camera may talk to all without a conduit");
    }
}

fn reachable(side: &SideDraft, facts: &Facts<'_>) -> bool {
    if side.zones.is_empty() || side.hosts.is_empty() {
        return true;
    }
    let zones: Vec<_> = side.zones.iter().map(|id| id.value).collect();
    let drafts = || zones.iter().filter_map(|id| facts.zones.get(usize::from(id.0)));
    if drafts().any(|zone| zone.prefixes.is_empty()) {
        return true;
    }
    side.hosts.iter().any(|host| {
        let net = host.value;
        let single: Option<IpAddr> = (net.prefix_len() == net.max_prefix_len()).then(|| net.network());
        match single {
            Some(ip) => matches!(facts.policy.scope(ip), Scope::Zone(id) if zones.contains(&id)),
            None => drafts().flat_map(|zone| &zone.prefixes).any(|p| p.value.contains(&net) || net.contains(&p.value)),
        }
    })
}

/// True for IPv4, false for IPv6, `None` where a side has both or no hosts.
fn family(side: &SideDraft) -> Option<bool> {
    let mut families = side.hosts.iter().map(|host| host.value.addr().is_ipv4());
    let first = families.next()?;
    families.all(|family| family == first).then_some(first)
}

fn captures(source: &mut Source, facts: &Facts<'_>) {
    for capture in facts.captures {
        if let Some(untagged) = &capture.untagged
            && let Untagged::Vlan(vlan) = untagged.value
            && facts.policy.zone_of_vlan(vlan).is_none()
        {
            source
                .lint(untagged.at, format!("no zone owns VLAN {vlan}"))
                .help("an untagged frame of this interface would be in no zone");
        }
        if let Some(filter) = &capture.filter {
            source
                .lint(filter.at, "a capture filter hides packets")
                .help("nothing is verified by what is left: remove it");
        }
        if let Some((at, false)) = capture.promiscuous {
            source
                .lint(at, "without `promiscuous` the interface drops frames for other hosts")
                .help("a mirror port has nothing else: remove it");
        }
    }
    let Some(last) = facts.captures.last() else { return };
    if common(facts.captures, |c| c.untagged.as_ref().map_or(Untagged::Reject, |u| u.value)).is_none() {
        source
            .lint(last.at, "the interfaces differ in `untagged`")
            .help("frames without a tag are judged as with `reject`, which verifies nothing; run an agent for each");
    }
    if common(facts.captures, |c| c.rspan_vlan.as_ref().map(|vlan| vlan.value)).is_none() {
        source
            .lint(last.at, "the interfaces differ in `rspan_vlan`")
            .help("no tag is taken for the mirror's own then; run an agent for each");
    }
}

/// Share of lost packets above which a mirror proves little.
const MUCH_LOSS: f64 = 0.05;
const DAY: i64 = 86_400_000_000_000;

fn settings(source: &mut Source, settings: &Settings) {
    let (table, marks) = (VendorTable::builtin(), Marks::builtin());
    let words = || table.words().iter().map(String::as_str).chain(marks.vendors());
    for vendor in settings.vendors.iter().flatten().filter(|vendor| !words().any(|word| word == vendor.value)) {
        let problem =
            source.lint(vendor.at, format!("the built-in vendor table does not know {}", quoted(&vendor.value)));
        match nearest(&vendor.value, words()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("a table of your own can name it"),
        };
    }
    for prefix in settings.internal.iter().flatten().filter(|prefix| !is_private(&prefix.value)) {
        let what = if prefix.value.prefix_len() == 0 { "every address" } else { "public addresses" };
        source
            .lint(prefix.at, format!("`internal` contains {what}: {}", prefix.value))
            .help("what is `internal` is never the internet; if they are yours, make them a zone");
    }
    if let Some(loss) = settings.loss.as_ref().filter(|loss| loss.value > MUCH_LOSS) {
        source.lint(loss.at, "a mirror that loses so much proves little").help("the default is `1%`");
    }
    if let Some(silence) = settings.silence.as_ref().filter(|silence| silence.value > DAY) {
        source
            .lint(silence.at, "a device that is silent for more than a day counts as covered")
            .help("the default is `1h`");
    }
}

/// Special-purpose blocks that the internet does not route (IANA registries of RFC 6890, and the documentation prefixes).
fn is_private(net: &IpNet) -> bool {
    const BLOCKS: [&str; 13] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "192.0.2.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "fc00::/7",
        "fe80::/10",
        "2001:db8::/32",
    ];
    BLOCKS.iter().filter_map(|block| block.parse::<IpNet>().ok()).any(|block| block.contains(net))
}
