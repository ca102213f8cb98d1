//! One camera: who it is, what was seen of it, and what follows.

use std::net::IpAddr;

use serde::Serialize;

use super::site::Subject;
use crate::base::{Mac, Timestamp};
use crate::coverage::{self, Decision, Disposition, Facts, Missing, Reason, Verdict, decide};
use crate::engine::{DeviceStatus, Hint, Snapshot};
use crate::hint::{Firmware, Posture, State};

/// For how long a device was covered, of the time for which it should have been.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Hours {
    /// Seconds for which it was.
    pub observed_seconds: u64,
    /// Seconds for which it should have been.
    pub seconds: u64,
    /// When it was not, in order.
    #[serde(skip)]
    pub gaps: Vec<coverage::Gap>,
}

/// From when to when something was not covered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Gap {
    /// The beginning.
    pub(super) from: Timestamp,
    /// The end.
    pub(super) to: Timestamp,
    /// Why, where that is recorded.
    #[serde(flatten)]
    pub(super) why: Option<Reason>,
}

/// One watched device.
#[derive(Debug, Serialize)]
pub(super) struct Camera<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) mac: Option<Mac>,
    pub(super) ips: &'a [IpAddr],
    pub(super) vlans: &'a [u16],
    pub(super) vendor: Option<&'a str>,
    pub(super) model: Option<&'a str>,
    pub(super) serial: Option<&'a str>,
    pub(super) firmware: Option<&'a str>,
    pub(super) hints: &'a [Hint],
    /// What sources say differently at the same time: `model`, `firmware`.
    pub(super) conflicts: Vec<&'static str>,
    pub(super) home: Option<&'a str>,
    #[serde(rename = "use")]
    pub(super) use_: Option<&'a str>,
    pub(super) verdict: Verdict,
    pub(super) reasons: &'a [Reason],
    pub(super) coverage: Coverage,
    /// Ids.
    pub(super) findings: Vec<&'a str>,
    pub(super) posture: &'a Posture,
    pub(super) disposition: Disposition,
    /// The rule that decided, from 1.
    pub(super) rule: Option<usize>,
    pub(super) missing: Vec<Missing>,
}

/// What the mirror showed of it.
#[derive(Debug, Serialize)]
pub(super) struct Coverage {
    /// Unicast frames from it.
    pub(super) sent: u64,
    /// Unicast frames to it.
    pub(super) received: u64,
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_seen: Option<Timestamp>,
    /// Of the hours that are recorded, else of the time between the capture's first and last packet.
    pub(super) percent: Option<f64>,
    pub(super) hours: Option<Hours>,
    pub(super) gaps: Vec<Gap>,
}

impl<'a> Camera<'a> {
    pub(super) fn new(
        device: &'a DeviceStatus,
        snapshot: &'a Snapshot,
        subject: &Subject,
        hours: Option<Hours>,
    ) -> Self {
        let conflicts: Vec<&'static str> =
            ["model", "firmware"].into_iter().filter(|says| is_disputed(device, says)).collect();
        let posture = &device.posture;
        // What one source calls patched and another does not is not known to be patched.
        let is_doubted = posture.state == State::Patched && !conflicts.is_empty();
        let facts = Facts {
            use_: device.use_.as_deref().unwrap_or_default(),
            firmware: if is_doubted { State::Unknown } else { posture.state },
            fix: posture.fix,
            verdict: device.verdict,
        };
        let Decision { disposition, rule, missing } = decide(&subject.rules, &facts);
        let of_it = snapshot.findings.iter().filter(|finding| finding.is_about(device));
        Camera {
            name: device.name.as_deref(),
            mac: device.mac,
            ips: &device.ips,
            vlans: &device.vlans,
            vendor: device.vendor.as_deref(),
            model: device.model.as_deref(),
            serial: device.serial.as_deref(),
            firmware: device.firmware.as_deref(),
            hints: &device.hints,
            conflicts,
            home: device.zone.as_deref(),
            use_: device.use_.as_deref(),
            verdict: device.verdict,
            reasons: &device.reasons,
            coverage: Coverage::new(device, snapshot, subject.silence, hours),
            findings: of_it.map(|finding| finding.id.as_str()).collect(),
            posture,
            disposition,
            rule: rule.map(|rule| rule + 1),
            missing,
        }
    }

    /// Homes by name, then names; those without one come last.
    pub(super) fn key(&self) -> impl Ord + use<'a> {
        (self.home.is_none(), self.home, self.name.is_none(), self.name, self.mac, self.ips)
    }

    /// For how long it was covered is recorded.
    pub(super) fn has_hours(&self) -> bool {
        self.coverage.hours.is_some()
    }

    /// Name, else MAC, else address.
    pub(super) fn label(&self) -> String {
        crate::report::words::label(self.name, self.mac, self.ips.first().copied())
    }
}

impl Coverage {
    fn new(device: &DeviceStatus, snapshot: &Snapshot, silence: i64, hours: Option<Hours>) -> Coverage {
        let seen = device.coverage;
        let span = seen.first_seen.zip(seen.last_seen);
        let window = snapshot.window.map(|window| Gap { from: window.first, to: window.last, why: None });
        let percent = match (&hours, &window) {
            (Some(hours), _) => share(hours.observed_seconds, hours.seconds),
            (None, Some(window)) => span.map_or(Some(0.0), |(first, last)| {
                let length = |from: Timestamp, to: Timestamp| u64::try_from(to.since(from)).unwrap_or(0);
                share(length(first, last), length(window.from, window.to))
            }),
            (None, None) => None,
        };
        let gaps = match (&hours, &window, span) {
            (Some(hours), ..) => hours.gaps.iter().map(recorded).collect(),
            (None, Some(window), Some((first, last))) => {
                let ends = [(window.from, first), (last, window.to)].map(|(from, to)| Gap { from, to, why: None });
                ends.into_iter().filter(|gap| gap.to.since(gap.from) > silence).collect()
            }
            (None, Some(window), None) => vec![window.clone()],
            (None, None, _) => Vec::new(),
        };
        Coverage {
            sent: seen.sent,
            received: seen.received,
            first_seen: seen.first_seen,
            last_seen: seen.last_seen,
            percent,
            hours,
            gaps,
        }
    }
}

fn recorded(gap: &coverage::Gap) -> Gap {
    let why = Reason { code: gap.reason, detail: gap.detail.clone() };
    Gap { from: gap.from, to: gap.to, why: Some(why) }
}

/// In percent with one decimal, cut rather than rounded: 100 is all of it.
fn share(part: u64, whole: u64) -> Option<f64> {
    let tenths = u128::from(part).checked_mul(1000)?.checked_div(u128::from(whole))?;
    u32::try_from(tenths.min(1000)).ok().map(|tenths| f64::from(tenths) / 10.0)
}

/// Whether sources that can be relied on say this differently, and not one after the other, as after an update.
fn is_disputed(device: &DeviceStatus, says: &str) -> bool {
    let value = if says == "model" { device.model.as_deref() } else { device.firmware.as_deref() };
    let Some(value) = value else { return false };
    let said = |hint: &&Hint| hint.says == says && hint.confidence != "low" && hint.first_seen.is_some();
    let since =
        device.hints.iter().filter(said).filter(|hint| hint.value == value).filter_map(|hint| hint.first_seen).min();
    let is_other = |hint: &Hint| match says {
        "model" => !is_start_of_other(&hint.value, value),
        _ => !is_same_firmware(&hint.value, value),
    };
    device
        .hints
        .iter()
        .filter(said)
        .any(|hint| is_other(hint) && since.is_none_or(|since| hint.last_seen >= Some(since)))
}

/// Some sources leave off the end of a model.
fn is_start_of_other(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    a.starts_with(&b) || b.starts_with(&a)
}

fn is_same_firmware(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || Firmware::parse(a).is_some_and(|a| Firmware::parse(b) == Some(a))
}
