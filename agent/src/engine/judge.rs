//! The judgement of one flow: a function of its evidence, of who is at its ends, and of the policy.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Engine;
use super::direction::{ICMP, ICMPV6, SCTP, TCP, UDP};
use super::identity::has_lost_hops;
use super::snapshot::{FlowVerdict, RuleRef};
use super::trace::{End, Local, Step, Together, Trace, Whence};
use super::tunnel::{kind_of, lets_pass, names};
use crate::device::{Device, DeviceId};
use crate::finding::{Contribution, FindingKey, Kind, Peer, PeerKey, PeerZone};
use crate::flow::{Direction, Flow, Proof, Reach, Side};
use crate::policy::{Conduit, ConduitId, Ends, Opening, Permit, Scope, ZoneId};

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
pub(super) enum Place {
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
                    names: if v.kind == Kind::Tunnel { names(flow) } else { BTreeSet::new() },
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
        self.judge_telling(flow, &mut ())
    }

    /// Judges a flow and tells each step that leads to the answer; whom nobody listens to costs nothing.
    pub(super) fn judge_telling(&self, flow: &Flow, trace: &mut impl Trace) -> Judgement {
        let (from, to) = (flow.initiator, flow.responder());
        let (from_device, to_device) = (self.watched(flow, from), self.watched(flow, to));
        let ((from_place, from_whence), (to_place, to_whence)) = (self.place(flow, from), self.place(flow, to));
        trace.step(|| Step::End(self.told_end(flow, End::Initiator, from_place, from_whence)));
        trace.step(|| Step::End(self.told_end(flow, End::Responder, to_place, to_whence)));
        if let Some(judgement) = self.judged_outside(flow) {
            trace.step(|| Step::InsideTunnel);
            return judgement;
        }
        let mut proof = flow.evidence.proof(from, |vlan| self.is_beyond(flow, from, from_place, vlan));
        let mut reach = proof.reach();
        if from_device.is_none()
            && let Some((device, _)) = to_device
        {
            (proof, reach) = self.ingress_reach(flow, device, to_place);
        }
        let mut judgement = Judgement {
            verdict: if from_device.or(to_device).is_some() { FlowVerdict::Allowed } else { FlowVerdict::Unwatched },
            reach,
            rule: builtin("home"),
            violations: [None, None],
            home_unknown: None,
        };
        let local = local_scope(flow, from_place, to_place);
        if let Some(why) = local {
            judgement.rule = builtin("local-scope");
            proof = flow.evidence.proof(from, |_| false);
            judgement.reach = proof.reach();
            trace.step(|| Step::Reach { proof, reach: judgement.reach });
            trace.step(|| Step::LocalScope { because: local });
            if why != Local::IcmpError
                && let Some((device, peer_zone)) = self.leak(flow)
            {
                judgement.reach = judgement.reach.max(Reach::Forwarded);
                trace.step(|| Step::Leak {
                    zone: match peer_zone {
                        PeerZone::Zone(zone) => self.told_zone(ZoneId(zone)),
                        _ => None,
                    },
                });
                let violation = Violation {
                    device,
                    side: from,
                    kind: Kind::CrossZoneEgress,
                    peer_zone,
                    reach: judgement.reach,
                    expired: None,
                };
                judgement.deny(violation, 0, builtin("default-deny"));
            } else if let Some(ends) = self.led_elsewhere(flow) {
                trace.opens(&ends, Opening::Seen);
                let tell = |conduit: ConduitId, tried| trace.tries(conduit, tried);
                if let Permit::Allowed(conduit) =
                    self.policy.permit_telling(&ends, Opening::Seen, flow.first, |_| true, tell)
                {
                    judgement.reach = judgement.reach.max(Reach::Forwarded);
                    judgement.rule = self.conduit_rule(conduit);
                }
            }
            return judgement;
        }
        trace.step(|| Step::Reach { proof, reach });
        trace.step(|| Step::LocalScope { because: local });
        let tunnel = self.tunnel(flow).filter(|_| from_device.or(to_device).is_some());
        let hides = self.hides(flow, tunnel);
        let together = self.are_together(flow, from_place, to_place).filter(|_| !hides);
        if let Some(tunnel) = tunnel {
            trace.step(|| Step::Tunnel { name: tunnel.name(), hides });
        }
        trace.step(|| Step::Home { because: together });
        if together.is_some() {
            return judgement;
        }
        let dhcp = self.is_dhcp(flow, from_place, to_place);
        trace.step(|| Step::Dhcp { zone: dhcp.and_then(|zone| self.told_zone(zone)) });
        if dhcp.is_some() {
            return judgement;
        }
        let (ends, opening) = self.ends(flow, from_place, to_place);
        trace.opens(&ends, opening);
        let lets = |conduit: &Conduit| tunnel.is_none_or(|tunnel| lets_pass(conduit, flow, tunnel));
        let permit =
            self.policy.permit_telling(&ends, opening, flow.first, lets, |conduit, tried| trace.tries(conduit, tried));
        let expired = match permit {
            Permit::Allowed(conduit) => {
                judgement.rule = self.conduit_rule(conduit);
                return judgement;
            }
            Permit::Expired(conduit) => Some(conduit),
            Permit::Denied => None,
        };
        if self.policy.builtin
            && tunnel.is_none()
            && let Some((device, peer)) = from_device.map(|d| (d.0, to)).or(to_device.map(|d| (d.0, from)))
            && self.place(flow, peer).0 == Place::Internal
            && !self.is_evidently_routed(flow, peer)
        {
            trace.step(|| Step::HomeUnknown);
            judgement.home_unknown = Some(device);
            judgement.rule = builtin("home-unknown");
            return judgement;
        }
        let rule = expired.map_or_else(|| builtin("default-deny"), |conduit| self.conduit_rule(conduit));
        judgement.rule = rule.clone();
        if let Some((device, _)) = from_device {
            let (kind, peer_zone) = outside(to_place, Kind::InternetEgress, Kind::CrossZoneEgress);
            let kind = kind_of(flow, tunnel, from, kind);
            let violation = Violation { device, side: from, kind, peer_zone, reach, expired };
            judgement.deny(violation, 0, rule.clone());
        }
        if let Some((device, _)) = to_device {
            let (kind, peer_zone) = outside(from_place, Kind::InternetIngress, Kind::CrossZoneIngress);
            let kind = kind_of(flow, tunnel, to, kind);
            let (_, reach) = self.ingress_reach(flow, device, to_place);
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

    /// Where an end is: a watched device at home, anybody else where its address belongs; and why it is taken to be there.
    pub(super) fn place(&self, flow: &Flow, side: Side) -> (Place, Whence) {
        let ip = flow.key.ip(side);
        let scope = self.policy.scope(ip);
        if scope == Scope::Local {
            // Another zone's broadcast address stays on nobody's link once a router is asked to take it there.
            let zone = self.policy.zone_of_broadcast(ip).filter(|_| flow.unicast).filter(|&zone| {
                self.watched(flow, side.other()).and_then(|(id, _)| self.home(id)).is_some_and(|home| home != zone)
            });
            return (zone.map_or(Place::Local, Place::Zone), Whence::Address);
        }
        if let Some((id, device)) = self.watched(flow, side) {
            if let Some((zone, whence)) = self.home_and_whence(id) {
                return (Place::Zone(zone), whence);
            }
            if self.policy.builtin {
                return (Place::Link(device.first_vlan.flatten()), Whence::Link);
            }
            if let Some(zone) = device.vlans.first().and_then(|v| self.policy.zone_of_vlan(v.vlan)) {
                return (Place::Zone(zone), Whence::Vlan);
            }
        }
        let place = match scope {
            Scope::Zone(zone) => Place::Zone(zone),
            Scope::Internal => Place::Internal,
            Scope::Internet => Place::Internet,
            Scope::Local => Place::Local,
        };
        (place, Whence::Address)
    }

    /// Both ends are on the same link or in the same zone.
    fn are_together(&self, flow: &Flow, from: Place, to: Place) -> Option<Together> {
        if from == to && !matches!(from, Place::Internal | Place::Internet) {
            return Some(if matches!(from, Place::Zone(_)) { Together::SameZone } else { Together::SameLink });
        }
        if flow.evidence.routed() {
            return None;
        }
        [(from, to, flow.initiator), (to, from, flow.responder())].into_iter().find_map(|(home, peer, side)| {
            let (_, device) = self.watched(flow, side)?;
            let ip = flow.key.ip(side.other());
            // A router may answer ARP for others.
            if peer != Place::Internal || flow.ttls_of(side.other()).any(has_lost_hops) {
                return None;
            }
            match home {
                Place::Zone(zone) => {
                    let vlans = self.policy.zone(zone).map(|z| z.vlans.as_slice()).unwrap_or_default();
                    let on_link = self.is_on_link(vlans.iter().map(|&v| Some(v)).chain([None]), ip);
                    on_link.then_some(Together::OnLink)
                }
                Place::Link(vlan) if self.is_on_link([vlan], ip) => Some(Together::OnLink),
                Place::Link(_) => in_shown_prefix(device, ip).then_some(Together::ShownPrefix),
                _ => None,
            }
        })
    }

    /// Unicast DHCP with a server that the device's zone declares, or of a camera that boots in an onboarding zone: that
    /// zone.
    fn is_dhcp(&self, flow: &Flow, from: Place, to: Place) -> Option<ZoneId> {
        let (a, b) = (flow.key.port(Side::A), flow.key.port(Side::B));
        let ports = matches!((a, b), (67 | 68, 67 | 68)) || matches!((a, b), (546 | 547, 546 | 547));
        if flow.key.proto() != UDP || !ports {
            return None;
        }
        let serves = |home: Place, ip: IpAddr| match home {
            Place::Zone(zone) => self.policy.zone(zone).filter(|z| z.dhcp.contains(&ip)).map(|_| zone),
            _ => None,
        };
        let served = || serves(from, flow.key.ip(flow.responder())).or_else(|| serves(to, flow.key.ip(flow.initiator)));
        served().or_else(|| self.only_onboards(flow))
    }

    /// The onboarding zone of a flow that was seen nowhere else.
    pub(super) fn only_onboards(&self, flow: &Flow) -> Option<ZoneId> {
        let mut zones = flow.evidence.vlans().iter().map(|&vlan| self.onboards(vlan));
        let first = zones.next()??;
        zones.all(|zone| zone.is_some()).then_some(first)
    }

    /// The onboarding zone that owns a VLAN.
    pub(super) fn onboards(&self, vlan: u16) -> Option<ZoneId> {
        self.policy.zone_of_vlan(vlan).filter(|&zone| self.policy.zone(zone).is_some_and(|z| z.onboarding))
    }

    /// The flow as conduits see it.
    pub(super) fn ends(&self, flow: &Flow, from: Place, to: Place) -> (Ends, Opening) {
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
        (ends, if seen { Opening::Seen } else { Opening::Guess })
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
    fn ingress_reach(&self, flow: &Flow, device: DeviceId, home: Place) -> (Proof, Reach) {
        let lands = |vlan: u16| match home {
            Place::Zone(zone) => self.policy.zone(zone).is_some_and(|z| z.vlans.contains(&vlan)),
            Place::Link(link) => link == Some(vlan),
            _ => false,
        };
        let proof = flow.evidence.proof(flow.initiator, lands);
        let on_its_link = flow.ends[flow.responder() as usize].mac.is_some()
            && self.devices.get(device).is_some_and(|d| d.mac().is_some());
        (proof, if on_its_link { proof.reach().max(Reach::Forwarded) } else { proof.reach() })
    }

    /// A watched device whose local traffic shows up in the VLAN of another zone, or, without VLANs, behind a router.
    fn leak(&self, flow: &Flow) -> Option<(DeviceId, PeerZone)> {
        let mut zones = self.zones_of_copies(flow).filter(|&(_, home, zone)| self.leads(flow, home, zone).is_none());
        let in_zone = zones.next().map(|(device, _, zone)| (device, PeerZone::Zone(zone.0)));
        let routed = || self.watched(flow, flow.initiator).filter(|_| flow.evidence.routed());
        in_zone.or_else(|| routed().map(|(device, _)| (device, PeerZone::Internal)))
    }

    /// The ends between which a conduit leads local traffic (multicast that is routed) to another zone.
    fn led_elsewhere(&self, flow: &Flow) -> Option<Ends> {
        self.zones_of_copies(flow).find_map(|(_, home, zone)| self.leads(flow, home, zone))
    }

    fn leads(&self, flow: &Flow, home: ZoneId, zone: ZoneId) -> Option<Ends> {
        let (ends, _) = self.ends(flow, Place::Zone(home), Place::Zone(zone));
        matches!(self.policy.permit(&ends, Opening::Seen, flow.first), Permit::Allowed(_)).then_some(ends)
    }

    /// Watched devices whose local traffic shows up in the VLAN of another zone: each with its home and that zone.
    fn zones_of_copies(&self, flow: &Flow) -> impl Iterator<Item = (DeviceId, ZoneId, ZoneId)> {
        flow.local_copies().iter().filter_map(|&(device, vlan)| {
            let device = self.current(device)?;
            let home = self.devices.get(device).filter(|d| d.is_watched()).and_then(|_| self.home(device))?;
            let zone = self.policy.zone_of_vlan(vlan).filter(|&zone| zone != home)?;
            let leaked = self.policy.zone(zone).filter(|z| !z.transit && !z.onboarding);
            leaked.map(|_| (device, home, zone))
        })
    }

    /// A peer of the built-in policy whose packets come through a router: by TTL, or by the MAC that carries them.
    fn is_evidently_routed(&self, flow: &Flow, peer: Side) -> bool {
        let carriers = flow.macs_towards(peer).chain(flow.macs_of(peer));
        flow.evidence.routed()
            || flow.ttls_of(peer).any(|ttl| !matches!(ttl, 32 | 64 | 128 | 255))
            || carriers.into_iter().any(|mac| {
                self.devices.by_mac(mac).and_then(|id| self.devices.get(id)).is_some_and(|d| d.gateway && d.routes_many)
            })
    }

    pub(super) fn conduit_rule(&self, id: ConduitId) -> RuleRef {
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

/// Why a flow stays in its VLAN by nature, if it does.
fn local_scope(flow: &Flow, from: Place, to: Place) -> Option<Local> {
    if flow.key.is_icmp_error() {
        Some(Local::IcmpError)
    } else if from == Place::Local || to == Place::Local {
        Some(Local::Address)
    } else if !flow.unicast {
        Some(Local::Broadcast)
    } else {
        None
    }
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
