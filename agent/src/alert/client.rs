//! Posting to an Alertmanager.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::crypto::ring::default_provider;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::base::{Timestamp, escape};
use crate::config::AlertmanagerConfig;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);
/// Bytes of an answer that are read, and characters of it that are told.
const MAX_ANSWER: u64 = 4096;
const MAX_TOLD: usize = 200;
/// Where Debian and its kin, and Red Hat and its kin, keep the certificate authorities.
const SYSTEM_CAS: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Why alerts did not arrive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// No connection, no answer, or one that speaks of the receiver and not of the alerts: to be tried again.
    Receiver(String),
    /// The alerts are not what it takes.
    Alerts(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Receiver(why) | Trouble::Alerts(why) => f.write_str(&escape(why)),
        }
    }
}

/// A client of all Alertmanagers of a configuration.
pub(super) struct Client {
    config: AlertmanagerConfig,
    agent: Result<Agent, String>,
}

impl Client {
    pub(super) fn new(config: AlertmanagerConfig) -> Client {
        let agent = agent(&config);
        Client { config, agent }
    }

    pub(super) fn url(&self, target: usize) -> &str {
        self.config.urls.get(target).map_or("", String::as_str)
    }

    /// Posts alerts. Returns what its clock shows, if it says so (RFC 9110, section 6.6.1).
    pub(super) fn post(&self, target: usize, body: &str) -> Result<Option<Timestamp>, Trouble> {
        let agent = self.agent.as_ref().map_err(|error| Trouble::Receiver(error.clone()))?;
        let url = format!("{}/api/v2/alerts", self.url(target));
        let mut request = agent.post(url).header("Content-Type", "application/json");
        if let Some(authorization) = self.authorization().map_err(Trouble::Receiver)? {
            request = request.header("Authorization", authorization);
        }
        let mut response = request.send(body).map_err(|error| Trouble::Receiver(error.to_string()))?;
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            let date = response.headers().get("date").and_then(|date| date.to_str().ok());
            return Ok(date.and_then(time_of));
        }
        let answer = response.body_mut().with_config().limit(MAX_ANSWER).lossy_utf8(true).read_to_string();
        let answer: String = answer.unwrap_or_default().trim().chars().take(MAX_TOLD).collect();
        let why = format!("status {status} {answer}").trim_end().to_owned();
        // Others of 400 to 499 speak of a password, a path or a rate, which somebody will put right.
        Err(if matches!(status, 400 | 413 | 422) { Trouble::Alerts(why) } else { Trouble::Receiver(why) })
    }

    /// The password is read each time, so that a new one needs no reload.
    fn authorization(&self) -> Result<Option<String>, String> {
        let (Some(user), Some(file)) = (&self.config.username, &self.config.password_file) else { return Ok(None) };
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let password = text.lines().next().unwrap_or("");
        Ok(Some(format!("Basic {}", BASE64.encode(format!("{user}:{password}")))))
    }
}

fn time_of(date: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(Timestamp)
}

fn agent(config: &AlertmanagerConfig) -> Result<Agent, String> {
    let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(Arc::new(default_provider()));
    if config.urls.iter().any(|url| url.starts_with("https://")) {
        tls = tls.root_certs(RootCerts::Specific(Arc::new(authorities(config.ca_file.as_deref())?)));
    }
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TOTAL_TIMEOUT))
        // A connection that was left idle may be dead, and would fail a page.
        .max_idle_connections(0)
        .user_agent(concat!("segwatch/", env!("CARGO_PKG_VERSION")));
    Ok(config.build().new_agent())
}

fn authorities(file: Option<&Path>) -> Result<Vec<Certificate<'static>>, String> {
    let system = || SYSTEM_CAS.iter().map(Path::new).find(|path| path.exists());
    let file = file.or_else(system).ok_or("there are no certificate authorities: name a `ca_file`")?;
    let pem = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(format!("{}: there is no certificate in it", file.display())) } else { Ok(found) }
}
