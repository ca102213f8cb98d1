//! Gathers what flows contribute into findings.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::kind::Kind;
use crate::base::Timestamp;
use crate::device::DeviceId;
use crate::flow::Reach;

/// Peers listed per finding; further ones only count in [`Finding::peers_total`] (an upper bound then).
pub const MAX_PEERS: usize = 1_000;
/// Names listed per peer, and remarks per finding; further ones are left out.
pub const MAX_NAMES: usize = 16;
/// Findings kept; beyond it new ones are counted in [`Book::refused`], which makes the site violated all the same.
pub const MAX_FINDINGS: usize = 65_536;

/// Zone of the other end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PeerZone {
    /// A zone, by its index in the policy.
    Zone(u16),
    /// Outside `internal`.
    Internet,
    /// Internal and in no zone.
    Internal,
    /// No other end, or a VLAN that no zone owns.
    None,
}

/// What makes two violations one finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FindingKey {
    /// The device it is about.
    pub device: DeviceId,
    /// What was seen.
    pub kind: Kind,
    /// Zone of the other end.
    pub peer_zone: PeerZone,
}

/// What makes two flows one peer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerKey {
    /// Its address.
    pub ip: IpAddr,
    /// IANA protocol number.
    pub proto: u8,
    /// The responder's port.
    pub port: u16,
}

/// The other end of one or more flows.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The device opened it.
    pub device_opened: bool,
    /// How far it got.
    pub reach: Reach,
    /// Packets from and to the device.
    pub packets: [u64; 2],
    /// IP bytes from and to the device.
    pub bytes: [u64; 2],
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// What is known of it, at most [`MAX_NAMES`].
    pub names: BTreeSet<String>,
}

/// What one flow adds to a finding.
#[derive(Clone, Debug)]
pub struct Contribution {
    /// To which finding.
    pub key: FindingKey,
    /// About which peer.
    pub peer: PeerKey,
    /// What was seen.
    pub seen: Peer,
    /// The device's own address in this flow.
    pub device_ip: IpAddr,
    /// Index of the expired conduit that would have allowed it.
    pub expired: Option<u16>,
}

/// One deduplicated violation.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The device's address in the first flow.
    pub device_ip: Option<IpAddr>,
    /// Peers, at most [`MAX_PEERS`].
    pub peers: BTreeMap<PeerKey, Peer>,
    /// How many there were.
    pub peers_total: u64,
    /// The farthest of them.
    pub reach: Reach,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// Set while each of its flows would have been allowed by a conduit that has expired: the index of the first.
    pub expired: Option<u16>,
    /// What was seen, for kinds that one sentence does not tell; at most [`MAX_NAMES`].
    pub remarks: BTreeSet<String>,
}

/// All findings, in a fixed order.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// By device, kind and peer zone.
    pub findings: BTreeMap<FindingKey, Finding>,
    /// Findings that were closed: what was seen until then does not open them again.
    pub closed: BTreeMap<FindingKey, Timestamp>,
    /// Findings that found no place.
    pub refused: u64,
}

impl Book {
    /// Adds what a flow shows.
    pub fn add(&mut self, c: Contribution) {
        if self.is_closed(c.key, c.seen.last) {
            return;
        }
        let Some(finding) = self.finding(c.key, c.seen.first, c.expired) else { return };
        finding.device_ip.get_or_insert(c.device_ip);
        finding.reach = finding.reach.max(c.seen.reach);
        finding.first = finding.first.min(c.seen.first);
        finding.last = finding.last.max(c.seen.last);
        if c.expired.is_none() {
            finding.expired = None;
        }
        match finding.peers.get_mut(&c.peer) {
            Some(peer) => peer.merge(&c.seen),
            None => {
                finding.peers_total += 1;
                if finding.peers.len() < MAX_PEERS {
                    finding.peers.insert(c.peer, c.seen);
                }
            }
        }
    }

    /// Adds a finding that has no peers.
    pub fn note(&mut self, key: FindingKey, ip: Option<IpAddr>, first: Timestamp, last: Timestamp) {
        if self.is_closed(key, last) {
            return;
        }
        if let Some(finding) = self.finding(key, first, None) {
            finding.device_ip = finding.device_ip.or(ip);
            finding.first = finding.first.min(first);
            finding.last = finding.last.max(last);
        }
    }

    /// Closes a finding: what was seen until `at` is over.
    pub fn close(&mut self, key: FindingKey, at: Timestamp) {
        self.findings.remove(&key);
        if self.closed.len() < MAX_FINDINGS || self.closed.contains_key(&key) {
            self.closed.insert(key, at);
        }
    }

    /// All the times of the clock that it holds.
    pub fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.findings.values_mut().flat_map(Finding::times_mut).chain(self.closed.values_mut())
    }

    fn is_closed(&self, key: FindingKey, last: Timestamp) -> bool {
        self.closed.get(&key).is_some_and(|&closed| last <= closed)
    }

    /// Adds what was seen to a finding that there is.
    pub fn remark(&mut self, key: &FindingKey, remark: String) {
        if let Some(finding) = self.findings.get_mut(key) {
            add(&mut finding.remarks, [remark]);
        }
    }

    /// Gives findings about one device to the device that it turned out to be.
    pub fn rename(&mut self, current: impl Fn(DeviceId) -> DeviceId) {
        let moved: Vec<FindingKey> =
            self.findings.keys().filter(|key| current(key.device) != key.device).copied().collect();
        for key in moved {
            let Some(old) = self.findings.remove(&key) else { continue };
            let key = FindingKey { device: current(key.device), ..key };
            match self.findings.get_mut(&key) {
                Some(finding) => finding.merge(old),
                None => {
                    self.findings.insert(key, old);
                }
            }
        }
    }

    fn finding(&mut self, key: FindingKey, at: Timestamp, expired: Option<u16>) -> Option<&mut Finding> {
        if self.findings.len() >= MAX_FINDINGS && !self.findings.contains_key(&key) {
            self.refused += 1;
            return None;
        }
        Some(self.findings.entry(key).or_insert_with(|| Finding {
            device_ip: None,
            peers: BTreeMap::new(),
            peers_total: 0,
            reach: Reach::Attempted,
            first: at,
            last: at,
            expired,
            remarks: BTreeSet::new(),
        }))
    }
}

impl Finding {
    fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let peers = self.peers.values_mut().flat_map(|peer| [&mut peer.first, &mut peer.last]);
        peers.chain([&mut self.first, &mut self.last])
    }

    fn merge(&mut self, other: Finding) {
        self.reach = self.reach.max(other.reach);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.expired = self.expired.and(other.expired);
        add(&mut self.remarks, other.remarks);
        self.peers_total += other.peers_total - other.peers.len() as u64;
        for (key, seen) in other.peers {
            match self.peers.get_mut(&key) {
                Some(peer) => peer.merge(&seen),
                None => {
                    self.peers_total += 1;
                    if self.peers.len() < MAX_PEERS {
                        self.peers.insert(key, seen);
                    }
                }
            }
        }
    }
}

impl Peer {
    fn merge(&mut self, other: &Peer) {
        self.reach = self.reach.max(other.reach);
        for side in 0..2 {
            self.packets[side] += other.packets[side];
            self.bytes[side] += other.bytes[side];
        }
        if other.first < self.first {
            (self.first, self.device_opened) = (other.first, other.device_opened);
        }
        self.last = self.last.max(other.last);
        add(&mut self.names, other.names.iter().cloned());
    }
}

fn add(to: &mut BTreeSet<String>, names: impl IntoIterator<Item = String>) {
    for name in names {
        if to.len() < MAX_NAMES {
            to.insert(name);
        }
    }
}
