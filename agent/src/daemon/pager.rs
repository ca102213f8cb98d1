//! Direct paging, while the policy asks for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limiter::Limiter;
use crate::alert::{Note, Origin, Settings, Sink, Times};
use crate::config::Config;
use crate::engine::Published;
use crate::journal::{read_checkpoint, write_checkpoint};

/// The sink that the configuration in force asks for.
pub(super) struct Pager {
    state: Mutex<State>,
    directory: PathBuf,
    limiter: Arc<Limiter>,
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
        Pager { state: Mutex::default(), directory: state.join("alertmanager"), limiter }
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
        let store = Box::new(move |text: &str| {
            fs::create_dir_all(&directory)?;
            write_checkpoint(&directory, 0, text)
        });
        let limiter = Arc::clone(&self.limiter);
        Sink::start(settings, saved.as_deref(), store, move |note| log(&limiter, &note))
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(limiter: &Limiter, note: &Note) {
    match note {
        Note::Recovered { .. } => tracing::info!("{note}"),
        _ => limiter.write("alertmanager", |held_back| tracing::error!(held_back, "{note}")),
    }
}
