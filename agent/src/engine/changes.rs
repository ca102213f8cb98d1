//! Changes of watched devices through Hikvision's discovery, by hosts that no conduit permits to make them.
//!
//! They are `exploit-attempt`: whoever is on the link may set a password, an address, or restart a camera so, and the
//! design knows no kind that is nearer. Inquiries are normal and none. A message counts for the watched device whose MAC it
//! names, never for all that hear it; without a MAC for the watched device that it was sent to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Engine;
use super::direction::UDP;
use crate::base::{Mac, Timestamp};
use crate::device::{DeviceId, Key};
use crate::finding::{Book, Contribution, FindingKey, Kind, Peer, PeerKey, PeerZone};
use crate::flow::Reach;
use crate::hint::{Attempt, SadpMessage, sadp_message, sadp_operation};
use crate::packet::{Layer, Link};
use crate::policy::{Ends, Opening, Permit, Scope};

/// UDP port of the discovery.
pub(super) const SADP: u16 = 37020;
/// Changes that are kept; beyond it new ones are refused and counted, which reaches the verdict.
const MAX_CHANGES: usize = 4_096;
/// Of these, changes of devices that are not watched (yet); further ones are left out.
const MAX_OF_STRANGERS: usize = 1_024;

/// Who changed whom, and what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Target {
    Mac(Mac),
    Ip(IpAddr),
}

/// Target, who asked, and what.
type ChangeKey = (Target, Option<Mac>, Option<IpAddr>, String);

/// One sort of change by one host.
#[derive(Clone, Debug)]
struct Change {
    attempt: Attempt,
    word: String,
    vlan: Option<u16>,
    is_frame: bool,
    packets: [u64; 2],
    bytes: [u64; 2],
    /// Bytes of the messages themselves.
    said: [usize; 2],
    first: Timestamp,
    last: Timestamp,
}

/// Changes of devices.
#[derive(Debug, Default)]
pub(super) struct Changes {
    seen: BTreeMap<ChangeKey, Change>,
    strangers: usize,
    /// Changes that found no place.
    pub(super) refused: u64,
}

impl Changes {
    /// All the times of the clock that it holds.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.seen.values_mut().flat_map(|change| [&mut change.first, &mut change.last])
    }
}

/// One message and how it came.
struct Heard<'a> {
    link: &'a Link,
    vlan: Option<u16>,
    from: Option<IpAddr>,
    to: Option<IpAddr>,
    bytes: u64,
    said: usize,
    is_frame: bool,
    at: Timestamp,
}

impl Engine {
    /// A datagram to the port of the discovery.
    pub(super) fn hears_discovery(
        &mut self,
        link: &Link,
        vlan: Option<u16>,
        layer: &Layer,
        payload: &[u8],
        at: Timestamp,
    ) {
        let attempts = self.options.knowledge.signatures.sadp(payload);
        let message = sadp_message(payload);
        let to = Some(layer.dst).filter(|&ip| self.policy.scope(ip) != Scope::Local);
        let (from, bytes, said) = (Some(layer.src), u64::from(layer.ip_len), payload.len());
        self.hears(attempts, message, &Heard { link, vlan, from, to, bytes, said, is_frame: false, at });
    }

    /// A raw frame of the discovery, given what follows its EtherType.
    pub(super) fn hears_discovery_frame(&mut self, link: &Link, vlan: Option<u16>, payload: &[u8], at: Timestamp) {
        let attempts = self.options.knowledge.signatures.sadp_frame(payload);
        let message = sadp_operation(payload);
        let from = message.as_ref().and_then(|message| message.sender).map(IpAddr::V4);
        let (bytes, said) = (0, payload.len());
        self.hears(attempts, message, &Heard { link, vlan, from, to: None, bytes, said, is_frame: true, at });
    }

    fn hears(&mut self, attempts: Vec<Attempt>, message: Option<SadpMessage>, heard: &Heard<'_>) {
        let named = message.as_ref().and_then(|message| message.device);
        if let (Some(message), Some(device)) = (&message, named.filter(|_| attempts.is_empty())) {
            if message.is_answer && heard.link.src == Some(device) {
                self.changes.answered(device, &message.word, heard);
            }
            return;
        }
        let Some(target) = named.map(Target::Mac).or(heard.to.map(Target::Ip)) else { return };
        let word = message.map(|message| message.word).unwrap_or_default();
        // A device that tells of itself changes nothing.
        let own = match target {
            Target::Mac(mac) => heard.link.src == Some(mac),
            Target::Ip(ip) => heard.from == Some(ip),
        };
        if own {
            return;
        }
        let is_watched = self.changed_device(target).is_some();
        for attempt in attempts {
            let what = format!("{} {word}", attempt.id);
            self.changes.note((target, heard.link.src, heard.from, what), attempt, &word, is_watched, heard);
        }
    }

    /// The watched device that was to be changed.
    fn changed_device(&self, target: Target) -> Option<DeviceId> {
        let id = match target {
            Target::Mac(mac) => self.devices.by_mac(mac)?,
            Target::Ip(ip) => self.devices.by_ip(ip)?,
        };
        self.current(id).filter(|&id| self.devices.get(id).is_some_and(|device| device.is_watched()))
    }

    /// Findings about changes of watched devices that no conduit permits.
    pub(super) fn note_changes(&self, book: &mut Book) {
        for ((target, mac, ip, _), change) in &self.changes.seen {
            let Some(device) = self.changed_device(*target) else { continue };
            let attacker = mac.and_then(|mac| self.devices.by_mac(mac)).filter(|_| change.is_frame);
            let attacker = attacker.or_else(|| ip.and_then(|ip| self.devices.by_ip(ip)));
            if attacker.is_some_and(|attacker| self.current(attacker) == Some(device)) {
                continue;
            }
            let expired = match self.permits_change(device, *target, attacker, *ip, change) {
                Permit::Allowed(_) => continue,
                Permit::Expired(conduit) => Some(conduit.0),
                Permit::Denied => None,
            };
            let by = change.vlan.and_then(|vlan| self.policy.zone_of_vlan(vlan));
            let peer_zone = match ip.map(|ip| self.policy.scope(ip)) {
                Some(Scope::Zone(zone)) => PeerZone::Zone(zone.0),
                Some(Scope::Internet) => PeerZone::Internet,
                Some(Scope::Internal) if !self.policy.builtin && by.is_none() => PeerZone::Internal,
                _ => by.map_or(PeerZone::None, |zone| PeerZone::Zone(zone.0)),
            };
            let key = FindingKey { device, kind: Kind::ExploitAttempt, peer_zone };
            let own = self.devices.get(device).and_then(|device| device.addresses.first().copied());
            match (*ip, own) {
                (Some(ip), Some(device_ip)) => book.add(contribution(key, ip, device_ip, change, expired)),
                _ => book.note(key, own, change.first, change.last),
            }
            book.remark(&key, remark(change, *mac));
        }
    }

    /// A conduit permits it if it leads from the host to the device, by any address that it is known to have. A raw frame is
    /// judged as the same message over UDP, from any address of its sender.
    fn permits_change(
        &self,
        device: DeviceId,
        target: Target,
        attacker: Option<DeviceId>,
        ip: Option<IpAddr>,
        change: &Change,
    ) -> Permit {
        let addresses = |id: DeviceId| {
            let device = self.devices.get(id);
            let key = device.and_then(|device| match device.key {
                Key::Ip(ip) => Some(ip),
                Key::Mac(_) => self.listed(device).and_then(|entry| entry.ip),
            });
            device.map(|device| device.addresses.as_slice()).unwrap_or_default().iter().copied().chain(key)
        };
        let sent_to = match target {
            Target::Ip(ip) => Some(ip),
            Target::Mac(_) => None,
        };
        let known = attacker.filter(|_| change.is_frame);
        let from: BTreeSet<IpAddr> = known.into_iter().flat_map(addresses).chain(ip).collect();
        let to: BTreeSet<IpAddr> = addresses(device).chain(sent_to).collect();
        let zone_of = |ip: IpAddr| match self.policy.scope(ip) {
            Scope::Zone(zone) => Some(zone),
            _ => change.vlan.and_then(|vlan| self.policy.zone_of_vlan(vlan)),
        };
        let mut best = Permit::Denied;
        for (&from, &to) in from.iter().flat_map(|from| to.iter().map(move |to| (from, to))) {
            let ends = Ends {
                proto: UDP,
                from,
                from_zone: attacker.and_then(|id| self.home(id)).or(zone_of(from)),
                from_port: SADP,
                to,
                to_zone: self.home(device).or(zone_of(to)),
                to_port: SADP,
            };
            match self.permits_attack(&ends, Opening::Guess, change.first) {
                Permit::Allowed(conduit) => return Permit::Allowed(conduit),
                Permit::Expired(conduit) => best = Permit::Expired(conduit),
                Permit::Denied => {}
            }
        }
        best
    }
}

impl Changes {
    fn note(&mut self, key: ChangeKey, attempt: Attempt, word: &str, is_watched: bool, heard: &Heard<'_>) {
        let (is_full, strangers) = (self.seen.len() >= MAX_CHANGES, self.strangers >= MAX_OF_STRANGERS);
        match self.seen.get_mut(&key) {
            Some(change) => {
                change.packets[1] += 1;
                change.bytes[1] += heard.bytes;
                change.said[1] += heard.said;
                (change.first, change.last) = (change.first.min(heard.at), change.last.max(heard.at));
            }
            None if is_watched && is_full => self.refused += 1,
            None if is_full || !is_watched && strangers => {}
            None => {
                self.strangers += usize::from(!is_watched);
                let change = Change {
                    attempt,
                    word: word.to_owned(),
                    vlan: heard.vlan,
                    is_frame: heard.is_frame,
                    packets: [0, 1],
                    bytes: [0, heard.bytes],
                    said: [0, heard.said],
                    first: heard.at,
                    last: heard.at,
                };
                self.seen.insert(key, change);
            }
        }
    }

    /// A device answers a change.
    fn answered(&mut self, device: Mac, word: &str, heard: &Heard<'_>) {
        let of = |key: &ChangeKey| key.0 == Target::Mac(device);
        for (_, change) in self.seen.iter_mut().filter(|(key, change)| of(key) && change.word == word) {
            change.packets[0] += 1;
            change.bytes[0] += heard.bytes;
            change.said[0] += heard.said;
            change.last = change.last.max(heard.at);
        }
    }
}

fn contribution(key: FindingKey, ip: IpAddr, device_ip: IpAddr, change: &Change, expired: Option<u16>) -> Contribution {
    let (proto, port) = if change.is_frame { (0, 0) } else { (UDP, SADP) };
    Contribution {
        key,
        peer: PeerKey { ip, proto, port },
        seen: Peer {
            device_opened: false,
            reach: if change.packets[0] > 0 { Reach::Established } else { Reach::Attempted },
            packets: change.packets,
            bytes: change.bytes,
            first: change.first,
            last: change.last,
            names: BTreeSet::from([change.attempt.id.clone()]),
        },
        device_ip,
        expired,
    }
}

fn remark(change: &Change, mac: Option<Mac>) -> String {
    let Change { attempt, word, said, .. } = change;
    let how = match mac {
        Some(mac) if change.is_frame => format!(" in raw frames of {mac}"),
        _ => String::new(),
    };
    let answered = match said[0] {
        0 => "no answer was seen".to_owned(),
        bytes => format!("answered with {bytes} bytes"),
    };
    format!("{} ({}) by “{word}”{how}, {} bytes: {answered}", attempt.id, attempt.what, said[1])
}
