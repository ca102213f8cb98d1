//! The configuration: one YAML file (DESIGN, section 3), read into a [`Policy`] and the agent's own settings.
//! Only this module knows YAML. A file is read into a tree with positions, checked whole, and refused or taken whole:
//! all errors come at once, and nothing that is missing, empty or misspelt ever allows traffic.

mod alertmanager;
mod capture;
mod conduits;
mod data;
mod devices;
mod dispositions;
mod evidence;
mod exceptions;
mod fields;
mod lint;
mod load;
mod problem;
mod schema;
#[cfg(test)]
mod second_opinion;
mod series;
mod settings;
mod shadow;
mod show;
mod sinks;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod web;
mod words;
mod zones;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use alertmanager::AlertmanagerConfig;
pub use capture::{CaptureConfig, Transport};
pub use data::{load_knowledge, load_vendors};
pub use evidence::EvidenceConfig;
pub use load::{load, load_str};
pub use problem::{Level, Problem};
pub use schema::schema;
pub use series::{MAX_SERIES, SERIES_PER_INTERFACE, series_count};
pub use show::show;
pub use sinks::{SinksConfig, SyslogConfig};
pub use web::{
    ClientAuth, MAX_BCRYPT_COST, MAX_WEB_USERS, TlsConfig, TlsFault, TlsPart, TlsVersion, WebConfig, load_web,
};

use crate::coverage::Rule;
use crate::policy::{Policy, Service};

/// Reads a service as a conduit writes it: `tcp/554`, `udp/*`, `icmp`, `ip/47`.
///
/// # Errors
/// What is wrong with it, and the likely fix.
pub fn service(text: &str) -> Result<Service, String> {
    value::service(text).map_err(|wrong| match wrong.hint {
        Some(hint) => format!("{}; {hint}", wrong.message),
        None => wrong.message,
    })
}

/// Bytes of a configuration file, and of a `devices_file`.
pub const MAX_BYTES: usize = 4 << 20;
/// Where the agent listens unless the file says otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:10420";
/// Where the agent keeps its state unless the file says otherwise.
pub const DEFAULT_STATE_DIR: &str = "/var/lib/segwatch";

/// A file without errors.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What could be better; `--strict` refuses it.
    pub lints: Vec<Problem>,
    /// Metric series that it makes at most.
    pub series: usize,
    /// Lines of the settings that the file makes, by path (`coverage.loss`); the others have their default.
    origins: BTreeMap<String, u32>,
}

/// Everything that a file configures.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is allowed and who is watched.
    pub policy: Policy,
    /// Mirror ports, in file order; none is fine for reading capture files.
    pub captures: Vec<CaptureConfig>,
    /// Host and port of the HTTP server.
    pub listen: String,
    /// Directory of the journal and the evidence.
    pub state_dir: PathBuf,
    /// Direct paging; `None` without it.
    pub alertmanager: Option<AlertmanagerConfig>,
    /// Which devices may remain, for the report: the first rule that holds decides.
    pub dispositions: Vec<Rule>,
    /// What is kept of the packets that prove a finding.
    pub evidence: EvidenceConfig,
    /// Where records go besides.
    pub sinks: SinksConfig,
}
