//! Which zone of one policy is which of the other.

use super::hosts::ZoneKey;
use crate::policy::{Policy, Zone, ZoneId};

/// The zones of both policies.
pub(super) struct Pairing {
    /// Both sides of each; at least one is there.
    pub(super) pairs: Vec<(Option<ZoneId>, Option<ZoneId>)>,
    /// By number: the name, the new one if it has two.
    names: Vec<String>,
    /// By number: a device may be at home there whatever its address is.
    placed: Vec<bool>,
}

/// One of the two policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Old,
    New,
}

impl Pairing {
    /// Zones are the same by name; those left over, if all that is in them is.
    pub(super) fn of(old: &Policy, new: &Policy) -> Pairing {
        let ids = |policy: &Policy| -> Vec<ZoneId> { (0..=u16::MAX).map(ZoneId).take(policy.zones.len()).collect() };
        let mut left = ids(new);
        let mut take = |is: &dyn Fn(&Zone) -> bool| {
            let at = left.iter().position(|id| new.zone(*id).is_some_and(is))?;
            Some(left.remove(at))
        };
        let mut pairs: Vec<(Option<ZoneId>, Option<ZoneId>)> = ids(old)
            .into_iter()
            .map(|id| (Some(id), old.zone(id).and_then(|zone| take(&|other| other.name == zone.name))))
            .collect();
        for (id, twin) in &mut pairs {
            if let (Some(zone), None) = (id.and_then(|id| old.zone(id)), &twin) {
                *twin = take(&|other| means_the_same(zone, other));
            }
        }
        pairs.extend(left.into_iter().map(|id| (None, Some(id))));
        let zone = |pair: &(Option<ZoneId>, Option<ZoneId>)| {
            [pair.0.and_then(|id| old.zone(id)), pair.1.and_then(|id| new.zone(id))]
        };
        let is_home = |policy: &Policy, id: Option<ZoneId>| {
            id.is_some() && policy.inventory.iter().any(|device| device.zone == id)
        };
        Pairing {
            names: pairs
                .iter()
                .map(|pair| zone(pair).into_iter().flatten().last().map_or(String::new(), |zone| zone.name.clone()))
                .collect(),
            placed: pairs
                .iter()
                .map(|pair| {
                    zone(pair).into_iter().flatten().any(|zone| !zone.vlans.is_empty())
                        || is_home(old, pair.0)
                        || is_home(new, pair.1)
                })
                .collect(),
            pairs,
        }
    }

    pub(super) fn key(&self, side: Side, id: ZoneId) -> Option<ZoneKey> {
        self.pairs.iter().position(|pair| if side == Side::Old { pair.0 } else { pair.1 } == Some(id))
    }

    pub(super) fn name(&self, key: ZoneKey) -> String {
        self.names.get(key).cloned().unwrap_or_default()
    }

    /// The zones where a device may be at home whatever its address is.
    pub(super) fn placed(&self) -> impl Iterator<Item = ZoneKey> + '_ {
        self.placed.iter().enumerate().filter(|(_, placed)| **placed).map(|(key, _)| key)
    }

    /// The zone of the new policy that a zone of the old one is.
    pub(super) fn twin(&self, old: ZoneId) -> Option<ZoneId> {
        self.pairs.iter().find(|pair| pair.0 == Some(old)).and_then(|pair| pair.1)
    }

    /// Whether two zones are the same one; two absent ones are.
    pub(super) fn is_same(&self, old: Option<ZoneId>, new: Option<ZoneId>) -> bool {
        match (old, new) {
            (None, None) => true,
            (Some(old), Some(new)) => self.key(Side::Old, old) == self.key(Side::New, new),
            _ => false,
        }
    }
}

/// All but the name and the place.
fn means_the_same(old: &Zone, new: &Zone) -> bool {
    let Zone { name: _, cameras, transit, onboarding, vlans, prefixes, gateways, dhcp, place: _ } = old;
    let sorted = |nets: &[ipnet::IpNet]| {
        let mut nets = nets.to_vec();
        nets.sort_unstable();
        nets
    };
    (*cameras, *transit, *onboarding) == (new.cameras, new.transit, new.onboarding)
        && *vlans == new.vlans
        && sorted(prefixes) == sorted(&new.prefixes)
        && *gateways == new.gateways
        && *dhcp == new.dhcp
}
