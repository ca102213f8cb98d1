//! Writes the state down: all of it, or what changed.

use std::collections::BTreeSet;

use super::{
    Changes, MAX_SAVED, Saved, SavedClosing, SavedDevice, SavedFinding, SavedHint, SavedPeer, SavedTotal, VERSION,
};
use crate::device::{Device, DeviceId, Key};
use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::hints::Known;
use crate::engine::live::Live;
use crate::engine::live::episode::Episode;
use crate::finding::{Finding, FindingKey, Kind, Peer, PeerKey};
use crate::policy::ConduitId;

/// Peers saved of one finding, the farthest first.
const MAX_SAVED_PEERS: usize = 100;

impl Engine {
    /// What has to outlive a restart.
    pub fn save(&self) -> Saved {
        let Some(live) = &self.live else { return Saved::default() };
        let (book, keys) = (self.gather().book, self.summarise().keys);
        let identifies = |device: &Device| device.is_watched() || device.gateway || device.sight.first.is_some();
        // Without its device a finding is lost, so these come first.
        let concerned: BTreeSet<DeviceId> =
            live.episodes.keys().filter_map(|id| keys.get(id)).map(|key| key.device).collect();
        let (first, rest): (Vec<_>, Vec<_>) = self
            .devices
            .iter()
            .filter(|(id, device)| identifies(device) || concerned.contains(id))
            .partition(|(id, _)| concerned.contains(id));
        let devices = first.into_iter().chain(rest).take(MAX_SAVED);
        let devices = devices.map(|(id, device)| self.save_device(id, device)).collect();
        let findings = live
            .episodes
            .iter()
            .filter_map(|(id, episode)| {
                let key = keys.get(id)?;
                let finding = book.findings.get(key)?;
                let device = self.devices.get(key.device)?;
                Some(self.save_finding(id, episode, key, finding, device, live.mono))
            })
            .collect();
        let (closings, totals) = (self.save_closings(i64::MIN), save_totals(live));
        let (drill, canaries) = (live.save_drill(), self.canaries.save());
        let hours = live.hours.save(|id| Some(key_text(self.devices.get(id)?.key)));
        Saved { version: VERSION, at: live.wall.0, devices, findings, closings, totals, drill, canaries, hours }
    }

    /// What these events change in what was saved before.
    pub fn save_changes(&self, events: &[Event]) -> Changes {
        let Some(live) = &self.live else { return Changes::default() };
        let mut changes = Changes { at: live.wall.0, ..Changes::default() };
        let mut ids = BTreeSet::new();
        for event in events {
            match event {
                Event::FindingOpened { finding, .. } if finding.kind == Kind::Drill => {
                    changes.drill = live.save_drill()
                }
                Event::FindingOpened { finding, .. } | Event::FindingRaised { finding, .. } => {
                    ids.insert(finding.id.as_str());
                }
                Event::FindingAcked { id, .. } | Event::FindingMuted { id, .. } | Event::FindingRearmed { id, .. } => {
                    ids.insert(id);
                }
                Event::FindingClosed { id, .. } => changes.closed.push(id.clone()),
                Event::Canary { .. } => changes.canaries = self.canaries.save(),
                _ => {}
            }
        }
        if !changes.closed.is_empty() {
            // A person's closing bears the time of the tick before it.
            changes.closings = self.save_closings(live.former_wall.0);
        }
        changes.closed.retain(|id| !live.episodes.contains_key(id));
        if ids.is_empty() {
            return changes;
        }
        changes.totals = save_totals(live);
        let (book, keys) = (self.gather().book, self.summarise().keys);
        let mut saved = BTreeSet::new();
        for id in ids {
            let (Some(key), Some(episode)) = (keys.get(id), live.episodes.get(id)) else { continue };
            let Some(device) = self.devices.get(key.device) else { continue };
            // What concerns no flow is found anew in what is known of the device.
            let Some(finding) = book.findings.get(key) else { continue };
            changes.findings.push(self.save_finding(id, episode, key, finding, device, live.mono));
            if saved.insert(key.device) {
                changes.devices.push(self.save_device(key.device, device));
            }
        }
        changes
    }

    /// Closings since then, of devices that are known.
    fn save_closings(&self, since: i64) -> Vec<SavedClosing> {
        let recent = self.ended.closed.iter().filter(|(_, at)| at.0 >= since);
        recent
            .filter_map(|(key, at)| {
                Some(SavedClosing {
                    device: key_text(self.devices.get(key.device)?.key),
                    kind: key.kind.name().to_owned(),
                    peer_zone: self.peer_zone_name(key.peer_zone),
                    at: at.0,
                })
            })
            .collect()
    }

    fn save_finding(
        &self,
        id: &str,
        episode: &Episode,
        key: &FindingKey,
        finding: &Finding,
        device: &Device,
        now: i64,
    ) -> SavedFinding {
        let mut peers: Vec<(&PeerKey, &Peer)> = finding.peers.iter().collect();
        // The one that began it stands for the finding in labels, which must not change.
        let began = peers.iter().map(|(key, peer)| (peer.first, **key)).min();
        let is_first = |key: &PeerKey| began.is_some_and(|(_, first)| first == *key);
        peers.sort_by_key(|(key, peer)| (!is_first(key), std::cmp::Reverse(peer.reach)));
        peers.truncate(MAX_SAVED_PEERS);
        SavedFinding {
            id: id.to_owned(),
            device: key_text(device.key),
            kind: key.kind.name().to_owned(),
            peer_zone: self.peer_zone_name(key.peer_zone),
            device_ip: finding.device_ip,
            peers: peers
                .into_iter()
                .map(|(key, peer)| SavedPeer {
                    ip: key.ip,
                    proto: key.proto,
                    port: key.port,
                    device_opened: peer.device_opened,
                    reach: peer.reach.name().to_owned(),
                    packets: peer.packets,
                    bytes: peer.bytes,
                    first: peer.first.0,
                    last: peer.last.0,
                    names: peer.names.iter().cloned().collect(),
                })
                .collect(),
            peers_total: finding.peers_total,
            reach: finding.reach.name().to_owned(),
            first: finding.first.0,
            last: finding.last.0,
            expired: finding.expired.and_then(|at| self.policy.conduit(ConduitId(at))).map(|c| c.name.clone()),
            remarks: finding.remarks.iter().cloned().collect(),
            opened: episode.opened.0,
            severity: episode.severity.to_owned(),
            exception: episode.exception.clone(),
            subject: episode.subject.clone(),
            quiet_for: now.saturating_sub(episode.touched),
            acked: episode.acked.clone(),
        }
    }

    fn save_device(&self, id: DeviceId, device: &Device) -> SavedDevice {
        SavedDevice {
            key: key_text(device.key),
            gateway: device.gateway,
            routes_many: device.routes_many,
            first_vlan: device.first_vlan,
            addresses: device.addresses.clone(),
            vlans: device.vlans.iter().map(|v| (v.vlan, v.first.0, v.last.0, v.only_boots)).collect(),
            mask: device.mask,
            first: device.sight.first.map(|t| t.0),
            last: device.sight.last.map(|t| t.0),
            frames: [device.sight.sent, device.sight.received, device.sight.routed],
            owns: device.addresses.iter().copied().filter(|&ip| self.devices.owner(ip) == Some(id)).collect(),
            hints: self.hints.of(id).iter().map(save_hint).collect(),
            identity: device.identity.as_ref().map(|i| (i.vendor.clone(), i.source.to_owned(), i.at.0, i.certain)),
        }
    }
}

fn save_hint(known: &Known) -> SavedHint {
    SavedHint {
        source: known.source.name().to_owned(),
        says: known.says.name().to_owned(),
        value: known.value.clone(),
        confidence: known.confidence.name().to_owned(),
        first: known.first.0,
        last: known.last.0,
    }
}

fn save_totals(live: &Live) -> Vec<SavedTotal> {
    let totals = live.totals.findings.iter();
    totals
        .map(|((zone, kind, reach), count)| {
            (zone.clone(), kind.name().to_owned(), reach.map(|reach| reach.name().to_owned()), *count)
        })
        .collect()
}

pub(in crate::engine) fn key_text(key: Key) -> String {
    match key {
        Key::Mac(mac) => mac.to_string(),
        Key::Ip(ip) => ip.to_string(),
    }
}
