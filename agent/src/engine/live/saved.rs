//! What outlives a restart: who is who, and which findings are open.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::episode::{Ack, Episode};
use super::{Engine, Live};
use crate::base::{Mac, Timestamp};
use crate::device::{Device, DeviceId, Key};
use crate::engine::event::Event;
use crate::engine::hints::Known;
use crate::engine::live::adopt::zone_indices;
use crate::finding::{Finding, FindingKey, Kind, Peer, PeerKey, PeerZone};
use crate::flow::Reach;
use crate::hint::{Confidence, Says, Source};

/// Version of the form; another one is not read.
const VERSION: u32 = 1;
/// Devices saved: those that identify something.
const MAX_SAVED: usize = 65_536;
/// Peers saved of one finding, the farthest first.
const MAX_SAVED_PEERS: usize = 100;

/// The state of an engine as of one moment. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    at: i64,
    devices: Vec<SavedDevice>,
    findings: Vec<SavedFinding>,
    totals: Vec<(String, String, Option<String>, u64)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedDevice {
    key: String,
    gateway: bool,
    routes_many: bool,
    first_vlan: Option<Option<u16>>,
    addresses: Vec<IpAddr>,
    vlans: Vec<(u16, i64, i64, bool)>,
    mask: Option<u8>,
    first: Option<i64>,
    last: Option<i64>,
    frames: [u64; 3],
    owns: Vec<IpAddr>,
    #[serde(default)]
    hints: Vec<SavedHint>,
    /// When and by what it was known for this vendor, and whether it gave its MAC.
    #[serde(default)]
    identity: Option<(String, String, i64, bool)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedHint {
    source: String,
    says: String,
    value: String,
    confidence: String,
    first: i64,
    last: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedFinding {
    id: String,
    device: String,
    kind: String,
    peer_zone: String,
    device_ip: Option<IpAddr>,
    peers: Vec<SavedPeer>,
    peers_total: u64,
    reach: String,
    first: i64,
    last: i64,
    expired: bool,
    remarks: Vec<String>,
    opened: i64,
    severity: String,
    peer: String,
    quiet_for: i64,
    acked: Option<Ack>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedPeer {
    ip: IpAddr,
    proto: u8,
    port: u16,
    device_opened: bool,
    reach: String,
    packets: [u64; 2],
    bytes: [u64; 2],
    first: i64,
    last: i64,
    names: Vec<String>,
}

/// What changed since the last [`Saved`]: findings that were opened or rose, with their devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    devices: Vec<SavedDevice>,
    findings: Vec<SavedFinding>,
    /// Ids of those that are closed.
    closed: Vec<String>,
    at: i64,
}

impl Saved {
    /// Brings the state up to date.
    pub fn apply(&mut self, changes: Changes) {
        (self.version, self.at) = (VERSION, changes.at.max(self.at));
        for device in changes.devices {
            match self.devices.iter_mut().find(|known| known.key == device.key) {
                Some(known) => *known = device,
                None => self.devices.push(device),
            }
        }
        self.findings.retain(|known| {
            !changes.closed.contains(&known.id) && changes.findings.iter().all(|finding| finding.id != known.id)
        });
        self.findings.extend(changes.findings);
    }

    /// When it was saved.
    pub fn at(&self) -> Timestamp {
        Timestamp(self.at)
    }

    /// How many findings were open.
    pub fn open_findings(&self) -> usize {
        self.findings.len()
    }
}

fn key_text(key: Key) -> String {
    match key {
        Key::Mac(mac) => mac.to_string(),
        Key::Ip(ip) => ip.to_string(),
    }
}

fn key_of(text: &str) -> Option<Key> {
    text.parse::<Mac>().map(Key::Mac).or_else(|_| text.parse().map(Key::Ip)).ok()
}

fn severity(word: &str) -> &'static str {
    match word {
        "critical" => "critical",
        "warning" => "warning",
        _ => "info",
    }
}

impl Engine {
    /// What has to outlive a restart.
    pub fn save(&self) -> Saved {
        let Some(live) = &self.live else { return Saved::default() };
        let (book, keys) = (self.gather().book, self.summarise().1);
        let identifies = |device: &Device| device.is_watched() || device.gateway || device.sight.first.is_some();
        let devices = self
            .devices
            .iter()
            .filter(|(_, device)| identifies(device))
            .take(MAX_SAVED)
            .map(|(id, device)| self.save_device(id, device))
            .collect();
        let findings = live
            .episodes
            .iter()
            .filter_map(|(id, episode)| {
                let key = keys.get(id)?;
                let finding = book.findings.get(key)?;
                let device = self.devices.get(key.device)?;
                Some(save_finding(id, episode, (key, &self.peer_zone_name(key.peer_zone)), finding, device, live.mono))
            })
            .collect();
        let totals = live.totals.findings.iter();
        let totals = totals
            .map(|((zone, kind, reach), count)| {
                (zone.clone(), kind.name().to_owned(), reach.map(|r| r.name().to_owned()), *count)
            })
            .collect();
        Saved { version: VERSION, at: live.wall.0, devices, findings, totals }
    }

    /// What these events change in what was saved before.
    pub fn save_changes(&self, events: &[Event]) -> Changes {
        let Some(live) = &self.live else { return Changes::default() };
        let mut changes = Changes { at: live.wall.0, ..Changes::default() };
        let mut ids = BTreeSet::new();
        for event in events {
            match event {
                Event::FindingOpened { finding, .. } | Event::FindingRaised { finding, .. } => {
                    ids.insert(finding.id.as_str());
                }
                Event::FindingAcked { id, .. } => {
                    ids.insert(id);
                }
                Event::FindingClosed { id, .. } if !live.episodes.contains_key(id) => changes.closed.push(id.clone()),
                _ => {}
            }
        }
        if ids.is_empty() {
            return changes;
        }
        let (book, keys) = (self.gather().book, self.summarise().1);
        let mut saved = BTreeSet::new();
        for id in ids {
            let (Some(key), Some(episode)) = (keys.get(id), live.episodes.get(id)) else { continue };
            let Some(device) = self.devices.get(key.device) else { continue };
            // What concerns no flow is found anew in what is known of the device.
            let Some(finding) = book.findings.get(key) else { continue };
            let peer_zone = self.peer_zone_name(key.peer_zone);
            changes.findings.push(save_finding(id, episode, (key, &peer_zone), finding, device, live.mono));
            if saved.insert(key.device) {
                changes.devices.push(self.save_device(key.device, device));
            }
        }
        changes
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

    /// Takes up what was saved, before the first tick. `now` is wall and monotonic time.
    pub(in crate::engine) fn restore(&mut self, saved: &Saved, wall: Timestamp, mono: i64) {
        if saved.version != VERSION {
            return;
        }
        for device in saved.devices.iter().take(MAX_SAVED) {
            self.restore_device(device);
        }
        let away = wall.since(saved.at()).max(0);
        let zones: BTreeMap<String, u16> =
            zone_indices(&self.policy).into_iter().map(|(name, at)| (name.to_owned(), at)).collect();
        let mut live = self.live.take().unwrap_or_default();
        for (zone, kind, reach, count) in &saved.totals {
            let Some(kind) = Kind::from_name(kind) else { continue };
            let reach = reach.as_deref().and_then(Reach::from_name);
            live.totals.findings.insert((zone.clone(), kind, reach), *count);
        }
        for finding in &saved.findings {
            self.restore_finding(
                finding,
                &zones,
                &mut live,
                mono.saturating_sub(away.saturating_add(finding.quiet_for)),
            );
        }
        self.live = Some(live);
        self.epoch += 1;
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
            super::adopt::identify_again(device, &self.policy);
            device.inventory = inventory;
        }
        for &ip in &saved.owns {
            self.devices.own(ip, id);
        }
    }

    fn restore_finding(&mut self, saved: &SavedFinding, zones: &BTreeMap<String, u16>, live: &mut Live, touched: i64) {
        let peer_zone = match saved.peer_zone.as_str() {
            "internet" => PeerZone::Internet,
            "internal" => PeerZone::Internal,
            "none" => PeerZone::None,
            name => match zones.get(name) {
                Some(&at) => PeerZone::Zone(at),
                None => return,
            },
        };
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
                expired: None,
                remarks: saved.remarks.iter().cloned().collect(),
            },
        );
        live.episodes.insert(
            saved.id.clone(),
            Episode {
                opened: Timestamp(saved.opened),
                reach: (kind.class(reach(&saved.reach)) == crate::finding::Class::Reach).then(|| reach(&saved.reach)),
                severity: severity(&saved.severity),
                last: Timestamp(saved.last),
                touched,
                peer: saved.peer.clone(),
                acked: saved.acked.clone(),
            },
        );
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

fn save_finding(
    id: &str,
    episode: &Episode,
    (key, peer_zone): (&FindingKey, &str),
    finding: &Finding,
    device: &Device,
    now: i64,
) -> SavedFinding {
    let mut peers: Vec<(&PeerKey, &Peer)> = finding.peers.iter().collect();
    peers.sort_by_key(|(_, peer)| std::cmp::Reverse(peer.reach));
    peers.truncate(MAX_SAVED_PEERS);
    SavedFinding {
        id: id.to_owned(),
        device: key_text(device.key),
        kind: key.kind.name().to_owned(),
        peer_zone: peer_zone.to_owned(),
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
        expired: finding.expired.is_some(),
        remarks: finding.remarks.iter().cloned().collect(),
        opened: episode.opened.0,
        severity: episode.severity.to_owned(),
        peer: episode.peer.clone(),
        quiet_for: now.saturating_sub(episode.touched),
        acked: episode.acked.clone(),
    }
}
