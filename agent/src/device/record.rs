//! One host.

use std::net::IpAddr;

use crate::base::{Mac, Timestamp};

/// Addresses listed per device; more are counted nowhere, because they change nothing.
pub const MAX_ADDRESSES: usize = 64;
/// VLANs listed per device.
pub const MAX_VLANS: usize = 64;

/// What a device is known by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// Seen (or declared) with its own MAC.
    Mac(Mac),
    /// Known only through a router.
    Ip(IpAddr),
}

/// One host.
#[derive(Clone, Debug)]
pub struct Device {
    /// What it is known by.
    pub key: Key,
    /// Word of the vendor table.
    pub vendor: Option<String>,
    /// Its vendor is watched.
    pub watched_vendor: bool,
    /// What its own messages say that it is.
    pub identity: Option<Identity>,
    /// Index in the inventory.
    pub inventory: Option<u32>,
    /// It forwards traffic of others (never set for inventory devices and watched vendors).
    pub gateway: bool,
    /// Index of the camera zone that it was first seen in.
    pub camera_zone: Option<u16>,
    /// VLAN of its first own frame (`Some(None)`: untagged).
    pub first_vlan: Option<Option<u16>>,
    /// Its own addresses, sorted.
    pub addresses: Vec<IpAddr>,
    /// VLANs of its own frames, in order of appearance.
    pub vlans: Vec<VlanSight>,
    /// Length of the subnet mask that its DHCP lease showed.
    pub mask: Option<u8>,
    /// The first source address that was not its own, behind its MAC.
    pub routed_source: Option<IpAddr>,
    /// More than one such address: evidently a router.
    pub routes_many: bool,
    /// Addresses that it claimed by ARP or ND.
    pub claims: u32,
    /// Its own IP or ARP frames were seen in several VLANs.
    pub roams: bool,
    /// What the mirror showed of it.
    pub sight: Sight,
    /// Index of the interface that showed it last.
    pub source: u16,
}

/// What a device's own messages say that it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Word of the vendor table.
    pub vendor: String,
    /// What says so (`sadp`, `rtsp`, …).
    pub source: &'static str,
    /// When it was said first.
    pub at: Timestamp,
    /// It gave the MAC that its frames carry, so it is the host itself and no router that passes on what another says.
    pub certain: bool,
    /// The vendor is watched.
    pub watched: bool,
}

/// A VLAN in which own frames of a device were seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VlanSight {
    /// The VLAN.
    pub vlan: u16,
    /// First frame.
    pub first: Timestamp,
    /// Last frame.
    pub last: Timestamp,
    /// Nothing but what a host sends to get onto a network: DHCP, ARP, ND, EAPOL.
    pub only_boots: bool,
    /// Monotonic time of the last IP or ARP frame that is no copy and not of a boot.
    pub spoke: Option<i64>,
}

/// What the mirror showed of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sight {
    /// Unicast frames from it on its own link.
    pub sent: u64,
    /// Unicast frames to it on its own link.
    pub received: u64,
    /// Of those, frames whose VLAN is known.
    pub sent_tagged: u64,
    /// Of those, frames whose VLAN is known.
    pub received_tagged: u64,
    /// Packets from or to its address behind a router.
    pub routed: u64,
    /// Frames from it that could not be decoded, so that nobody knows whom they reached.
    pub undecoded: u64,
    /// What its flows tell of packets that were lost.
    pub numbered: Numbered,
    /// First frame of any sort.
    pub first: Option<Timestamp>,
    /// Last frame of any sort.
    pub last: Option<Timestamp>,
    /// When each was seen last.
    pub recent: Recent,
}

/// Packets of numbered data that were lost, and seen, within the time that counts: of its last half, and of the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Numbered {
    /// (lost, seen) since the beginning.
    pub all: (u64, u64),
    latest: (u64, u64),
    former: (u64, u64),
    since: i64,
}

impl Numbered {
    /// Adds packets; `silence` is the time that counts, in nanoseconds.
    pub fn add(&mut self, lost: u32, seen: u32, now: i64, silence: i64) {
        *self = self.as_of(now, silence);
        self.all = (self.all.0 + u64::from(lost), self.all.1 + u64::from(seen));
        self.latest = (self.latest.0 + u64::from(lost), self.latest.1 + u64::from(seen));
    }

    /// (lost, seen) now.
    pub fn count(&self, now: i64, silence: i64) -> (u64, u64) {
        let Numbered { latest, former, .. } = self.as_of(now, silence);
        (latest.0 + former.0, latest.1 + former.1)
    }

    fn as_of(&self, now: i64, silence: i64) -> Numbered {
        let age = now.saturating_sub(self.since);
        if age <= silence / 2 {
            *self
        } else if age <= silence {
            Numbered { latest: (0, 0), former: self.latest, since: now, ..*self }
        } else {
            Numbered { latest: (0, 0), former: (0, 0), since: now, ..*self }
        }
    }
}

/// Monotonic times at which something was seen last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recent {
    /// A unicast frame from it on its own link.
    pub sent: i64,
    /// A unicast frame to it on its own link.
    pub received: i64,
    /// Of those, one whose VLAN is known.
    pub sent_tagged: i64,
    /// Of those, one whose VLAN is known.
    pub received_tagged: i64,
    /// A packet from or to its address behind a router.
    pub routed: i64,
    /// A frame from it that could not be decoded.
    pub undecoded: i64,
    /// A frame of any sort.
    pub any: i64,
}

impl Default for Recent {
    fn default() -> Self {
        let never = i64::MIN;
        Recent {
            sent: never,
            received: never,
            sent_tagged: never,
            received_tagged: never,
            routed: never,
            undecoded: never,
            any: never,
        }
    }
}

impl Device {
    pub(super) fn new(key: Key) -> Self {
        Device {
            key,
            vendor: None,
            watched_vendor: false,
            identity: None,
            inventory: None,
            gateway: false,
            camera_zone: None,
            first_vlan: None,
            addresses: Vec::new(),
            vlans: Vec::new(),
            mask: None,
            routed_source: None,
            routes_many: false,
            claims: 0,
            roams: false,
            sight: Sight::default(),
            source: 0,
        }
    }

    /// Its MAC, if it is known by one.
    pub fn mac(&self) -> Option<Mac> {
        match self.key {
            Key::Mac(mac) => Some(mac),
            Key::Ip(_) => None,
        }
    }

    /// All the times of the clock that it holds.
    pub fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let vlans = self.vlans.iter_mut().flat_map(|sight| [&mut sight.first, &mut sight.last]);
        let identity = self.identity.iter_mut().map(|identity| &mut identity.at);
        vlans.chain(identity).chain(&mut self.sight.first).chain(&mut self.sight.last)
    }

    /// Its MAC says what it is, or it said so itself and gave its MAC: never a router, and every frame with it is its own.
    pub fn is_certain(&self) -> bool {
        let says_so = self.identity.as_ref().is_some_and(|identity| identity.watched && identity.certain);
        self.watched_vendor || self.inventory.is_some() || says_so
    }

    /// It is judged: of a watched vendor, listed, or living in a camera zone; gateways never.
    pub fn is_watched(&self) -> bool {
        let says_so = self.identity.as_ref().is_some_and(|identity| identity.watched);
        !self.gateway && (self.is_certain() || says_so || self.camera_zone.is_some())
    }

    /// It passes for a gateway only because of packets from an address that turned out to be its own.
    pub fn only_seemed_to_route(&self) -> bool {
        !self.routes_many && self.routed_source.is_some_and(|ip| self.addresses.contains(&ip))
    }

    /// Lists an address as its own. Returns whether it is new.
    pub fn add_address(&mut self, ip: IpAddr) -> bool {
        match self.addresses.binary_search(&ip) {
            Err(at) if self.addresses.len() < MAX_ADDRESSES => {
                self.addresses.insert(at, ip);
                true
            }
            _ => false,
        }
    }

    /// Notes own frames in a VLAN between these times.
    pub fn in_vlan(&mut self, vlan: u16, first: Timestamp, last: Timestamp, boots: bool) {
        if let Some(known) = self.vlans.iter_mut().find(|known| known.vlan == vlan) {
            (known.first, known.last) = (known.first.min(first), known.last.max(last));
            known.only_boots &= boots;
        } else if self.vlans.len() < MAX_VLANS {
            self.vlans.push(VlanSight { vlan, first, last, only_boots: boots, spoke: None });
        }
    }
}

impl Sight {
    /// Frames of any sort were seen between these times.
    pub fn between(&mut self, first: Timestamp, last: Timestamp) {
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = Some(self.last.map_or(last, |known| known.max(last)));
    }
}
