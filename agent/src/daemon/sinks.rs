//! JSON lines, syslog and IPFIX, as the policy configures them.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::history::FlowHistory;
use super::wall_clock;
use crate::config::{Config, SinksConfig};
use crate::engine::{Engine, Event, FlowVerdict};
use crate::metrics::Sink as Name;
use crate::sink::eve::Eve;
use crate::sink::ipfix::Ipfix;
use crate::sink::syslog::Syslog;
use crate::sink::{Batch, Origin, Queue, Sink, Stats, Transport};

/// How often counters are written.
const STATS_EVERY: Duration = Duration::from_secs(60);
/// How often flows that go on are exported.
const OPEN_EVERY: Duration = Duration::from_secs(300);
/// Flows exported at a time that go on.
const MAX_OPEN: usize = 65_536;

/// The sinks that are on.
pub(super) struct Sinks {
    state: Mutex<State>,
    /// One reload at a time; what is offered meanwhile does not wait for it.
    configuring: Mutex<()>,
}

#[derive(Default)]
struct State {
    config: SinksConfig,
    site: (String, String),
    queues: BTreeMap<Name, Queue>,
    /// Flows of watched devices, whatever the configuration says.
    flows: Option<Queue>,
    /// Those that found no place in it.
    flows_lost: Arc<AtomicU64>,
    /// Lost by sinks that a reload ended.
    lost: BTreeMap<Name, u64>,
}

impl Sinks {
    /// None is on yet.
    pub(super) fn new() -> Sinks {
        Sinks { state: Mutex::default(), configuring: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps flows of watched devices in this folder.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn keep_flows(&self, folder: PathBuf) -> io::Result<()> {
        let mut state = self.lock();
        let history = FlowHistory::new(folder, state.flows_lost.clone());
        state.flows = Some(Queue::start(Name::Flows.name(), Box::new(history))?);
        Ok(())
    }

    /// Does as a configuration says, from the first or after a reload. May take seconds: what waits for a sink that is no
    /// more is written if it can be.
    pub(super) fn configure(&self, config: &Config) {
        let _alone = self.configuring.lock().unwrap_or_else(PoisonError::into_inner);
        let site = (config.policy.site.clone(), config.policy.sensor.clone());
        let mut state = self.lock();
        if state.config == config.sinks && state.site == site {
            return;
        }
        (state.config, state.site) = (config.sinks.clone(), site);
        let old = std::mem::take(&mut state.queues);
        drop(state);
        for (name, queue) in old {
            queue.finish();
            *self.lock().lost.entry(name).or_default() += queue.lost();
        }
        let origin = Origin { site: config.policy.site.as_str().into(), sensor: config.policy.sensor.as_str().into() };
        let mut wanted: Vec<(Name, Box<dyn Sink>)> = Vec::new();
        if let Some(file) = &config.sinks.eve {
            wanted.push((Name::Eve, Box::new(Eve::new(file, origin.clone()))));
        }
        if let Some(syslog) = config.sinks.syslog.clone() {
            let transport = match syslog.scheme {
                "tls" => Transport::Tls,
                "tcp" => Transport::Tcp,
                _ => Transport::Udp,
            };
            wanted.push((Name::Syslog, Box::new(Syslog::new(transport, syslog.authority, syslog.ca_file, origin))));
        }
        if let Some(collector) = config.sinks.ipfix.clone() {
            wanted.push((Name::Ipfix, Box::new(Ipfix::new(collector))));
        }
        for (name, sink) in wanted {
            match Queue::start(name.name(), sink) {
                Ok(queue) => drop(self.lock().queues.insert(name, queue)),
                Err(error) => tracing::error!(sink = name.name(), %error, "this sink could not be started"),
            }
        }
    }

    /// Sinks that take nothing, and why.
    pub(super) fn troubles(&self) -> BTreeMap<Name, String> {
        let state = self.lock();
        let flows = state.flows.iter().map(|queue| (&Name::Flows, queue));
        state.queues.iter().chain(flows).filter_map(|(name, queue)| Some((*name, queue.trouble()?))).collect()
    }

    fn is_on(&self) -> bool {
        !self.lock().queues.is_empty()
    }

    /// Hands records over, once the journal has what they tell of.
    pub(super) fn offer(&self, batch: Batch) {
        let batch = &Arc::new(batch);
        let state = self.lock();
        state.queues.values().chain(&state.flows).for_each(|queue| queue.offer(batch));
    }

    /// Records that each sink lost.
    pub(super) fn lost(&self) -> BTreeMap<Name, u64> {
        let state = self.lock();
        let mut lost = state.lost.clone();
        for (name, queue) in &state.queues {
            *lost.entry(*name).or_default() += queue.lost();
        }
        let of_queue = state.flows.as_ref().map_or(0, Queue::lost);
        lost.insert(Name::Flows, of_queue + state.flows_lost.load(Ordering::Relaxed));
        lost
    }

    /// Writes what waits, for a moment.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        let (queues, flows) = (std::mem::take(&mut state.queues), state.flows.take());
        drop(state);
        queues.values().chain(&flows).for_each(Queue::finish);
    }
}

/// Takes from the engine what the sinks write.
pub(super) struct Feed {
    sinks: Arc<Sinks>,
    started: Instant,
    stats_at: Instant,
    open_at: Instant,
}

impl Feed {
    pub(super) fn new(sinks: Arc<Sinks>) -> Feed {
        let now = Instant::now();
        Feed { sinks, started: now, stats_at: now, open_at: now + OPEN_EVERY }
    }

    /// After a tick, maybe the last: what happened. `interfaces` are names, packets read and dropped.
    pub(super) fn tick(
        &mut self,
        engine: &mut Engine,
        events: &[Event],
        interfaces: impl Iterator<Item = (String, u64, u64)>,
        last: bool,
    ) -> Batch {
        let (ended, lost) = (engine.take_rows(), engine.take_lost_rows());
        let now = Instant::now();
        let mut batch = Batch { at: wall_clock(), ended, lost, last, ..Batch::default() };
        if self.sinks.is_on() {
            batch.events = events.iter().filter(|event| !matches!(event, Event::Coverage { .. })).cloned().collect();
        }
        if now >= self.open_at || last {
            self.open_at = now + OPEN_EVERY;
            let rows = engine.watched_open_rows(MAX_OPEN);
            batch.open = rows.into_iter().filter(|row| row.verdict != FlowVerdict::Unwatched).collect();
        }
        if self.sinks.is_on()
            && now >= self.stats_at
            && let Some(published) = engine.published()
        {
            self.stats_at = now + STATS_EVERY;
            let traffic = &published.snapshot.traffic;
            batch.stats = Some(Stats {
                uptime: self.started.elapsed().as_secs(),
                interfaces: interfaces.collect(),
                judged: [traffic.packets, traffic.bytes],
                flows: published.totals.active,
                findings: published.snapshot.findings.len() as u64,
            });
        }
        batch
    }
}
