//! The same captures under two policies, in one pass: which flows are judged otherwise.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::drive;
use super::history::Span;
use crate::base::Timestamp;
use crate::capture::{Damage, Files, Progress};
use crate::config::{CaptureConfig, Config};
use crate::coverage::{Disposition, Rule, changed_dispositions};
use crate::engine::{EndStatus, Engine, FlowRow, FlowSummary, FlowVerdict, Options, Saved};
use crate::finding::Kind;
use crate::flow::{Reach, TunnelKind};
use crate::hint::VendorTable;
use crate::journal;
use crate::policy::Policy;
use crate::policy::diff::{Agent, Judge, Mildness, PolicyDiff, Port, compare};
use crate::report::{FlowChange, FlowChanges, FlowClass, Replays};

/// Flows that ended under one policy and wait for the other. One more is counted as not matched; a violation among them
/// counts as newly violating.
pub const MAX_WAITING: usize = 100_000;
/// Flows of each class that are listed; all are counted.
pub const MAX_LISTED: usize = 1_000;

/// What changes between two configurations, whatever the traffic.
pub fn compare_configs(old: &Config, new: &Config) -> PolicyDiff {
    let mut diff = compare_policies(&old.policy, &new.policy);
    diff.compare_agents(&agent_of(old), &agent_of(new));
    diff.add_dispositions(dispositions(&old.dispositions, &new.dispositions));
    diff
}

/// What the report makes of devices otherwise.
fn dispositions(old: &[Rule], new: &[Rule]) -> Vec<(Mildness, String)> {
    let Some(changes) = changed_dispositions(old, new) else {
        let text = "rules of the report differ, in more words than can be compared";
        return [Mildness::Milder, Mildness::Stricter].map(|mildness| (mildness, text.to_owned())).to_vec();
    };
    if changes.is_empty() && old != new {
        return vec![(Mildness::Same, "written otherwise; the report decides the same".to_owned())];
    }
    let told = changes.into_iter().map(|change| {
        let text = format!("{}, was {}: {}", change.is.name(), change.was.name(), change.example);
        (if strictness(change.is) < strictness(change.was) { Mildness::Milder } else { Mildness::Stricter }, text)
    });
    told.collect()
}

fn strictness(disposition: Disposition) -> u8 {
    match disposition {
        Disposition::MayRemain => 0,
        Disposition::Patch => 1,
        Disposition::CannotTell => 2,
        Disposition::Discontinue => 3,
    }
}

fn compare_policies(old: &Policy, new: &Policy) -> PolicyDiff {
    let ports: Vec<u16> = TunnelKind::WITH_PORT.into_iter().filter_map(TunnelKind::port).collect();
    let severities = |kind: &str| {
        Kind::from_name(kind).map_or_else(Vec::new, |kind| Reach::ALL.map(|reach| kind.severity(reach)).to_vec())
    };
    compare(old, new, &Judge { tunnel_ports: &ports, severities: &severities })
}

/// Judges the frames of `source` by both policies.
pub fn diff(
    [old, new]: [Policy; 2],
    vendors: &VendorTable,
    mut source: Files,
    progress: &mut dyn FnMut(Progress),
) -> (Replays, Vec<Damage>) {
    let engine = |policy| Engine::new(policy, vendors.clone(), Options { rows: true, ..Options::default() });
    let (mut old, mut new) = (engine(old), engine(new));
    let mut matcher = Matcher::default();
    let damage = drive([&mut old, &mut new], &mut source, progress, |[old, new]| {
        if old.has_rows() || new.has_rows() {
            old.take_rows().into_iter().for_each(|row| matcher.take(Side::Old, row));
            new.take_rows().into_iter().for_each(|row| matcher.take(Side::New, row));
        }
        ControlFlow::Continue(())
    });
    // Each open flow of one finds its twin among those of the other; nothing waits but what has none.
    matcher.take_open(&old, &new);
    let flows = matcher.finish();
    (Replays { old: old.snapshot(), new: new.snapshot(), flows }, damage)
}

/// Judges the flows that an agent recorded by both policies, by what the agent knew last of who is who. Returns how many.
///
/// # Errors
/// The journal cannot be read, or holds no flows.
pub fn diff_recorded(
    policies: [Policy; 2],
    vendors: &VendorTable,
    directory: &Path,
    span: Span,
) -> io::Result<(Replays, u64)> {
    let options = || Options { rows: true, ..Options::default() };
    let [mut old, mut new] = policies.map(|policy| Engine::new(policy, vendors.clone(), options()));
    let journal = journal::directory_of(directory);
    let saved = journal::read_checkpoint(&journal).and_then(|(_, text)| serde_json::from_str::<Saved>(&text).ok());
    if let Some(saved) = saved {
        [&mut old, &mut new].into_iter().for_each(|engine| engine.know(&saved));
    }
    let flows = journal::flows_of(&journal);
    let summaries = || -> io::Result<_> {
        let within = move |summary: &FlowSummary| {
            let (first, last) = summary.seen();
            span.clip(first, Timestamp(last.0.saturating_add(1))).is_some()
        };
        let read = journal::read(&flows)?;
        Ok(read
            .filter_map(|record| match record {
                Ok(record) => serde_json::from_str::<FlowSummary>(&record.text).ok().map(Ok),
                Err(error) => Some(Err(error)),
            })
            .filter(move |summary| summary.as_ref().map_or(true, &within)))
    };
    for summary in summaries()? {
        let summary = summary?;
        [&mut old, &mut new].into_iter().for_each(|engine| engine.meet(&summary));
    }
    let (mut matcher, mut all) = (Matcher::default(), 0);
    for summary in summaries()? {
        let summary = summary?;
        if let (Some(before), Some(after)) = (old.recall(&summary), new.recall(&summary)) {
            matcher.both(before, after, summary.flows());
            all += summary.flows();
        }
    }
    if all == 0 {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no flow is recorded there for that time"));
    }
    Ok((Replays { old: old.snapshot(), new: new.snapshot(), flows: matcher.finish() }, all))
}

/// What a configuration sets besides the policy.
fn agent_of(config: &Config) -> Agent {
    let port = |capture: &CaptureConfig| Port {
        interface: capture.interface.clone(),
        untagged: capture.untagged,
        rspan_vlan: capture.rspan_vlan,
        decapsulate: capture.decapsulate.iter().map(|transport| transport.name().to_owned()).collect(),
        filter: capture.filter.clone(),
        snap_length: capture.snap_length,
        promiscuous: capture.promiscuous,
        buffer: capture.buffer,
        place: capture.place.clone(),
    };
    let paging = config.alertmanager.as_ref();
    let path = |file: &Option<PathBuf>| file.as_ref().map_or(String::new(), |file| file.display().to_string());
    Agent {
        pages: paging.map_or_else(Vec::new, |paging| paging.urls.clone()),
        paging: paging.map_or_else(Vec::new, |paging| {
            vec![
                ("username", paging.username.clone().unwrap_or_default()),
                ("password_file", path(&paging.password_file)),
                ("ca_file", path(&paging.ca_file)),
                ("resend", format!("{} s", paging.resend / 1_000_000_000)),
                ("external_url", paging.external_url.clone().unwrap_or_default()),
            ]
        }),
        listen: config.listen.clone(),
        state_dir: config.state_dir.display().to_string(),
        ports: config.captures.iter().map(port).collect(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Old,
    New,
}

/// What makes two rows the same flow, whoever is taken for its initiator.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    proto: u8,
    ends: [(IpAddr, u16); 2],
    layer: u8,
    innermost: bool,
    first: Timestamp,
}

/// Brings the rows of both engines together as they come.
#[derive(Default)]
struct Matcher {
    waiting: BTreeMap<Key, (Side, Vec<FlowRow>)>,
    held: usize,
    listed: BTreeMap<FlowClass, usize>,
    changes: FlowChanges,
}

impl Matcher {
    fn take_open(&mut self, old: &Engine, new: &Engine) {
        let (mut olds, mut news) = (old.open_rows(), new.open_rows());
        loop {
            match (olds.next(), news.next()) {
                (None, None) => return,
                (before, after) => {
                    before.into_iter().for_each(|row| self.take(Side::Old, row));
                    after.into_iter().for_each(|row| self.take(Side::New, row));
                }
            }
        }
    }

    fn take(&mut self, side: Side, row: FlowRow) {
        let key = key(&row);
        if let Some((held, rows)) = self.waiting.get_mut(&key) {
            if *held == side {
                if self.held < MAX_WAITING {
                    self.held += 1;
                    rows.push(row);
                } else {
                    self.alone(side, row);
                }
                return;
            }
            let twin = rows.pop();
            let is_last = rows.is_empty();
            if is_last {
                self.waiting.remove(&key);
            }
            if let Some(twin) = twin {
                self.held -= 1;
                match side {
                    Side::Old => self.both(row, twin, 1),
                    Side::New => self.both(twin, row, 1),
                }
            }
            return;
        }
        if self.held < MAX_WAITING {
            self.held += 1;
            self.waiting.insert(key, (side, vec![row]));
        } else {
            self.alone(side, row);
        }
    }

    fn finish(mut self) -> FlowChanges {
        for (_, (side, rows)) in std::mem::take(&mut self.waiting) {
            rows.into_iter().for_each(|row| self.alone(side, row));
        }
        self.changes.listed.sort_by(|a, b| a.class.cmp(&b.class).then_with(|| order(a.row(), b.row())));
        self.changes
    }

    /// So many flows that are alike under both.
    fn both(&mut self, old: FlowRow, new: FlowRow, flows: u64) {
        let violates = |row: &FlowRow| row.verdict == FlowVerdict::Violation;
        let breaks_out = |row: &FlowRow| violates(row) && row.reach >= Reach::Forwarded;
        let class = match (violates(&old), violates(&new)) {
            (false, true) => FlowClass::NewlyViolating,
            (true, false) => FlowClass::NewlyAllowed,
            _ if !breaks_out(&old) && breaks_out(&new) => FlowClass::Worse,
            _ if (old.verdict, old.kind, old.reach, &old.rule.name)
                != (new.verdict, new.kind, new.reach, &new.rule.name) =>
            {
                FlowClass::Changed
            }
            _ => {
                self.changes.unchanged += flows;
                return;
            }
        };
        self.count(class, Some(old), Some(new), flows);
    }

    /// A flow that only one of the engines has: its table was full, or it cut the flow in two elsewhere.
    fn alone(&mut self, side: Side, row: FlowRow) {
        self.changes.unmatched += 1;
        if side == Side::New && row.verdict == FlowVerdict::Violation {
            self.count(FlowClass::NewlyViolating, None, Some(row), 1);
        }
    }

    fn count(&mut self, class: FlowClass, old: Option<FlowRow>, new: Option<FlowRow>, flows: u64) {
        let count = match class {
            FlowClass::NewlyViolating => &mut self.changes.newly_violating,
            FlowClass::Worse => &mut self.changes.worse,
            FlowClass::NewlyAllowed => &mut self.changes.newly_allowed,
            FlowClass::Changed => &mut self.changes.changed,
        };
        *count += flows;
        let listed = self.listed.entry(class).or_default();
        if *listed < MAX_LISTED {
            *listed += 1;
            self.changes.listed.push(FlowChange { class, old, new, flows });
        } else {
            self.changes.left_out += flows;
        }
    }
}

fn key(row: &FlowRow) -> Key {
    let end = |end: &EndStatus| (end.ip, end.port);
    let (a, b) = (end(&row.initiator), end(&row.responder));
    Key {
        proto: row.ip_proto,
        ends: if a <= b { [a, b] } else { [b, a] },
        layer: row.layer,
        innermost: row.innermost,
        first: row.first_seen,
    }
}

fn order(a: Option<&FlowRow>, b: Option<&FlowRow>) -> Ordering {
    a.map(key).map(|key| (key.first, key)).cmp(&b.map(key).map(|key| (key.first, key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_tunnel_with_a_port_has_one() {
        assert!(TunnelKind::WITH_PORT.into_iter().all(|tunnel| tunnel.port().is_some()));
    }

    #[test]
    fn a_flow_meets_its_twin_in_any_order_and_by_either_initiator() {
        let (violation, allowed) = (sample::flow(true), sample::flow(true));
        let allowed = FlowRow { verdict: FlowVerdict::Allowed, kind: None, ..allowed };
        let turned = FlowRow {
            initiator: violation.responder.clone(),
            responder: violation.initiator.clone(),
            ..violation.clone()
        };
        let refused = FlowRow { reach: Reach::Refused, ..violation.clone() };
        for (old, new, expected) in [
            (&allowed, &violation, [1, 0, 0, 0, 0]),
            (&violation, &allowed, [0, 0, 1, 0, 0]),
            (&refused, &violation, [0, 1, 0, 0, 0]),
            (&violation, &refused, [0, 0, 0, 1, 0]),
            (&violation, &turned, [0, 0, 0, 0, 1]),
        ] {
            for old_first in [true, false] {
                let mut matcher = Matcher::default();
                let mut both = [(Side::Old, old.clone()), (Side::New, new.clone())];
                if !old_first {
                    both.reverse();
                }
                both.into_iter().for_each(|(side, row)| matcher.take(side, row));
                assert_eq!(matcher.held, 0);
                let c = matcher.finish();
                assert_eq!([c.newly_violating, c.worse, c.newly_allowed, c.changed, c.unchanged], expected);
                assert_eq!((c.unmatched, c.listed.len() as u64), (0, 1 - expected[4]));
            }
        }
    }

    #[test]
    fn a_violation_without_a_twin_is_a_new_one() {
        let mut matcher = Matcher::default();
        matcher.take(Side::New, sample::flow(true));
        matcher.take(Side::New, sample::flow(false));
        matcher.take(Side::Old, FlowRow { layer: 3, ..sample::flow(true) });
        let changes = matcher.finish();
        assert_eq!((changes.newly_violating, changes.unmatched, changes.unchanged), (1, 3, 0));
    }
}
