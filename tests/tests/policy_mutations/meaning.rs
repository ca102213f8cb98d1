//! All that a configuration says, in one order, without what changes no judgement: names, owners, reasons, places.

use std::collections::BTreeSet;

use segwatch::config::{AlertmanagerConfig, CaptureConfig, Config};
use segwatch::policy::{Place, Policy, Zone, ZoneId};

pub fn meaning(config: &Config) -> String {
    let policy = &config.policy;
    let zones: BTreeSet<String> = policy.zones.iter().map(zone).collect();
    let conduits: BTreeSet<String> = policy
        .conduits
        .iter()
        .map(|conduit| {
            let side = |side: &segwatch::policy::Side| (ids(policy, &side.zones), sorted(&side.hosts));
            format!(
                "{:?} {:?} {:?} {:?} {:?}",
                side(&conduit.from),
                side(&conduit.to),
                sorted(&conduit.services),
                sorted(&conduit.permits),
                conduit.expires
            )
        })
        .collect();
    let devices: BTreeSet<String> = policy
        .inventory
        .iter()
        .map(|device| {
            let home = device.zone.and_then(|id| policy.zone(id)).map(zone);
            let here = device.sensor.is_empty() || device.sensor == policy.sensor;
            let clinical = device.use_ == "clinical";
            format!("{:?} {:?} {home:?} {clinical} {here} {:?}", device.mac, device.ip, device.out_of_service)
        })
        .collect();
    let settings = (
        (sorted(&policy.watch_vendors), sorted(&policy.internal), sorted(&policy.domains), policy.coverage),
        (policy.hold, policy.edge_hops, policy.untagged, policy.rspan_vlan, &policy.severity),
    );
    // Each Alertmanager is told everything, in whatever order they stand.
    let paging = config
        .alertmanager
        .clone()
        .map(|paging| (sorted(&paging.urls), AlertmanagerConfig { urls: Vec::new(), line: 0, ..paging }));
    let agent = (&config.listen, paging, sorted(&config.captures.iter().map(port).collect::<Vec<_>>()));
    format!("{agent:?}\n{zones:#?}\n{conduits:#?}\n{devices:#?}\n{settings:?}")
}

fn port(capture: &CaptureConfig) -> CaptureConfig {
    let mut capture = CaptureConfig { place: Place::default(), ..capture.clone() };
    capture.decapsulate.sort_by_key(|transport| transport.name());
    capture
}

fn zone(zone: &Zone) -> String {
    let roles = (zone.cameras, zone.transit, zone.onboarding);
    format!(
        "{roles:?} {:?} {:?} {:?} {:?}",
        zone.vlans,
        sorted(&zone.prefixes),
        sorted(&zone.gateways),
        sorted(&zone.dhcp)
    )
}

fn ids(policy: &Policy, ids: &[ZoneId]) -> BTreeSet<Option<String>> {
    ids.iter().map(|id| policy.zone(*id).map(zone)).collect()
}

fn sorted<T: std::fmt::Debug>(items: &[T]) -> BTreeSet<String> {
    items.iter().map(|item| format!("{item:?}")).collect()
}
