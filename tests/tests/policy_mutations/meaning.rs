//! All that a configuration says, in one order, without what changes no judgement: names, owners, reasons, places.

use std::collections::BTreeSet;

use segwatch::config::{AlertmanagerConfig, CaptureConfig, Config};
use segwatch::coverage::{Facts, Rule, Verdict, decide};
use segwatch::hint::State;
use segwatch::policy::{CLINICAL, Exception, Place, Policy, Whom, Zone, ZoneId, is_known_use, is_used_as};

/// Uses that rules of the policies here tell apart, alone and together.
const USES: [&str; 7] = ["", "street", "clinical", "klinisk", "car park", "street, clinical", "car park, clinical"];

pub fn meaning(config: &Config) -> String {
    let policy = &config.policy;
    let zones: BTreeSet<String> = policy.zones.iter().map(zone).collect();
    let conduits: BTreeSet<String> = policy
        .conduits
        .iter()
        .map(|conduit| {
            let side = |side: &segwatch::policy::Side| (ids(policy, &side.zones), sorted(&side.hosts));
            format!(
                "{:?} {:?} {:?} {:?} {:?} {:?}",
                side(&conduit.from),
                side(&conduit.to),
                sorted(&conduit.services),
                sorted(&conduit.permits),
                conduit.expires,
                conduit.canary
            )
        })
        .collect();
    let devices: BTreeSet<String> = policy
        .inventory
        .iter()
        .map(|device| {
            let home = device.zone.and_then(|id| policy.zone(id)).map(zone);
            let here = device.sensor.is_empty() || device.sensor == policy.sensor;
            let use_ = (is_used_as(&CLINICAL, &device.use_), is_known_use(&device.use_));
            format!("{:?} {:?} {home:?} {use_:?} {here} {:?}", device.mac, device.ip, device.out_of_service)
        })
        .collect();
    let exceptions: BTreeSet<String> = policy
        .exceptions
        .iter()
        .map(|exception| {
            let Exception { device, kind, peer_zone, expires, .. } = exception;
            let device = match *device {
                Whom::Listed(at) => (policy.inventory[at as usize].mac, policy.inventory[at as usize].ip),
                Whom::Mac(mac) => (Some(mac), None),
                Whom::Ip(ip) => (None, Some(ip)),
            };
            let named = peer_zone.as_ref().map(|name| policy.zones.iter().find(|zone| zone.name == *name));
            let peer_zone = named.map(|found| found.map(zone).or(peer_zone.clone()));
            format!("{device:?} {kind} {peer_zone:?} {expires}")
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
    let dispositions = dispositions(&config.dispositions);
    format!("{agent:?}\n{zones:#?}\n{conduits:#?}\n{devices:#?}\n{exceptions:#?}\n{settings:?}\n{dispositions}")
}

/// What the rules of the report make of all that can be known.
fn dispositions(rules: &[Rule]) -> String {
    let mut decided = String::new();
    for use_ in USES {
        for firmware in State::ALL {
            for fix in [None, Some(false), Some(true)] {
                for verdict in Verdict::ALL {
                    decided += decide(rules, &Facts { use_, firmware, fix, verdict }).disposition.name();
                }
            }
        }
    }
    decided
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
