//! One alert on its way: firing, or over and not yet told, or over.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::finding::{Alert, Origin};
use super::outbox::Times;
use crate::base::Timestamp;
use crate::engine::{EpisodeStatus, FindingStatus};

/// Nanoseconds for which a new alert says when it began.
const NEW: i64 = 60_000_000_000;

/// One severity of one episode of a finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The finding.
    pub id: String,
    /// When it was opened, in nanoseconds since 1970.
    pub opened: i64,
    /// Critical, else a warning.
    pub critical: bool,
}

/// Where an alert is on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// The finding is open.
    Firing,
    /// The finding is over, and nobody was told that it was there.
    Late,
    /// It is over.
    Over,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) alert: Alert,
    pub(super) closed: Option<Timestamp>,
    pub(super) phase: Phase,
    /// Alertmanager surely told.
    pub(super) told: bool,
    /// When it was first said that it is over.
    pub(super) over: Option<Timestamp>,
    pub(super) targets: Vec<Sent>,
    /// Last packet of the finding when the annotations were made.
    pub(super) seen: Timestamp,
    /// A request with others was refused: this goes alone.
    pub(super) alone: bool,
    /// It was refused alone: it is not sent again.
    pub(super) refused: bool,
}

/// What one Alertmanager got of an entry.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Sent {
    /// Since when it has got it as firing without a failure.
    pub(super) firing_since: Option<Timestamp>,
    /// When it got what is so now.
    pub(super) last: Option<Timestamp>,
}

impl Entry {
    pub(super) fn new(alert: Alert, targets: usize) -> Entry {
        Entry {
            alert,
            closed: None,
            phase: Phase::Firing,
            told: false,
            over: None,
            targets: vec![Sent::default(); targets],
            seen: Timestamp(i64::MIN),
            alone: false,
            refused: false,
        }
    }

    /// As it was before a restart. What Alertmanager got then and did not surely tell is sent as if it were new.
    pub(super) fn restored(alert: Alert, closed: Option<Timestamp>, told: bool, over: Option<Timestamp>) -> Entry {
        let mut entry = Entry { closed, told, over, ..Entry::new(alert, 0) };
        entry.judge();
        entry
    }

    pub(super) fn reset(&mut self, targets: usize) {
        self.targets = vec![Sent::default(); targets];
    }

    pub(super) fn close(&mut self, now: Timestamp) {
        self.closed = Some(now);
        self.judge();
    }

    /// Where it is now. What changed is sent at once.
    pub(super) fn judge(&mut self) {
        let is_told = self.told || self.over.is_some() || self.targets.iter().any(|sent| sent.firing_since.is_some());
        let phase = match self.closed {
            None => Phase::Firing,
            Some(_) if is_told => Phase::Over,
            Some(_) => Phase::Late,
        };
        if phase != self.phase {
            self.phase = phase;
            self.targets.iter_mut().for_each(|sent| sent.last = None);
        }
    }

    /// The finding is open, perhaps again. Whether that is news.
    pub(super) fn keep_open(&mut self, origin: &Origin, finding: &FindingStatus, episode: &EpisodeStatus) -> bool {
        if self.seen != finding.last_seen {
            self.seen = finding.last_seen;
            let Alert { annotations, source, .. } = Alert::of(origin, finding, episode);
            (self.alert.annotations, self.alert.source) = (annotations, source);
        }
        let is_news = self.closed.is_some();
        if is_news {
            (self.closed, self.over) = (None, None);
            self.judge();
        }
        is_news
    }

    /// As the API has it (Alertmanager, `api/v2/openapi.yaml`, `postableAlert`); its clock is so much ahead of ours.
    pub(super) fn json(&self, key: &Key, now: Timestamp, ahead: i64, times: Times) -> Value {
        let theirs = |time: Timestamp| Timestamp(time.0.saturating_add(ahead));
        let opened = Timestamp(key.opened);
        let (starts, ends) = match (self.phase, self.closed) {
            (Phase::Over, Some(closed)) => (opened.min(closed), closed),
            // Only an alert that begins now waits for `group_wait`, in which Prometheus can say the same. Alertmanager
            // keeps the earliest begin that it was told, unless it has forgotten the alert.
            _ => {
                let is_new = opened <= now && now.since(opened) <= NEW.min(times.resend);
                (if is_new { opened } else { now }, Timestamp(now.0.saturating_add(times.ends)))
            }
        };
        let mut json = json!({
            "labels": self.alert.labels,
            "annotations": self.alert.annotations,
            "startsAt": theirs(starts),
            "endsAt": theirs(ends),
        });
        if let Some(source) = &self.alert.source {
            json["generatorURL"] = json!(source);
        }
        if let Some(closed) = self.closed {
            json["annotations"]["closed"] = json!(closed);
        }
        json
    }
}
