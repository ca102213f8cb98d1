//! What the engine says, once the journal has it: to scrapers, the page, the pager and systemd.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::sync::oneshot;

use super::agent::Shared;
use super::record::{Entry, Recorder};
use super::wall_clock;
use crate::capture::live::Ledger;
use crate::config::Config;
use crate::engine;
use crate::metrics::{BuildInfo, Counters, Eviction, Exporter, InterfaceCounters, Sink};
use crate::policy::{Policy, Side};
use crate::sink::Batch;
use crate::web::{About, ConduitStatus, Published, Refusal};

/// So long a snapshot waits for the journal: a disk that is gone must not stop a page.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(1);

/// Who waits, and what they will hear.
pub(super) type Answer = (oneshot::Sender<Result<String, Refusal>>, Result<String, Refusal>);

/// The end of one tick of the engine.
pub(super) struct Bundle {
    /// What the engine publishes.
    pub(super) published: Arc<engine::Published>,
    /// The policy that decided.
    pub(super) policy: Arc<Policy>,
    /// What has to be durable before that is shown.
    pub(super) entry: Entry,
    /// Where the packets went that are in it, by interface.
    pub(super) ledgers: Vec<(String, Ledger)>,
    /// Packets that the kernel holds for the engine.
    pub(super) waiting: u64,
    /// People who wait to hear that what they asked for is done.
    pub(super) answers: Vec<Answer>,
    /// For the sinks.
    pub(super) batch: Batch,
}

/// The thread's state.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    recorder: Arc<Recorder>,
    exporter: Exporter,
    about: About,
    /// Packets judged when systemd was told last.
    judged: Option<u64>,
}

impl Publisher {
    pub(super) fn new(shared: Arc<Shared>, recorder: Arc<Recorder>, config: &Config) -> Publisher {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let revision = option_env!("SEGWATCH_REVISION").unwrap_or_default().to_owned();
        let rustversion = env!("CARGO_PKG_RUST_VERSION").to_owned();
        let (site, sensor) = (config.policy.site.clone(), config.policy.sensor.clone());
        let about = About { version: version.clone(), revision: revision.clone(), site, sensor };
        let exporter = Exporter::new(BuildInfo { version, revision, rustversion });
        Publisher { shared, recorder, exporter, about, judged: None }
    }

    /// Publishes until the engine has ended.
    pub(super) fn run(mut self, bundles: &Receiver<Bundle>) {
        while let Ok(bundle) = bundles.recv() {
            self.publish(bundle);
        }
    }

    fn publish(&mut self, mut bundle: Bundle) {
        let ticket = self.recorder.submit(std::mem::take(&mut bundle.entry));
        let durable = self.recorder.wait(ticket, JOURNAL_PATIENCE);
        if let Some(why) = self.recorder.failing() {
            let limiter = &self.shared.limiter;
            limiter.write("journal", |held_back| tracing::error!(%why, held_back, "the journal takes no records"));
            if self.recorder.is_full() {
                self.shared.keeper.give_way();
            }
        }
        self.shared.sinks.offer(std::mem::take(&mut bundle.batch));
        self.shared.pager.offer(&bundle.published);
        let snapshot = &bundle.published.snapshot;
        match self.exporter.render(&bundle.policy, snapshot, &self.counters(&bundle, durable)) {
            Ok(metrics) => {
                (self.about.site, self.about.sensor) = (bundle.policy.site.clone(), bundle.policy.sensor.clone());
                let conduits = conduits(&bundle.policy, &bundle.published.totals);
                let page = Published::new(self.about.clone(), snapshot.clone(), wall_clock(), metrics);
                let page = page.with_conduits(conduits).with_hours(bundle.published.hours.clone());
                self.shared.publish(Arc::new(page), bundle.published.clone());
            }
            Err(error) => tracing::error!(%error, "the metrics contradict each other; this is a bug"),
        }
        for (answer, said) in bundle.answers {
            let warning = "; but the journal takes no records now, so a restart may forget it";
            // Who has gone away needs none.
            let _ = answer.send(said.map(|what| if durable { what } else { what + warning }));
        }
        self.feed_watchdog(snapshot.traffic.packets, bundle.waiting);
    }

    fn counters(&self, bundle: &Bundle, durable: bool) -> Counters {
        let engine::Published { snapshot, episodes, interfaces, totals, .. } = &*bundle.published;
        let interfaces = bundle.ledgers.iter().enumerate().map(|(at, (interface, ledger))| InterfaceCounters {
            interface: interface.clone(),
            packets: ledger.delivered + ledger.kernel_drops + ledger.interface_drops + ledger.agent_drops,
            bytes: ledger.bytes,
            dropped_by_kernel: ledger.kernel_drops,
            dropped_by_interface: ledger.interface_drops,
            dropped_by_agent: ledger.agent_drops,
            last_packet: interfaces.get(at).and_then(|status| status.last),
            alarms: Vec::new(),
        });
        Counters {
            interfaces: interfaces.collect(),
            flows: totals.flows.clone(),
            flows_active: totals.active,
            flows_evicted: Eviction::ALL.into_iter().zip(totals.evicted).collect(),
            conduit_flows: totals.conduits.clone(),
            findings: totals.findings.clone(),
            subjects: episodes.iter().map(|(id, episode)| (id.clone(), episode.subject.clone())).collect(),
            covered: totals.covered.clone(),
            uncovered: totals.gaps.clone(),
            unrecorded: totals.unrecorded,
            decode_errors: snapshot.traffic.undecoded.clone(),
            canaries: Vec::new(),
            sink_lost: self
                .shared
                .sinks
                .lost()
                .into_iter()
                .chain([
                    (Sink::Journal, self.recorder.lost()),
                    (Sink::Evidence, self.shared.keeper.lost()),
                    (Sink::Alertmanager, self.shared.pager.lost()),
                ])
                .collect(),
            journal_failing: !durable,
            reload: self.shared.reload(),
        }
    }

    /// Follows the packets judged: an engine that stands still while packets wait for it is as good as dead.
    fn feed_watchdog(&mut self, judged: u64, waiting: u64) {
        let first = self.judged.is_none();
        let goes_on = waiting == 0 || self.judged != Some(judged);
        self.judged = Some(judged);
        if first {
            tell_systemd(&[NotifyState::Ready]);
        }
        if goes_on {
            self.shared.judges(Instant::now());
            tell_systemd(&[NotifyState::Watchdog]);
        }
    }
}

/// What the page says of conduits.
fn conduits(policy: &Policy, totals: &engine::Totals) -> Vec<ConduitStatus> {
    let zones = |side: &Side| match side.zones.is_empty() {
        true => vec!["any".to_owned()],
        false => side.zones.iter().filter_map(|id| Some(policy.zone(*id)?.name.clone())).collect(),
    };
    let conduits = policy.conduits.iter().map(|conduit| ConduitStatus {
        name: conduit.name.clone(),
        from: zones(&conduit.from),
        to: zones(&conduit.to),
        flows: totals.conduits.get(&conduit.name).copied().unwrap_or(0),
    });
    conduits.collect()
}

/// Without systemd nobody listens.
pub(super) fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
