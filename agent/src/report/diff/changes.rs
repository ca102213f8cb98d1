//! Findings, devices and zones under both policies.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::Replays;
use crate::base::Mac;
use crate::coverage::{Reason, Verdict};
use crate::engine::{DeviceStatus, FindingStatus};
use crate::finding::Kind;

/// A finding that only one policy has, or both in different ways.
#[derive(Clone, Debug, Serialize)]
pub struct FindingChange {
    /// Which of these.
    pub class: FindingClass,
    /// Under the old policy.
    pub old: Option<FindingStatus>,
    /// Under the new one.
    pub new: Option<FindingStatus>,
}

/// What becomes of a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum FindingClass {
    New,
    Changed,
    Gone,
}

/// A device that the policies see differently.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceChange {
    /// Its MAC.
    pub mac: Option<Mac>,
    /// Its name in the inventory.
    pub name: Option<String>,
    /// Its addresses.
    pub ips: Vec<IpAddr>,
    /// Under the old policy; `None`: not watched.
    pub old: Option<DeviceSide>,
    /// Under the new one.
    pub new: Option<DeviceSide>,
}

/// A device under one policy.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DeviceSide {
    /// Its verdict.
    pub verdict: Verdict,
    /// Its home.
    pub zone: Option<String>,
    /// Why it is not better.
    pub reasons: Vec<Reason>,
}

/// A zone with another verdict.
#[derive(Clone, Debug, Serialize)]
pub struct ZoneChange {
    /// Its name, the new one if it has two.
    pub name: String,
    /// Under the old policy; `None`: none.
    pub old: Option<Verdict>,
    /// Under the new one.
    pub new: Option<Verdict>,
}

type FindingKey<'a> = (Option<Mac>, Option<IpAddr>, Kind, &'a str);

/// Findings that are not the same in both, new ones first, each class in the order of its snapshot.
pub(super) fn findings(replays: &Replays, renamed: &[(String, String)]) -> Vec<FindingChange> {
    let now = |zone: &'_ str| -> String {
        renamed.iter().find(|names| names.0 == zone).map_or(zone.to_owned(), |names| names.1.clone())
    };
    let zones: Vec<String> = replays.old.findings.iter().map(|finding| now(&finding.peer_zone)).collect();
    let olds: BTreeMap<FindingKey<'_>, &FindingStatus> =
        replays.old.findings.iter().zip(&zones).map(|(finding, zone)| (key(finding, zone), finding)).collect();
    let news: BTreeMap<FindingKey<'_>, &FindingStatus> =
        replays.new.findings.iter().map(|finding| (key(finding, &finding.peer_zone), finding)).collect();
    let mut changes = Vec::new();
    for finding in &replays.new.findings {
        let before = olds.get(&key(finding, &finding.peer_zone)).copied();
        let judged = |finding: &FindingStatus| (finding.class, finding.severity, finding.reach, finding.peers_total);
        match before {
            None => changes.push(FindingChange { class: FindingClass::New, old: None, new: Some(finding.clone()) }),
            Some(before) if judged(before) != judged(finding) => changes.push(FindingChange {
                class: FindingClass::Changed,
                old: Some(before.clone()),
                new: Some(finding.clone()),
            }),
            Some(_) => {}
        }
    }
    for (finding, zone) in replays.old.findings.iter().zip(&zones) {
        if !news.contains_key(&key(finding, zone)) {
            changes.push(FindingChange { class: FindingClass::Gone, old: Some(finding.clone()), new: None });
        }
    }
    changes.sort_by_key(|change| change.class);
    changes
}

/// A device is known by its MAC, else by its address.
fn key<'a>(finding: &FindingStatus, peer_zone: &'a str) -> FindingKey<'a> {
    let (mac, ip) = (finding.device.mac, finding.device.ip);
    (mac, if mac.is_some() { None } else { ip }, finding.kind, peer_zone)
}

/// Devices that are not the same in both, in the order of the new snapshot, then of the old one.
pub(super) fn devices(replays: &Replays, renamed: &[(String, String)]) -> Vec<DeviceChange> {
    let key =
        |device: &DeviceStatus| (device.mac, if device.mac.is_some() { None } else { device.ips.first().copied() });
    let side = |device: &DeviceStatus| DeviceSide {
        verdict: device.verdict,
        zone: device.zone.clone(),
        reasons: device.reasons.clone(),
    };
    let by_key = |devices: &[DeviceStatus]| -> BTreeMap<_, DeviceSide> {
        devices.iter().map(|device| (key(device), side(device))).collect()
    };
    let (olds, news) = (by_key(&replays.old.devices), by_key(&replays.new.devices));
    let gone = replays.old.devices.iter().filter(|device| !news.contains_key(&key(device)));
    let same_zone = |old: &Option<String>, new: &Option<String>| {
        old == new || renamed.iter().any(|names| Some(&names.0) == old.as_ref() && Some(&names.1) == new.as_ref())
    };
    let codes = |side: &DeviceSide| side.reasons.iter().map(|reason| reason.code).collect::<Vec<_>>();
    replays
        .new
        .devices
        .iter()
        .chain(gone)
        .map(|device| DeviceChange {
            mac: device.mac,
            name: device.name.clone(),
            ips: device.ips.clone(),
            old: olds.get(&key(device)).cloned(),
            new: news.get(&key(device)).cloned(),
        })
        .filter(|change| match (&change.old, &change.new) {
            (Some(old), Some(new)) => {
                old.verdict != new.verdict || !same_zone(&old.zone, &new.zone) || codes(old) != codes(new)
            }
            _ => true,
        })
        .collect()
}

/// Zones whose verdict is not the same in both.
pub(super) fn zones(replays: &Replays, renamed: &[(String, String)]) -> Vec<ZoneChange> {
    let now =
        |name: &str| renamed.iter().find(|names| names.0 == name).map_or(name.to_owned(), |names| names.1.clone());
    let olds: BTreeMap<String, Option<Verdict>> =
        replays.old.zones.iter().map(|zone| (now(&zone.name), zone.verdict)).collect();
    let news: BTreeMap<&str, Option<Verdict>> =
        replays.new.zones.iter().map(|zone| (zone.name.as_str(), zone.verdict)).collect();
    let gone = olds.keys().filter(|name| !news.contains_key(name.as_str()));
    replays
        .new
        .zones
        .iter()
        .map(|zone| &zone.name)
        .chain(gone)
        .map(|name| ZoneChange {
            name: name.clone(),
            old: olds.get(name).copied().flatten(),
            new: news.get(name.as_str()).copied().flatten(),
        })
        .filter(|change| change.old != change.new)
        .collect()
}
