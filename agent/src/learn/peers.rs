//! Zones for the other ends of conduits.

use std::net::IpAddr;

use ipnet::IpNet;

use super::draft::{Draft, Role, ZoneDraft};
use super::prefixes::{guess_beside, word};
use crate::engine::HostStatus;

/// Zones made for peers; the conduits of further ones name hosts alone.
const MAX_PEER_ZONES: usize = 100;

/// The zone of a host that is in none of the camera zones, made if it is new.
pub(super) fn zone_of(ip: IpAddr, draft: &mut Draft, hosts: &[HostStatus]) -> Option<String> {
    if let Some(zone) = draft.zones.iter().find(|zone| zone.role == Role::Peers && zone.holds(ip)) {
        return Some(zone.name.clone());
    }
    let taken: Vec<IpNet> = draft.zones.iter().flat_map(|zone| zone.prefixes.iter().map(|prefix| prefix.net)).collect();
    let owned = |vlan: u16| draft.zones.iter().any(|zone| zone.role != Role::Peers && zone.vlan == Some(vlan));
    let on_link = hosts.iter().filter(|host| !host.is_gateway || host.is_virtual).find_map(|host| {
        let claim = host.claims.iter().find(|claim| claim.1 == ip && claim.0.is_some_and(|vlan| !owned(vlan)))?;
        Some((claim.0, host.mask))
    });
    let (vlan, mask) = on_link.unwrap_or((None, None));
    let prefix = guess_beside(ip, mask, &taken)?;
    if let Some(zone) = draft.zones.iter_mut().find(|zone| vlan.is_some() && zone.vlan == vlan) {
        zone.prefixes.push(prefix);
        return Some(zone.name.clone());
    }
    if draft.zones.iter().filter(|zone| zone.role == Role::Peers).count() >= MAX_PEER_ZONES {
        return None;
    }
    let name = vlan.map_or_else(|| format!("net-{}", word(&prefix.net)), |vlan| format!("vlan-{vlan}"));
    draft.zones.push(ZoneDraft::new(name.clone(), Role::Peers, vlan, vec![prefix]));
    Some(name)
}
