//! Who is meant by one side of a rule: addresses, and devices by the zone that they are at home in.

use std::collections::BTreeMap;
#[cfg(test)]
use std::net::IpAddr;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

use super::ranges::Ranges;

/// Ranges and prefixes of a side that are listed; the rest is counted.
const MAX_LISTED: usize = 64;

/// The zones of both policies, one number for what is the same zone in both.
pub(super) type ZoneKey = usize;

/// Where a host is looked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Slot {
    /// At home where its address belongs.
    V4,
    /// The same; addresses that embed IPv4 are where that is.
    V6,
    /// A device at home in this zone by its VLAN or the inventory, whatever its address.
    HomeV4(ZoneKey),
    /// The same.
    HomeV6(ZoneKey),
}

/// A set of hosts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct HostSet(BTreeMap<Slot, Ranges>);

/// IPv4 and IPv6 addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Addresses {
    pub(super) v4: Ranges,
    pub(super) v6: Ranges,
}

/// One side of what is opened or closed.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Hosts {
    /// Prefixes, and ranges where no prefix fits; at most 64.
    pub addresses: Vec<String>,
    /// Prefixes and ranges left out.
    pub left_out: u64,
    /// How many IPv4 addresses that is.
    pub ipv4_addresses: u64,
    /// How many IPv6 addresses that is, in decimal; addresses that embed one of the IPv4 addresses are not counted.
    pub ipv6_addresses: String,
    /// Only devices at home in these zones, by VLAN or inventory, whatever zone their address belongs to; empty: hosts
    /// that are where their address belongs.
    pub at_home_in: Vec<String>,
}

impl Addresses {
    pub(super) fn all() -> Addresses {
        Addresses { v4: Ranges::of(0, u128::from(u32::MAX)), v6: Ranges::of(0, u128::MAX) }
    }

    /// Addresses that embed one of these IPv4 addresses are meant too.
    pub(super) fn of(nets: &[IpNet]) -> Addresses {
        let v4 = Ranges::union(nets.iter().filter(|net| net.addr().is_ipv4()).map(|net| bounds(*net)));
        let v6 = nets.iter().filter(|net| net.addr().is_ipv6()).map(|net| bounds(*net));
        Addresses { v6: Ranges::union(v6.chain(embedding(&v4).iter())), v4 }
    }

    pub(super) fn minus(&self, other: &Addresses) -> Addresses {
        Addresses { v4: self.v4.minus(&other.v4), v6: self.v6.minus(&other.v6) }
    }

    pub(super) fn and(&self, other: &Addresses) -> Addresses {
        Addresses { v4: self.v4.and(&other.v4), v6: self.v6.and(&other.v6) }
    }

    pub(super) fn with(&self, other: &Addresses) -> Addresses {
        let both = |a: &Ranges, b: &Ranges| Ranges::union(a.iter().chain(b.iter()));
        Addresses { v4: both(&self.v4, &other.v4), v6: both(&self.v6, &other.v6) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// For a person and for a program.
    pub(super) fn listed(&self, at_home_in: Vec<String>) -> Hosts {
        let v6 = self.v6.minus(&embedding(&self.v4));
        let everyone = *self == Addresses::all();
        let mut addresses: Vec<String> = if everyone {
            vec!["any".to_owned()]
        } else {
            let v4 = self.v4.iter().flat_map(|(first, last)| written_v4(first as u32, last as u32));
            v4.chain(v6.iter().flat_map(|(first, last)| written_v6(first, last))).take(MAX_LISTED + 1).collect()
        };
        let parts = if addresses.len() > MAX_LISTED {
            let v4: usize = self.v4.iter().map(|(first, last)| written_v4(first as u32, last as u32).len()).sum();
            v4 + v6.iter().map(|(first, last)| written_v6(first, last).len()).sum::<usize>()
        } else {
            addresses.len()
        };
        addresses.truncate(MAX_LISTED);
        Hosts {
            left_out: (parts - addresses.len()) as u64,
            addresses,
            ipv4_addresses: self.v4.count().map_or(u64::MAX, |count| count as u64),
            ipv6_addresses: (if everyone { self.v6.count() } else { v6.count() })
                .map_or("340282366920938463463374607431768211456".to_owned(), |count| count.to_string()),
            at_home_in,
        }
    }
}

impl HostSet {
    /// Hosts where their address belongs, and devices at home in these zones at these addresses.
    pub(super) fn of(by_address: Addresses, at_home: impl IntoIterator<Item = (ZoneKey, Addresses)>) -> HostSet {
        let mut slots = BTreeMap::from([(Slot::V4, by_address.v4), (Slot::V6, by_address.v6)]);
        for (zone, addresses) in at_home {
            slots.insert(Slot::HomeV4(zone), addresses.v4);
            slots.insert(Slot::HomeV6(zone), addresses.v6);
        }
        slots.retain(|_, ranges| !ranges.is_empty());
        HostSet(slots)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// It holds hosts that are where their address belongs.
    pub(super) fn is_by_address(&self) -> bool {
        self.0.contains_key(&Slot::V4) || self.0.contains_key(&Slot::V6)
    }

    #[cfg(test)]
    pub(super) fn has(&self, slot: Slot, ip: u128) -> bool {
        self.0.get(&slot).is_some_and(|ranges| ranges.has(ip))
    }

    pub(super) fn and(&self, other: &HostSet) -> HostSet {
        let common = self.0.iter().filter_map(|(slot, ranges)| Some((*slot, ranges.and(other.0.get(slot)?))));
        HostSet(common.filter(|(_, ranges)| !ranges.is_empty()).collect())
    }

    pub(super) fn minus(&self, other: &HostSet) -> HostSet {
        let left = self.0.iter().map(|(slot, ranges)| {
            (*slot, other.0.get(slot).map_or_else(|| ranges.clone(), |others| ranges.minus(others)))
        });
        HostSet(left.filter(|(_, ranges)| !ranges.is_empty()).collect())
    }

    /// For a person and for a program; the devices at home elsewhere are told only where they are all that there is.
    pub(super) fn listed(&self, name: impl Fn(ZoneKey) -> String) -> Hosts {
        let of = |slot: Slot| self.0.get(&slot).cloned().unwrap_or_default();
        let by_address = Addresses { v4: of(Slot::V4), v6: of(Slot::V6) };
        if !by_address.is_empty() {
            return by_address.listed(Vec::new());
        }
        let mut zones: Vec<String> = Vec::new();
        let mut at_home = Addresses::default();
        for (slot, ranges) in &self.0 {
            let (zone, part) = match slot {
                Slot::HomeV4(zone) => (zone, &mut at_home.v4),
                Slot::HomeV6(zone) => (zone, &mut at_home.v6),
                Slot::V4 | Slot::V6 => continue,
            };
            *part = Ranges::union(part.iter().chain(ranges.iter()));
            let zone = name(*zone);
            if !zones.contains(&zone) {
                zones.push(zone);
            }
        }
        at_home.listed(zones)
    }
}

/// First and last address of a prefix.
pub(super) fn bounds(net: IpNet) -> (u128, u128) {
    match net {
        IpNet::V4(net) => (net.network().to_bits().into(), net.broadcast().to_bits().into()),
        IpNet::V6(net) => (net.network().to_bits(), net.broadcast().to_bits()),
    }
}

/// The number of an address, and the slot of hosts that are where it belongs.
#[cfg(test)]
pub(super) fn number(ip: IpAddr) -> (Slot, u128) {
    match ip {
        IpAddr::V4(ip) => (Slot::V4, ip.to_bits().into()),
        IpAddr::V6(ip) => (Slot::V6, ip.to_bits()),
    }
}

/// The IPv6 addresses that are judged by one of these IPv4 addresses: 64:ff9b::/96, ::ffff:0:0/96 and 2002::/16.
pub(super) fn embedding(v4: &Ranges) -> Ranges {
    const NAT64: u128 = 0x0064_ff9b << 96;
    const MAPPED: u128 = 0xffff << 32;
    const SIX_TO_FOUR: u128 = 0x2002 << 112;
    const REST: u128 = (1 << 80) - 1;
    Ranges::union(v4.iter().flat_map(|(first, last)| {
        [
            (NAT64 | first, NAT64 | last),
            (MAPPED | first, MAPPED | last),
            (SIX_TO_FOUR | first << 80, SIX_TO_FOUR | last << 80 | REST),
        ]
    }))
}

/// Prefixes where a few of them cover a range exactly, else its two ends.
const FEW: usize = 3;

fn written_v4(first: u32, last: u32) -> Vec<String> {
    let (first, last) = (Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(last));
    let nets: Vec<_> = Ipv4Subnets::new(first, last, 0).take(FEW + 1).collect();
    match nets.len() {
        _ if first == last => vec![first.to_string()],
        0..=FEW => nets
            .iter()
            .map(|net| if net.prefix_len() == 32 { net.addr().to_string() } else { net.to_string() })
            .collect(),
        _ => vec![format!("{first}-{last}")],
    }
}

fn written_v6(first: u128, last: u128) -> Vec<String> {
    let (first, last) = (Ipv6Addr::from_bits(first), Ipv6Addr::from_bits(last));
    let nets: Vec<_> = Ipv6Subnets::new(first, last, 0).take(FEW + 1).collect();
    match nets.len() {
        _ if first == last => vec![first.to_string()],
        0..=FEW => nets
            .iter()
            .map(|net| if net.prefix_len() == 128 { net.addr().to_string() } else { net.to_string() })
            .collect(),
        _ => vec![format!("{first}-{last}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(nets: &[&str], without: &[&str]) -> Hosts {
        let of = |nets: &[&str]| Addresses::of(&nets.iter().filter_map(|net| net.parse().ok()).collect::<Vec<_>>());
        of(nets).minus(&of(without)).listed(Vec::new())
    }

    #[test]
    fn addresses_are_written_as_prefixes_or_ranges_and_counted() {
        let hosts = listed(&["10.0.0.0/24", "fd00::/64"], &["10.0.0.0/25"]);
        assert_eq!(hosts.addresses, ["10.0.0.128/25", "fd00::/64"]);
        assert_eq!((hosts.ipv4_addresses, hosts.ipv6_addresses.as_str()), (128, "18446744073709551616"));
        let hosts = listed(&["10.0.0.0/24"], &["10.0.0.7/32"]);
        assert_eq!(hosts.addresses, ["10.0.0.0/30", "10.0.0.4/31", "10.0.0.6", "10.0.0.8-10.0.0.255"]);
        assert_eq!((hosts.ipv4_addresses, hosts.ipv6_addresses.as_str()), (255, "0"));
        let hosts = listed(&["0.0.0.0/0", "::/0"], &[]);
        assert_eq!((hosts.addresses, hosts.ipv4_addresses), (vec!["any".to_owned()], 1 << 32));
    }

    #[test]
    fn an_embedded_address_goes_with_its_ipv4_address() {
        let set = Addresses::of(&["10.0.0.1/32".parse().unwrap_or_default()]);
        for text in ["64:ff9b::a00:1", "::ffff:10.0.0.1", "2002:a00:1:5::9"] {
            let ip: IpAddr = text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            assert!(set.v6.has(number(ip).1), "{text}");
        }
        assert!(!set.v6.has(number("64:ff9b::a00:2".parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))).1));
        assert_eq!(set.listed(Vec::new()).addresses, ["10.0.0.1"]);
    }
}
