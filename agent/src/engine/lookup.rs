//! Names that devices resolve, and the addresses they stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Engine;
use super::direction::UDP;
use crate::base::Timestamp;
use crate::device::DeviceId;
use crate::finding::{Book, Contribution, FindingKey, Kind, Peer, PeerKey, PeerZone};
use crate::flow::Reach;
use crate::hint::{Clue, Confidence, Says, Source, is_outside, lookup};
use crate::packet::Layer;
use crate::policy::{Conduit, Ends, Opening, Scope};

/// Names kept of one watched device; further ones are left out, because the notice stands.
const MAX_NAMES: usize = 32;
/// The same of a device that is not watched, which may turn out to be.
const MAX_STRANGERS_NAMES: usize = 4;
/// Addresses whose names are kept; further ones have none.
const MAX_NAMED: usize = 16_384;
/// Names of one address.
const MAX_NAMES_OF_ADDRESS: usize = 4;

/// What was asked, by device, and what was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookups {
    asked: BTreeMap<DeviceId, Vec<Asked>>,
    names: BTreeMap<IpAddr, BTreeSet<String>>,
}

/// One name that a device asked a resolver for.
#[derive(Clone, Debug)]
struct Asked {
    name: String,
    proto: u8,
    port: u16,
    own: IpAddr,
    resolver: IpAddr,
    packets: [u64; 2],
    bytes: [u64; 2],
    first: Timestamp,
    last: Timestamp,
}

impl Lookups {
    /// All the times of the clock that it holds.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.asked.values_mut().flatten().flat_map(|asked| [&mut asked.first, &mut asked.last])
    }

    /// An address has a name.
    pub(super) fn learn(&mut self, ip: IpAddr, name: &str) {
        if self.names.len() < MAX_NAMED || self.names.contains_key(&ip) {
            let names = self.names.entry(ip).or_default();
            if names.len() < MAX_NAMES_OF_ADDRESS {
                names.insert(name.to_owned());
            }
        }
    }

    /// Names of an address.
    pub(super) fn names_of(&self, ip: IpAddr) -> impl Iterator<Item = &String> {
        self.names.get(&ip).into_iter().flatten()
    }
}

impl Engine {
    /// A DNS message to or from a resolver.
    pub(super) fn looks_up(&mut self, sender: Option<DeviceId>, layer: &Layer, payload: &[u8], at: Timestamp) {
        const DNS: u16 = 53;
        let Some(message) = lookup(payload) else { return };
        if message.answered {
            for &ip in message.addresses.iter().filter(|_| layer.sport == DNS) {
                message.names.iter().for_each(|name| self.lookups.learn(ip, name));
            }
        } else if layer.dport != DNS {
            return;
        }
        let (own, resolver) = if message.answered { (layer.dst, layer.src) } else { (layer.src, layer.dst) };
        let device = if message.answered { self.devices.by_ip(own) } else { sender };
        let Some((id, limit)) = device.and_then(|id| {
            let device = self.devices.get(id).filter(|device| !device.gateway)?;
            Some((id, if device.is_watched() { MAX_NAMES } else { MAX_STRANGERS_NAMES }))
        }) else {
            return;
        };
        let (policy, bytes) = (&self.policy, u64::from(layer.ip_len));
        for name in &message.names {
            if !is_outside(name, &policy.domains, |ip| policy.scope(ip) != Scope::Internet) {
                continue;
            }
            let asked = self.lookups.asked.entry(id).or_default();
            let (side, is_full) = (usize::from(message.answered), asked.len() >= limit);
            match asked.iter_mut().find(|known| known.name == *name && known.resolver == resolver) {
                Some(known) => {
                    known.packets[side] += 1;
                    known.bytes[side] += bytes;
                    (known.first, known.last) = (known.first.min(at), known.last.max(at));
                }
                None if message.answered || is_full => {}
                None => {
                    asked.push(Asked {
                        name: name.clone(),
                        proto: layer.proto,
                        port: layer.dport,
                        own,
                        resolver,
                        packets: [1, 0],
                        bytes: [bytes, 0],
                        first: at,
                        last: at,
                    });
                    if self.options.knowledge.clouds.find(name).is_some() {
                        self.hints.note(id, &Clue::new(Source::Dns, Confidence::Low).with(Says::Asks, name), at);
                    }
                }
            }
        }
    }

    /// Notices about names outside the site that watched devices resolved.
    pub(super) fn note_lookups(&self, book: &mut Book) {
        for (&id, asked) in &self.lookups.asked {
            let device = self.current(id).unwrap_or(id);
            if !self.devices.get(device).is_some_and(|device| device.is_watched()) {
                continue;
            }
            for one in asked {
                if is_outside(&one.name, &self.policy.domains, |ip| self.policy.scope(ip) != Scope::Internet)
                    && !self.may_look_up(device, one)
                {
                    book.add(self.lookup_contribution(device, one));
                }
            }
        }
    }

    fn may_look_up(&self, device: DeviceId, asked: &Asked) -> bool {
        let zone = |ip| match self.policy.scope(ip) {
            Scope::Zone(zone) => Some(zone),
            _ => None,
        };
        let ends = Ends {
            proto: asked.proto,
            from: asked.own,
            from_zone: self.home(device).or(zone(asked.own)),
            from_port: 0,
            to: asked.resolver,
            to_zone: zone(asked.resolver),
            to_port: asked.port,
        };
        let permits = |conduit: &Conduit| conduit.permits(Kind::CloudLookup.name());
        let opening = if asked.proto == UDP { Opening::Guess } else { Opening::Seen };
        self.policy.permit_if(&ends, opening, asked.first, permits).is_some()
    }

    fn lookup_contribution(&self, device: DeviceId, asked: &Asked) -> Contribution {
        let peer_zone = match self.policy.scope(asked.resolver) {
            Scope::Zone(zone) => PeerZone::Zone(zone.0),
            Scope::Internet => PeerZone::Internet,
            Scope::Internal if !self.policy.builtin => PeerZone::Internal,
            Scope::Internal | Scope::Local => PeerZone::None,
        };
        Contribution {
            key: FindingKey { device, kind: Kind::CloudLookup, peer_zone },
            peer: PeerKey { ip: asked.resolver, proto: asked.proto, port: asked.port },
            seen: Peer {
                device_opened: true,
                reach: if asked.packets[1] > 0 { Reach::Established } else { Reach::Attempted },
                packets: asked.packets,
                bytes: asked.bytes,
                first: asked.first,
                last: asked.last,
                names: BTreeSet::from([asked.name.clone()]),
            },
            device_ip: asked.own,
            expired: None,
        }
    }

    /// Names outside the site, each with what it is known for.
    pub(super) fn told_names<'a>(&self, names: impl Iterator<Item = &'a String>) -> String {
        const SHOWN: usize = 5;
        let names: BTreeSet<&String> = names.collect();
        let mut told: Vec<String> = names
            .iter()
            .take(SHOWN)
            .map(|name| match self.options.knowledge.clouds.find(name) {
                Some(cloud) => format!("{name} ({})", cloud.purpose),
                None => (*name).clone(),
            })
            .collect();
        if names.len() > SHOWN {
            told.push(format!("{} more", names.len() - SHOWN));
        }
        told.join(", ")
    }
}
