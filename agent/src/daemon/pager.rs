//! Direct paging, while the policy asks for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limiter::Limiter;
use crate::alert::{Note, Origin, Settings, Sink, Times};
use crate::config::Config;
use crate::engine::Published;
use crate::journal::{read_checkpoint, write_checkpoint};
use crate::sink::Taking;

/// The sink that the configuration in force asks for.
pub(super) struct Pager {
    state: Mutex<State>,
    directory: PathBuf,
    limiter: Arc<Limiter>,
    /// The outbox.
    taking: Arc<Taking>,
    /// Alertmanagers that are not told, and why.
    untold: Arc<Mutex<BTreeMap<String, String>>>,
}

#[derive(Default)]
struct State {
    sink: Option<Sink>,
    /// Lost by sinks that are no more.
    lost: u64,
}

impl Pager {
    /// One that pages nobody yet, and keeps its outbox below `state`.
    pub(super) fn new(state: &Path, limiter: Arc<Limiter>) -> Pager {
        let (taking, untold) = (Arc::default(), Arc::default());
        Pager { state: Mutex::default(), directory: state.join("alertmanager"), limiter, taking, untold }
    }

    /// Does as a configuration says, from the first or after a reload. May take half a minute if it says not to page any
    /// more.
    pub(super) fn configure(&self, config: &Config) {
        let Some(alertmanager) = config.alertmanager.clone() else { return self.finish() };
        let origin = Origin {
            site: config.policy.site.clone(),
            sensor: config.policy.sensor.clone(),
            external_url: alertmanager.external_url.clone(),
        };
        let settings = Settings { times: Times::of(alertmanager.resend), config: alertmanager, origin };
        lock(&self.untold).clear();
        let mut state = self.lock();
        match &state.sink {
            Some(sink) => sink.configure(settings),
            None => match self.start(settings) {
                Ok(sink) => state.sink = Some(sink),
                Err(error) => tracing::error!(%error, "no direct paging"),
            },
        }
    }

    fn start(&self, settings: Settings) -> std::io::Result<Sink> {
        let directory = self.directory.clone();
        let saved = read_checkpoint(&directory).map(|(_, text)| text);
        let taking = Arc::clone(&self.taking);
        let store = Box::new(move |text: &str| {
            taking.watch(|| {
                fs::create_dir_all(&directory)?;
                write_checkpoint(&directory, 0, text)
            })
        });
        let (limiter, untold) = (Arc::clone(&self.limiter), Arc::clone(&self.untold));
        let note = move |note| {
            match &note {
                Note::Failed { url, .. } => drop(lock(&untold).insert(url.clone(), note.to_string())),
                Note::Recovered { url } => drop(lock(&untold).remove(url)),
                Note::NotKept(_) => {}
            }
            log(&limiter, &note);
        };
        Sink::start(settings, saved.as_deref(), store, note)
    }

    /// What is open now.
    pub(super) fn offer(&self, published: &Arc<Published>) {
        if let Some(sink) = &self.lock().sink {
            sink.offer(Arc::clone(published));
        }
    }

    /// Alerts that Alertmanager will never hear of.
    pub(super) fn lost(&self) -> u64 {
        let state = self.lock();
        state.lost + state.sink.as_ref().map_or(0, Sink::lost)
    }

    /// Why alerts are not kept, or not told.
    pub(super) fn trouble(&self) -> Option<String> {
        let kept = self.taking.trouble().map(|why| format!("the outbox is not kept: {why}"));
        kept.or_else(|| lock(&self.untold).values().next().cloned())
    }

    /// Tries once more what is due, and ends.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        let Some(sink) = state.sink.take() else { return };
        state.lost += sink.lost();
        // Whoever offers must not wait for its end.
        drop(state);
        drop(sink);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log(limiter: &Limiter, note: &Note) {
    match note {
        Note::Recovered { .. } => tracing::info!("{note}"),
        _ => limiter.write("alertmanager", |held_back| tracing::error!(held_back, "{note}")),
    }
}
