//! What the engine says, once the journal has it: to scrapers, the page, the pager and systemd.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::sync::oneshot;

use super::agent::Shared;
use super::record::{Entry, Recorder};
use super::wall_clock;
use crate::base::escape;
use crate::capture::live::Ledger;
use crate::config::Config;
use crate::engine;
use crate::metrics::{BuildInfo, Counters, Eviction, Exporter, InterfaceCounters, Sink};
use crate::policy::{Policy, Side};
use crate::sink::Batch;
use crate::web::{About, ConduitStatus, Published, RecordsStatus, Refusal};

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
    /// Where records are not taken, and why.
    troubles: BTreeMap<Sink, String>,
}

impl Publisher {
    pub(super) fn new(shared: Arc<Shared>, recorder: Arc<Recorder>, config: &Config) -> Publisher {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let revision = option_env!("SEGWATCH_REVISION").unwrap_or_default().to_owned();
        let rustversion = env!("CARGO_PKG_RUST_VERSION").to_owned();
        let (site, sensor) = (config.policy.site.clone(), config.policy.sensor.clone());
        let about = About { version: version.clone(), revision: revision.clone(), site, sensor };
        let exporter = Exporter::new(BuildInfo { version, revision, rustversion });
        Publisher { shared, recorder, exporter, about, judged: None, troubles: BTreeMap::new() }
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
        if self.recorder.is_full() {
            self.shared.keeper.give_way();
        }
        self.look_for_troubles();
        self.shared.sinks.offer(std::mem::take(&mut bundle.batch));
        self.shared.pager.offer(&bundle.published);
        let snapshot = &bundle.published.snapshot;
        match self.exporter.render(&bundle.policy, snapshot, &self.counters(&bundle, durable)) {
            Ok(metrics) => {
                (self.about.site, self.about.sensor) = (bundle.policy.site.clone(), bundle.policy.sensor.clone());
                let conduits = conduits(&bundle.policy, &bundle.published.totals);
                let page = Published::new(self.about.clone(), snapshot.clone(), wall_clock(), metrics);
                let page = page.with_conduits(conduits).with_hours(bundle.published.hours.clone());
                let page = page.with_records(self.records());
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
            sink_lost: self.lost(),
            journal_failing: !durable || self.troubles.contains_key(&Sink::Journal),
            reload: self.shared.reload(),
        }
    }

    /// Records lost by each that has them.
    fn lost(&self) -> BTreeMap<Sink, u64> {
        let others = [
            (Sink::Journal, self.recorder.lost()),
            (Sink::Evidence, self.shared.keeper.lost()),
            (Sink::Alertmanager, self.shared.pager.lost()),
        ];
        self.shared.sinks.lost().into_iter().chain(others).collect()
    }

    /// Where records are not taken now. It is logged when it begins and when it ends.
    fn look_for_troubles(&mut self) {
        let shared = &self.shared;
        let others = [
            (Sink::Journal, self.recorder.failing()),
            (Sink::Evidence, shared.keeper.trouble()),
            (Sink::Alertmanager, shared.pager.trouble()),
        ];
        let others = others.into_iter().filter_map(|(sink, why)| Some((sink, why?)));
        let now: BTreeMap<Sink, String> = shared.sinks.troubles().into_iter().chain(others).collect();
        let before = std::mem::replace(&mut self.troubles, now);
        for (sink, why) in self.troubles.iter().filter(|(sink, _)| !before.contains_key(sink)) {
            let (sink, why) = (sink.name(), escape(why));
            shared.limiter.write(sink, |held_back| tracing::error!(sink, %why, held_back, "no records are taken"));
        }
        for sink in before.keys().filter(|sink| !self.troubles.contains_key(sink)) {
            let sink = sink.name();
            shared.limiter.write(sink, |held_back| tracing::info!(sink, held_back, "records are taken again"));
        }
    }

    fn records(&self) -> RecordsStatus {
        RecordsStatus {
            failing: self.troubles.iter().map(|(sink, why)| (sink.name(), why.clone())).collect(),
            lost: self.lost().into_iter().filter(|(_, lost)| *lost > 0).map(|(sink, n)| (sink.name(), n)).collect(),
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
