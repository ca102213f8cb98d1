//! `finding_info`: which finding a page is about. The only series with words of a device, so they have a limit.

use std::collections::BTreeSet;

use prometheus::Error;

use super::counters::Counters;
use super::page::{Page, count};
use crate::base::{Timestamp, escape};
use crate::engine::{FindingStatus, Snapshot, Subject};

/// Series of `finding_info`; `finding_info_suppressed` counts the rest. Critical findings come first, and in each
/// severity those that are shown already, then those that have been open longest.
pub const MAX_FINDING_INFO: usize = 200;
/// Of them, those that are not critical: the others are kept for critical findings.
pub const MAX_FINDING_INFO_NOT_CRITICAL: usize = 100;
/// Characters of a label that a device chose; what is cut off ends in `…`.
pub const MAX_LABEL_CHARS: usize = 64;

/// The findings that are shown, by id, first time and severity. Never more than [`MAX_FINDING_INFO`].
#[derive(Default)]
pub(super) struct Shown(BTreeSet<(String, Timestamp, &'static str)>);

impl Shown {
    /// Writes the series of the open findings.
    pub(super) fn write(&mut self, page: &Page, snapshot: &Snapshot, counters: &Counters) -> Result<(), Error> {
        let info = page.gauges(
            "finding_info",
            "1 for each open finding, with what it is about; at most 200, critical ones first.",
            &["id", "zone", "kind", "severity", "device", "peer_zone", "peer"],
        )?;
        let chosen = self.choose(&snapshot.findings);
        for finding in &chosen {
            let subject = counters.subjects.get(&finding.id).cloned().unwrap_or_else(|| Subject::of(finding));
            let [id, zone, device, peer_zone, peer] =
                [&finding.id, &subject.zone, &subject.device, &subject.peer_zone, &subject.peer].map(|text| cut(text));
            info.set(&[&id, &zone, finding.kind.name(), finding.severity, &device, &peer_zone, &peer], 1.0)?;
        }
        self.0 = chosen.iter().map(|finding| (finding.id.clone(), finding.first_seen, finding.severity)).collect();
        page.gauge(
            "finding_info_suppressed",
            "Open findings that have no finding_info series because there are too many.",
            count((snapshot.findings.len() - chosen.len()) as u64),
        )
    }

    /// Those that have a place: in each severity first what is shown already, so that no other ends its page.
    fn choose<'f>(&self, findings: &'f [FindingStatus]) -> Vec<&'f FindingStatus> {
        let (mut critical, mut rest): (Vec<_>, Vec<_>) =
            findings.iter().partition(|finding| finding.severity == "critical");
        for group in [&mut critical, &mut rest] {
            group.sort_by_cached_key(|finding| {
                let episode = (finding.id.clone(), finding.first_seen, finding.severity);
                // What is muted takes no place from a ticket.
                (finding.severity == "info", !self.0.contains(&episode), finding.first_seen, episode.0)
            });
        }
        critical.truncate(MAX_FINDING_INFO);
        rest.truncate((MAX_FINDING_INFO - critical.len()).min(MAX_FINDING_INFO_NOT_CRITICAL));
        // Whatever the snapshot holds, no series is written twice.
        let mut seen = BTreeSet::new();
        critical.into_iter().chain(rest).filter(|finding| seen.insert(cut(&finding.id))).collect()
    }
}

/// At most [`MAX_LABEL_CHARS`] characters, none of them hidden.
fn cut(text: &str) -> String {
    cut_to(text, MAX_LABEL_CHARS)
}

/// At most `max` characters, none of them hidden; what is cut off ends in `…`.
pub(crate) fn cut_to(text: &str, max: usize) -> String {
    let start: String = text.chars().take(max + 1).collect();
    let shown = escape(&start);
    if shown.chars().count() <= max {
        return shown.into_owned();
    }
    shown.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}
