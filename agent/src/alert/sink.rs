//! The thread that pages: it takes what the engine publishes, posts what the outbox says, and keeps the outbox.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::client::{Client, Trouble};
use super::finding::Origin;
use super::keeper::{Keeper, Store};
use super::outbox::{Outbox, Request, Times};
use crate::base::{Timestamp, escape};
use crate::config::AlertmanagerConfig;
use crate::engine::Published;

/// States that wait while a request is under way; the newest replaces the last of them. An episode that is shorter than
/// what is skipped then is not paged.
pub const MAX_WAITING: usize = 16;
/// The outbox is looked at this often when nothing is published.
const PAUSE: Duration = Duration::from_millis(500);
/// Requests at the end; the rest waits for the next start.
const LAST_REQUESTS: usize = 3;

/// What the sink is told at the start and after a reload.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who is told.
    pub config: AlertmanagerConfig,
    /// Who tells.
    pub origin: Origin,
    /// How often, and for how long.
    pub times: Times,
}

/// Something for the log. May come often: who gets it limits the rate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// Alertmanager could not be told; it is tried again.
    Failed {
        /// Its address.
        url: String,
        /// Why not.
        why: Trouble,
    },
    /// After failures it takes alerts again.
    Recovered {
        /// Its address.
        url: String,
    },
    /// The outbox could not be read or written; a restart may lose what was not delivered, or page again.
    NotKept(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Failed { url, why: Trouble::Alerts(why) } => {
                write!(f, "Alertmanager {} refuses alerts: {}", escape(url), escape(why))
            }
            Note::Failed { url, why } => write!(f, "Alertmanager {} is not told: {why}", escape(url)),
            Note::Recovered { url } => write!(f, "Alertmanager {} takes alerts again", escape(url)),
            Note::NotKept(why) => write!(f, "the outbox of alerts is not kept: {}", escape(why)),
        }
    }
}

/// Pages until it is dropped; then it tries once more what is due, and ends within half a minute, and at once if nothing is due.
pub struct Sink {
    mail: Arc<Mail>,
    lost: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Mail {
    state: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    published: VecDeque<(Timestamp, Arc<Published>)>,
    settings: Option<Settings>,
    is_ending: bool,
}

impl Sink {
    /// Starts the thread. `saved` is what `store` was given last before the restart.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub fn start(
        settings: Settings,
        saved: Option<&str>,
        store: Store,
        note: impl Fn(Note) + Send + Sync + 'static,
    ) -> io::Result<Sink> {
        let note: Arc<dyn Fn(Note) + Send + Sync> = Arc::new(note);
        let mut outbox = Outbox::new(settings.times, settings.config.urls.len());
        if let Some(Err(error)) = saved.map(|text| outbox.restore(text)) {
            note(Note::NotKept(error));
        }
        let told = Arc::clone(&note);
        let keeper = Keeper::start(store, move |error| told(Note::NotKept(error.to_string())))?;
        let (mail, lost) = (Arc::<Mail>::default(), Arc::<AtomicU64>::default());
        let mut pager = Pager {
            client: Client::new(settings.config),
            failing: Vec::new(),
            origin: settings.origin,
            outbox,
            lost: Arc::clone(&lost),
            keeper,
            note,
        };
        let inbox = Arc::clone(&mail);
        let thread = thread::Builder::new().name("alertmanager".to_owned()).spawn(move || pager.run(&inbox))?;
        Ok(Sink { mail, lost, thread: Some(thread) })
    }

    /// Which findings are open now. Never waits for Alertmanager.
    pub fn offer(&self, published: Arc<Published>) {
        let mut waiting = self.mail.lock();
        if waiting.published.len() >= MAX_WAITING {
            waiting.published.pop_back();
        }
        waiting.published.push_back((now(), published));
        self.mail.arrived.notify_one();
    }

    /// Other settings, after a reload.
    pub fn configure(&self, settings: Settings) {
        self.mail.lock().settings = Some(settings);
        self.mail.arrived.notify_one();
    }

    /// Alerts that Alertmanager will never hear of, since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.mail.lock().is_ending = true;
        self.mail.arrived.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has said why, if it panicked.
            let _ = thread.join();
        }
    }
}

impl Mail {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for mail, but not for long.
    fn take(&self) -> Waiting {
        let is_empty =
            |waiting: &mut Waiting| waiting.published.is_empty() && waiting.settings.is_none() && !waiting.is_ending;
        let waited = self.arrived.wait_timeout_while(self.lock(), PAUSE, is_empty);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        let is_ending = waiting.is_ending;
        Waiting { is_ending, ..std::mem::take(&mut *waiting) }
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.published.is_empty() && self.settings.is_none() && !self.is_ending
    }
}

struct Pager {
    client: Client,
    /// Alertmanagers that failed last.
    failing: Vec<usize>,
    origin: Origin,
    outbox: Outbox,
    lost: Arc<AtomicU64>,
    keeper: Keeper,
    note: Arc<dyn Fn(Note) + Send + Sync>,
}

impl Pager {
    fn run(&mut self, mail: &Mail) {
        let mut is_ending = false;
        while !is_ending {
            let waiting = mail.take();
            is_ending = waiting.is_ending;
            if let Some(settings) = waiting.settings {
                self.outbox.configure(settings.times, settings.config.urls.len());
                self.client = Client::new(settings.config);
                self.origin = settings.origin;
                self.failing.clear();
            }
            for (at, published) in &waiting.published {
                self.outbox.handle(*at, &self.origin, published);
            }
            self.keep();
            for _ in 0..if is_ending { LAST_REQUESTS } else { usize::MAX } {
                let Some(request) = self.outbox.next(now()) else { break };
                self.send(&request);
                // What is published meanwhile is taken in before the next.
                if !is_ending && !mail.lock().is_empty() {
                    break;
                }
            }
            self.keep();
            self.lost.store(self.outbox.lost(), Ordering::Relaxed);
        }
    }

    fn send(&mut self, request: &Request) {
        let url = self.client.url(request.target).to_owned();
        let result = self.client.post(request.target, &request.body);
        let was_failing = self.failing.contains(&request.target);
        self.failing.retain(|&target| target != request.target);
        match result {
            Ok(their_time) => {
                self.outbox.delivered(now(), request);
                if let Some(theirs) = their_time {
                    self.outbox.compare_clocks(now(), request.target, theirs);
                }
                if was_failing {
                    (self.note)(Note::Recovered { url });
                }
            }
            Err(why) => {
                match why {
                    Trouble::Alerts(_) => self.outbox.refused(request),
                    Trouble::Receiver(_) => {
                        self.outbox.failed(now(), request);
                        self.failing.push(request.target);
                    }
                }
                (self.note)(Note::Failed { url, why });
            }
        }
    }

    fn keep(&mut self) {
        if self.outbox.take_changed() {
            self.keeper.keep(self.outbox.save());
        }
    }
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}
