//! The answer for the span, from what was taken in.

use super::reader::{Alarms, Found, Reader, Seen};
use super::{History, Key, MIN_SHARE, SECOND, key_of};
use crate::base::Timestamp;
use crate::coverage::{Gap, Loss, Reason, ReasonCode, Verdict, merge_reasons};
use crate::engine::{
    Alarm, CoverageStatus, DeviceRef, DeviceStatus, FindingStatus, HealthStatus, LossStatus, PolicyRef, Snapshot,
    Window, ZoneStatus,
};
use crate::finding::Kind;
use crate::hint::Posture;
use crate::report::{CaptureFiles, Hours};

impl Reader {
    pub(super) fn finish(mut self, name: String) -> History {
        self.join_named();
        let findings = self.take_findings();
        let first = self.devices.values().map(|seen| seen.first).min();
        let last = self.devices.values().map(|seen| seen.last).max();
        let devices: Vec<(DeviceStatus, Hours)> =
            std::mem::take(&mut self.devices).into_values().map(|seen| seen.judge(&findings)).collect();
        let zones = self.judge_zones(&devices, &findings);
        let outside = devices.iter().filter(|(device, _)| device.zone.is_none());
        let verdict = (zones.iter().filter_map(|zone| zone.verdict))
            .chain(outside.clone().map(|(device, _)| device.verdict))
            .chain(self.zones.get(&None).copied())
            .max()
            .unwrap_or(Verdict::Unverified);
        let reasons = match verdict {
            Verdict::Unverified => merge_reasons(
                zones.iter().flat_map(|zone| &zone.reasons).chain(outside.flat_map(|(device, _)| &device.reasons)),
            ),
            _ => Vec::new(),
        };
        let window = first.zip(last).map(|(first, last)| Window {
            first,
            last,
            seconds: last.since(first) as f64 / SECOND as f64,
        });
        let key = |device: &DeviceStatus| key_of(device.mac, device.ips.first().copied(), device.name.as_deref());
        let hours = devices.iter().map(|(device, hours)| (key(device), hours.clone())).collect();
        let mut devices: Vec<DeviceStatus> = devices.into_iter().map(|(device, _)| device).collect();
        devices.sort_by_key(|device| std::cmp::Reverse(device.verdict));
        let policy = PolicyRef { file: None, hash: self.policy };
        let health = self.alarms.into_iter().map(|((interface, alarm), alarms)| alarms.tell(interface, &alarm, last));
        let snapshot = Snapshot {
            verdict,
            reasons,
            window,
            zones,
            devices,
            findings: findings.into_iter().map(|(finding, _)| finding).collect(),
            health: health.flatten().collect(),
            ..Snapshot::unseen(policy)
        };
        let files = CaptureFiles { files: vec![name], damage: self.missing };
        let (site, sensor) = self.names;
        History { snapshot, files, site, sensor, hours }
    }

    /// A listed device that was known by its address before it was seen is the one that bears its name now.
    fn join_named(&mut self) {
        let names: Vec<(Key, String)> = (self.devices.iter())
            .filter(|(key, _)| !matches!(key, Key::Mac(_)))
            .filter_map(|(key, seen)| Some((key.clone(), seen.device.name.clone()?)))
            .collect();
        for (key, name) in names {
            let mut bearers = self
                .devices
                .iter()
                .filter(|(other, seen)| matches!(other, Key::Mac(_)) && seen.device.name.as_ref() == Some(&name));
            let bearer = match (bearers.next(), bearers.next()) {
                (Some((bearer, _)), None) => bearer.clone(),
                _ => continue,
            };
            let Some(before) = self.devices.remove(&key) else { continue };
            if let Some(after) = self.devices.get_mut(&bearer) {
                after.length += before.length;
                after.first = after.first.min(before.first);
                after.gaps = before.gaps.into_iter().chain(std::mem::take(&mut after.gaps)).collect();
            }
        }
    }

    /// Findings of the span, the worst first; and whether each still counts.
    fn take_findings(&mut self) -> Vec<(FindingStatus, bool)> {
        let from = self.span.from;
        let mut findings: Vec<(FindingStatus, bool)> = std::mem::take(&mut self.findings)
            .into_values()
            .filter(|found| match (&found.closed, from) {
                (Some((at, why, ..)), from) => why != "renamed" && from.is_none_or(|from| *at >= from),
                (None, _) => true,
            })
            .map(Found::tell)
            .collect();
        findings.sort_by(|(a, _), (b, _)| b.rank().cmp(&a.rank()).then_with(|| a.id.cmp(&b.id)));
        findings
    }

    fn judge_zones(&self, devices: &[(DeviceStatus, Hours)], findings: &[(FindingStatus, bool)]) -> Vec<ZoneStatus> {
        let mut names: Vec<&str> = devices.iter().filter_map(|(device, _)| device.zone.as_deref()).collect();
        names.extend(self.zones.keys().filter_map(|zone| zone.as_deref()));
        names.sort_unstable();
        names.dedup();
        let zone = |name: &str| {
            let here = devices.iter().map(|(device, _)| device).filter(|device| device.zone.as_deref() == Some(name));
            // A rogue server of a zone is a device of none.
            let rogues =
                findings.iter().filter(|(f, counts)| *counts && f.zone == name && f.kind == Kind::RogueService);
            let verdict = (here.clone().map(|device| device.verdict))
                .chain(self.zones.get(&Some(name.to_owned())).copied())
                .chain(rogues.map(|_| Verdict::Violated))
                .max()
                .unwrap_or(Verdict::Unverified);
            let reasons = match verdict {
                Verdict::Unverified => merge_reasons(here.clone().flat_map(|device| &device.reasons)),
                _ => Vec::new(),
            };
            ZoneStatus {
                name: name.to_owned(),
                verdict: Some(verdict),
                reasons,
                devices: here.count() as u64,
                findings: findings.iter().filter(|(finding, _)| finding.zone == name).count() as u64,
                canaries: Vec::new(),
            }
        };
        names.into_iter().map(zone).collect()
    }
}

impl Seen {
    fn judge(self, findings: &[(FindingStatus, bool)]) -> (DeviceStatus, Hours) {
        let missing: i64 = self.gaps.iter().map(Gap::length).sum();
        let observed = (self.length - missing).max(0);
        let share = if self.length > 0 { observed as f64 / self.length as f64 } else { 0.0 };
        let mut device = self.status.unwrap_or_else(|| unknown(&self.device, &self.zone));
        let of_it = findings.iter().filter(|(finding, counts)| *counts && finding.is_about(&device));
        let found = of_it.map(|(finding, _)| finding.effect()).max();
        if share < MIN_SHARE && device.verdict < Verdict::Violated {
            let detail = format!("covered for {:.1} % of the time", (share * 1000.0).floor() / 10.0);
            device.reasons.push(Reason { code: ReasonCode::Gap, detail });
            device.verdict = Verdict::Unverified;
        }
        device.verdict = found.map_or(device.verdict, |found| device.verdict.max(found));
        if device.verdict != Verdict::Unverified {
            device.reasons.clear();
        }
        let loss = Loss { lost: self.lost.0, expected: self.lost.1 };
        device.coverage = CoverageStatus {
            sent: self.frames[0],
            received: self.frames[1],
            first_seen: device.coverage.first_seen.map(|at| at.max(self.first)),
            last_seen: device.coverage.last_seen,
            loss: LossStatus::of(loss),
        };
        let whole = |nanoseconds: i64| u64::try_from(nanoseconds / SECOND).unwrap_or(0);
        (device, Hours { observed_seconds: whole(observed), seconds: whole(self.length), gaps: self.gaps })
    }
}

impl Found {
    fn tell(self) -> (FindingStatus, bool) {
        let mut finding = self.finding;
        let Some((at, why, by, reason)) = self.closed else { return (finding, true) };
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        finding.summary = format!("{} Closed ({why}) at {at}{by}{reason}.", finding.summary);
        (finding, why == "quiet")
    }
}

impl Alarms {
    fn tell(self, interface: String, alarm: &str, end: Option<Timestamp>) -> Option<HealthStatus> {
        let alarm = Alarm::from_name(alarm)?;
        let open = self.since.zip(end).map_or(0, |(since, end)| end.since(since).max(0));
        let seconds = (self.length + open) / SECOND;
        let now = if self.since.is_some() { ", and still" } else { "" };
        let detail = format!("raised {} times, for {seconds} s in all{now}; last: {}", self.times, self.detail);
        (self.times > 0).then_some(HealthStatus { interface, alarm: alarm.name(), blinds: alarm.blinds(), detail })
    }
}

/// A device of which the journal tells nothing but its name.
fn unknown(device: &DeviceRef, zone: &str) -> DeviceStatus {
    DeviceStatus {
        mac: device.mac,
        name: device.name.clone(),
        ips: device.ip.into_iter().collect(),
        vlans: Vec::new(),
        vendor: None,
        model: None,
        firmware: None,
        serial: None,
        use_: None,
        zone: (zone != "none").then(|| zone.to_owned()),
        verdict: Verdict::Unverified,
        reasons: vec![Reason { code: ReasonCode::Gap, detail: "the journal says nothing of it".to_owned() }],
        posture: Posture::default(),
        hints: Vec::new(),
        coverage: CoverageStatus { sent: 0, received: 0, first_seen: None, last_seen: None, loss: None },
    }
}
