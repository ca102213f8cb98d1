//! Where an address belongs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::model::{Policy, Zone, ZoneId};
use super::table::PrefixTable;

/// Where an address belongs, its zone's prefixes, `internal` and nothing else considered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// In a zone's prefix (the longest wins).
    Zone(ZoneId),
    /// In `internal` and in no zone.
    Internal,
    /// Multicast, broadcast, link-local, unspecified or loopback: stays on its link by nature.
    Local,
    /// Anything else.
    Internet,
}

impl Policy {
    /// Where `ip` belongs. 64:ff9b::/96, ::ffff:0:0/96 and 2002::/16 are judged by the embedded IPv4 address.
    /// A directed broadcast of a zone's prefix is `Local`.
    ///
    /// An IPv6 packet is routed, whatever IPv4 address it embeds, so an embedded address is never `Local`:
    /// 64:ff9b::7f00:1 is `Internet`, an embedded directed broadcast belongs to its zone.
    pub fn scope(&self, ip: IpAddr) -> Scope {
        match ip {
            IpAddr::V4(ip) => self.index.scope_v4(ip, false),
            IpAddr::V6(v6) => match embedded_in(v6) {
                Some(ip) => self.index.scope_v4(ip, true),
                None => self.index.scope_v6(v6),
            },
        }
    }

    /// Whether `ip` is inside a zone's prefix or `internal`; embedded IPv4 addresses count as in [`Policy::scope`].
    /// Link-local, multicast and loopback addresses are inside only if the policy lists them.
    pub fn is_internal(&self, ip: IpAddr) -> bool {
        match embedded_ipv4(ip).map_or(ip, IpAddr::V4) {
            IpAddr::V4(ip) => {
                let bits = ip.to_bits();
                self.index.zones_v4.get(bits).is_some() || self.index.internal_v4.get(bits).is_some()
            }
            IpAddr::V6(ip) => {
                let bits = ip.to_bits();
                self.index.zones_v6.get(bits).is_some() || self.index.internal_v6.get(bits).is_some()
            }
        }
    }

    /// The zone whose directed broadcast an address is.
    pub fn zone_of_broadcast(&self, ip: IpAddr) -> Option<ZoneId> {
        let IpAddr::V4(ip) = ip else { return None };
        let owner = self.index.zones_v4.get(ip.to_bits())?;
        (owner.broadcast == Some(ip.to_bits())).then_some(owner.zone)
    }

    /// The zone that owns a VLAN.
    pub fn zone_of_vlan(&self, vlan: u16) -> Option<ZoneId> {
        self.index.vlans.get(usize::from(vlan)).copied().flatten()
    }

    /// The zone behind an id; `None` for an id of another policy.
    pub fn zone(&self, id: ZoneId) -> Option<&Zone> {
        self.zones.get(usize::from(id.0))
    }
}

/// The IPv4 address inside 64:ff9b::/96 (RFC 6052), ::ffff:0:0/96 (RFC 4291) or 2002::/16 (RFC 3056).
pub fn embedded_ipv4(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(_) => None,
        IpAddr::V6(ip) => embedded_in(ip),
    }
}

fn embedded_in(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    const MAPPED: u128 = 0xffff;
    const NAT64: u128 = 0x0064_ff9b << 64;
    const SIX_TO_FOUR: u128 = 0x2002;
    let bits = ip.to_bits();
    let low = || Ipv4Addr::from_bits(bits as u32);
    match bits >> 32 {
        MAPPED | NAT64 => Some(low()),
        _ if bits >> 112 == SIX_TO_FOUR => Some(Ipv4Addr::from_bits((bits >> 80) as u32)),
        _ => None,
    }
}

/// Identifiers of IEEE 802.1Q: 12 bits.
const VLANS: usize = 4096;

/// Lookup tables made once per policy.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    zones_v4: PrefixTable<u32, Owner>,
    zones_v6: PrefixTable<u128, ZoneId>,
    internal_v4: PrefixTable<u32, ()>,
    internal_v6: PrefixTable<u128, ()>,
    vlans: Vec<Option<ZoneId>>,
}

/// Who owns an IPv4 prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Owner {
    zone: ZoneId,
    /// The prefix's directed broadcast (RFC 919); none for /31 (RFC 3021) and /32.
    broadcast: Option<u32>,
}

impl Index {
    /// What is listed twice belongs to the zone declared first.
    pub(super) fn new(zones: &[Zone], internal: &[IpNet]) -> Index {
        let mut vlans = vec![None; VLANS];
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (zone, at) in zones.iter().zip(0..=u16::MAX) {
            let id = ZoneId(at);
            for &vlan in &zone.vlans {
                if let Some(owner @ None) = vlans.get_mut(usize::from(vlan)) {
                    *owner = Some(id);
                }
            }
            for prefix in &zone.prefixes {
                match prefix {
                    IpNet::V4(net) => {
                        let broadcast = (net.prefix_len() <= 30).then(|| net.broadcast().to_bits());
                        v4.push((net.network().to_bits(), net.prefix_len(), Owner { zone: id, broadcast }));
                    }
                    IpNet::V6(net) => v6.push((net.network().to_bits(), net.prefix_len(), id)),
                }
            }
        }
        let (mut internal_v4, mut internal_v6) = (Vec::new(), Vec::new());
        for prefix in internal {
            match prefix {
                IpNet::V4(net) => internal_v4.push((net.network().to_bits(), net.prefix_len(), ())),
                IpNet::V6(net) => internal_v6.push((net.network().to_bits(), net.prefix_len(), ())),
            }
        }
        Index {
            zones_v4: PrefixTable::new(v4),
            zones_v6: PrefixTable::new(v6),
            internal_v4: PrefixTable::new(internal_v4),
            internal_v6: PrefixTable::new(internal_v6),
            vlans,
        }
    }

    fn scope_v4(&self, ip: Ipv4Addr, embedded: bool) -> Scope {
        let bits = ip.to_bits();
        if !embedded && (ip.is_multicast() || ip.is_broadcast() || ip.is_link_local() || ip.is_loopback() || bits == 0)
        {
            return Scope::Local;
        }
        match self.zones_v4.get(bits) {
            Some(owner) if owner.broadcast == Some(bits) && !embedded => Scope::Local,
            Some(owner) => Scope::Zone(owner.zone),
            None if self.internal_v4.get(bits).is_some() => Scope::Internal,
            None => Scope::Internet,
        }
    }

    fn scope_v6(&self, ip: Ipv6Addr) -> Scope {
        if ip.is_multicast() || ip.is_unicast_link_local() || ip.is_loopback() || ip.is_unspecified() {
            return Scope::Local;
        }
        let bits = ip.to_bits();
        match self.zones_v6.get(bits) {
            Some(zone) => Scope::Zone(zone),
            None if self.internal_v6.get(bits).is_some() => Scope::Internal,
            None => Scope::Internet,
        }
    }
}
