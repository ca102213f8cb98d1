//! The engine's thread: the one owner of all that is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::agent::Question;
use super::evidence::Collector;
use super::limiter::Limiter;
use super::publish::{Answer, Bundle};
use super::record::{Entry, Own};
use super::restore::Restored;
use super::sinks::Feed;
use super::wall_clock;
use crate::base::escape;
use crate::capture::live::{Batch, Change, Ledger, Live, Received, Settings};
use crate::engine::{Command, Engine, Event, Input, SourceEvent};
use crate::policy::Policy;
use crate::web::{MAX_FLOWS, Refusal};

/// Between two published snapshots: half of the second within which a finding is on record.
const TICK: Duration = Duration::from_millis(500);
/// Between two words in the journal that the agent still observes; a disk that fails is found by them if nothing else
/// is to be written.
const OBSERVING: Duration = Duration::from_secs(5);
/// Between two checkpoints.
const CHECKPOINT: Duration = Duration::from_secs(60);
/// Records that wait for a place behind the engine; beyond it the oldest are lost, and counted.
const MAX_RECORDS: usize = 65_536;

/// The threads that this one works with.
pub(super) struct Others {
    pub(super) asked: Receiver<Question>,
    pub(super) bundles: SyncSender<Bundle>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) collector: Collector,
    pub(super) feed: Feed,
    pub(super) limiter: Arc<Limiter>,
}

/// The thread's state.
pub(super) struct Watch {
    engine: Engine,
    policy: Arc<Policy>,
    /// By interface: its name in the policy, and what was counted up to the last batch.
    ledgers: Vec<(String, Ledger)>,
    others: Others,
    /// What found no place yet.
    backlog: Option<Bundle>,
    answers: Vec<Answer>,
    records: Vec<String>,
    started: Instant,
    tick_at: Instant,
    observing_at: Instant,
    checkpoint_at: Instant,
}

impl Watch {
    pub(super) fn new(engine: Engine, interfaces: &[Settings], restored: &Restored, others: Others) -> Watch {
        let now = Instant::now();
        let mut watch = Watch {
            policy: Arc::new(engine.policy().clone()),
            engine,
            ledgers: interfaces.iter().map(|settings| (settings.interface.clone(), Ledger::default())).collect(),
            others,
            backlog: None,
            answers: Vec::new(),
            records: Vec::new(),
            started: now,
            tick_at: now + TICK,
            observing_at: now,
            checkpoint_at: now + CHECKPOINT,
        };
        watch.begin(interfaces, restored);
        watch
    }

    fn begin(&mut self, interfaces: &[Settings], restored: &Restored) {
        let (wall, mono) = (wall_clock(), self.mono());
        if let Some(saved) = &restored.saved {
            self.engine.handle(Input::Restore { saved, wall, mono });
        }
        for (source, settings) in (0..).zip(interfaces) {
            // Names it. How it is its own thread says, before the first tick.
            let name = settings.interface.clone();
            self.engine.handle(Input::Source { source, event: SourceEvent::Up { name } });
            if let Some(expression) = settings.filter.clone() {
                tracing::warn!(interface = settings.interface, filter = %escape(&expression), "a filter hides traffic");
                self.engine.handle(Input::Source { source, event: SourceEvent::Filter { expression } });
            }
        }
        self.own(&Own::Started {
            at: wall,
            observed_until: restored.observed_until,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            policy: self.policy.hash.clone(),
            site: self.policy.site.clone(),
            sensor: self.policy.sensor.clone(),
        });
        let findings = restored.saved.as_ref().map_or(0, crate::engine::Saved::open_findings);
        match restored.observed_until {
            _ if restored.is_first_start() => tracing::info!("first start: nothing is known yet"),
            Some(until) => tracing::info!(%until, findings, "restarted: nothing was observed since"),
            None => {}
        }
    }

    /// Judges until told to stop, and what was read until then.
    pub(super) fn run(mut self, live: &Live) {
        loop {
            if self.others.stop.load(Ordering::Acquire) {
                live.stop();
            }
            match live.receive(self.tick_at.saturating_duration_since(Instant::now())) {
                Received::Batch(batch) => {
                    self.take(&batch);
                    live.recycle(batch);
                }
                Received::Silence => {}
                Received::End => break,
            }
            while let Ok(question) = self.others.asked.try_recv() {
                self.answer(question);
            }
            if Instant::now() >= self.tick_at {
                self.tick(live, false);
            }
        }
        self.own(&Own::Stopped { at: wall_clock() });
        self.tick(live, true);
        if let Some(bundle) = self.backlog.take() {
            let _ = self.others.bundles.send(bundle);
        }
    }

    fn mono(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    fn take(&mut self, batch: &Batch) {
        let source = batch.source();
        let Some((name, ledger)) = self.ledgers.get_mut(usize::from(source)) else { return };
        let (name, before) = (name.clone(), std::mem::replace(ledger, *batch.ledger()));
        for happened in batch.events() {
            log_change(&name, &happened.change);
            if let Some(event) = source_event(&name, &happened.change) {
                self.engine.handle(Input::Source { source, event });
            }
        }
        for frame in batch.frames() {
            self.engine.handle(Input::Frame {
                source,
                at: frame.at,
                link_type: frame.link_type,
                wire_len: frame.wire_len,
                data: frame.data,
            });
        }
        let after = batch.ledger();
        let (kernel, interface, agent) = (
            after.kernel_drops - before.kernel_drops,
            after.interface_drops - before.interface_drops,
            after.agent_drops - before.agent_drops,
        );
        if kernel + interface + agent > 0 {
            self.engine.handle(Input::Source { source, event: SourceEvent::Drops { kernel, interface, agent } });
        }
    }

    fn answer(&mut self, question: Question) {
        match question {
            Question::Flows(query, answer) => {
                let looked = if query.rule.is_some() { MAX_FLOWS } else { query.limit };
                let mut rows = self.engine.some_rows(looked, query.only_violations);
                rows.retain(|row| query.rule.as_ref().is_none_or(|rule| row.rule.name == *rule));
                let _ = answer.send(rows);
            }
            Question::Command(command, answer) => {
                let (id, done) = match &command {
                    Command::Close { id, .. } => (id.clone(), format!("finding {id} is closed")),
                    Command::Ack { id, .. } => (id.clone(), format!("finding {id} is acknowledged")),
                    Command::Drill { .. } => (String::new(), "a drill is raised, and ends by itself".to_owned()),
                };
                let said = match self.engine.command(command) {
                    true => Ok(done),
                    false => Err(Refusal::NotFound(format!("no open finding has the id {id}"))),
                };
                self.answers.push((answer, said));
                // What a person did is shown, and durable, before they are told.
                self.tick_at = Instant::now();
            }
            Question::Policy(policy, answer) => {
                let hash = policy.hash.clone();
                self.policy = Arc::new((*policy).clone());
                self.engine.handle(Input::Policy(policy));
                self.answers.push((answer, Ok(format!("policy {} is in force", hash.get(..12).unwrap_or(&hash)))));
                self.tick_at = Instant::now();
            }
        }
    }

    fn tick(&mut self, live: &Live, last: bool) {
        let now = Instant::now();
        self.tick_at = now + TICK;
        self.engine.handle(Input::Tick { wall: wall_clock(), mono: self.mono() });
        if last {
            self.engine.end_hours();
        }
        let events = self.engine.take_events();
        for event in &events {
            log_event(&self.others.limiter, event);
            self.records.extend(serde_json::to_string(event).ok());
        }
        self.others.collector.collect(&self.engine, &events);
        let interfaces = self.ledgers.iter().map(|(name, ledger)| {
            (name.clone(), ledger.delivered, ledger.kernel_drops + ledger.interface_drops + ledger.agent_drops)
        });
        let batch = self.others.feed.tick(&mut self.engine, &events, interfaces, last);
        let changes = self.engine.save_changes(&events);
        if !changes.is_empty() {
            self.own(&Own::State { changes });
        }
        if now >= self.observing_at {
            self.observing_at = now + OBSERVING;
            self.own(&Own::Observing { at: wall_clock() });
        }
        // One that waits is made again: it does not go with the records that follow it now.
        let waits = self.backlog.as_ref().is_some_and(|bundle| bundle.entry.checkpoint.is_some());
        let checkpoint = (last || waits || now >= self.checkpoint_at).then(|| {
            self.checkpoint_at = now + CHECKPOINT;
            Box::new(self.engine.save())
        });
        let Some(published) = self.engine.published() else { return };
        let mut bundle = Bundle {
            published: Arc::new(published),
            policy: self.policy.clone(),
            entry: Entry { records: std::mem::take(&mut self.records), checkpoint, lost: 0 },
            ledgers: self.ledgers.clone(),
            waiting: live.ledgers().iter().map(Ledger::waiting).sum(),
            answers: std::mem::take(&mut self.answers),
            batch,
        };
        if let Some(earlier) = self.backlog.take() {
            bundle = join(earlier, bundle);
        }
        if let Err(TrySendError::Full(bundle)) = self.others.bundles.try_send(bundle) {
            self.backlog = Some(bundle);
        }
    }

    fn own(&mut self, record: &Own) {
        self.records.extend(serde_json::to_string(record).ok());
    }
}

/// One bundle of two: all that was to be written, and what holds now.
fn join(earlier: Bundle, later: Bundle) -> Bundle {
    let mut records = earlier.entry.records;
    records.extend(later.entry.records);
    let too_many = records.len().saturating_sub(MAX_RECORDS);
    records.drain(..too_many);
    let lost = earlier.entry.lost + later.entry.lost + too_many as u64;
    let mut answers = earlier.answers;
    answers.extend(later.answers);
    Bundle {
        entry: Entry { records, checkpoint: later.entry.checkpoint, lost },
        answers,
        batch: earlier.batch.and(later.batch),
        ..later
    }
}

/// What a change of an interface is to the engine.
fn source_event(name: &str, change: &Change) -> Option<SourceEvent> {
    Some(match change {
        Change::Opened | Change::LinkUp => SourceEvent::Up { name: name.to_owned() },
        Change::Gone => SourceEvent::Down { why: format!("there is no interface {name}") },
        Change::LinkDown => SourceEvent::Down { why: "its link is down".to_owned() },
        Change::Failed(why) => SourceEvent::Down { why: format!("it cannot be read: {why}") },
        Change::Renamed(now) => SourceEvent::Gap { why: format!("{name} was renamed to {now}") },
        Change::Ended => return None,
    })
}

fn log_change(interface: &str, change: &Change) {
    match change {
        Change::Opened => tracing::info!(interface, "the mirror port is read"),
        Change::LinkUp => tracing::info!(interface, "its link is up"),
        Change::Gone => tracing::error!(interface, "the interface is gone"),
        Change::LinkDown => tracing::error!(interface, "its link is down"),
        Change::Failed(why) => tracing::error!(interface, %why, "the mirror port cannot be read"),
        Change::Renamed(name) => tracing::error!(interface, %name, "the interface was renamed"),
        Change::Ended => tracing::info!(interface, "reading ended"),
    }
}

fn log_event(limiter: &Limiter, event: &Event) {
    let line = |sort, write: &dyn Fn(u64)| limiter.write(sort, write);
    match event {
        Event::FindingOpened { finding, .. } | Event::FindingRaised { finding, .. } => {
            let (id, kind, severity) = (&finding.id, finding.kind.name(), finding.severity);
            let summary = escape(&finding.summary);
            line("finding", &|held_back| match severity {
                "critical" => tracing::error!(id, kind, severity, %summary, held_back, "finding"),
                _ => tracing::info!(id, kind, severity, %summary, held_back, "finding"),
            });
        }
        Event::FindingClosed { id, why, by, .. } => {
            let by = by.as_deref().map(escape);
            line("closed", &|held_back| tracing::info!(id, ?why, ?by, held_back, "finding closed"));
        }
        Event::FindingMuted { id, exception, .. } => {
            let (owner, until) = (escape(&exception.owner), &exception.expires);
            line("muted", &|held_back| tracing::info!(id, %owner, until, held_back, "finding muted by an exception"));
        }
        Event::FindingRearmed { id, exception, .. } => {
            let (owner, until) = (escape(&exception.owner), &exception.expires);
            line("rearmed", &|held_back| tracing::warn!(id, %owner, until, held_back, "finding muted no more"));
        }
        Event::FindingAcked { id, by, .. } => tracing::info!(id, by = %escape(by), "finding acknowledged"),
        Event::Verdict { zone, from, to, .. } => {
            let (zone, from, to) =
                (zone.as_deref().unwrap_or("(site)"), from.map_or("none", |from| from.name()), to.name());
            line("verdict", &|held_back| tracing::info!(zone, from, to, held_back, "verdict"));
        }
        Event::Mirror { interface, alarm, raised, detail, .. } => line("mirror", &|held_back| match raised {
            true => tracing::error!(interface, alarm, detail = %escape(detail), held_back, "mirror alarm"),
            false => tracing::info!(interface, alarm, held_back, "mirror alarm ended"),
        }),
        Event::Canary { zone, canary, silent, .. } => line("canary", &|held_back| match silent {
            true => tracing::error!(zone, canary, held_back, "canary not seen"),
            false => tracing::info!(zone, canary, held_back, "canary seen again"),
        }),
        Event::Gap { interface, what, .. } => {
            line("gap", &|held_back| tracing::warn!(interface, what = %escape(what), held_back, "not observed"));
        }
        Event::Paused { from, until, why } => tracing::error!(%from, %until, why, "not observed"),
        Event::Clock { at, expected, stepped_ms } => line("clock", &|held_back| {
            tracing::error!(now = %at, %expected, stepped_ms, held_back, "the clock was set");
        }),
        Event::Policy { hash, .. } => tracing::info!(hash, "another policy decides"),
        Event::Coverage { .. } => {}
    }
}
