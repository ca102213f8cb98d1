//! The web configuration in force, and its replacement when the file changes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use hyper::header::{HeaderName, HeaderValue};
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use tokio::sync::watch;

use super::exposure::check_exposure;
use super::tls::{allowed_names, server_config};
use crate::config::{Problem, WebConfig, load_web};

/// A web configuration file, or none.
pub struct Settings {
    path: Option<PathBuf>,
    active: RwLock<Arc<Active>>,
    generation: watch::Sender<u64>,
}

/// What is in force.
#[derive(Default)]
pub(super) struct Active {
    config: WebConfig,
    pub(super) users: BTreeMap<String, String>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) client_names: Vec<ServerName<'static>>,
}

impl Settings {
    /// Reads the file; without one there is neither TLS nor a user.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn load(path: Option<PathBuf>) -> Result<Settings, Vec<Problem>> {
        let active = match &path {
            Some(path) => activate(read(path)?),
            None => Active::default(),
        };
        Ok(Settings { path, active: RwLock::new(Arc::new(active)), generation: watch::Sender::new(0) })
    }

    /// The configuration in force, for [`check_exposure`].
    pub fn config(&self) -> WebConfig {
        self.active().config.clone()
    }

    /// What is in force.
    pub(super) fn active(&self) -> Arc<Active> {
        self.active.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A way to hear that something else is in force than from now on.
    pub(super) fn changed(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Reads the file and its certificates again. `Ok(true)` if something else is in force now. Blocks.
    ///
    /// # Errors
    /// Why what the file says now cannot be in force; the former still is.
    pub(super) fn reread(&self, addresses: &[SocketAddr]) -> Result<bool, String> {
        let Some(path) = &self.path else { return Ok(false) };
        let config =
            read(path).map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        if config == self.active().config {
            return Ok(false);
        }
        check_exposure(addresses, &config)?;
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(activate(config));
        self.generation.send_modify(|generation| *generation += 1);
        Ok(true)
    }
}

fn read(path: &std::path::Path) -> Result<WebConfig, Vec<Problem>> {
    load_web(path, &|tls| server_config(tls).map(drop)).map(|(config, _)| config)
}

/// The file was checked: what it names can be used.
fn activate(config: WebConfig) -> Active {
    let header = |(name, value): (&String, &String)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
    };
    Active {
        users: config.users.clone(),
        headers: config.headers.iter().filter_map(header).collect(),
        tls: config.tls.as_ref().and_then(|tls| server_config(tls).ok()),
        client_names: config.tls.as_ref().and_then(|tls| allowed_names(tls).ok()).unwrap_or_default(),
        config,
    }
}
