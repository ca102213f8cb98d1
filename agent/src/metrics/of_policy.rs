//! Of zones and conduits. Labels are words of the policy; what a snapshot names besides counts to `none` or `other`.

use std::collections::BTreeMap;

use prometheus::Error;

use super::counters::Counters;
use super::page::{Page, count, flag, seconds};
use crate::coverage::{ReasonCode, Verdict};
use crate::engine::{DeviceStatus, FindingStatus, FlowVerdict, Snapshot};
use crate::finding::Kind;
use crate::flow::Reach;
use crate::policy::{InventoryDevice, Policy, Severity, ZoneId};

/// Label of what is in no zone, and of kinds that are not judged by reach.
const NONE: &str = "none";
/// Label of vendors that are not watched.
const OTHER: &str = "other";
const FLOW_VERDICTS: [(FlowVerdict, &str); 3] =
    [(FlowVerdict::Allowed, "allowed"), (FlowVerdict::Violation, "violation"), (FlowVerdict::Unwatched, "unwatched")];

pub(super) fn write(page: &Page, policy: &Policy, snapshot: &Snapshot, counters: &Counters) -> Result<(), Error> {
    let judged = judged_zones(policy);
    let expected: Vec<(&str, &DeviceStatus)> = snapshot
        .devices
        .iter()
        .filter(|device| counts(device, policy, snapshot))
        .map(|device| (known(&judged, device.zone.as_deref().unwrap_or(NONE)), device))
        .collect();
    write_verdicts(page, &judged, snapshot, &expected)?;
    write_devices(page, &judged, policy, &expected)?;
    write_hours(page, &judged, counters)?;
    write_findings(page, &judged, policy, snapshot, counters)?;
    write_flows(page, policy, counters)?;
    write_canaries(page, policy, snapshot)
}

/// Names of the zones that have a verdict, and `none`.
fn judged_zones(policy: &Policy) -> Vec<&str> {
    let is_home = |id: ZoneId| policy.inventory.iter().any(|device| device.zone == Some(id));
    let zones = policy.zones.iter().zip((0..=u16::MAX).map(ZoneId));
    zones.filter(|&(zone, id)| zone.cameras || is_home(id)).map(|(zone, _)| zone.name.as_str()).chain([NONE]).collect()
}

fn known<'a>(names: &[&'a str], name: &str) -> &'a str {
    names.iter().find(|&&known| known == name).copied().unwrap_or(NONE)
}

/// A device that is listed for another sensor, or out of service, counts once it was seen here.
fn counts(device: &DeviceStatus, policy: &Policy, snapshot: &Snapshot) -> bool {
    let is_listed = |entry: &&InventoryDevice| match (entry.mac, entry.ip) {
        (Some(mac), _) => device.mac == Some(mac),
        (None, Some(ip)) => device.mac.is_none() && device.ips.contains(&ip),
        (None, None) => false,
    };
    let Some(entry) = policy.inventory.iter().find(is_listed) else { return true };
    let here = entry.sensor.is_empty() || entry.sensor == policy.sensor;
    let in_service = entry.out_of_service.is_none_or(|until| snapshot.window.is_some_and(|w| until <= w.last));
    device.coverage.first_seen.is_some() || here && in_service
}

fn write_verdicts(
    page: &Page,
    judged: &[&str],
    snapshot: &Snapshot,
    expected: &[(&str, &DeviceStatus)],
) -> Result<(), Error> {
    let verdicts = page.gauges(
        "verdict",
        "A zone's verdict: 1 for the one that holds, 0 for the others. The zone `none` has one while a device is there.",
        &["zone", "verdict"],
    )?;
    for &zone in judged {
        let holds = match snapshot.zones.iter().find(|status| status.name == zone && zone != NONE) {
            Some(status) => Some(status.verdict.unwrap_or(Verdict::Unverified)),
            None if zone == NONE => {
                expected.iter().filter(|(home, _)| *home == NONE).map(|(_, device)| device.verdict).max()
            }
            None => Some(Verdict::Unverified),
        };
        for verdict in Verdict::ALL {
            verdicts.set(&[zone, verdict.name()], flag(holds == Some(verdict)))?;
        }
    }
    Ok(())
}

fn write_devices(
    page: &Page,
    judged: &[&str],
    policy: &Policy,
    expected: &[(&str, &DeviceStatus)],
) -> Result<(), Error> {
    let devices = page.gauges(
        "devices",
        "Watched devices, by home, vendor (a watched one or `other`) and verdict.",
        &["zone", "vendor", "verdict"],
    )?;
    let unverified = page.gauges(
        "devices_unverified",
        "Unverified devices by home and reason. A device counts once for each of its reasons.",
        &["zone", "reason"],
    )?;
    let coverage = page.gauges(
        "coverage_ratio",
        "Share of a zone's devices that are covered, 0 to 1; 0 without a device. NaN while nothing lives in zone `none`.",
        &["zone"],
    )?;
    let vendors: Vec<&str> = policy.watch_vendors.iter().map(String::as_str).filter(|&v| v != OTHER).collect();
    for &zone in judged {
        for vendor in vendors.iter().copied().chain([OTHER]) {
            for verdict in Verdict::ALL {
                devices.set(&[zone, vendor, verdict.name()], 0.0)?;
            }
        }
        for reason in ReasonCode::ALL {
            unverified.set(&[zone, reason.name()], 0.0)?;
        }
    }
    let mut shares: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for &(zone, device) in expected {
        let vendor = device.vendor.as_deref().and_then(|vendor| vendors.iter().find(|&&known| known == vendor));
        devices.add(&[zone, vendor.copied().unwrap_or(OTHER), device.verdict.name()], 1.0)?;
        if device.verdict == Verdict::Unverified {
            for reason in ReasonCode::ALL {
                if device.reasons.iter().any(|given| given.code == reason) {
                    unverified.add(&[zone, reason.name()], 1.0)?;
                }
            }
        }
        let share = shares.entry(zone).or_default();
        *share = (share.0 + u64::from(is_covered(device)), share.1 + 1);
    }
    for &zone in judged {
        let ratio = match shares.get(zone) {
            Some(&(covered, all)) => count(covered) / count(all),
            None if zone == NONE => f64::NAN,
            None => 0.0,
        };
        coverage.set(&[zone], ratio)?;
    }
    Ok(())
}

/// A violated device gives no reasons; it is covered if frames were seen in both directions.
fn is_covered(device: &DeviceStatus) -> bool {
    match device.verdict {
        Verdict::Isolated | Verdict::Contained => true,
        Verdict::Unverified => false,
        Verdict::Violated => device.coverage.sent > 0 && device.coverage.received > 0,
    }
}

fn write_findings(
    page: &Page,
    judged: &[&str],
    policy: &Policy,
    snapshot: &Snapshot,
    counters: &Counters,
) -> Result<(), Error> {
    let open = page.gauges(
        "findings_open",
        "Findings that are open, by home, kind, farthest reach (`none` for kinds without) and severity.",
        &["zone", "kind", "reach", "severity"],
    )?;
    let total = page.totals(
        "findings_total",
        "Findings opened, and rises of an open one to a farther reach.",
        &["zone", "kind", "reach"],
    )?;
    for kind in Kind::ALL {
        let outcomes = kind.outcomes(policy.severity.get(kind.name()).copied(), policy.excepts(kind.name()));
        for &zone in judged {
            for &(reach, severity) in &outcomes {
                open.set(&[zone, kind.name(), reach_name(reach), severity.name()], 0.0)?;
                total.add(&[zone, kind.name(), reach_name(reach)], 0)?;
            }
        }
        for finding in snapshot.findings.iter().filter(|finding| finding.kind == kind) {
            let (reach, severity) = outcome(&outcomes, finding);
            open.add(&[known(judged, &finding.zone), kind.name(), reach_name(reach), severity.name()], 1.0)?;
        }
        for ((zone, _, reach), openings) in counters.findings.iter().filter(|((_, of, _), _)| *of == kind) {
            let reach = outcomes.iter().map(|&(known, _)| known).find(|known| known == reach);
            let reach = reach.unwrap_or_else(|| outcomes.iter().map(|&(known, _)| known).max().flatten());
            total.add(&[known(judged, zone), kind.name(), reach_name(reach)], *openings)?;
        }
    }
    Ok(())
}

/// The labels of a finding. One that no outcome foresees counts as the more urgent neighbour, so that none is lost.
fn outcome(outcomes: &[(Option<Reach>, Severity)], finding: &FindingStatus) -> (Option<Reach>, Severity) {
    let farthest = outcomes.iter().map(|&(reach, _)| reach).max().flatten();
    let reach = outcomes.iter().map(|&(reach, _)| reach).find(|&reach| reach == finding.reach).unwrap_or(farthest);
    let mut severities: Vec<Severity> = outcomes.iter().filter(|o| o.0 == reach).map(|o| o.1).collect();
    severities.sort_unstable();
    let wanted = [Severity::Info, Severity::Warning].into_iter().find(|severity| severity.name() == finding.severity);
    let at_least = wanted.unwrap_or(Severity::Critical);
    let found = severities.iter().find(|&&severity| severity >= at_least).or(severities.last());
    (reach, found.copied().unwrap_or(Severity::Critical))
}

fn reach_name(reach: Option<Reach>) -> &'static str {
    reach.map_or(NONE, Reach::name)
}

fn write_hours(page: &Page, judged: &[&str], counters: &Counters) -> Result<(), Error> {
    let covered = page.totals(
        "covered_seconds_total",
        "Time for which devices were covered, each for itself, in seconds, by home.",
        &["zone"],
    )?;
    let uncovered = page.totals(
        "uncovered_seconds_total",
        "Time for which devices were not covered, each for itself, in seconds, by home and the first reason.",
        &["zone", "reason"],
    )?;
    let whole = |nanoseconds: i64| u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(0);
    for &zone in judged {
        covered.add(&[zone], counters.covered.get(zone).copied().map_or(0, whole))?;
        for reason in ReasonCode::ALL {
            let length = counters.uncovered.get(&(zone.to_owned(), reason)).copied().map_or(0, whole);
            uncovered.add(&[zone, reason.name()], length)?;
        }
    }
    page.gauge(
        "coverage_unrecorded_devices",
        "Devices whose hours are not recorded: there are too many.",
        count(counters.unrecorded),
    )
}

fn write_flows(page: &Page, policy: &Policy, counters: &Counters) -> Result<(), Error> {
    let flows =
        page.totals("flows_total", "Flows judged, by zone of the initiator and verdict.", &["zone", "verdict"])?;
    let zones: Vec<&str> = policy.zones.iter().map(|zone| zone.name.as_str()).chain([NONE]).collect();
    for &zone in &zones {
        for (_, verdict) in FLOW_VERDICTS {
            flows.add(&[zone, verdict], 0)?;
        }
    }
    for ((zone, verdict), judged) in &counters.flows {
        let name = FLOW_VERDICTS.iter().find(|(of, _)| of == verdict).map_or(NONE, |(_, name)| *name);
        // A zone that a reload took away has no series; its flows are not those of `none`.
        if zones.contains(&zone.as_str()) {
            flows.add(&[zone, name], *judged)?;
        }
    }
    let by_conduit = page.totals("conduit_flows_total", "Flows that the conduit allowed.", &["conduit"])?;
    let expiry = page.gauges(
        "conduit_expiry_timestamp_seconds",
        "When the conduit stops to allow anything, in seconds since 1970.",
        &["conduit"],
    )?;
    for conduit in &policy.conduits {
        by_conduit.add(&[&conduit.name], counters.conduit_flows.get(&conduit.name).copied().unwrap_or(0))?;
        if conduit.expires.is_some() {
            expiry.set(&[&conduit.name], seconds(conduit.expires))?;
        }
    }
    Ok(())
}

fn write_canaries(page: &Page, policy: &Policy, snapshot: &Snapshot) -> Result<(), Error> {
    let last = page.gauges(
        "canary_last_seen_timestamp_seconds",
        "When the canary's traffic was last seen in the mirror, in seconds since 1970; 0 for never.",
        &["zone", "canary"],
    )?;
    let silent = page.gauges(
        "canary_silent",
        "1 while the canary's traffic has been missing for longer than the policy says; its zone is not verified.",
        &["zone", "canary"],
    )?;
    for canary in policy.canaries() {
        let (Some(zone), Some(conduit)) = (policy.zone(canary.zone), policy.conduit(canary.conduit)) else { continue };
        let labels = [zone.name.as_str(), conduit.name.as_str()];
        let here = snapshot.zones.iter().filter(|status| status.name == zone.name).flat_map(|status| &status.canaries);
        let status = here.into_iter().find(|status| status.name == conduit.name);
        last.set(&labels, seconds(status.and_then(|status| status.last_seen)))?;
        silent.set(&labels, flag(status.is_some_and(|status| status.silent)))?;
    }
    Ok(())
}
