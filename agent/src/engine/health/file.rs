//! A capture file, judged by all that it holds.

use std::collections::BTreeMap;

use super::alarm::Alarm;
use super::counts::{Rules, Talks};
use super::interface::Interface;
use super::raised::Raised;
use super::vlans::Missing;
use super::words::{of_filtered, of_loss};
use crate::coverage::Loss;

/// What the frames of a file do not tell.
pub(super) struct Besides {
    /// Numbered packets that did not come by its end.
    pub(super) missing: u64,
    /// What flows show that have not ended.
    pub(super) talks: Talks,
    /// Zones whose VLANs no file shows.
    pub(super) filtered: Vec<Missing>,
    /// No file holds a frame.
    pub(super) nothing: bool,
}

impl Interface {
    /// The alarms of a capture file, as far as it has been read.
    pub(super) fn judge_file(&self, rules: &Rules, besides: Besides) -> Raised {
        let Besides { missing, talks, filtered, nothing } = besides;
        let mut counts = self.window;
        counts.talks = counts.talks.and(talks);
        let checks = counts.checks(rules).into_iter().filter(|check| check.bad && check.telling);
        let mut alarms: BTreeMap<Alarm, String> = checks.map(|check| (check.alarm, check.detail)).collect();
        if nothing {
            let nothing = "it holds no frame: a cable, a port that is shut, or no mirror session".to_owned();
            alarms.insert(Alarm::Silent, nothing);
        }
        alarms.extend(self.pace.of_silence().map(|detail| (Alarm::Silent, detail)));
        alarms.extend(self.pace.of_clock().map(|detail| (Alarm::Clock, detail)));
        if self.window.drops_too_many(rules) {
            alarms.insert(Alarm::KernelDrops, self.window.of_drops());
        }
        let mut loss = self.window.loss;
        loss += Loss::of(missing, 0);
        // What was dropped at the sensor is missing too.
        let unexplained = Loss::of(loss.lost.saturating_sub(self.window.dropped), loss.expected - loss.lost);
        if unexplained.may_exceed(rules.loss) {
            alarms.insert(Alarm::UpstreamLoss, of_loss(loss));
        }
        let zones = filtered.iter().map(|it| it.zone).collect();
        alarms.extend(of_filtered(filtered.into_iter().map(|it| it.detail)).map(|detail| (Alarm::Filtered, detail)));
        Raised {
            interface: self.status.name.clone(),
            alarms,
            filtered: zones,
            hides_all: false,
            cuts_headers: self.window.cuts_headers(rules),
        }
    }
}
