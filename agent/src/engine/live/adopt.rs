//! Another policy while packets come: who is watched, where everybody is at home, and which findings stay.

use std::collections::BTreeMap;

use crate::device::{Device, Key};
use crate::engine::Engine;
use crate::engine::direction::{ICMP, ICMPV6, SCTP, TCP, service_ports};
use crate::engine::event::{Closing, Event};
use crate::finding::{Book, Class, Contribution, FindingKey, Kind, Peer, PeerKey, PeerZone};
use crate::flow::Flow;
use crate::policy::{Ends, Opening, Permit, Policy, Scope, ZoneId};

impl Engine {
    /// Judges by another policy from now on. Flows are judged anew with what they showed; a finding of flows that have
    /// ended stays for those of its peers that the new policy does not allow.
    pub(in crate::engine) fn adopt(&mut self, policy: Policy) {
        let old = std::mem::replace(&mut self.policy, policy);
        self.service_ports = service_ports(&self.policy);
        self.stacks.set_rspan(self.policy.rspan_vlan);
        for device in self.devices.iter_mut() {
            identify_again(device, &self.policy);
        }
        self.enter_inventory();
        self.epoch += 1;
        self.canaries.adopt(&self.policy, self.live.is_some().then_some(self.now));
        self.mirrors.forget_zones();
        let zone = |at: u16| {
            let name = &old.zone(ZoneId(at))?.name;
            self.policy.zones.iter().position(|zone| zone.name == *name).map(|at| PeerZone::Zone(at as u16))
        };
        let moved = |peer_zone: PeerZone| match peer_zone {
            PeerZone::Zone(at) => zone(at),
            other => Some(other),
        };
        let ended = std::mem::take(&mut self.ended);
        let mut book = Book { refused: ended.refused, ..Book::default() };
        for (key, closed) in ended.closed {
            if let Some(peer_zone) = moved(key.peer_zone) {
                book.closed.insert(FindingKey { peer_zone, ..key }, closed);
            }
        }
        for (key, finding) in ended.findings {
            if key.kind.class(finding.reach) != Class::Reach {
                if let Some(peer_zone) = moved(key.peer_zone) {
                    book.findings.insert(FindingKey { peer_zone, ..key }, finding);
                }
                continue;
            }
            let Some(device_ip) = finding.device_ip else { continue };
            for (peer, seen) in finding.peers {
                if let Some((kind, peer_zone, expired)) = self.still_denied(key, device_ip, &peer, &seen) {
                    let key = FindingKey { device: key.device, kind, peer_zone };
                    book.add(Contribution { key, peer, seen, device_ip, expired });
                }
            }
        }
        self.ended = book;
        let hash = self.policy.hash.clone();
        if let Some(live) = &mut self.live {
            let at = live.wall;
            live.latest = at;
            live.events.push(Event::Policy { at, hash });
        }
        // What the new policy allows closes for that reason, not because it went by another name.
        let keys = self.summarise().keys;
        if let Some(live) = &mut self.live {
            let gone: Vec<String> = live.episodes.keys().filter(|id| !keys.contains_key(*id)).cloned().collect();
            for id in gone {
                if !live.is_drill(&id) {
                    live.end(&id, Closing::Policy);
                }
            }
        }
    }

    /// What is left of a peer of a finding under this policy: kind and zone of a violation, and the expired conduit that
    /// would have allowed it.
    fn still_denied(
        &self,
        key: FindingKey,
        device_ip: std::net::IpAddr,
        peer: &PeerKey,
        seen: &Peer,
    ) -> Option<(Kind, PeerZone, Option<u16>)> {
        let home = self.home(key.device);
        let peer_scope = self.policy.scope(peer.ip);
        let peer_home = match self.devices.by_ip(peer.ip).and_then(|id| self.home(id)) {
            Some(zone) => Some(zone),
            None => match peer_scope {
                Scope::Zone(zone) => Some(zone),
                _ => None,
            },
        };
        if peer_home.is_some() && peer_home == home {
            return None;
        }
        let (own, other) = ((device_ip, home), (peer.ip, peer_home));
        let (from, to) = if seen.device_opened { (own, other) } else { (other, own) };
        let ends = Ends {
            proto: peer.proto,
            from: from.0,
            from_zone: from.1,
            from_port: 0,
            to: to.0,
            to_zone: to.1,
            to_port: peer.port,
        };
        let handshake = matches!(peer.proto, TCP | SCTP | ICMP | ICMPV6);
        let opening = if handshake { Opening::Seen } else { Opening::Guess };
        let expired = match self.policy.permit(&ends, opening, seen.last) {
            Permit::Allowed(_) => return None,
            Permit::Expired(conduit) => Some(conduit.0),
            Permit::Denied => None,
        };
        let egress = matches!(key.kind, Kind::InternetEgress | Kind::CrossZoneEgress);
        let flows = egress || matches!(key.kind, Kind::InternetIngress | Kind::CrossZoneIngress);
        let (kind, peer_zone) = match (peer_home, peer_scope) {
            (Some(zone), _) => {
                (if egress { Kind::CrossZoneEgress } else { Kind::CrossZoneIngress }, PeerZone::Zone(zone.0))
            }
            (None, Scope::Internet) => {
                (if egress { Kind::InternetEgress } else { Kind::InternetIngress }, PeerZone::Internet)
            }
            (None, _) => (if egress { Kind::CrossZoneEgress } else { Kind::CrossZoneIngress }, PeerZone::Internal),
        };
        Some((if flows { kind } else { key.kind }, peer_zone, expired))
    }

    /// A watched device is at one of its ends.
    pub(in crate::engine) fn concerns_watched(&self, flow: &Flow) -> bool {
        use crate::flow::Side;
        [Side::A, Side::B].into_iter().any(|side| self.watched(flow, side).is_some())
    }

    /// Name of the home of the watched device of a flow; `none` without one.
    pub(in crate::engine) fn zone_of_flow(&self, flow: &Flow) -> String {
        let watched = self.watched(flow, flow.initiator).or_else(|| self.watched(flow, flow.responder()));
        watched.map_or_else(|| "none".to_owned(), |(id, _)| self.zone_label(id))
    }
}

/// What the policy makes of a device that is known already.
pub(super) fn identify_again(device: &mut Device, policy: &Policy) {
    device.watched_vendor = device.vendor.as_ref().is_some_and(|vendor| policy.watch_vendors.contains(vendor));
    if let Some(identity) = &mut device.identity {
        identity.watched = policy.watch_vendors.contains(&identity.vendor);
    }
    device.inventory = None;
    let is_camera_zone = |zone: &ZoneId| policy.zone(*zone).is_some_and(|zone| zone.cameras);
    let by_vlan = device.vlans.iter().filter_map(|sight| policy.zone_of_vlan(sight.vlan)).find(is_camera_zone);
    let untagged = device.vlans.iter().all(|sight| policy.zone_of_vlan(sight.vlan).is_none());
    let by_address = device.addresses.iter().filter_map(|&ip| match policy.scope(ip) {
        Scope::Zone(zone) => Some(zone),
        _ => None,
    });
    let seen = device.sight.first.is_some() || matches!(device.key, Key::Ip(_));
    let zone = by_vlan.or_else(|| by_address.into_iter().find(is_camera_zone).filter(|_| untagged));
    device.camera_zone = zone.filter(|_| seen).map(|zone| zone.0);
    let declared = device.addresses.iter().any(|ip| policy.zones.iter().any(|zone| zone.gateways.contains(ip)));
    device.gateway = (device.gateway || declared) && !device.is_certain();
}

/// Zone names of a policy by index.
pub(in crate::engine) fn zone_indices(policy: &Policy) -> BTreeMap<&str, u16> {
    policy.zones.iter().zip(0..=u16::MAX).map(|(zone, at)| (zone.name.as_str(), at)).collect()
}
