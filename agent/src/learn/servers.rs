//! Gateways and DHCP servers of a camera zone. Where it is not clear whose they are none is proposed: a declared one is
//! never a finding any more.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::draft::ZoneDraft;
use super::prefixes::is_private;
use super::survey::Survey;
use super::zones::named;
use crate::engine::HostStatus;

/// Hosts on its link that carry traffic of others, by the addresses that they claim there.
pub(super) fn gateways(zone: &mut ZoneDraft, hosts: &[HostStatus]) {
    let routers: Vec<(bool, BTreeSet<IpAddr>)> = hosts
        .iter()
        .filter(|host| host.is_gateway)
        .map(|host| {
            let here = host.claims.iter().filter(|(vlan, ip)| *vlan == zone.vlan && zone.holds(*ip));
            (host.is_virtual, here.map(|claim| claim.1).collect())
        })
        .filter(|(_, addresses): &(bool, BTreeSet<IpAddr>)| !addresses.is_empty())
        .collect();
    let is_virtual = routers.iter().any(|router| router.0);
    let chosen: Vec<&BTreeSet<IpAddr>> = routers.iter().filter(|r| r.0 == is_virtual).map(|r| &r.1).collect();
    if chosen.len() > 1 && !is_virtual {
        let all = chosen.iter().flat_map(|addresses| addresses.iter()).map(IpAddr::to_string);
        zone.remarks.push(format!("not proposed: gateways: several hosts carry traffic of others: {}", named(all)));
        return;
    }
    zone.gateways = chosen.into_iter().flatten().copied().collect();
    if zone.gateways.is_empty() {
        zone.remarks.push("no gateway was seen: add `gateways` so that a false one is noticed".to_owned());
    }
}

/// Hosts that sent from the DHCP server's port to clients or relays of the zone.
pub(super) fn dhcp(zone: &mut ZoneDraft, survey: &Survey) {
    let mut on_link: BTreeSet<IpAddr> = BTreeSet::new();
    let mut beyond: BTreeSet<IpAddr> = BTreeSet::new();
    let mut relayed = false;
    for answer in survey.answers.iter().filter(|answer| is_private(answer.server)) {
        let of_link = zone.vlan.is_some() && answer.vlan == zone.vlan && !answer.to_relay;
        if zone.gateways.contains(&answer.server) {
            relayed |= of_link || zone.holds(answer.to);
        } else if zone.holds(answer.server) {
            on_link.insert(answer.server);
        } else if of_link || zone.holds(answer.to) {
            beyond.insert(answer.server);
        }
    }
    if on_link.len() + usize::from(relayed) > 1 {
        let all = on_link.iter().map(IpAddr::to_string);
        zone.remarks.push(format!(
            "not proposed: DHCP servers on the link: {}{}: more than one answers, and one of them may be false",
            named(all),
            if relayed { " and the gateway" } else { "" }
        ));
    } else {
        zone.dhcp.extend(on_link);
    }
    zone.dhcp.extend(beyond);
}
