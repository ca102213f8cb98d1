//! What a flow shows besides its own verdict: a port asked to be opened, attacks, and addresses that are foreign to the
//! home.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Engine;
use super::judge::{Judgement, Place};
use super::snapshot::FlowVerdict;
use crate::base::Timestamp;
use crate::device::DeviceId;
use crate::finding::{Book, Contribution, FindingKey, Kind, Peer, PeerKey, PeerZone};
use crate::flow::{Flow, Reach, Side};
use crate::policy::Scope;

/// Addresses of ARP and neighbour discovery outside the home that are kept; further ones are left out, because a notice
/// about the device stands then.
const MAX_FOREIGN: usize = 65_536;

/// Foreign addresses that devices claimed on their link.
#[derive(Debug, Default)]
pub struct Foreign(std::collections::BTreeMap<(DeviceId, IpAddr), (Timestamp, Timestamp)>);

impl Foreign {
    /// All the times of the clock that it holds.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.0.values_mut().flat_map(|(first, last)| [first, last])
    }
}

/// What a flow adds to a finding that is not about the flow's verdict.
pub(super) enum Beside {
    Peer(Box<Contribution>),
    /// With what was seen.
    Remarked(Box<Contribution>, BTreeSet<String>),
    Note(FindingKey, IpAddr, Timestamp, Timestamp),
}

impl Beside {
    pub(super) fn add_to(self, book: &mut Book) {
        match self {
            Beside::Peer(contribution) => book.add(*contribution),
            Beside::Remarked(contribution, remarks) => {
                let key = contribution.key;
                book.add(*contribution);
                remarks.into_iter().for_each(|remark| book.remark(&key, remark));
            }
            Beside::Note(key, ip, first, last) => book.note(key, Some(ip), first, last),
        }
    }
}

impl Engine {
    /// What a flow shows besides.
    pub(super) fn besides(&self, flow: &Flow, judgement: &Judgement) -> impl Iterator<Item = Beside> {
        let foreign = [Side::A, Side::B].map(|side| self.foreign_end(flow, judgement, side));
        let attempts = [Side::A, Side::B].map(|side| self.attempts_on(flow, judgement, side));
        self.port_mapping(flow).into_iter().chain(attempts.into_iter().chain(foreign).flatten())
    }

    /// A watched device asks for a port to be opened.
    fn port_mapping(&self, flow: &Flow) -> Option<Beside> {
        let mapping = flow.carried()?.mapping?;
        let (device, _) = self.watched(flow, mapping.by)?;
        let (ends, opening) = self.ends(flow, self.place(flow, flow.initiator).0, self.place(flow, flow.responder()).0);
        let permitted = |conduit: &crate::policy::Conduit| conduit.permits(Kind::PortMapping.name());
        if self.policy.permit_if(&ends, opening, flow.first, permitted).is_some() {
            return None;
        }
        let peer_zone = match self.place(flow, mapping.by.other()).0 {
            Place::Zone(zone) => PeerZone::Zone(zone.0),
            Place::Internet => PeerZone::Internet,
            Place::Internal => PeerZone::Internal,
            Place::Link(_) | Place::Local => PeerZone::None,
        };
        let key = FindingKey { device, kind: Kind::PortMapping, peer_zone };
        // An answer decides the class; that the connection stood does not.
        let reach = if mapping.answered { Reach::Established } else { Reach::Attempted };
        let mut contribution = contribution(flow, mapping.by, key, reach);
        (contribution.seen.first, contribution.seen.last) = (mapping.first, mapping.last);
        Some(Beside::Peer(Box::new(contribution)))
    }

    /// A watched device's own frames with a foreign source, or a foreign peer on its link. What the flow's own finding
    /// tells already is not told again.
    fn foreign_end(&self, flow: &Flow, judgement: &Judgement, side: Side) -> Option<Beside> {
        if judgement.verdict != FlowVerdict::Allowed || flow.key.is_icmp_error() || self.only_onboards(flow).is_some() {
            return None;
        }
        let (device, _) = self.watched(flow, side)?;
        let key = FindingKey { device, kind: Kind::ForeignAddress, peer_zone: PeerZone::None };
        let (ip, peer) = (flow.key.ip(side), flow.key.ip(side.other()));
        let own = flow.ends[side as usize].mac.is_some() && flow.packets[side as usize] > 0;
        if own && self.is_foreign(device, ip) {
            return Some(Beside::Note(key, ip, flow.first, flow.last));
        }
        let on_link = judgement.rule.name == "home" && self.policy.scope(peer) == Scope::Internal;
        (on_link && own && self.is_foreign(device, peer) && flow.ends[side.other() as usize].mac.is_some())
            .then(|| Beside::Peer(Box::new(contribution(flow, side, key, judgement.reach))))
    }

    /// An address outside the prefixes of a device's home, where that has some.
    fn is_foreign(&self, device: DeviceId, ip: IpAddr) -> bool {
        let scope = self.policy.scope(ip);
        self.home(device).is_some_and(|home| {
            self.policy.zone(home).is_some_and(|zone| !zone.prefixes.is_empty())
                && scope != Scope::Local
                && scope != Scope::Zone(home)
        })
    }

    /// A device claims an address by ARP or neighbour discovery.
    pub(super) fn claims_foreign(&mut self, device: DeviceId, vlan: Option<u16>, ip: IpAddr, at: Timestamp) {
        let is_watched = self.devices.get(device).is_some_and(|d| d.is_watched());
        // While it boots elsewhere it has an address of there.
        let boots = vlan.is_some_and(|vlan| self.onboards(vlan).is_some());
        if !is_watched || boots || !self.is_foreign(device, ip) {
            return;
        }
        let known = &mut self.foreign.0;
        if known.len() < MAX_FOREIGN || known.contains_key(&(device, ip)) {
            let seen = known.entry((device, ip)).or_insert((at, at));
            *seen = (seen.0.min(at), seen.1.max(at));
        }
    }

    /// Notices about the foreign addresses that devices claimed.
    pub(super) fn note_foreign(&self, book: &mut Book) {
        for (&(device, ip), &(first, last)) in &self.foreign.0 {
            let device = self.current(device).unwrap_or(device);
            if self.is_foreign(device, ip) {
                book.note(
                    FindingKey { device, kind: Kind::ForeignAddress, peer_zone: PeerZone::None },
                    Some(ip),
                    first,
                    last,
                );
            }
        }
    }
}

pub(super) fn contribution(flow: &Flow, side: Side, key: FindingKey, reach: Reach) -> Contribution {
    let (own, other) = (side as usize, side.other() as usize);
    Contribution {
        key,
        peer: PeerKey { ip: flow.key.ip(side.other()), proto: flow.key.proto(), port: flow.key.port(flow.responder()) },
        seen: Peer {
            device_opened: flow.initiator == side,
            reach,
            packets: [flow.packets[own], flow.packets[other]],
            bytes: [flow.bytes[own], flow.bytes[other]],
            first: flow.first,
            last: flow.last,
            names: BTreeSet::new(),
        },
        device_ip: flow.key.ip(side),
        expired: None,
    }
}
