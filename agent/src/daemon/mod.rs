//! The agent: what interfaces show goes through the engine, and what the engine says goes out once the journal has it.
//!
//! Each part has a thread of its own, and bounded hand-overs between them:
//!
//! ```text
//! interfaces ─▶ watch (the engine) ─▶ publish ─▶ metrics · web · alerts
//!                                        └──────▶ record (the journal)
//! ```
//!
//! Nothing behind the engine can hold it back: a bundle that finds no place waits and takes the next one's words along.

mod agent;
mod evidence;
mod history;
mod limiter;
mod pager;
mod privileges;
mod publish;
mod record;
mod restore;
mod sinks;
mod watch;

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};

use crate::base::{Timestamp, escape};
use crate::capture::live::{Ports, Settings};
use crate::config::{self, Config, Loaded, Transport};
use crate::engine::{Engine, EvidenceOptions, Options as EngineOptions};
use crate::hint::{Knowledge, VendorTable};
use crate::journal;
use crate::packet::DecodeOptions;
use crate::web::{self, Agent as _, Command, Limits as WebLimits, Server};
use agent::{Agent, Shared};
use evidence::{Collector, Keeper};
use limiter::Limiter;
use pager::Pager;
use publish::Publisher;
use record::Recorder;
use restore::Restored;
use sinks::{Feed, Sinks};
use watch::{Others, Watch};

/// For everything that was read to be judged and written, after the order to stop.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// Questions to the engine that wait; one more is refused.
const MAX_QUESTIONS: usize = 16;

/// How the agent is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The policy.
    pub config: PathBuf,
    /// TLS and users of the HTTP server, in the form of every Prometheus exporter.
    pub web_config: Option<PathBuf>,
    /// A vendor table in place of the built-in one.
    pub vendors: Option<PathBuf>,
    /// Folder with data files in place of the built-in ones.
    pub data: Option<PathBuf>,
}

/// Runs until told to stop by SIGTERM or SIGINT.
///
/// # Errors
/// What hindered the start, all that can be told at once; or what ended the agent.
pub fn run(options: &Options) -> Result<(), Vec<String>> {
    let one = |what: &str, error: io::Error| vec![format!("{what}: {error}")];
    let (loaded, vendors) = load(options)?;
    let knowledge = config::load_knowledge(options.data.as_deref()).map_err(|problem| vec![problem])?;
    let config = &loaded.config;
    if config.captures.is_empty() {
        let file = options.config.display();
        return Err(vec![format!("{file}: no mirror port: add `capture: [{{ interface: eth1 }}]`")]);
    }
    let web_settings = web::Settings::load(options.web_config.clone())
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let listeners = listen(&config.listen, &web_settings).map_err(|problem| vec![problem])?;
    let state = config.state_dir.as_path();
    let directory = state.join("journal");
    let (journal, restored) =
        restore::open(&directory).map_err(|error| one(&format!("the journal in {}", state.display()), error))?;
    let settings: Vec<Settings> = config.captures.iter().map(Settings::from).collect();
    let ports = Ports::open(&settings);
    privileges::give_up(&readable(options, config), &writable(config));

    let recorder = Arc::new(Recorder::start(journal, directory.clone()).map_err(|error| one("a thread", error))?);
    let (ask, asked) = std::sync::mpsc::sync_channel(MAX_QUESTIONS);
    let limiter = Arc::new(Limiter::default());
    let keeper = Keeper::start(state, config.evidence.size, recorder.clone());
    let keeper = Arc::new(keeper.map_err(|error| one("a thread", error))?);
    let pager = Arc::new(Pager::new(state, limiter.clone()));
    pager.configure(config);
    let sinks = Arc::new(Sinks::new());
    sinks.keep_flows(journal::flows_of(&directory)).map_err(|error| one("a thread", error))?;
    sinks.configure(config);
    let shared = Arc::new(Shared::new(
        ask,
        options.config.clone(),
        pager.clone(),
        keeper.clone(),
        sinks.clone(),
        limiter.clone(),
    ));
    let publisher = Publisher::new(shared.clone(), recorder.clone(), config);
    let (bundles, to_publish) = std::sync::mpsc::sync_channel(1);
    let publishing = Builder::new()
        .name("publish".to_owned())
        .spawn(move || publisher.run(&to_publish))
        .map_err(|error| one("a thread", error))?;
    let stop = Arc::new(AtomicBool::new(false));
    let names = settings.iter().map(|settings| settings.interface.clone()).collect();
    let (collector, feed) = (Collector::new(keeper.clone(), names), Feed::new(sinks.clone()));
    let others = Others { asked, bundles, stop: stop.clone(), collector, feed, limiter };
    let watch = Watch::new(engine(&loaded, vendors, knowledge), &settings, &restored, others);
    let live = ports.start().map_err(|error| one("a thread", error))?;
    let (ended, mut has_ended) = tokio::sync::oneshot::channel::<()>();
    let watching = Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            // Dropped at the end, also that of a panic.
            let _ended = ended;
            watch.run(&live);
        })
        .map_err(|error| one("a thread", error))?;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| one("the runtime", error))?;
    let served = runtime.block_on(async {
        let agent = Arc::new(Agent::new(shared));
        let server = Server::start(agent.clone(), listeners, web_settings, WebLimits::default())?;
        for address in server.addresses() {
            tracing::info!(%address, "listening");
        }
        let (mut hangup, mut terminate, mut interrupt) =
            (signal(SignalKind::hangup())?, signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        loop {
            tokio::select! {
                _ = hangup.recv() => drop(agent.command(Command::Reload).await),
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = &mut has_ended => break,
            }
        }
        publish::tell_systemd(&[sd_notify::NotifyState::Stopping]);
        stop.store(true, Ordering::Release);
        server.stop().await;
        io::Result::Ok(())
    });
    stop.store(true, Ordering::Release);
    let judged = watching.join().is_ok();
    let published = publishing.join().is_ok();
    keeper.finish();
    sinks.finish();
    let written = recorder.finish(STOP_WITHIN);
    pager.finish();
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map_err(|error| one("the HTTP server", error))?;
    match (judged && published, written) {
        (true, true) => Ok(()),
        (false, _) => Err(vec!["a thread ended by a fault of the program; this is a bug".to_owned()]),
        (true, false) => Err(vec![format!("the journal in {} did not take the last records", state.display())]),
    }
}

fn load(options: &Options) -> Result<(Loaded, VendorTable), Vec<String>> {
    let loaded = config::load(&options.config)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    for lint in &loaded.lints {
        tracing::warn!(lint = %escape(&lint.to_string()), "the policy could be better");
    }
    let vendors = config::load_vendors(options.vendors.as_deref()).map_err(|problem| vec![problem])?;
    Ok((loaded, vendors))
}

fn listen(address: &str, settings: &web::Settings) -> Result<Vec<TcpListener>, String> {
    let listeners = web::bind(address).map_err(|error| format!("cannot listen on {error}"))?;
    let addresses: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    web::check_exposure(&addresses, &settings.config())?;
    Ok(listeners)
}

fn engine(loaded: &Loaded, vendors: VendorTable, knowledge: Knowledge) -> Engine {
    let takes_off = |transport| loaded.config.captures.iter().any(|capture| capture.decapsulate.contains(&transport));
    let decode = DecodeOptions { erspan: takes_off(Transport::Erspan), tzsp: takes_off(Transport::Tzsp) };
    let evidence = Some(EvidenceOptions { payload: loaded.config.evidence.payload });
    let options = EngineOptions {
        decode,
        watched_rows: true,
        evidence,
        knowledge: Arc::new(knowledge),
        ..EngineOptions::default()
    };
    Engine::new(loaded.config.policy.clone(), vendors, options)
}

/// Folders that are read again while the agent runs.
fn readable(options: &Options, config: &Config) -> Vec<PathBuf> {
    let paging = config.alertmanager.as_ref();
    let files = [
        Some(&options.config),
        options.web_config.as_ref(),
        options.vendors.as_ref(),
        paging.and_then(|paging| paging.password_file.as_ref()),
        paging.and_then(|paging| paging.ca_file.as_ref()),
        config.sinks.syslog.as_ref().and_then(|syslog| syslog.ca_file.as_ref()),
    ];
    let folders = files.into_iter().flatten().map(|file| match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    });
    let system = ["/etc", "/proc", "/sys", "/usr/share/ca-certificates"].map(PathBuf::from);
    folders.chain([config.state_dir.clone()]).chain(system).collect()
}

/// Folders that are written to.
fn writable(config: &Config) -> Vec<PathBuf> {
    let eve = config.sinks.eve.as_deref().and_then(std::path::Path::parent).map(std::path::Path::to_owned);
    [config.state_dir.clone()].into_iter().chain(eve).collect()
}

fn wall_clock() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}

impl Restored {
    fn is_first_start(&self) -> bool {
        self.observed_until.is_none()
    }
}
