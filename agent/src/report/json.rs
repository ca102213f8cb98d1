//! The JSON of `check`, schema `segwatch/check/1` (DESIGN, section 4), and of its parts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{CaptureFiles, Damage};
use crate::base::Timestamp;
use crate::base::escape_json;
use crate::coverage::{Gap, Period, Reason, Verdict};
use crate::engine::{
    DeviceHours, DeviceRef, DeviceStatus, FindingStatus, HealthStatus, PolicyRef, Snapshot, ZoneStatus,
};

/// The whole document; fields in the order that the schema prints.
#[derive(Debug, Serialize)]
pub struct CheckJson<'a> {
    schema: &'static str,
    verdict: Verdict,
    reasons: &'a [Reason],
    policy: &'a PolicyRef,
    window: WindowJson,
    capture: CaptureJson<'a>,
    zones: &'a [ZoneStatus],
    devices: &'a [DeviceStatus],
    findings: &'a [FindingStatus],
    health: &'a [HealthStatus],
    not_judged: &'a [String],
}

/// Packet times; all null without a packet.
#[derive(Debug, Serialize)]
struct WindowJson {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct CaptureJson<'a> {
    files: &'a [String],
    packets: u64,
    bytes: u64,
    undecoded: &'a BTreeMap<&'static str, u64>,
    duplicates: u64,
    routed_copies: u64,
    truncated: u64,
    damage: &'a [Damage],
}

impl<'a> CheckJson<'a> {
    /// Puts together what the engine and the edge know.
    pub fn new(snapshot: &'a Snapshot, files: &'a CaptureFiles) -> Self {
        let traffic = &snapshot.traffic;
        CheckJson {
            schema: "segwatch/check/1",
            verdict: snapshot.verdict,
            reasons: &snapshot.reasons,
            policy: &snapshot.policy,
            window: WindowJson {
                first: snapshot.window.map(|w| w.first),
                last: snapshot.window.map(|w| w.last),
                seconds: snapshot.window.map_or(0.0, |w| w.seconds),
            },
            capture: CaptureJson {
                files: &files.files,
                packets: traffic.packets,
                bytes: traffic.bytes,
                undecoded: &traffic.undecoded,
                duplicates: traffic.duplicates,
                routed_copies: traffic.routed_copies,
                truncated: traffic.truncated,
                damage: &files.damage,
            },
            zones: &snapshot.zones,
            devices: &snapshot.devices,
            findings: &snapshot.findings,
            health: &snapshot.health,
            not_judged: &snapshot.not_judged,
        }
    }
}

/// `segwatch/check/1`, indented, with a final newline.
pub fn check_json(snapshot: &Snapshot, files: &CaptureFiles) -> serde_json::Result<String> {
    pretty(&CheckJson::new(snapshot, files))
}

/// `{"schema":"segwatch/devices/1","devices":[…]}`, each device as in [`check_json`].
pub fn devices_json(snapshot: &Snapshot) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Devices<'a> {
        schema: &'static str,
        devices: &'a [DeviceStatus],
    }
    pretty(&Devices { schema: "segwatch/devices/1", devices: &snapshot.devices })
}

/// `{"schema":"segwatch/findings/1","findings":[…]}`, each finding as in [`check_json`].
pub fn findings_json(snapshot: &Snapshot) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Findings<'a> {
        schema: &'static str,
        findings: &'a [FindingStatus],
    }
    pretty(&Findings { schema: "segwatch/findings/1", findings: &snapshot.findings })
}

/// `{"schema":"segwatch/zones/1","zones":[…]}`, each zone as in [`check_json`].
pub fn zones_json(snapshot: &Snapshot) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Zones<'a> {
        schema: &'static str,
        zones: &'a [ZoneStatus],
    }
    pretty(&Zones { schema: "segwatch/zones/1", zones: &snapshot.zones })
}

/// `{"schema":"segwatch/coverage/1","devices":[…]}`: when each device was observed during the last day. A period is an
/// hour of the clock or a part of it; its gaps and its observed time are all of it.
pub fn coverage_json(hours: &[DeviceHours]) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: &'static str,
        devices: Vec<Device<'a>>,
    }
    #[derive(Serialize)]
    struct Device<'a> {
        device: &'a DeviceRef,
        zone: &'a str,
        seconds: f64,
        observed_seconds: f64,
        periods: Vec<Span<'a>>,
    }
    #[derive(Serialize)]
    struct Span<'a> {
        from: Timestamp,
        to: Timestamp,
        observed_seconds: f64,
        gaps: &'a [Gap],
    }
    let seconds = |nanoseconds: i64| nanoseconds as f64 / 1e9;
    let span = |period: &'_ Period| (period.length(), period.observed());
    let devices = hours.iter().map(|hours| {
        let (all, observed) = hours.periods.iter().map(span).fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let periods = hours.periods.iter().map(|period| Span {
            from: period.from,
            to: period.to,
            observed_seconds: seconds(period.observed()),
            gaps: &period.gaps,
        });
        Device {
            device: &hours.device,
            zone: &hours.zone,
            seconds: seconds(all),
            observed_seconds: seconds(observed),
            periods: periods.collect(),
        }
    });
    pretty(&Document { schema: "segwatch/coverage/1", devices: devices.collect() })
}

fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    let mut json = escape_json(serde_json::to_string_pretty(value)?);
    json.push('\n');
    Ok(json)
}
