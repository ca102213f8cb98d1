//! All hosts, by MAC and by address.

use std::net::IpAddr;
use std::num::NonZeroU32;

use super::record::{Device, Key};
use crate::base::{Mac, Map};

/// Devices kept. Beyond it a stranger is not tracked any more and [`Devices::refused`] counts it, which makes the
/// site `unverified`; a device that is certain (listed, or of a watched vendor) may take up to twice as many places.
pub const MAX_DEVICES: usize = 65_536;
/// Addresses whose owner is kept; beyond it new owners are refused and counted.
const MAX_OWNED: usize = 262_144;

/// Place of a device in the table; devices are never removed. Not zero, so that "no device" takes no room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceId(NonZeroU32);

impl DeviceId {
    fn new(at: usize) -> Option<Self> {
        NonZeroU32::new(u32::try_from(at).ok()?.checked_add(1)?).map(DeviceId)
    }

    fn at(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// All hosts.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    all: Vec<Device>,
    by_key: Map<Key, DeviceId>,
    owners: Map<IpAddr, DeviceId>,
    /// Devices and owners that found no place.
    pub refused: u64,
}

impl Devices {
    /// The device with this MAC.
    pub fn by_mac(&self, mac: Mac) -> Option<DeviceId> {
        self.by_key.get(&Key::Mac(mac)).copied()
    }

    /// The device whose own address this is, else the one known by it.
    pub fn by_ip(&self, ip: IpAddr) -> Option<DeviceId> {
        self.owners.get(&ip).or_else(|| self.by_key.get(&Key::Ip(ip))).copied()
    }

    /// The device that owns this address on a link that was seen.
    pub fn owner(&self, ip: IpAddr) -> Option<DeviceId> {
        self.owners.get(&ip).copied()
    }

    /// Adds a device that [`Devices::by_mac`] does not know; `certain` devices find a place longer than others.
    pub fn add(&mut self, key: Key, certain: bool) -> Option<DeviceId> {
        if self.all.len() >= if certain { 2 * MAX_DEVICES } else { MAX_DEVICES } {
            self.refused += 1;
            return None;
        }
        let id = DeviceId::new(self.all.len())?;
        self.all.push(Device::new(key));
        self.by_key.insert(key, id);
        Some(id)
    }

    /// Makes `id` the owner of `ip`. Returns whether that changed anything.
    pub fn own(&mut self, ip: IpAddr, id: DeviceId) -> bool {
        if self.owners.get(&ip) == Some(&id) {
            return false;
        }
        if self.owners.len() >= MAX_OWNED && !self.owners.contains_key(&ip) {
            self.refused += 1;
            return false;
        }
        self.owners.insert(ip, id);
        true
    }

    /// One device.
    pub fn get(&self, id: DeviceId) -> Option<&Device> {
        self.all.get(id.at())
    }

    /// One device, to change it.
    pub fn get_mut(&mut self, id: DeviceId) -> Option<&mut Device> {
        self.all.get_mut(id.at())
    }

    /// All devices, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Device> {
        self.all.iter_mut()
    }

    /// The device with this key.
    pub fn by_key(&self, key: Key) -> Option<DeviceId> {
        self.by_key.get(&key).copied()
    }

    /// All devices in the order in which they were first seen.
    pub fn iter(&self) -> impl Iterator<Item = (DeviceId, &Device)> {
        self.all.iter().enumerate().filter_map(|(at, device)| Some((DeviceId::new(at)?, device)))
    }
}
