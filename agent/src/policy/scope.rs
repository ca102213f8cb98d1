//! Where an address belongs.

use std::net::{IpAddr, Ipv4Addr};

use super::model::{Policy, ZoneId};

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

/// Lookup tables made once per policy.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {}

impl Policy {
    /// Where `ip` belongs. 64:ff9b::/96, ::ffff:0:0/96 and 2002::/16 are judged by the embedded IPv4 address.
    /// A directed broadcast of a zone's prefix is `Local`.
    pub fn scope(&self, ip: IpAddr) -> Scope {
        let _ = ip;
        Scope::Internet
    }

    /// The zone that owns a VLAN.
    pub fn zone_of_vlan(&self, vlan: u16) -> Option<ZoneId> {
        let _ = vlan;
        None
    }
}

/// The IPv4 address inside 64:ff9b::/96 (RFC 6052), ::ffff:0:0/96 (RFC 4291) or 2002::/16 (RFC 3056).
pub fn embedded_ipv4(ip: IpAddr) -> Option<Ipv4Addr> {
    let _ = ip;
    None
}
