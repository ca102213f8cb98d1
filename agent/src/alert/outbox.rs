//! What is sent to Alertmanager, when, and how often. Knows no clock and no socket.
//!
//! An alert is *told* once Alertmanager had it for so long that it has surely notified: it waits with the first
//! notification of a group (`group_wait`), keeps nothing across a restart, and never notifies of an alert that it gets to
//! know when it is over. So what ended while nobody could be told is first sent as firing, and then that it is over.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::entry::{Entry, Key, Phase};
use super::finding::{Alert, Origin, is_critical};
use crate::base::Timestamp;
use crate::engine::{EpisodeStatus, FindingStatus, Published};

/// Alerts kept. Beyond, those that are over leave first, the oldest of them before others; then a warning makes room for
/// a critical one; what finds no room is lost, and counted.
pub const MAX_ALERTS: usize = 2000;
/// Alerts of one request.
pub const MAX_BATCH: usize = 100;
/// Nanoseconds after which it is too late to tell of an alert that is over: a week.
const MAX_AGE: i64 = 7 * 86_400 * SECOND;
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
/// Longest wait after failures; a shorter `resend` makes it shorter.
const MAX_BACKOFF: i64 = MINUTE;
/// Two clocks that differ by less are the same.
const CLOCKS_AGREE: i64 = MINUTE;

/// Lengths of time, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// What goes on is sent again after so long.
    pub resend: i64,
    /// What is not sent again for so long is over: an agent that restarts, or its host, ends no alert.
    pub ends: i64,
    /// For so long an alert fires until it is told, and then it is said for so long that it is over.
    pub tells: i64,
}

impl Times {
    /// Those that go with a `resend`.
    pub fn of(resend: i64) -> Times {
        Times { resend, ends: (15 * MINUTE).max(resend.saturating_mul(4)), tells: 5 * MINUTE }
    }
}

#[derive(Clone, Copy, Default, Debug)]
struct Target {
    failures: u32,
    until: Option<Timestamp>,
    /// Nanoseconds by which its clock is ahead of ours.
    ahead: i64,
}

/// What is to be posted to `/api/v2/alerts`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Index of the Alertmanager.
    pub target: usize,
    /// The JSON.
    pub body: String,
    /// The alerts in it, and whether as firing.
    alerts: Vec<(Key, bool)>,
}

/// All alerts that Alertmanager has to hear of.
#[derive(Debug)]
pub struct Outbox {
    times: Times,
    targets: Vec<Target>,
    pub(super) entries: BTreeMap<Key, Entry>,
    turned_away: BTreeSet<Key>,
    lost: u64,
    changed: bool,
}

impl Outbox {
    /// An empty one for so many Alertmanagers.
    pub fn new(times: Times, targets: usize) -> Outbox {
        let targets = vec![Target::default(); targets];
        Outbox { times, targets, entries: BTreeMap::new(), turned_away: BTreeSet::new(), lost: 0, changed: false }
    }

    /// Other times, other Alertmanagers: they are told everything.
    pub fn configure(&mut self, times: Times, targets: usize) {
        self.times = times;
        self.targets = vec![Target::default(); targets];
        for entry in self.entries.values_mut() {
            entry.reset(targets);
            entry.judge();
        }
    }

    /// Takes back an alert of before a restart.
    pub(super) fn adopt(&mut self, key: Key, mut entry: Entry) {
        entry.reset(self.targets.len());
        self.entries.insert(key, entry);
    }

    /// Takes in which findings are open now.
    pub fn handle(&mut self, now: Timestamp, origin: &Origin, published: &Published) {
        let mut wanted: Vec<(Key, &FindingStatus, &EpisodeStatus)> = published
            .snapshot
            .findings
            .iter()
            .filter_map(|finding| {
                let episode = published.episodes.get(&finding.id)?;
                let key = Key { id: finding.id.clone(), opened: episode.opened.0, critical: is_critical(finding)? };
                Some((key, finding, episode))
            })
            .collect();
        // Critical ones first, then the oldest: a new finding ends no page of another.
        wanted.sort_by(|(a, ..), (b, ..)| (!a.critical, a.opened, &a.id).cmp(&(!b.critical, b.opened, &b.id)));
        let open: BTreeSet<&Key> = wanted.iter().map(|(key, ..)| key).collect();
        for (key, entry) in &mut self.entries {
            if entry.closed.is_none() && !open.contains(key) {
                entry.close(now);
                self.changed = true;
            }
        }
        self.prune(now);
        let mut full = false;
        let mut turned_away = BTreeSet::new();
        for (key, finding, episode) in wanted {
            if let Some(entry) = self.entries.get_mut(&key) {
                self.changed |= entry.keep_open(origin, finding, episode);
                continue;
            }
            full = full || !self.make_room(key.critical);
            if full {
                self.lost += u64::from(!self.turned_away.contains(&key));
                turned_away.insert(key);
                continue;
            }
            let mut alert = Alert::of(origin, finding, episode);
            let of_severity = |critical| Key { critical, ..key.clone() };
            if let Some(first) = self.entries.get(&of_severity(!key.critical)) {
                alert.keep_labels(&first.alert);
            }
            // To Alertmanager an earlier episode is the same alert: that it is over must not be said any more.
            self.entries.retain(|other, entry| other.id != key.id || entry.alert.labels != alert.labels);
            let entry = Entry { seen: finding.last_seen, ..Entry::new(alert, self.targets.len()) };
            self.entries.insert(key, entry);
            self.changed = true;
        }
        self.turned_away = turned_away;
    }

    /// What is to be sent now, if anything. The answer to it is told by one of the three below.
    pub fn next(&mut self, now: Timestamp) -> Option<Request> {
        self.prune(now);
        let mut order: Vec<usize> = (0..self.targets.len()).collect();
        // One that does not answer holds nobody else up.
        order.sort_by_key(|&target| self.targets.get(target).map_or(0, |target| target.failures));
        order.into_iter().find_map(|target| self.next_for(target, now))
    }

    /// Alertmanager took it.
    pub fn delivered(&mut self, now: Timestamp, request: &Request) {
        self.answered(request.target);
        for (key, firing) in &request.alerts {
            let Some(entry) = self.entries.get_mut(key) else { continue };
            entry.alone = false;
            let Some(sent) = entry.targets.get_mut(request.target) else { continue };
            if !*firing {
                sent.last = Some(now);
                self.changed |= entry.over.is_none();
                entry.over.get_or_insert(now);
                continue;
            }
            let since = sent.firing_since.filter(|&since| since <= now).unwrap_or(now);
            sent.firing_since = Some(since);
            if entry.phase != Phase::Over {
                sent.last = Some(now);
            }
            if !entry.told && now.since(since) >= self.times.tells {
                entry.told = true;
                self.changed = true;
            }
            if entry.told && entry.phase == Phase::Late {
                entry.judge();
            }
        }
    }

    /// What the clock of an Alertmanager shows. By ours, if that is wrong, what we send could be over before it arrives:
    /// the times that it is sent are its own, and what it got with others it gets again.
    pub fn compare_clocks(&mut self, now: Timestamp, target: usize, theirs: Timestamp) {
        let Some(state) = self.targets.get_mut(target) else { return };
        let ahead = theirs.since(now);
        let ahead = if ahead.saturating_abs() < CLOCKS_AGREE { 0 } else { ahead };
        if ahead.saturating_sub(state.ahead).saturating_abs() < CLOCKS_AGREE {
            return;
        }
        state.ahead = ahead;
        for sent in self.entries.values_mut().filter_map(|entry| entry.targets.get_mut(target)) {
            sent.last = None;
        }
    }

    /// Nobody answered, or it has troubles of its own: it is tried again.
    pub fn failed(&mut self, now: Timestamp, request: &Request) {
        let Some(target) = self.targets.get_mut(request.target) else { return };
        target.failures = target.failures.saturating_add(1);
        let wait = SECOND.saturating_mul(1 << (target.failures - 1).min(16)).min(MAX_BACKOFF);
        target.until = Some(Timestamp(now.0.saturating_add(wait.min(self.times.resend))));
        // It may have lost what it had, before it told anybody.
        for entry in self.entries.values_mut() {
            if let Some(sent) = entry.targets.get_mut(request.target) {
                sent.firing_since = None;
            }
            if entry.phase == Phase::Over && entry.over.is_none() {
                entry.judge();
            }
        }
    }

    /// It does not want these alerts: each is sent alone once, and is lost if it is refused then as well.
    pub fn refused(&mut self, request: &Request) {
        self.answered(request.target);
        let is_alone = request.alerts.len() == 1;
        for (key, _) in &request.alerts {
            let Some(entry) = self.entries.get_mut(key) else { continue };
            if is_alone && !entry.refused {
                entry.refused = true;
                self.lost += 1;
            }
            entry.alone = true;
        }
    }

    /// Alerts that Alertmanager will never hear of.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether what must outlive a restart has changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn answered(&mut self, target: usize) {
        if let Some(target) = self.targets.get_mut(target) {
            *target = Target { ahead: target.ahead, ..Target::default() };
        }
    }

    fn next_for(&self, target: usize, now: Timestamp) -> Option<Request> {
        let state = self.targets.get(target)?;
        let waits = |until: Timestamp| now < until && until.since(now) <= MAX_BACKOFF;
        if state.until.is_some_and(waits) {
            return None;
        }
        let is_due = |entry: &Entry| {
            let last = entry.targets.get(target).and_then(|sent| sent.last);
            !entry.refused && last.is_none_or(|last| has_passed(last, now, self.times.resend))
        };
        let mut due: Vec<(&Key, &Entry)> = self.entries.iter().filter(|(_, entry)| is_due(entry)).collect();
        due.sort_by_key(|(key, entry)| (entry.alone, !key.critical, key.opened));
        let batch = match due.first()? {
            (_, first) if first.alone => 1,
            _ => due.iter().take(MAX_BATCH).take_while(|(_, entry)| !entry.alone).count(),
        };
        due.truncate(batch);
        let alerts = due.iter().map(|&(key, entry)| (key.clone(), entry.phase != Phase::Over)).collect();
        let body =
            Value::from_iter(due.iter().map(|(key, entry)| entry.json(key, now, state.ahead, self.times))).to_string();
        Some(Request { target, body, alerts })
    }

    /// Forgets what has been said to its end, or is so old that nobody wants to hear it.
    fn prune(&mut self, now: Timestamp) {
        let tells = self.times.tells;
        let before = self.entries.len();
        let mut lost = 0;
        self.entries.retain(|_, entry| {
            let Some(closed) = entry.closed else { return true };
            if entry.refused || entry.over.is_some_and(|over| has_passed(over, now, tells)) {
                return false;
            }
            let is_old = entry.over.is_none() && now.since(closed) > MAX_AGE;
            lost += u64::from(is_old);
            !is_old
        });
        self.lost += lost;
        self.changed |= self.entries.len() != before;
    }

    /// Whether there is room for one more alert.
    fn make_room(&mut self, critical: bool) -> bool {
        if self.entries.len() < MAX_ALERTS {
            return true;
        }
        let over = self.entries.iter().filter(|(_, entry)| entry.closed.is_some());
        let over = over.min_by_key(|(_, entry)| (entry.over.is_none(), entry.closed)).map(|(key, _)| key.clone());
        let warning = || {
            let warnings = self.entries.keys().filter(|key| critical && !key.critical);
            warnings.max_by_key(|key| key.opened).cloned()
        };
        let Some(leaves) = over.or_else(warning) else { return false };
        if let Some(entry) = self.entries.remove(&leaves) {
            // An open one finds no room again and is counted then.
            self.lost += u64::from(entry.closed.is_some() && entry.over.is_none());
        }
        self.changed = true;
        true
    }
}

/// Whether `nanoseconds` have passed, or the clock was set back, so that nobody knows.
fn has_passed(since: Timestamp, now: Timestamp, nanoseconds: i64) -> bool {
    now < since || now.since(since) >= nanoseconds
}
