//! The agent as the HTTP server sees it: what was published last, and a way to ask the engine.

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::evidence::Keeper;
use super::limiter::Limiter;
use super::pager::Pager;
use super::publish::tell_systemd;
use super::sinks::Sinks;
use super::wall_clock;
use crate::base::escape;
use crate::config;
use crate::engine::{self, FlowRow};
use crate::metrics::Reload;
use crate::policy::Policy;
use crate::web::{self, Command, FlowQuery, Note, Published, Refusal};

/// An older snapshot does not pass for the present.
const STALE_AFTER: Duration = Duration::from_secs(15);
/// Without a packet for so long the agent is not ready: it judges nothing.
const READY_WITHIN_NANOSECONDS: i64 = 60_000_000_000;

/// What the engine's thread is asked.
pub(super) enum Question {
    Command(engine::Command, oneshot::Sender<Result<String, Refusal>>),
    Policy(Box<Policy>, oneshot::Sender<Result<String, Refusal>>),
    Flows(FlowQuery, oneshot::Sender<Vec<FlowRow>>),
}

/// What the threads of the agent share.
pub(super) struct Shared {
    latest: Mutex<Latest>,
    reload: Mutex<Reload>,
    pub(super) limiter: Arc<Limiter>,
    ask: SyncSender<Question>,
    config: PathBuf,
    pub(super) pager: Arc<Pager>,
    pub(super) keeper: Arc<Keeper>,
    pub(super) sinks: Arc<Sinks>,
}

#[derive(Default)]
struct Latest {
    page: Option<Arc<Published>>,
    engine: Option<Arc<engine::Published>>,
    published: Option<Instant>,
    /// When packets were last seen to be judged.
    judges: Option<Instant>,
}

impl Shared {
    pub(super) fn new(
        ask: SyncSender<Question>,
        config: PathBuf,
        pager: Arc<Pager>,
        keeper: Arc<Keeper>,
        sinks: Arc<Sinks>,
        limiter: Arc<Limiter>,
    ) -> Shared {
        let reload = Reload { successful: true, last_success: Some(wall_clock()) };
        Shared { latest: Mutex::default(), reload: Mutex::new(reload), limiter, ask, config, pager, keeper, sinks }
    }

    pub(super) fn publish(&self, page: Arc<Published>, engine: Arc<engine::Published>) {
        let mut latest = lock(&self.latest);
        (latest.page, latest.engine, latest.published) = (Some(page), Some(engine), Some(Instant::now()));
    }

    pub(super) fn judges(&self, now: Instant) {
        lock(&self.latest).judges = Some(now);
    }

    pub(super) fn reload(&self) -> Reload {
        *lock(&self.reload)
    }
}

/// See [`web::Agent`].
pub(super) struct Agent {
    shared: Arc<Shared>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
}

impl Agent {
    pub(super) fn new(shared: Arc<Shared>) -> Agent {
        Agent { shared, reloading: tokio::sync::Mutex::new(()) }
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.shared.ask.try_send(question(answer)).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Unavailable("the engine has too many questions: try again".to_owned()),
            TrySendError::Disconnected(_) => Refusal::Unavailable("the agent is stopping".to_owned()),
        })?;
        answered.await.map_err(|_| Refusal::Unavailable("the agent is stopping".to_owned()))
    }

    /// The new policy is built beside the old, and takes its place only without an error.
    async fn reload(&self) -> Result<String, Refusal> {
        let _alone = self.reloading.lock().await;
        tell_reloading();
        let answer = self.load_and_swap().await;
        let mut reload = lock(&self.shared.reload);
        reload.successful = answer.is_ok();
        match &answer {
            Ok(what) => {
                reload.last_success = Some(wall_clock());
                tracing::info!(what, "reloaded");
            }
            Err(Refusal::Failed(why)) => {
                tracing::error!(why = %escape(why), "the policy was not reloaded; the former stays in force");
            }
            Err(refusal) => tracing::error!(?refusal, "the policy was not reloaded; the former stays in force"),
        }
        drop(reload);
        tell_systemd(&[sd_notify::NotifyState::Ready]);
        answer
    }

    async fn load_and_swap(&self) -> Result<String, Refusal> {
        let file = self.shared.config.clone();
        let loaded = tokio::task::spawn_blocking(move || config::load(&file))
            .await
            .map_err(|_| Refusal::Failed("reading the policy failed; this is a bug".to_owned()))?
            .map_err(|problems| {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Refusal::Failed(problems.join("\n"))
            })?;
        for lint in &loaded.lints {
            self.shared
                .limiter
                .write("lint", |_| tracing::warn!(lint = %escape(&lint.to_string()), "the policy could be better"));
        }
        let policy = Box::new(loaded.config.policy.clone());
        let answer = self.ask(|answer| Question::Policy(policy, answer)).await??;
        let shared = self.shared.clone();
        drop(tokio::task::spawn_blocking(move || {
            shared.sinks.configure(&loaded.config);
            shared.pager.configure(&loaded.config);
        }));
        Ok(answer)
    }
}

impl web::Agent for Agent {
    fn published(&self) -> Option<Arc<Published>> {
        let latest = lock(&self.shared.latest);
        let fresh = latest.published.is_some_and(|at| at.elapsed() < STALE_AFTER);
        latest.page.clone().filter(|_| fresh)
    }

    fn healthy(&self) -> Result<(), String> {
        let latest = lock(&self.shared.latest);
        match latest.judges {
            None => Err("nothing was judged yet".to_owned()),
            Some(at) if at.elapsed() < STALE_AFTER => Ok(()),
            Some(at) => Err(format!("no packet was judged for {} s, though some wait", at.elapsed().as_secs())),
        }
    }

    fn ready(&self) -> Result<(), String> {
        self.healthy()?;
        let engine = lock(&self.shared.latest).engine.clone().ok_or("nothing was published yet")?;
        let last = engine.interfaces.iter().filter(|interface| interface.up).filter_map(|interface| interface.last);
        match last.max() {
            Some(at) if wall_clock().since(at) < READY_WITHIN_NANOSECONDS => Ok(()),
            Some(at) => Err(format!("no packet was judged since {at}")),
            None => Err("no packet was judged yet: no mirror port shows any".to_owned()),
        }
    }

    async fn flows(&self, query: FlowQuery) -> Result<Vec<FlowRow>, Refusal> {
        self.ask(|answer| Question::Flows(query, answer)).await
    }

    async fn evidence(&self, id: String) -> Result<Vec<u8>, Refusal> {
        let keeper = self.shared.keeper.clone();
        let name = id.clone();
        let read = tokio::task::spawn_blocking(move || keeper.read(&name)).await;
        match read.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Refusal::NotFound(format!("there is no evidence of a finding {id}"))),
            Err(error) => Err(Refusal::Unavailable(format!("the evidence cannot be read: {error}"))),
        }
    }

    async fn command(&self, command: Command) -> Result<String, Refusal> {
        let name = |by: String, user: &str| if by == user { by } else { format!("{by} ({user})") };
        let command = match command {
            Command::Reload => return self.reload().await,
            Command::Close(remark) => {
                engine::Command::Close { by: name(remark.by, &remark.user), id: remark.id, reason: remark.reason }
            }
            Command::Acknowledge(remark) => {
                engine::Command::Ack { by: name(remark.by, &remark.user), id: remark.id, reason: remark.reason }
            }
            Command::Drill { by, user } => engine::Command::Drill { by: name(by, &user) },
        };
        self.ask(|answer| Question::Command(command, answer)).await?
    }

    fn note(&self, note: Note) {
        let log = |sort, line: &dyn Fn(u64)| self.shared.limiter.write(sort, line);
        match note {
            Note::ConfigTaken => tracing::info!("the web configuration was read again"),
            Note::ConfigRefused(why) => {
                log("web-config", &|held_back| {
                    tracing::error!(why = %escape(&why), held_back, "the web configuration was not taken");
                });
            }
            Note::LoginFailed(from) => {
                log("login", &|held_back| tracing::warn!(%from, held_back, "a wrong user or password"));
            }
            Note::AcceptFailed(why) => {
                log("accept", &|held_back| tracing::error!(why = %escape(&why), held_back, "no connection accepted"));
            }
        }
    }
}

fn tell_reloading() {
    if let Ok(now) = sd_notify::NotifyState::monotonic_usec_now() {
        tell_systemd(&[sd_notify::NotifyState::Reloading, now]);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
