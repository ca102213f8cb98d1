//! Whose frame it is (DESIGN, section 1).

use std::net::IpAddr;

use super::Engine;
use super::direction::{ICMPV6, UDP};
use super::trace::Whence;
use crate::base::{Mac, Timestamp};
use crate::device::{DeviceId, Key};
use crate::flow::{Credit, End};
use crate::packet::{Arp, Layer, Link};
use crate::policy::{Scope, Untagged, ZoneId};

/// Addresses claimed by one MAC beyond which it is taken for a router that answers ARP for others.
const PROXY_CLAIMS: u32 = 3;

impl Engine {
    /// Makes a device of every line of the inventory.
    pub(super) fn enter_inventory(&mut self) {
        for at in 0..self.policy.inventory.len() {
            let Some(entry) = self.policy.inventory.get(at) else { continue };
            let (mac, ip) = (entry.mac, entry.ip);
            let Some(key) = mac.map(Key::Mac).or(ip.map(Key::Ip)) else { continue };
            let Some(id) = self.devices.by_key(key).or_else(|| self.devices.add(key, true)) else { continue };
            let vendor = mac.and_then(|mac| self.vendors.vendor(mac)).map(str::to_owned);
            let watched_vendor = vendor.as_ref().is_some_and(|v| self.policy.watch_vendors.contains(v));
            if let Some(device) = self.devices.get_mut(id) {
                (device.vendor, device.watched_vendor, device.inventory) = (vendor, watched_vendor, Some(at as u32));
            }
            if let Some(ip) = ip {
                self.devices.own(ip, id);
            }
        }
    }

    /// The VLAN that a link header is judged by.
    pub(super) fn judged_vlan(&self, link: &Link) -> Option<u16> {
        let tag = self.stacks.judged(&link.vlans).or(link.erspan_vlan.filter(|&vlan| vlan != 0));
        match self.policy.untagged {
            Untagged::Vlan(vlan) if tag.is_none() && !link.tunnelled => Some(vlan),
            _ => tag,
        }
    }

    /// Who sent and who was meant, and whose coverage the packet adds to: (credit, source, destination).
    pub(super) fn identify(
        &mut self,
        link: &Link,
        vlan: Option<u16>,
        layer: &Layer,
        at: Timestamp,
    ) -> (Credit, End, End) {
        let mut credit = Credit { unicast: is_unicast(link, layer.dst), ..Credit::default() };
        let source_mac = link.src.filter(|mac| layer.on_link && !mac.is_group() && *mac != Mac::ZERO);
        let source = match source_mac.and_then(|mac| Some((mac, self.device_of_mac(mac)?))) {
            Some((mac, id)) if self.is_own(id, mac, vlan, layer) => {
                self.settle(id, vlan, layer.src, is_boot(layer), at);
                credit.sent = Some(id);
                End { device: Some(id), mac: Some(mac) }
            }
            carrier => {
                if let Some((_, id)) = carrier {
                    self.carries(id, layer.src);
                }
                let owner = self.owner_or_remote(layer.src);
                credit.routed_from = owner;
                End { device: owner, mac: None }
            }
        };
        let target_mac = link.dst.filter(|mac| layer.on_link && !mac.is_group());
        let target = target_mac.and_then(|mac| Some((mac, self.known_or_certain(mac)?))).filter(|&(mac, id)| {
            self.devices.get(id).is_some_and(|d| d.is_certain())
                || self.devices.owner(layer.dst) == Some(id)
                || self.bindings.holder(vlan, layer.dst) == Some(mac)
        });
        let destination = match target {
            Some((mac, id)) => {
                credit.received = Some(id);
                End { device: Some(id), mac: Some(mac) }
            }
            None => {
                let owner = if layer.dst.is_multicast() { None } else { self.device_ip_key(layer.dst) };
                credit.routed_to = owner;
                End { device: owner, mac: None }
            }
        };
        (credit, source, destination)
    }

    /// Takes in an ARP packet: its sender claims an address, and is seen.
    pub(super) fn arp(&mut self, link: &Link, vlan: Option<u16>, arp: &Arp, at: Timestamp) {
        if link.src == Some(arp.sender_mac) && !arp.sender_ip.is_unspecified() {
            self.claim(vlan, IpAddr::V4(arp.sender_ip), arp.sender_mac, at);
        }
    }

    /// Takes in any frame that is not IP: it shows the devices whose MACs are certain, and credits those known.
    pub(super) fn bare_frame(&mut self, link: &Link, vlan: Option<u16>, at: Timestamp) -> Credit {
        let unicast = link.dst.is_some_and(|mac| !mac.is_group());
        let sent = link.src.filter(|mac| !mac.is_group()).and_then(|mac| self.known_or_certain(mac));
        let received = link.dst.filter(|mac| !mac.is_group()).and_then(|mac| self.known_or_certain(mac));
        if let Some(id) = sent
            && self.devices.get(id).is_some_and(|d| d.is_certain())
        {
            self.lives(id, vlan, None, true, at);
        }
        Credit { sent, received, unicast, ..Credit::default() }
    }

    /// `mac` claims `ip` in this VLAN by ARP, ND or DHCP.
    pub(super) fn claim(&mut self, vlan: Option<u16>, ip: IpAddr, mac: Mac, at: Timestamp) {
        if mac.is_group() || mac == Mac::ZERO || ip.is_unspecified() || ip.is_multicast() {
            return;
        }
        let Some(id) = self.device_of_mac(mac) else { return };
        if self.bindings.claim(vlan, ip, mac) {
            self.epoch += 1;
            if let Some(device) = self.devices.get_mut(id) {
                device.claims += 1;
            }
        }
        self.settle(id, vlan, ip, true, at);
        self.claimed(vlan, ip, mac, at);
        self.claims_foreign(id, vlan, ip, at);
    }

    /// A DHCP lease names a client that need not be on this link.
    pub(super) fn leased(&mut self, vlan: Option<u16>, lease: &crate::hint::Lease) {
        let id = self.known_or_certain(lease.mac);
        let ip = IpAddr::V4(lease.ip);
        self.leased_anew(vlan, ip, lease.mac);
        if self.bindings.claim(vlan, ip, lease.mac) {
            self.epoch += 1;
        }
        if let Some(id) = id {
            self.own_address(id, vlan, ip);
            if let Some(device) = self.devices.get_mut(id)
                && lease.mask.is_some()
                && device.mask != lease.mask
            {
                device.mask = lease.mask;
                self.epoch += 1;
            }
        }
    }

    /// A peer that answers on the link of the device's home, and is no router.
    pub(super) fn is_on_link(&self, vlans: impl IntoIterator<Item = Option<u16>>, ip: IpAddr) -> bool {
        vlans.into_iter().filter_map(|vlan| self.bindings.holder(vlan, ip)).any(|mac| {
            self.devices
                .by_mac(mac)
                .and_then(|id| self.devices.get(id))
                .is_some_and(|d| d.is_certain() || !d.gateway && d.claims < PROXY_CLAIMS)
        })
    }

    /// The device with this MAC, made if it is new.
    pub(super) fn device_of_mac(&mut self, mac: Mac) -> Option<DeviceId> {
        if let Some(id) = self.devices.by_mac(mac) {
            return Some(id);
        }
        let vendor = self.vendors.vendor(mac);
        let watched = vendor.is_some_and(|v| self.policy.watch_vendors.iter().any(|w| w == v));
        let vendor = vendor.map(str::to_owned);
        let id = self.devices.add(Key::Mac(mac), watched)?;
        self.epoch += 1;
        if let Some(device) = self.devices.get_mut(id) {
            (device.vendor, device.watched_vendor) = (vendor, watched);
            device.gateway = !watched && is_virtual_router(mac);
        }
        Some(id)
    }

    /// The device with this MAC, made only if the MAC alone says that it is watched.
    fn known_or_certain(&mut self, mac: Mac) -> Option<DeviceId> {
        match self.devices.by_mac(mac) {
            Some(id) => Some(id),
            None => {
                let vendor = self.vendors.vendor(mac)?;
                self.policy.watch_vendors.iter().any(|w| w == vendor).then_some(())?;
                self.device_of_mac(mac)
            }
        }
    }

    /// An address is a MAC's own by what the MAC is, by a claim, or inside a prefix of the zone that owns the VLAN.
    fn is_own(&self, id: DeviceId, mac: Mac, vlan: Option<u16>, layer: &Layer) -> bool {
        let Some(device) = self.devices.get(id) else { return false };
        let ip = layer.src;
        if device.is_certain() {
            return true;
        }
        if self.bindings.holder(vlan, ip) == Some(mac) {
            // A router may answer ARP for others, but what it passes on has lost hops.
            return !(has_lost_hops(layer.ttl) && self.policy.scope(ip) == Scope::Internal);
        }
        let of_another = self.devices.owner(ip).is_some_and(|owner| owner != id);
        match self.policy.scope(ip) {
            Scope::Local => !ip.is_multicast(),
            Scope::Zone(zone) => match vlan {
                Some(vlan) => self.policy.zone_of_vlan(vlan) == Some(zone) && !(device.gateway && of_another),
                // The mirror may show several links, where a router's frames carry what others sent.
                None => self.policy.untagged == Untagged::Unknown && !device.gateway && !of_another,
            },
            _ => false,
        }
    }

    /// The device that owns an address, else one known by it alone, made if it lives in a camera zone.
    fn owner_or_remote(&mut self, ip: IpAddr) -> Option<DeviceId> {
        if let Some(id) = self.devices.by_ip(ip) {
            return Some(id);
        }
        let Scope::Zone(zone) = self.policy.scope(ip) else { return None };
        let declared = self.policy.zone(zone)?;
        if !declared.cameras || declared.gateways.contains(&ip) {
            return None;
        }
        let id = self.devices.add(Key::Ip(ip), false)?;
        self.epoch += 1;
        if let Some(device) = self.devices.get_mut(id) {
            device.camera_zone = Some(zone.0);
            device.add_address(ip);
        }
        Some(id)
    }

    /// A MAC carries traffic of somebody else.
    fn carries(&mut self, id: DeviceId, source: IpAddr) {
        let Some(device) = self.devices.get_mut(id) else { return };
        let first = *device.routed_source.get_or_insert(source);
        if !device.gateway || !device.routes_many && first != source {
            device.routes_many |= first != source;
            device.gateway = true;
            self.epoch += 1;
        }
    }

    /// A frame of the device's own, with this source address, was seen in this VLAN.
    pub(super) fn settle(&mut self, id: DeviceId, vlan: Option<u16>, ip: IpAddr, boots: bool, at: Timestamp) {
        self.lives(id, vlan, Some(ip), boots, at);
        if self.policy.scope(ip) != Scope::Local {
            self.own_address(id, vlan, ip);
        }
    }

    fn own_address(&mut self, id: DeviceId, vlan: Option<u16>, ip: IpAddr) {
        let scope = self.policy.scope(ip);
        let Some(device) = self.devices.get_mut(id) else { return };
        device.add_address(ip);
        let declared = self.policy.zones.iter().any(|zone| zone.gateways.contains(&ip));
        if declared && !device.is_certain() && !device.gateway {
            device.gateway = true;
            self.epoch += 1;
        }
        // An address of the internet, or of another zone, is not its own because it says so.
        let may_own = match scope {
            Scope::Zone(zone) => {
                let home = self.home(id);
                home == Some(zone) || vlan.is_none_or(|vlan| self.policy.zone_of_vlan(vlan) == Some(zone))
            }
            Scope::Internal => true,
            Scope::Local | Scope::Internet => false,
        };
        let listed =
            self.devices.owner(ip).and_then(|owner| self.devices.get(owner)).and_then(|owner| match owner.key {
                Key::Ip(_) => owner.inventory,
                Key::Mac(_) => None,
            });
        if may_own && self.devices.own(ip, id) {
            self.epoch += 1;
            let before = self.devices.by_key(Key::Ip(ip)).filter(|&old| old != id);
            let said = before.and_then(|old| self.devices.get(old)?.identity.clone());
            if let Some(device) = self.devices.get_mut(id) {
                device.inventory = device.inventory.or(listed);
            }
            if let Some(said) = said {
                self.identify_as(id, said.vendor, said.source, false, said.at);
            }
        }
    }

    /// Notes where a device lives: by VLAN, and by address where no zone owns the VLAN.
    fn lives(&mut self, id: DeviceId, vlan: Option<u16>, ip: Option<IpAddr>, boots: bool, at: Timestamp) {
        let by_vlan = vlan.and_then(|vlan| self.policy.zone_of_vlan(vlan));
        let zone = by_vlan.or_else(|| match ip.map(|ip| self.policy.scope(ip)) {
            Some(Scope::Zone(zone)) => Some(zone),
            _ => None,
        });
        let camera_zone = zone.filter(|&zone| self.policy.zone(zone).is_some_and(|z| z.cameras));
        let Some(device) = self.devices.get_mut(id) else { return };
        device.sight.between(at, at);
        (device.sight.recent.any, device.source) = (self.now, self.source);
        if let Some(vlan) = vlan {
            device.in_vlan(vlan, at, at, boots);
        }
        if device.first_vlan.is_none() {
            device.first_vlan = Some(vlan);
            self.epoch += 1;
        }
        if let (Some(ZoneId(zone)), None) = (camera_zone, device.camera_zone) {
            device.camera_zone = Some(zone);
            self.epoch += 1;
        }
    }

    /// The device that this one turned out to be: one known by address only is the host that owns the address, once
    /// that was seen on its own link.
    pub(super) fn current(&self, id: DeviceId) -> Option<DeviceId> {
        match self.devices.get(id)?.key {
            Key::Mac(_) => Some(id),
            Key::Ip(ip) => Some(self.devices.owner(ip).unwrap_or(id)),
        }
    }

    /// A device's home: the inventory's, else the camera zone it was seen in.
    pub(super) fn home(&self, id: DeviceId) -> Option<ZoneId> {
        self.home_and_whence(id).map(|home| home.0)
    }

    /// [`Engine::home`], and what says so.
    pub(super) fn home_and_whence(&self, id: DeviceId) -> Option<(ZoneId, Whence)> {
        let device = self.devices.get(id)?;
        let listed =
            device.inventory.and_then(|at| self.policy.inventory.get(at as usize)).and_then(|entry| entry.zone);
        listed
            .map(|zone| (zone, Whence::Inventory))
            .or(device.camera_zone.map(|zone| (ZoneId(zone), Whence::CameraZone)))
    }
}

/// DHCP or neighbour discovery: what a host sends to get onto a network. So is what stays on the link by nature: it
/// calls whoever is there (SADP, mDNS, IGMP).
pub(super) fn is_boot(layer: &Layer) -> bool {
    let calls_all = match layer.dst {
        IpAddr::V4(dst) => dst.is_multicast() || dst.is_broadcast(),
        IpAddr::V6(dst) => dst.is_multicast(),
    };
    calls_all
        || match layer.proto {
            UDP => matches!((layer.sport, layer.dport), (67 | 68, 67 | 68) | (546 | 547, 546 | 547)),
            ICMPV6 => matches!(layer.icmp, Some((130..=137 | 143, _))),
            _ => false,
        }
}

/// A few less than what common stacks begin with: routers passed it on.
pub(super) fn has_lost_hops(ttl: u8) -> bool {
    const MANY_HOPS: u8 = 15;
    [64, 128, 255].iter().any(|&initial| (initial - MANY_HOPS..initial).contains(&ttl))
}

fn is_unicast(link: &Link, dst: IpAddr) -> bool {
    match (link.dst, link.sll_packet_type) {
        (Some(mac), _) => !mac.is_group(),
        (None, Some(kind)) => !matches!(kind, 1 | 2),
        (None, None) => !dst.is_multicast(),
    }
}

/// VRRP (RFC 9568), HSRP 1 and 2 for IPv4 and IPv6, GLBP.
pub(super) fn is_virtual_router(mac: Mac) -> bool {
    matches!(
        mac.0,
        [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _]
            | [0x00, 0x00, 0x0c, 0x07, 0xac, _]
            | [0x00, 0x00, 0x0c, 0x9f, 0xf0..=0xff, _]
            | [0x00, 0x05, 0x73, 0xa0, 0x00..=0x0f, _]
            | [0x00, 0x07, 0xb4, _, _, _]
    )
}
