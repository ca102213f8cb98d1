//! How many metric series a policy makes (DESIGN, section 6). `metrics` makes exactly as many; a test holds it.

use std::collections::BTreeSet;

use crate::coverage::ReasonCode;
use crate::finding::Kind;
use crate::packet::Undecoded;
use crate::policy::{Policy, ZoneId};

/// Series that one agent may make: Prometheus refuses a whole scrape that is too large.
pub const MAX_SERIES: usize = 2000;

/// Series of one mirror port: packets, bytes, drops at three places, last packet, and the eleven alarms.
pub const SERIES_PER_INTERFACE: usize = 6 + 11;

/// Verdicts.
const VERDICTS: usize = 4;
/// Verdicts of a flow.
const FLOW_VERDICTS: usize = 3;
/// `finding_info` at most, and `finding_info_suppressed`.
const FINDING_INFO: usize = 200 + 1;
/// `flows_evicted_total`: for want of room, of a watched device or not.
const EVICTIONS: usize = 2;
/// `sink_lost_total`: journal, evidence, flows, EVE, syslog, Alertmanager, IPFIX, NATS.
const SINKS: usize = 8;
/// `flows_active journal_failing build_info policy_info config_last_reload_successful
/// config_last_reload_success_timestamp_seconds start_time_seconds coverage_unrecorded_devices`.
const SINGLE: usize = 8;
/// `process_…`: CPU time, open and most file descriptors, virtual and resident memory, threads.
const PROCESS: usize = 6;

/// Metric series that the policy can make at most, with every place of `finding_info` taken; those of its mirror
/// ports aside ([`SERIES_PER_INTERFACE`] each).
pub fn series_count(policy: &Policy) -> usize {
    let homes: BTreeSet<ZoneId> = policy.inventory.iter().filter_map(|device| device.zone).collect();
    let cameras = policy.zones.iter().zip(0..=u16::MAX).filter(|(zone, _)| zone.cameras).map(|(_, id)| ZoneId(id));
    // Those that have a verdict, and `none`.
    let judged = homes.into_iter().chain(cameras).collect::<BTreeSet<_>>().len() + 1;
    let vendors: BTreeSet<&str> = policy.watch_vendors.iter().map(String::as_str).chain(["other"]).collect();
    let findings: usize = Kind::ALL.into_iter().map(|kind| series_of(kind, policy)).sum();
    // `devices_unverified` and `uncovered_seconds_total` by reason; `coverage_ratio` and `covered_seconds_total`.
    let of_coverage = 2 * ReasonCode::ALL.len() + 2;
    let of_a_zone = VERDICTS + vendors.len() * VERDICTS + of_coverage + findings;
    let conduits = policy.conduits.len() + policy.conduits.iter().filter(|conduit| conduit.expires.is_some()).count();
    let by_reason = Undecoded::ALL.len() + EVICTIONS + SINKS;
    let whole_site = VERDICTS + FINDING_INFO + by_reason + SINGLE + PROCESS;
    // When it was last seen, and whether it is missing.
    let canaries = 2 * policy.canaries().len();
    judged * of_a_zone + (policy.zones.len() + 1) * FLOW_VERDICTS + conduits + canaries + whole_site
}

/// Series of one kind in one zone: `findings_open` by reach and severity, `findings_total` by reach.
fn series_of(kind: Kind, policy: &Policy) -> usize {
    let outcomes = kind.outcomes(policy.severity.get(kind.name()).copied(), policy.excepts(kind.name()));
    let reaches: BTreeSet<_> = outcomes.iter().map(|(reach, _)| reach).collect();
    outcomes.len() + reaches.len()
}
