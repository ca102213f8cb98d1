//! Takes up what was written down.

use std::collections::BTreeMap;

use super::{MAX_SAVED, Saved, SavedDevice, SavedFinding, SavedHint, VERSION};
use crate::base::{Mac, Timestamp};
use crate::device::Key;
use crate::engine::Engine;
use crate::engine::hints::Known;
use crate::engine::live::Live;
use crate::engine::live::adopt::{identify_again, zone_indices};
use crate::engine::live::episode::Episode;
use crate::finding::{Finding, FindingKey, Kind, Peer, PeerKey, PeerZone};
use crate::flow::Reach;
use crate::hint::{Confidence, Says, Source};

/// Nanoseconds of the time away that count as quiet: nobody looked, and the clock may have been set meanwhile.
const MAX_AWAY: i64 = 3_600_000_000_000;

impl Engine {
    /// Takes up what was saved, before the first tick. `now` is wall and monotonic time.
    pub(in crate::engine) fn restore(&mut self, saved: &Saved, wall: Timestamp, mono: i64) {
        if saved.version != VERSION {
            return;
        }
        self.restore_devices(saved);
        let away = wall.since(saved.at()).clamp(0, MAX_AWAY);
        let zones: BTreeMap<String, u16> =
            zone_indices(&self.policy).into_iter().map(|(name, at)| (name.to_owned(), at)).collect();
        let mut live = self.live.take().unwrap_or_default();
        live.latest = saved.at().max(wall);
        for (zone, kind, reach, count) in &saved.totals {
            let Some(kind) = Kind::from_name(kind) else { continue };
            let reach = reach.as_deref().and_then(Reach::from_name);
            live.totals.findings.insert((zone.clone(), kind, reach), *count);
        }
        // Before the findings: one that was closed may be open again.
        for closing in &saved.closings {
            let device = key_of(&closing.device).and_then(|key| self.devices.by_key(key));
            let kind = Kind::from_name(&closing.kind);
            if let (Some(device), Some(kind), Some(peer_zone)) = (device, kind, peer_zone(&closing.peer_zone, &zones)) {
                self.ended.close(FindingKey { device, kind, peer_zone }, Timestamp(closing.at));
            }
        }
        for finding in &saved.findings {
            self.restore_finding(
                finding,
                &zones,
                &mut live,
                mono.saturating_sub(away.saturating_add(finding.quiet_for)),
            );
        }
        for hours in &saved.hours {
            if let Some(id) = key_of(&hours.device).and_then(|key| self.devices.by_key(key)) {
                live.hours.restore(id, hours);
            }
        }
        if let Some(drill) = &saved.drill {
            live.resume_drill(drill, wall, mono);
        }
        self.canaries.restore(&saved.canaries);
        // The clock may have been ahead when that was written.
        live.date_no_later(wall);
        self.date_no_later(wall);
        self.live = Some(live);
        self.epoch += 1;
    }

    /// Takes up who is who.
    pub(in crate::engine) fn restore_devices(&mut self, saved: &Saved) {
        if saved.version == VERSION {
            saved.devices.iter().take(MAX_SAVED).for_each(|device| self.restore_device(device));
        }
    }

    fn restore_device(&mut self, saved: &SavedDevice) {
        let Some(key) = key_of(&saved.key) else { return };
        let id = match key {
            Key::Mac(mac) => self.device_of_mac(mac),
            Key::Ip(_) => self.devices.by_key(key).or_else(|| self.devices.add(key, false)),
        };
        let Some(id) = id else { return };
        for known in saved.hints.iter().filter_map(known_hint) {
            self.hints.add(id, known);
        }
        if let Some((vendor, source, at, certain)) = &saved.identity
            && let Some(source) = Source::from_name(source)
        {
            self.identify_as(id, vendor.clone(), source.name(), *certain, Timestamp(*at));
        }
        for &(vlan, first, last, boots) in &saved.vlans {
            if let Some(device) = self.devices.get_mut(id) {
                device.in_vlan(vlan, Timestamp(first), Timestamp(last), boots);
            }
        }
        if let Some(device) = self.devices.get_mut(id) {
            device.gateway = saved.gateway && !device.is_certain();
            device.routes_many = saved.routes_many;
            device.first_vlan = saved.first_vlan;
            device.mask = saved.mask;
            for &ip in &saved.addresses {
                device.add_address(ip);
            }
            if let (Some(first), Some(last)) = (saved.first, saved.last) {
                device.sight.between(Timestamp(first), Timestamp(last));
            }
            [device.sight.sent, device.sight.received, device.sight.routed] = saved.frames;
            let inventory = device.inventory;
            identify_again(device, &self.policy);
            device.inventory = inventory;
        }
        for &ip in &saved.owns {
            self.devices.own(ip, id);
        }
    }

    fn restore_finding(&mut self, saved: &SavedFinding, zones: &BTreeMap<String, u16>, live: &mut Live, touched: i64) {
        let Some(peer_zone) = peer_zone(&saved.peer_zone, zones) else { return };
        let device = key_of(&saved.device).and_then(|key| self.devices.by_key(key));
        let (Some(device), Some(kind)) = (device, Kind::from_name(&saved.kind)) else { return };
        let key = FindingKey { device, kind, peer_zone };
        let reach = |word: &str| Reach::from_name(word).unwrap_or(Reach::Attempted);
        let peers = saved
            .peers
            .iter()
            .map(|peer| {
                (
                    PeerKey { ip: peer.ip, proto: peer.proto, port: peer.port },
                    Peer {
                        device_opened: peer.device_opened,
                        reach: reach(&peer.reach),
                        packets: peer.packets,
                        bytes: peer.bytes,
                        first: Timestamp(peer.first),
                        last: Timestamp(peer.last),
                        names: peer.names.iter().cloned().collect(),
                    },
                )
            })
            .collect();
        self.ended.findings.insert(
            key,
            Finding {
                device_ip: saved.device_ip,
                peers,
                peers_total: saved.peers_total,
                reach: reach(&saved.reach),
                first: Timestamp(saved.first),
                last: Timestamp(saved.last),
                expired: saved.expired.as_ref().and_then(|name| self.conduit_named(name)),
                remarks: saved.remarks.iter().cloned().collect(),
            },
        );
        live.episodes.insert(
            saved.id.clone(),
            Episode {
                opened: Timestamp(saved.opened),
                reach: (kind.class(reach(&saved.reach)) == crate::finding::Class::Reach).then(|| reach(&saved.reach)),
                severity: severity(&saved.severity),
                exception: saved.exception.clone(),
                last: Timestamp(saved.last),
                touched,
                subject: saved.subject.clone(),
                acked: saved.acked.clone(),
            },
        );
    }

    fn conduit_named(&self, name: &str) -> Option<u16> {
        self.policy.conduits.iter().position(|conduit| conduit.name == name).and_then(|at| u16::try_from(at).ok())
    }
}

pub(in crate::engine) fn key_of(text: &str) -> Option<Key> {
    text.parse::<Mac>().map(Key::Mac).or_else(|_| text.parse().map(Key::Ip)).ok()
}

fn severity(word: &str) -> &'static str {
    match word {
        "critical" => "critical",
        "warning" => "warning",
        _ => "info",
    }
}

fn peer_zone(name: &str, zones: &BTreeMap<String, u16>) -> Option<PeerZone> {
    Some(match name {
        "internet" => PeerZone::Internet,
        "internal" => PeerZone::Internal,
        "none" => PeerZone::None,
        name => PeerZone::Zone(*zones.get(name)?),
    })
}

fn known_hint(saved: &SavedHint) -> Option<Known> {
    Some(Known {
        source: Source::from_name(&saved.source)?,
        says: Says::from_name(&saved.says)?,
        value: saved.value.clone(),
        confidence: Confidence::from_name(&saved.confidence)?,
        first: Timestamp(saved.first),
        last: Timestamp(saved.last),
    })
}
