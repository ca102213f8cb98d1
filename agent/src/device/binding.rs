//! Who claims an address in a VLAN: ARP, ND and DHCP.

use std::net::IpAddr;

use crate::base::{Mac, Map};

/// Claims kept; beyond it new ones are refused and counted.
const MAX_BINDINGS: usize = 262_144;

/// The last claim of each address in each VLAN (`None`: untagged or not known).
#[derive(Debug, Default)]
pub struct Bindings {
    claims: Map<(Option<u16>, IpAddr), Mac>,
    /// Claims that found no place.
    pub refused: u64,
}

impl Bindings {
    /// Records a claim. Returns whether it is new or moved.
    pub fn claim(&mut self, vlan: Option<u16>, ip: IpAddr, mac: Mac) -> bool {
        if self.claims.len() >= MAX_BINDINGS && !self.claims.contains_key(&(vlan, ip)) {
            self.refused += 1;
            return false;
        }
        self.claims.insert((vlan, ip), mac) != Some(mac)
    }

    /// All last claims, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Option<u16>, IpAddr, Mac)> {
        self.claims.iter().map(|(&(vlan, ip), &mac)| (vlan, ip, mac))
    }

    /// Who claimed this address last in this VLAN.
    pub fn holder(&self, vlan: Option<u16>, ip: IpAddr) -> Option<Mac> {
        self.claims.get(&(vlan, ip)).copied()
    }
}
