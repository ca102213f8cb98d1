//! Canaries: conduits whose traffic must be seen again and again in each camera zone that it concerns.

use ipnet::IpNet;

use super::conduit::{Conduit, ConduitId, Side};
use super::model::{Policy, Zone, ZoneId};

/// Canaries of one policy, a conduit counted once for each of its camera zones; more is an error of the configuration.
pub const MAX_CANARIES: usize = 64;

/// A conduit's traffic in one zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Canary {
    /// The conduit.
    pub conduit: ConduitId,
    /// The camera zone.
    pub zone: ZoneId,
    /// Nanoseconds within which a packet must be seen.
    pub interval: i64,
}

impl Policy {
    /// All canaries, in file order, then by zone.
    pub fn canaries(&self) -> Vec<Canary> {
        let conduits = self.conduits.iter().zip((0..=u16::MAX).map(ConduitId));
        conduits
            .filter_map(|(conduit, id)| Some((conduit, id, conduit.canary?)))
            .flat_map(|(conduit, id, interval)| {
                self.camera_zones(conduit).into_iter().map(move |zone| Canary { conduit: id, zone, interval })
            })
            .collect()
    }

    /// The camera zones whose hosts can be at an end of a conduit's flows.
    pub fn camera_zones(&self, conduit: &Conduit) -> Vec<ZoneId> {
        let zones = self.zones.iter().zip((0..=u16::MAX).map(ZoneId));
        let concerned = |&(zone, id): &(&Zone, ZoneId)| {
            zone.cameras && [&conduit.from, &conduit.to].into_iter().any(|side| holds(side, id, zone))
        };
        zones.filter(concerned).map(|(_, id)| id).collect()
    }
}

/// Whether a side can mean a host of the zone.
fn holds(side: &Side, id: ZoneId, zone: &Zone) -> bool {
    let overlap = |host: &IpNet| zone.prefixes.iter().any(|net| net.contains(host) || host.contains(net));
    let by_host = || side.hosts.iter().any(overlap);
    match (side.zones.is_empty(), side.hosts.is_empty()) {
        (true, _) => by_host(),
        (false, true) => side.zones.contains(&id),
        // Without prefixes nobody can tell.
        (false, false) => side.zones.contains(&id) && (zone.prefixes.is_empty() || by_host()),
    }
}
