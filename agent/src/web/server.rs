//! The listening sockets and what runs beside the connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::agent::{Agent, Note};
use super::auth::{Authenticator, Peer};
use super::connection;
use super::exposure::check_exposure;
use super::limits::{Limits, MAX_COMMANDS};
use super::page::content_security_policy;
use super::settings::Settings;
use super::table::Table;

pub use super::table::Stats;

/// How often deadlines are looked at.
const SWEEP: Duration = Duration::from_millis(250);
/// After accept failed, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct Shared<A> {
    pub(super) agent: Arc<A>,
    pub(super) settings: Settings,
    pub(super) auth: Authenticator,
    pub(super) commands: Semaphore,
    pub(super) limits: Limits,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    table: Arc<Table>,
}

impl<A> Shared<A> {
    /// Headers that every answer has: our own, those of the web configuration file in their place.
    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        let active = self.settings.active();
        for (name, value) in self.headers.iter().chain(&active.headers) {
            headers.insert(name.clone(), value.clone());
        }
    }
}

/// A running server. It stops when dropped.
pub struct Server {
    table: Arc<Table>,
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves on these listeners ([`super::bind`]) until stopped. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the listeners reach wider than the settings allow ([`check_exposure`]), or cannot be used.
    pub fn start<A: Agent>(
        agent: Arc<A>,
        listeners: Vec<TcpListener>,
        settings: Settings,
        limits: Limits,
    ) -> io::Result<Server> {
        let addresses: Vec<SocketAddr> = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        check_exposure(&addresses, &settings.config()).map_err(io::Error::other)?;
        let auth = Authenticator::new().ok_or_else(|| io::Error::other("the system gives no random numbers"))?;
        let table = Arc::new(Table::new(limits.clone()));
        let shared = Arc::new(Shared {
            agent,
            settings,
            auth,
            commands: Semaphore::new(MAX_COMMANDS),
            headers: own_headers(),
            limits,
            table: table.clone(),
        });
        let mut tasks = JoinSet::new();
        let (stop, stopped) = watch::channel(false);
        for listener in listeners {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tasks.spawn(accept(shared.clone(), listener, stopped.clone()));
        }
        tasks.spawn(sweep(table.clone(), stopped.clone()));
        tasks.spawn(reread(shared, addresses.clone(), stopped));
        let running = tokio::spawn(async move { while tasks.join_next().await.is_some() {} });
        Ok(Server { table, addresses, stop, running })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Figures of now.
    pub fn stats(&self) -> Stats {
        self.table.stats()
    }

    /// Accepts nothing more, lets answers end for a few seconds, and ends.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let _ = (&mut self.running).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

async fn accept<A: Agent>(shared: Arc<Shared<A>>, listener: tokio::net::TcpListener, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        // Ended connections leave at once: nothing is kept of them.
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                let peer = Peer { address: from.ip().to_canonical(), certificate: None };
                let place = shared.table.admit(peer.address);
                connections.spawn(connection::serve(shared.clone(), stream, peer, place, stop.clone()));
                // In a flood, who has asked already is answered before the next newcomer displaces anyone.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                shared.agent.note(Note::AcceptFailed(error.to_string()));
                shared.table.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(shared.limits.stop, ended).await.is_err() {
        shared.table.cut_all();
    }
}

async fn sweep(table: Arc<Table>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => table.sweep(),
        }
    }
}

/// Takes a changed web configuration file, certificates included; a bad one is noted once and changes nothing.
async fn reread<A: Agent>(shared: Arc<Shared<A>>, addresses: Vec<SocketAddr>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(shared.limits.reread);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last_fault = None;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        let (this, addresses) = (shared.clone(), addresses.clone());
        let Ok(outcome) = tokio::task::spawn_blocking(move || this.settings.reread(&addresses)).await else { continue };
        let fault = outcome.as_ref().err().cloned();
        match outcome {
            Ok(true) => shared.agent.note(Note::ConfigTaken),
            Ok(false) => {}
            Err(what) if last_fault.as_ref() != Some(&what) => shared.agent.note(Note::ConfigRefused(what)),
            Err(_) => {}
        }
        last_fault = fault;
    }
}

/// Headers of every answer.
fn own_headers() -> Vec<(HeaderName, HeaderValue)> {
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-store"),
    ];
    let mut headers: Vec<_> =
        fixed.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).to_vec();
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy()) {
        headers.push((HeaderName::from_static("content-security-policy"), policy));
    }
    headers
}
