//! How many metric series a policy makes at most (DESIGN, section 6).

use std::collections::BTreeSet;

use crate::finding::{Class, Kind};
use crate::flow::Reach;
use crate::policy::{Policy, ZoneId};

/// Series that one agent may make: Prometheus refuses a whole scrape that is too large.
pub const MAX_SERIES: usize = 2000;

/// Series of one mirror port: packets, bytes, drops at three places, last packet, and the twelve alarms.
pub const SERIES_PER_INTERFACE: usize = 6 + 12;

/// Verdicts.
const VERDICTS: usize = 4;
/// Reasons of `unverified`.
const REASONS: usize = 9;
/// How far a flow can get.
const REACHES: usize = 4;
/// Verdicts of a flow.
const FLOW_VERDICTS: usize = 3;
/// `finding_info` and `finding_info_suppressed`.
const FINDING_INFO: usize = 200 + 1;
/// `decode_errors_total`, `flows_evicted_total`, `sink_lost_total` (journal, evidence, EVE, syslog, Alertmanager, IPFIX, NATS).
const BY_REASON: usize = 16 + 8 + 8;
/// `site_verdict`, and `flows_active journal_failing build_info config_last_reload_…`, `policy_info`.
const SINGLE: usize = VERDICTS + 6;

/// Metric series that the policy can make, those of its mirror ports aside ([`SERIES_PER_INTERFACE`] each).
pub fn series_count(policy: &Policy) -> usize {
    let homes: BTreeSet<ZoneId> = policy.inventory.iter().filter_map(|device| device.zone).collect();
    let cameras = policy.zones.iter().zip(0..=u16::MAX).filter(|(zone, _)| zone.cameras).map(|(_, id)| ZoneId(id));
    // Those that have a verdict, and `none`.
    let judged = homes.into_iter().chain(cameras).collect::<BTreeSet<_>>().len() + 1;
    let vendors = policy.watch_vendors.len() + 1;
    let (mut open, mut total) = (0, 0);
    for kind in Kind::ALL {
        let (by_severity, by_reach) = series_of(kind, policy);
        open += by_severity;
        total += by_reach;
    }
    let of_a_zone = VERDICTS + vendors * VERDICTS + REASONS + 1 + open + total;
    let of_any_zone = FLOW_VERDICTS + 1;
    let conduits = policy.conduits.len() + policy.conduits.iter().filter(|conduit| conduit.expires.is_some()).count();
    judged * of_a_zone + (policy.zones.len() + 1) * of_any_zone + conduits + FINDING_INFO + BY_REASON + SINGLE
}

/// Series of one kind in one zone: `findings_open` and `findings_total`.
fn series_of(kind: Kind, policy: &Policy) -> (usize, usize) {
    match kind.class(Reach::Attempted) {
        // Forwarded and established are critical, or warning where only an expired conduit would allow them; where
        // the user set a severity, any reach can have that or a warning.
        Class::Reach if policy.severity.contains_key(kind.name()) => (REACHES * 2, REACHES),
        Class::Reach => (REACHES + 2, REACHES),
        // Breach and notice have one severity each, and a kind can be either.
        Class::Breach | Class::Notice | Class::None => (2, 1),
    }
}
