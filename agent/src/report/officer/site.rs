//! All that the report says, before it is said.

use std::collections::BTreeMap;

use serde::Serialize;

use super::camera::{Camera, Hours};
use crate::base::{Timestamp, escape_json};
use crate::coverage::{Disposition, Reason, Rule, Verdict};
use crate::engine::{DeviceStatus, FindingStatus, HealthStatus, PolicyRef, Snapshot};
use crate::report::{CaptureFiles, Damage};

/// What the configuration says about a report.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Name of the site.
    pub site: String,
    /// Name of the sensor.
    pub sensor: String,
    /// Which devices may remain: the first rule that holds decides.
    pub rules: Vec<Rule>,
    /// Nanoseconds without a frame after which nobody vouches for a device.
    pub silence: i64,
}

/// Everything that the report says; schema `segwatch/report/1`.
#[derive(Debug, Serialize)]
pub struct SiteReport<'a> {
    schema: &'static str,
    pub(super) site: &'a str,
    pub(super) sensor: &'a str,
    pub(super) verdict: Verdict,
    pub(super) reasons: &'a [Reason],
    pub(super) policy: &'a PolicyRef,
    pub(super) observed: Observed<'a>,
    pub(super) unseen: Vec<Unseen<'a>>,
    pub(super) dispositions: Vec<Count<Disposition>>,
    pub(super) verdicts: Vec<Count<Verdict>>,
    pub(super) homes: Vec<Home<'a>>,
    pub(super) cameras: Vec<Camera<'a>>,
    pub(super) findings: &'a [FindingStatus],
    /// Ids of the findings that are about no camera of this report.
    pub(super) findings_without_camera: Vec<&'a str>,
    pub(super) rules: &'a [Rule],
}

/// From what it was learnt.
#[derive(Debug, Serialize)]
pub(super) struct Observed<'a> {
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) seconds: f64,
    pub(super) sources: &'a [String],
    /// `None` of what an agent recorded.
    pub(super) packets: Option<u64>,
}

/// Something that was not seen.
#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub(super) enum Unseen<'a> {
    /// Nothing at all.
    Everything,
    /// A capture could not be read there.
    Damage(&'a Damage),
    /// The mirror shows less than it should.
    Alarm(&'a HealthStatus),
    /// Frames that were not decoded to their end, by reason.
    Undecoded { frames: u64, by_reason: &'a BTreeMap<&'static str, u64> },
    /// Frames cut by the snap length.
    Truncated { frames: u64 },
    /// Cameras of which too little was seen.
    NotCovered { cameras: usize, never_seen: usize },
    /// Cameras that were seen, but for some time were not.
    Gaps { cameras: usize },
}

/// How many cameras.
#[derive(Debug, Serialize)]
pub(super) struct Count<T> {
    pub(super) is: T,
    pub(super) cameras: usize,
}

/// A zone that has a verdict.
#[derive(Debug, Serialize)]
pub(super) struct Home<'a> {
    pub(super) name: &'a str,
    pub(super) verdict: Verdict,
    pub(super) reasons: &'a [Reason],
    pub(super) cameras: u64,
    pub(super) findings: u64,
}

impl<'a> SiteReport<'a> {
    /// Puts together what is known. `hours` says how many hours a device was covered, where a record of that is kept.
    pub fn new(
        snapshot: &'a Snapshot,
        files: &'a CaptureFiles,
        subject: &'a Subject,
        hours: &dyn Fn(&DeviceStatus) -> Option<Hours>,
    ) -> Self {
        let mut cameras: Vec<Camera<'a>> =
            snapshot.devices.iter().map(|device| Camera::new(device, snapshot, subject, hours(device))).collect();
        cameras.sort_by(|a, b| a.key().cmp(&b.key()));
        let decided = |is| cameras.iter().filter(|camera| camera.disposition == is).count();
        let judged = |is| cameras.iter().filter(|camera| camera.verdict == is).count();
        let is_stray = |finding: &&FindingStatus| !snapshot.devices.iter().any(|device| finding.is_about(device));
        SiteReport {
            schema: "segwatch/report/1",
            site: &subject.site,
            sensor: &subject.sensor,
            verdict: snapshot.verdict,
            reasons: &snapshot.reasons,
            policy: &snapshot.policy,
            observed: Observed {
                from: snapshot.window.map(|window| window.first),
                to: snapshot.window.map(|window| window.last),
                seconds: snapshot.window.map_or(0.0, |window| window.seconds),
                sources: &files.files,
                packets: (!cameras.iter().any(Camera::has_hours)).then_some(snapshot.traffic.packets),
            },
            unseen: unseen(snapshot, files, &cameras),
            dispositions: Disposition::ALL.map(|is| Count { is, cameras: decided(is) }).into(),
            verdicts: Verdict::ALL.map(|is| Count { is, cameras: judged(is) }).into(),
            homes: snapshot.zones.iter().filter_map(home).collect(),
            findings: &snapshot.findings,
            findings_without_camera: snapshot
                .findings
                .iter()
                .filter(is_stray)
                .map(|finding| finding.id.as_str())
                .collect(),
            cameras,
            rules: &subject.rules,
        }
    }

    /// As JSON, indented, with a final newline.
    ///
    /// # Errors
    /// None that its contents can cause.
    pub fn json(&self) -> serde_json::Result<String> {
        Ok(escape_json(serde_json::to_string_pretty(self)?) + "\n")
    }

    /// Findings by their ids, in the order of the findings.
    pub(super) fn findings_of(&self, ids: &[&str]) -> Vec<&'a FindingStatus> {
        self.findings.iter().filter(|finding| ids.contains(&finding.id.as_str())).collect()
    }
}

fn home(zone: &crate::engine::ZoneStatus) -> Option<Home<'_>> {
    let (name, reasons) = (zone.name.as_str(), zone.reasons.as_slice());
    Some(Home { name, verdict: zone.verdict?, reasons, cameras: zone.devices, findings: zone.findings })
}

fn unseen<'a>(snapshot: &'a Snapshot, files: &'a CaptureFiles, cameras: &[Camera<'_>]) -> Vec<Unseen<'a>> {
    let traffic = &snapshot.traffic;
    let frames = traffic.undecoded.values().sum();
    let not_covered = cameras.iter().filter(|camera| camera.verdict == Verdict::Unverified).count();
    let never_seen = cameras.iter().filter(|camera| camera.coverage.first_seen.is_none()).count();
    let mut unseen = Vec::new();
    unseen.extend(snapshot.window.is_none().then_some(Unseen::Everything));
    unseen.extend(files.damage.iter().map(Unseen::Damage));
    unseen.extend(snapshot.health.iter().map(Unseen::Alarm));
    unseen.extend((frames > 0).then_some(Unseen::Undecoded { frames, by_reason: &traffic.undecoded }));
    unseen.extend((traffic.truncated > 0).then_some(Unseen::Truncated { frames: traffic.truncated }));
    let with_gaps = cameras.iter().filter(|c| !c.coverage.gaps.is_empty() && c.coverage.first_seen.is_some()).count();
    unseen.extend((not_covered > 0).then_some(Unseen::NotCovered { cameras: not_covered, never_seen }));
    unseen.extend((with_gaps > 0).then_some(Unseen::Gaps { cameras: with_gaps }));
    unseen
}
