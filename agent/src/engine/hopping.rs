//! VLAN hopping: tags that reach into another zone, one MAC in two zones, two MACs with one address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Engine;
use crate::base::{Mac, Map, Timestamp, VlanStack};
use crate::device::{Device, DeviceId};
use crate::finding::{Book, FindingKey, Kind, PeerZone};
use crate::flow::Copy;
use crate::packet::Arp;
use crate::policy::{Scope, ZoneId};

/// Nanoseconds within which two zones, or two claimants in turn, belong together (DESIGN, section 2).
const TOGETHER: i64 = 60_000_000_000;
/// Nanoseconds within which an equal ARP packet in another VLAN is a copy.
const COPIES: i64 = 50_000_000;
/// The last ARP packets, to know copies of them.
const ARPS: usize = 8;
/// Addresses whose claimants are followed; beyond it new ones are refused and counted.
const MAX_CLAIMS: usize = 262_144;
/// Changes of hands of one address after which all flows are looked at anew; later ones are noted, but a flood of them
/// slows nothing down.
const MAX_TURNS: u8 = 64;
/// Signs kept; beyond it new ones are refused and counted.
const MAX_SIGNS: usize = 65_536;

/// What was seen, to be judged when everything about the hosts is known.
#[derive(Debug, Default)]
pub struct Hopping {
    claims: Map<(Option<u16>, IpAddr), Claim>,
    signs: BTreeMap<(DeviceId, Sign), (Timestamp, Timestamp)>,
    /// Frames with two or more tags, by the outermost.
    outermost: Vec<u64>,
    arps: [Option<(Arp, Option<u16>, i64)>; ARPS],
    next_arp: usize,
    /// Claims and signs that found no place.
    pub refused: u64,
}

impl Hopping {
    /// All the times of the clock that it holds.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.signs.values_mut().flat_map(|(first, last)| [first, last])
    }
}

/// Who claims an address, and who did before.
#[derive(Clone, Copy, Debug)]
struct Claim {
    mac: Mac,
    at: i64,
    before: Option<(Mac, i64)>,
    turns: u8,
}

/// One sign of hopping, by a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Sign {
    /// Tags: how many, the outermost, the one that should not be there.
    Tags(u8, u16, u16),
    /// Frames in these two VLANs.
    Zones(u16, u16),
    /// Its address was claimed by this one in turn.
    Address(IpAddr, DeviceId),
}

impl Engine {
    /// Counts the tags of a frame, to know a service tag that is on all of them.
    pub(super) fn count_tags(&mut self, vlans: &VlanStack) {
        let mut tags = self.tags(vlans);
        if let (Some(outermost), Some(_)) = (tags.next(), tags.next()) {
            self.hopping.outermost.resize(4096, 0);
            if let Some(count) = self.hopping.outermost.get_mut(usize::from(outermost)) {
                *count += 1;
            }
        }
    }

    /// Tags of the network itself, outermost first.
    fn tags(&self, vlans: &VlanStack) -> impl Iterator<Item = u16> + use<> {
        let (vlans, mirror) = (*vlans, self.policy.rspan_vlan);
        (0..vlans.vids().len())
            .filter_map(move |at| vlans.vids().get(at).copied())
            .filter(move |&v| v != 0 && Some(v) != mirror)
    }

    /// A frame of a device's own carries several tags.
    pub(super) fn double_tagged(&mut self, id: DeviceId, vlans: &VlanStack, at: Timestamp) {
        let tags: Vec<u16> = self.tags(vlans).collect();
        let ([outermost, .., innermost], Some(device)) = (tags.as_slice(), self.devices.get(id)) else { return };
        let home = self.home(id);
        let elsewhere = |vlan: &&u16| self.policy.zone_of_vlan(**vlan).is_some_and(|zone| Some(zone) != home);
        let odd = tags.iter().find(elsewhere).or((!self.is_home_vlan(id, device, *innermost)).then_some(innermost));
        if let Some(&odd) = odd {
            let sign = Sign::Tags(tags.len() as u8, *outermost, odd);
            self.sign(id, sign, at);
        }
    }

    fn is_home_vlan(&self, id: DeviceId, device: &Device, vlan: u16) -> bool {
        match self.home(id).and_then(|home| self.policy.zone(home)) {
            Some(zone) => zone.vlans.is_empty() || zone.vlans.contains(&vlan),
            None => !self.policy.builtin || device.first_vlan.flatten().is_none_or(|first| first == vlan),
        }
    }

    /// A device sent an IP or ARP frame of its own in this VLAN. `boots` says that it only gets onto the network.
    pub(super) fn spoke_in(&mut self, id: DeviceId, vlan: u16, boots: bool, at: Timestamp) {
        let zone = self.policy.zone_of_vlan(vlan);
        if boots && zone.and_then(|zone| self.policy.zone(zone)).is_some_and(|zone| zone.onboarding) {
            return;
        }
        let (now, builtin) = (self.now, self.policy.builtin);
        let Some(device) = self.devices.get(id) else { return };
        let own = device.vlans.iter().find(|sight| sight.vlan == vlan).and_then(|sight| sight.spoke);
        let is_fresh = |then: i64| now.saturating_sub(then) <= TOGETHER;
        let elsewhere = device.vlans.iter().filter(|sight| sight.vlan != vlan).filter(|sight| {
            let other = self.policy.zone_of_vlan(sight.vlan);
            // Without zones a host may move once, as one does that was let in by access control: it has to come back.
            builtin && own.is_some_and(|own| is_fresh(own) && sight.spoke.is_some_and(|other| other > own))
                || !builtin && zone.is_some() && other.is_some() && zone != other
        });
        let spoken: Vec<(u16, i64)> = elsewhere.filter_map(|sight| Some((sight.vlan, sight.spoke?))).collect();
        for &(other, _) in spoken.iter().filter(|s| is_fresh(s.1)) {
            self.sign(id, Sign::Zones(vlan.min(other), vlan.max(other)), at);
        }
        let mut roams = false;
        if let Some(device) = self.devices.get_mut(id) {
            if let Some(sight) = device.vlans.iter_mut().find(|sight| sight.vlan == vlan) {
                sight.spoke = Some(now);
            }
            let speaks = device.vlans.iter().filter(|sight| sight.spoke.is_some()).count() > 1;
            roams = speaks && !std::mem::replace(&mut device.roams, speaks);
        }
        if roams {
            self.epoch += 1;
        }
    }

    /// An ARP packet of a device's own, unless it is a copy of one in another VLAN.
    pub(super) fn spoke_arp(&mut self, id: DeviceId, arp: &Arp, vlan: Option<u16>, at: Timestamp) {
        let now = self.now;
        let hopping = &mut self.hopping;
        let is_copy =
            hopping.arps.iter().flatten().any(|(known, elsewhere, then)| {
                known == arp && *elsewhere != vlan && now.saturating_sub(*then) <= COPIES
            });
        let next = hopping.next_arp % ARPS;
        hopping.next_arp = next + 1;
        if let Some(place) = hopping.arps.get_mut(next) {
            *place = Some((*arp, vlan, now));
        }
        if let (Some(vlan), false) = (vlan, is_copy) {
            self.spoke_in(id, vlan, true, at);
        }
    }

    /// An IP packet of a device's own came a way that is new.
    pub(super) fn spoke_ip(
        &mut self,
        id: DeviceId,
        vlan: Option<u16>,
        src: IpAddr,
        copy: Copy,
        boots: bool,
        at: Timestamp,
    ) {
        if copy != Copy::First {
            return;
        }
        if let Some(vlan) = vlan {
            self.spoke_in(id, vlan, boots, at);
        }
        if self.policy.scope(src) != Scope::Local
            && let Some(mac) = self.devices.get(id).and_then(Device::mac)
        {
            self.claimed(vlan, src, mac, at);
        }
    }

    /// A MAC claims an address, by ARP, ND or as the source of its own frame.
    pub(super) fn claimed(&mut self, vlan: Option<u16>, ip: IpAddr, mac: Mac, at: Timestamp) {
        let now = self.now;
        let hopping = &mut self.hopping;
        let Some(claim) = hopping.claims.get_mut(&(vlan, ip)) else {
            if hopping.claims.len() < MAX_CLAIMS {
                hopping.claims.insert((vlan, ip), Claim { mac, at: now, before: None, turns: 0 });
            } else {
                hopping.refused += 1;
            }
            return;
        };
        if claim.mac == mac {
            claim.at = now;
            return;
        }
        let old = std::mem::replace(
            claim,
            Claim { mac, at: now, before: Some((claim.mac, claim.at)), turns: claim.turns.saturating_add(1) },
        );
        let ids = (self.devices.by_mac(mac), self.devices.by_mac(old.mac));
        match (old.before, ids) {
            (Some((first, then)), (Some(owner), Some(other)))
                if first == mac && now.saturating_sub(then) <= TOGETHER =>
            {
                // One dispute is one sign, of the one that held the address first.
                let turned = (other, Sign::Address(ip, owner));
                let (id, sign) =
                    if self.hopping.signs.contains_key(&turned) { turned } else { (owner, Sign::Address(ip, other)) };
                self.sign(id, sign, at);
            }
            // The next packet of the one that held it must be seen for what it is.
            _ if old.turns < MAX_TURNS => self.epoch += 1,
            _ => {}
        }
    }

    /// A lease gives an address to a MAC: what was claimed before is void.
    pub(super) fn leased_anew(&mut self, vlan: Option<u16>, ip: IpAddr, mac: Mac) {
        if let Some(claim) = self.hopping.claims.get_mut(&(vlan, ip)) {
            *claim = Claim { mac, at: self.now, before: None, turns: 0 };
        }
    }

    fn sign(&mut self, id: DeviceId, sign: Sign, at: Timestamp) {
        let hopping = &mut self.hopping;
        if hopping.signs.len() >= MAX_SIGNS && !hopping.signs.contains_key(&(id, sign)) {
            hopping.refused += 1;
            return;
        }
        let seen = hopping.signs.entry((id, sign)).or_insert((at, at));
        *seen = (seen.0.min(at), seen.1.max(at));
    }

    /// Findings of the signs that hold with all that is known now.
    pub(super) fn note_hopping(&self, book: &mut Book) {
        for (&(id, sign), &(first, last)) in &self.hopping.signs {
            let id = self.current(id).unwrap_or(id);
            let found = match sign {
                Sign::Tags(count, outermost, odd) if count > 2 || !self.is_service_tag(outermost) => Some((
                    id,
                    self.zone_elsewhere(id, odd),
                    format!("sent frames with several tags, among them VLAN {odd}"),
                )),
                Sign::Tags(..) => None,
                Sign::Zones(a, b) => {
                    let away =
                        if self.home(id).is_some_and(|home| self.policy.zone_of_vlan(a) == Some(home)) { b } else { a };
                    Some((
                        id,
                        self.zone_elsewhere(id, away),
                        format!("sent frames in VLAN {a} and in VLAN {b} within 60 s"),
                    ))
                }
                Sign::Address(ip, other) => self.disputed(id, other, ip),
            };
            let Some((device, peer_zone, note)) = found else { continue };
            let key = FindingKey { device, kind: Kind::VlanHopping, peer_zone };
            let ip = self.devices.get(device).and_then(|d| d.addresses.first().copied());
            book.note(key, ip, first, last);
            book.remark(&key, note);
        }
    }

    /// Two MACs claim an address in turn, and neither is a gateway: the watched one is told of.
    fn disputed(&self, owner: DeviceId, other: DeviceId, ip: IpAddr) -> Option<(DeviceId, PeerZone, String)> {
        let (a, b) = (self.devices.get(owner)?, self.devices.get(other)?);
        if a.gateway || b.gateway {
            return None;
        }
        let (device, rival) = if a.is_watched() { (owner, b) } else { (other, a) };
        let rival = rival.mac().map(|mac| mac.to_string()).unwrap_or_default();
        Some((device, PeerZone::None, format!("and {rival} claimed {ip} in turn")))
    }

    fn zone_elsewhere(&self, id: DeviceId, vlan: u16) -> PeerZone {
        match self.policy.zone_of_vlan(vlan) {
            Some(zone) if self.home(id) != Some(zone) => PeerZone::Zone(zone.0),
            _ => PeerZone::None,
        }
    }

    /// A tag of no zone that most frames carry around their own (IEEE 802.1ad).
    fn is_service_tag(&self, vlan: u16) -> bool {
        let frames = self.hopping.outermost.get(usize::from(vlan)).copied().unwrap_or(0);
        let owner: Option<ZoneId> = self.policy.zone_of_vlan(vlan);
        owner.is_none() && frames.saturating_mul(2) > self.counters.packets
    }
}
