//! The judgement of one flow: a function of its evidence, of who is at its ends, and of the policy.

use std::net::IpAddr;

use super::Engine;
use super::direction::{ICMP, ICMPV6, SCTP, TCP, UDP};
use super::snapshot::{FlowVerdict, RuleRef};
use crate::device::{Device, DeviceId};
use crate::finding::{Contribution, FindingKey, Kind, Peer, PeerKey, PeerZone};
use crate::flow::{Direction, Flow, Reach, Side};
use crate::policy::{ConduitId, Ends, Opening, Permit, Scope, ZoneId};

/// What a flow comes to.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The rows' verdict.
    pub verdict: FlowVerdict,
    /// How far it got.
    pub reach: Reach,
    /// The rule that decided.
    pub rule: RuleRef,
    /// At most one for each end.
    pub violations: [Option<Violation>; 2],
    /// Devices of which nobody can say whether their peer is at home.
    pub home_unknown: Option<DeviceId>,
}

/// A flow that no rule allows, seen from one watched device.
#[derive(Clone, Copy, Debug)]
pub struct Violation {
    /// The device.
    pub device: DeviceId,
    /// At which end of the flow it is.
    pub side: Side,
    /// What was seen.
    pub kind: Kind,
    /// Where the other end is.
    pub peer_zone: PeerZone,
    /// How far it got.
    pub reach: Reach,
    /// This conduit would allow it, but has expired.
    pub expired: Option<ConduitId>,
}

/// Where an end of a flow is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Zone(ZoneId),
    /// Built-in policy: the link of this VLAN.
    Link(Option<u16>),
    Internal,
    Internet,
    Local,
}

impl Judgement {
    /// What the flow adds to findings.
    pub fn contributions(&self, flow: &Flow) -> impl Iterator<Item = Contribution> {
        self.violations.iter().flatten().map(|v| {
            let (own, other) = (v.side as usize, v.side.other() as usize);
            Contribution {
                key: FindingKey { device: v.device, kind: v.kind, peer_zone: v.peer_zone },
                peer: PeerKey {
                    ip: flow.key.ip(v.side.other()),
                    proto: flow.key.proto(),
                    port: flow.key.port(flow.responder()),
                },
                seen: Peer {
                    device_opened: flow.initiator == v.side,
                    reach: v.reach,
                    packets: [flow.packets[own], flow.packets[other]],
                    bytes: [flow.bytes[own], flow.bytes[other]],
                    first: flow.first,
                    last: flow.last,
                },
                device_ip: flow.key.ip(v.side),
                expired: v.expired.map(|c| c.0),
            }
        })
    }

    /// Payload that a device sent to outside peers without an answer, by hour.
    pub fn one_way(&self, flow: &Flow) -> impl Iterator<Item = (DeviceId, u32, u64)> {
        self.violations
            .iter()
            .flatten()
            .filter(|v| v.reach < Reach::Forwarded)
            .flat_map(|v| flow.payload_by_hour(v.side).filter(|h| h.1 > 0).map(|(hour, bytes)| (v.device, hour, bytes)))
    }
}

impl Engine {
    /// Judges a flow.
    pub(super) fn judge(&self, flow: &Flow) -> Judgement {
        let (from, to) = (flow.initiator, flow.responder());
        let (from_device, to_device) = (self.watched(flow, from), self.watched(flow, to));
        let (from_place, to_place) = (self.place(flow, from), self.place(flow, to));
        let mut reach = flow.evidence.reach(from, |vlan| self.is_beyond(flow, from, from_place, vlan));
        if from_device.is_none()
            && let Some((device, _)) = to_device
        {
            reach = self.ingress_reach(flow, device, to_place);
        }
        let mut judgement = Judgement {
            verdict: if from_device.or(to_device).is_some() { FlowVerdict::Allowed } else { FlowVerdict::Unwatched },
            reach,
            rule: builtin("home"),
            violations: [None, None],
            home_unknown: None,
        };
        let local = from_place == Place::Local || to_place == Place::Local || !flow.unicast;
        if local || flow.key.is_icmp_error() {
            judgement.rule = builtin("local-scope");
            judgement.reach = flow.evidence.reach(from, |_| false);
            if !flow.key.is_icmp_error()
                && let Some((device, zone)) = self.leak(flow)
            {
                judgement.reach = judgement.reach.max(Reach::Forwarded);
                let violation = Violation {
                    device,
                    side: from,
                    kind: Kind::CrossZoneEgress,
                    peer_zone: PeerZone::Zone(zone.0),
                    reach: judgement.reach,
                    expired: None,
                };
                judgement.deny(violation, 0, builtin("default-deny"));
            }
            return judgement;
        }
        if self.are_together(flow, from_place, to_place) || self.is_dhcp(flow, from_place, to_place) {
            return judgement;
        }
        let expired = match self.permit(flow, from_place, to_place) {
            Permit::Allowed(conduit) => {
                judgement.rule = self.conduit_rule(conduit);
                return judgement;
            }
            Permit::Expired(conduit) => Some(conduit),
            Permit::Denied => None,
        };
        if self.policy.builtin
            && let Some((device, peer)) = from_device.map(|d| (d.0, to)).or(to_device.map(|d| (d.0, from)))
            && self.place(flow, peer) == Place::Internal
            && !self.is_evidently_routed(flow, peer)
        {
            judgement.home_unknown = Some(device);
            judgement.rule = builtin("home-unknown");
            return judgement;
        }
        let rule = expired.map_or_else(|| builtin("default-deny"), |conduit| self.conduit_rule(conduit));
        judgement.rule = rule.clone();
        if let Some((device, _)) = from_device {
            let (kind, peer_zone) = outside(to_place, Kind::InternetEgress, Kind::CrossZoneEgress);
            let violation = Violation { device, side: from, kind, peer_zone, reach, expired };
            judgement.deny(violation, 0, rule.clone());
        }
        if let Some((device, _)) = to_device {
            let (kind, peer_zone) = outside(from_place, Kind::InternetIngress, Kind::CrossZoneIngress);
            let reach = self.ingress_reach(flow, device, to_place);
            if from_device.is_none() || reach >= Reach::Forwarded {
                judgement.deny(Violation { device, side: to, kind, peer_zone, reach, expired }, 1, rule);
            }
        }
        judgement
    }

    /// The watched device at an end.
    pub(super) fn watched<'a>(&'a self, flow: &Flow, side: Side) -> Option<(DeviceId, &'a Device)> {
        let id = match flow.ends[side as usize].device {
            Some(id) => self.current(id)?,
            None => self.devices.by_ip(flow.key.ip(side))?,
        };
        self.devices.get(id).filter(|device| device.is_watched()).map(|device| (id, device))
    }

    /// Where an end is: a watched device at home, anybody else where its address belongs.
    fn place(&self, flow: &Flow, side: Side) -> Place {
        let ip = flow.key.ip(side);
        let scope = self.policy.scope(ip);
        if scope == Scope::Local {
            return Place::Local;
        }
        if let Some((id, device)) = self.watched(flow, side) {
            if let Some(zone) = self.home(id) {
                return Place::Zone(zone);
            }
            if self.policy.builtin {
                return Place::Link(device.first_vlan.flatten());
            }
            if let Some(zone) = device.vlans.first().and_then(|v| self.policy.zone_of_vlan(v.vlan)) {
                return Place::Zone(zone);
            }
        }
        match scope {
            Scope::Zone(zone) => Place::Zone(zone),
            Scope::Internal => Place::Internal,
            Scope::Internet => Place::Internet,
            Scope::Local => Place::Local,
        }
    }

    /// Both ends are on the same link or in the same zone.
    fn are_together(&self, flow: &Flow, from: Place, to: Place) -> bool {
        if from == to && !matches!(from, Place::Internal | Place::Internet) {
            return true;
        }
        [(from, to, flow.initiator), (to, from, flow.responder())].into_iter().any(|(home, peer, side)| {
            let Some((_, device)) = self.watched(flow, side) else { return false };
            let ip = flow.key.ip(side.other());
            if peer != Place::Internal {
                return false;
            }
            match home {
                Place::Zone(zone) => {
                    let vlans = self.policy.zone(zone).map(|z| z.vlans.as_slice()).unwrap_or_default();
                    self.is_on_link(vlans.iter().map(|&v| Some(v)).chain([None]), ip)
                }
                Place::Link(vlan) => self.is_on_link([vlan], ip) || in_shown_prefix(device, ip),
                _ => false,
            }
        })
    }

    /// Unicast DHCP with a server that the device's zone declares.
    fn is_dhcp(&self, flow: &Flow, from: Place, to: Place) -> bool {
        let (a, b) = (flow.key.port(Side::A), flow.key.port(Side::B));
        let ports = matches!((a, b), (67 | 68, 67 | 68)) || matches!((a, b), (546 | 547, 546 | 547));
        let serves = |home: Place, ip: IpAddr| match home {
            Place::Zone(zone) => self.policy.zone(zone).is_some_and(|z| z.dhcp.contains(&ip)),
            _ => false,
        };
        flow.key.proto() == UDP
            && ports
            && (serves(from, flow.key.ip(flow.responder())) || serves(to, flow.key.ip(flow.initiator)))
    }

    fn permit(&self, flow: &Flow, from: Place, to: Place) -> Permit {
        let zone = |place| match place {
            Place::Zone(zone) => Some(zone),
            _ => None,
        };
        let ((from_ip, from_port), (to_ip, to_port)) = (flow.end(flow.initiator), flow.end(flow.responder()));
        let ends = Ends {
            proto: flow.key.proto(),
            from: from_ip,
            from_zone: zone(from),
            from_port,
            to: to_ip,
            to_zone: zone(to),
            to_port,
        };
        let seen = matches!(flow.direction, Direction::Syn | Direction::Answer)
            && matches!(flow.key.proto(), TCP | SCTP | ICMP | ICMPV6);
        self.policy.permit(&ends, if seen { Opening::Seen } else { Opening::Guess }, flow.first)
    }

    /// Whether a copy in this VLAN proves that a flow left its initiator's zone.
    fn is_beyond(&self, flow: &Flow, initiator: Side, place: Place, vlan: u16) -> bool {
        let owner = self.policy.zone_of_vlan(vlan);
        if owner.and_then(|zone| self.policy.zone(zone)).is_some_and(|zone| zone.transit) {
            return false;
        }
        match place {
            Place::Zone(home) => match self.policy.zone(home) {
                Some(zone) if !zone.vlans.is_empty() => !zone.vlans.contains(&vlan),
                _ => owner.is_some_and(|zone| zone != home),
            },
            Place::Link(home) => Some(vlan) != home,
            _ => match self.watched(flow, initiator) {
                Some((_, device)) if !device.vlans.is_empty() => device.vlans.iter().all(|v| v.vlan != vlan),
                _ => flow.vlan.is_some_and(|first| first != vlan),
            },
        }
    }

    /// How far what came from outside got: forwarded once it was on the device's own link.
    fn ingress_reach(&self, flow: &Flow, device: DeviceId, home: Place) -> Reach {
        let lands = |vlan: u16| match home {
            Place::Zone(zone) => self.policy.zone(zone).is_some_and(|z| z.vlans.contains(&vlan)),
            Place::Link(link) => link == Some(vlan),
            _ => false,
        };
        let reach = flow.evidence.reach(flow.initiator, lands);
        let on_its_link = flow.ends[flow.responder() as usize].mac.is_some()
            && self.devices.get(device).is_some_and(|d| d.mac().is_some());
        if on_its_link { reach.max(Reach::Forwarded) } else { reach }
    }

    /// A watched device whose local traffic shows up in the VLAN of another zone.
    fn leak(&self, flow: &Flow) -> Option<(DeviceId, ZoneId)> {
        flow.local_copies().iter().find_map(|&(device, vlan)| {
            let device = self.current(device)?;
            let home = self.devices.get(device).filter(|d| d.is_watched()).and_then(|_| self.home(device))?;
            let zone = self.policy.zone_of_vlan(vlan).filter(|&zone| zone != home)?;
            self.policy.zone(zone).filter(|z| !z.transit && !z.onboarding).map(|_| (device, zone))
        })
    }

    /// A peer of the built-in policy whose packets come through a router: by TTL, or by the MAC that carries them.
    fn is_evidently_routed(&self, flow: &Flow, peer: Side) -> bool {
        let carriers = flow.macs_towards(peer).chain(flow.macs_of(peer));
        flow.ttls_of(peer).any(|ttl| !matches!(ttl, 32 | 64 | 128 | 255))
            || carriers.into_iter().any(|mac| {
                self.devices.by_mac(mac).and_then(|id| self.devices.get(id)).is_some_and(|d| d.gateway && d.routes_many)
            })
    }

    fn conduit_rule(&self, id: ConduitId) -> RuleRef {
        match self.policy.conduit(id) {
            Some(conduit) => RuleRef {
                name: conduit.name.clone(),
                file: Some(conduit.place.file.clone()),
                line: Some(conduit.place.line),
            },
            None => builtin("default-deny"),
        }
    }
}

impl Judgement {
    fn deny(&mut self, violation: Violation, slot: usize, rule: RuleRef) {
        self.verdict = FlowVerdict::Violation;
        self.rule = rule;
        if let Some(place) = self.violations.get_mut(slot) {
            *place = Some(violation);
        }
    }
}

/// A rule that no file holds.
pub(super) fn builtin(name: &str) -> RuleRef {
    RuleRef { name: name.to_owned(), file: None, line: None }
}

fn outside(peer: Place, internet: Kind, cross_zone: Kind) -> (Kind, PeerZone) {
    match peer {
        Place::Internet => (internet, PeerZone::Internet),
        Place::Zone(zone) => (cross_zone, PeerZone::Zone(zone.0)),
        Place::Link(_) | Place::Internal | Place::Local => (cross_zone, PeerZone::Internal),
    }
}

/// The peer is inside the subnet that the device's DHCP lease showed.
fn in_shown_prefix(device: &Device, ip: IpAddr) -> bool {
    let Some(mask) = device.mask.filter(|&mask| mask > 0) else { return false };
    device.addresses.iter().any(|&own| match (own, ip) {
        (IpAddr::V4(own), IpAddr::V4(ip)) => (own.to_bits() ^ ip.to_bits()) >> (32 - u32::from(mask.min(32))) == 0,
        _ => false,
    })
}
