//! DHCP servers, router advertisements and gateways in camera zones that declare their own, matched by MAC.
//!
//! The declared ones are known by the MACs that hold their addresses on the link, and so are routers that stand by:
//! by the prefixes of VRRP, HSRP and GLBP, and by speaking them. Where no declared address has been seen, nothing is
//! said about routers, because any of them may be the declared one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Engine;
use super::direction::UDP;
use super::identity::is_virtual_router;
use crate::base::{Mac, Timestamp};
use crate::finding::{Book, FindingKey, Kind, PeerZone};
use crate::hint::{is_v6_server_answer, server_answer};
use crate::packet::{Layer, Link};
use crate::policy::{Scope, Zone, ZoneId};

/// Servers and routers followed; beyond it new ones are refused and counted.
const MAX_SERVERS: usize = 4_096;
/// Routers that stand by; beyond it new ones are refused and counted.
const MAX_STANDBY: usize = 1_024;

const VRRP: u8 = 112;
/// HSRP for IPv4 and IPv6, GLBP.
const STANDBY_PORTS: [u16; 3] = [1985, 2029, 3222];

/// Servers and routers in camera zones, the declared ones included: who they are may be known only later.
#[derive(Debug, Default)]
pub struct Rogues {
    servers: BTreeMap<(u16, Mac, Service), Seen>,
    standby: BTreeSet<(u16, Mac, IpAddr)>,
    /// What found no place.
    pub refused: u64,
}

impl Rogues {
    /// All the times of the clock that it holds.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.servers.values_mut().flat_map(|seen| [&mut seen.first, &mut seen.last])
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Service {
    Dhcp,
    Advertisement,
    Gateway,
}

#[derive(Clone, Debug)]
struct Seen {
    ip: IpAddr,
    /// It speaks in the name of a declared server or gateway.
    named: bool,
    /// Evidently routed packets came from it: from several addresses, or from afar.
    routes: bool,
    /// Some of them came from inside.
    from_inside: bool,
    /// It held a declared gateway's address then.
    held: bool,
    /// It held none, and another one did.
    astray: bool,
    first: Timestamp,
    last: Timestamp,
}

impl Engine {
    /// A DHCP message: an answer shows a server or a relay.
    pub(super) fn dhcp_message(
        &mut self,
        link: &Link,
        vlan: Option<u16>,
        layer: &Layer,
        payload: &[u8],
        at: Timestamp,
    ) {
        let Some(server) = server_answer(payload) else { return };
        let Some((vlan, zone)) = self.camera_zone(vlan) else { return };
        if zone.dhcp.is_empty() {
            return;
        }
        let declared = |ip: &IpAddr| zone.dhcp.contains(ip) || zone.gateways.contains(ip);
        let named = declared(&layer.src) || server.is_some_and(|ip| declared(&IpAddr::V4(ip)));
        self.serves(link, vlan, Service::Dhcp, Seen { named, ..seen(layer.src, at) });
    }

    /// A DHCPv6 message. Servers and relays on the link answer from link-local addresses, which name nobody.
    pub(super) fn dhcpv6_message(
        &mut self,
        link: &Link,
        vlan: Option<u16>,
        layer: &Layer,
        payload: &[u8],
        at: Timestamp,
    ) {
        let Some((vlan, zone)) = self.camera_zone(vlan) else { return };
        if is_v6_server_answer(payload) && !zone.dhcp.is_empty() {
            let named = self.policy.scope(layer.src) == Scope::Local || zone.dhcp.contains(&layer.src);
            self.serves(link, vlan, Service::Dhcp, Seen { named, ..seen(layer.src, at) });
        }
    }

    /// A router advertises itself (RFC 4861, section 6.1.2).
    pub(super) fn advertises(&mut self, link: &Link, vlan: Option<u16>, layer: &Layer, at: Timestamp) {
        let Some((vlan, zone)) = self.camera_zone(vlan) else { return };
        if layer.ttl == 255 && !zone.gateways.is_empty() {
            let named = zone.gateways.contains(&layer.src);
            self.serves(link, vlan, Service::Advertisement, Seen { named, ..seen(layer.src, at) });
        }
    }

    /// A packet of somebody else came into a camera zone behind this MAC.
    pub(super) fn brings(&mut self, link: &Link, vlan: Option<u16>, layer: &Layer, at: Timestamp) {
        let Some((vlan, zone)) = self.camera_zone(vlan) else { return };
        let home = self.policy.zone_of_vlan(vlan).map(Scope::Zone);
        let (from, to) = (self.policy.scope(layer.src), self.policy.scope(layer.dst));
        if zone.gateways.is_empty() || Some(to) != home || Some(from) == home || from == Scope::Local {
            return;
        }
        let outside = from == Scope::Internet;
        let routes = outside && !matches!(layer.ttl, 32 | 64 | 128 | 255);
        self.serves(link, vlan, Service::Gateway, Seen { routes, from_inside: !outside, ..seen(layer.src, at) });
    }

    /// Notes a router that stands by, or that is one of several behind one address.
    pub(super) fn stands_by(&mut self, link: &Link, vlan: Option<u16>, layer: &Layer) {
        let speaks = layer.proto == VRRP || layer.proto == UDP && STANDBY_PORTS.contains(&layer.dport);
        if let (true, Some(mac), Some((vlan, _))) = (speaks, link.src, self.camera_zone(vlan)) {
            let rogues = &mut self.rogues;
            if rogues.standby.len() < MAX_STANDBY {
                rogues.standby.insert((vlan, mac, layer.src));
            } else {
                rogues.refused += 1;
            }
        }
    }

    fn camera_zone(&self, vlan: Option<u16>) -> Option<(u16, &Zone)> {
        let zone = self.policy.zone(self.policy.zone_of_vlan(vlan?)?)?;
        zone.cameras.then_some((vlan?, zone))
    }

    fn serves(&mut self, link: &Link, vlan: u16, service: Service, new: Seen) {
        let Some(mac) = link.src.filter(|mac| !mac.is_group() && *mac != Mac::ZERO) else { return };
        let gateways =
            self.policy.zone_of_vlan(vlan).and_then(|zone| self.policy.zone(zone)).map(|zone| &zone.gateways);
        let mut holders = gateways.into_iter().flatten().filter_map(|ip| self.bindings.holder(Some(vlan), *ip));
        let another = holders.clone().next().is_some();
        let held = holders.any(|holder| holder == mac);
        let new = Seen { held, astray: another && !held, ..new };
        let rogues = &mut self.rogues;
        let is_full = rogues.servers.len() >= MAX_SERVERS;
        match rogues.servers.get_mut(&(vlan, mac, service)) {
            Some(known) => {
                known.named |= new.named;
                known.routes |= new.routes || known.ip != new.ip;
                known.from_inside |= new.from_inside;
                known.held |= new.held;
                known.astray |= new.astray;
                (known.first, known.last) = (known.first.min(new.first), known.last.max(new.last));
            }
            None if is_full => rogues.refused += 1,
            None => {
                rogues.servers.insert((vlan, mac, service), new);
            }
        }
    }

    /// Findings about those that are not declared, by all that is known now.
    pub(super) fn note_rogues(&self, book: &mut Book) {
        for ((vlan, mac, service), seen) in &self.rogues.servers {
            let owner: Option<(ZoneId, &Zone)> =
                self.policy.zone_of_vlan(*vlan).and_then(|id| Some((id, self.policy.zone(id)?)));
            let (Some((zone, declared)), Some(device)) = (owner, self.devices.by_mac(*mac)) else { continue };
            if !self.is_rogue(*vlan, *mac, *service, seen, declared) {
                continue;
            }
            let key = FindingKey { device, kind: Kind::RogueService, peer_zone: PeerZone::Zone(zone.0) };
            book.note(key, Some(seen.ip), seen.first, seen.last);
            let note = match service {
                Service::Dhcp => "DHCP server",
                Service::Advertisement => "router that advertises itself",
                Service::Gateway => "gateway",
            };
            book.remark(&key, note.to_owned());
        }
    }

    fn is_rogue(&self, vlan: u16, mac: Mac, service: Service, seen: &Seen, zone: &Zone) -> bool {
        let holder = |ip: &IpAddr| self.bindings.holder(Some(vlan), *ip);
        let gateways: BTreeSet<Mac> = zone.gateways.iter().filter_map(holder).collect();
        let servers: BTreeSet<Mac> = zone.dhcp.iter().filter_map(holder).collect();
        let standby = || self.rogues.standby.iter().filter(|(in_vlan, ..)| *in_vlan == vlan);
        let stands_by = standby().any(|(_, own, ip)| *own == mac || holder(ip) == Some(mac));
        // A gateway that another one took over from was none while it was one.
        let was_declared = seen.held && !seen.astray;
        if gateways.contains(&mac) || servers.contains(&mac) || is_virtual_router(mac) || stands_by || was_declared {
            return false;
        }
        // Behind a virtual MAC, routers send with their own; which these are, only what they say to each other tells.
        let is_virtual = gateways.iter().any(|gateway| is_virtual_router(*gateway));
        let known = !gateways.is_empty() && (!is_virtual || standby().next().is_some());
        match service {
            Service::Dhcp => !(seen.named && servers.is_empty() && !known),
            Service::Advertisement => known && !seen.named,
            Service::Gateway => {
                // A gateway may answer ARP with one MAC and send with another (anycast). Then what comes from inside
                // comes behind that other one.
                let carries = gateways.iter().any(|gateway| {
                    let device = self.devices.by_mac(*gateway).and_then(|id| self.devices.get(id));
                    device.is_some_and(|d| d.routed_source.is_some())
                });
                known && seen.routes && (carries || !seen.from_inside)
            }
        }
    }

    /// Zones with such a finding, and how many of them are about hosts that are not watched themselves: no verdict of
    /// a device tells of those, nor of one that only multicasts.
    pub(super) fn zones_with_rogues(&self, book: &Book) -> BTreeMap<u16, u64> {
        let mut zones = BTreeMap::new();
        for key in book.findings.keys().filter(|key| key.kind == Kind::RogueService) {
            let is_watched = self.devices.get(key.device).is_some_and(|device| device.is_watched());
            if let PeerZone::Zone(zone) = key.peer_zone {
                *zones.entry(zone).or_default() += u64::from(!is_watched);
            }
        }
        zones
    }
}

fn seen(ip: IpAddr, at: Timestamp) -> Seen {
    Seen { ip, named: false, routes: false, from_inside: false, held: false, astray: false, first: at, last: at }
}
