//! All hosts that were seen, watched or not, for those who propose a policy.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Engine;
use super::identity::is_virtual_router;
use crate::base::{Mac, Timestamp};
use crate::device::{Device, Key};

/// One host.
#[derive(Clone, Debug)]
pub struct HostStatus {
    /// `None` where it is known by address only.
    pub mac: Option<Mac>,
    /// Its own addresses, sorted.
    pub ips: Vec<IpAddr>,
    /// What it claims by ARP, ND or a lease, with the VLAN (`None`: untagged), sorted.
    pub claims: Vec<(Option<u16>, IpAddr)>,
    /// VLANs of its own frames, in order of appearance.
    pub vlans: Vec<HostVlan>,
    /// Length of the subnet mask that its DHCP lease showed.
    pub mask: Option<u8>,
    /// Word of the vendor table.
    pub vendor: Option<String>,
    /// Of a watched vendor, or listed.
    pub is_certain: bool,
    /// It carries traffic of others.
    pub is_gateway: bool,
    /// Its MAC is that of VRRP, HSRP or GLBP.
    pub is_virtual: bool,
    /// Unicast frames from it on its own link.
    pub sent: u64,
    /// Unicast frames to it on its own link.
    pub received: u64,
    /// First frame of any sort.
    pub first: Option<Timestamp>,
}

/// A VLAN in which a host was seen.
#[derive(Clone, Copy, Debug)]
pub struct HostVlan {
    /// The VLAN.
    pub vlan: u16,
    /// First frame.
    pub first: Timestamp,
    /// Last frame.
    pub last: Timestamp,
    /// Nothing but what a host sends to get onto a network.
    pub only_boots: bool,
}

impl Engine {
    /// All hosts as of now, by MAC and address.
    pub fn hosts(&self) -> Vec<HostStatus> {
        let mut claims: BTreeMap<Mac, BTreeSet<(Option<u16>, IpAddr)>> = BTreeMap::new();
        for (vlan, ip, mac) in self.bindings.iter() {
            claims.entry(mac).or_default().insert((vlan, ip));
        }
        let gathered = self.gather();
        let mut hosts: Vec<(Key, HostStatus)> = gathered
            .devices
            .iter()
            .filter(|&(id, _)| self.current(id) == Some(id))
            .map(|(_, device)| (device.key, host(device, &claims)))
            .collect();
        hosts.sort_by_key(|(key, _)| *key);
        hosts.into_iter().map(|(_, host)| host).collect()
    }
}

fn host(device: &Device, claims: &BTreeMap<Mac, BTreeSet<(Option<u16>, IpAddr)>>) -> HostStatus {
    let mac = device.mac();
    let is_virtual = mac.is_some_and(is_virtual_router);
    // A host whose own address nobody announced yet looks as if it carried that address for another.
    let carries = device.routes_many || device.routed_source.is_some_and(|source| !device.addresses.contains(&source));
    HostStatus {
        mac,
        ips: device.addresses.clone(),
        claims: mac.and_then(|mac| claims.get(&mac)).into_iter().flatten().copied().collect(),
        vlans: device
            .vlans
            .iter()
            .map(|v| HostVlan { vlan: v.vlan, first: v.first, last: v.last, only_boots: v.only_boots })
            .collect(),
        mask: device.mask,
        vendor: device.vendor.clone(),
        is_certain: device.is_certain(),
        is_gateway: device.gateway && (is_virtual || carries),
        is_virtual,
        sent: device.sight.sent,
        received: device.sight.received,
        first: device.sight.first,
    }
}
