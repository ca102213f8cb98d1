//! A running agent, asked over HTTP.
//!
//! Who answers may be anyone: answers are bounded in size and time, redirects are not followed, no proxy is asked, and
//! a password goes to the named host only, and over a network only encrypted. What is printed is escaped by the caller.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

use super::backend::{Access, Ask};
use super::base_url::BaseUrl;

/// Bytes of a list; a longer answer is refused.
const MAX_LIST_BYTES: u64 = 64 << 20;
/// Bytes of any other answer; a longer one is refused.
const MAX_ANSWER_BYTES: u64 = 64 << 10;
/// Characters of a sentence of the agent that are shown.
const MAX_SENTENCE: usize = 500;
/// Bytes of a password file; a longer one is refused.
const MAX_PASSWORD_BYTES: u64 = 4 << 10;
/// Bytes of a file of certificates; a longer one is refused.
const MAX_CA_BYTES: u64 = 4 << 20;
/// For name resolution and the connection, each.
const CONNECT: Duration = Duration::from_secs(10);
/// From the first step to the last byte.
const WHOLE: Duration = Duration::from_secs(60);

/// Asks, and gives the list as JSON, or the agent's sentence about what it did.
pub(super) fn ask(access: &Access, ask: &Ask) -> Result<String, String> {
    let base = BaseUrl::parse(access.url.as_deref().unwrap_or(BaseUrl::DEFAULT))?;
    let authorization = authorization(access, &base)?;
    let agent = agent(access.ca_file.as_deref(), &base)?;
    let url = format!("{base}{}", path(ask));
    let with_user = authorization.is_some();
    let answer = match body(ask) {
        None => {
            let request = agent.get(&url);
            authorization.iter().fold(request, |request, value| request.header("Authorization", value)).call()
        }
        Some(body) => {
            let request = agent.post(&url).header("Content-Type", "application/json");
            authorization.iter().fold(request, |request, value| request.header("Authorization", value)).send(body)
        }
    };
    let answered = answer.map_err(|error| said(&error)).and_then(|response| read(response, ask, with_user));
    answered.map_err(|problem| format!("{base}: {problem}"))
}

fn path(ask: &Ask) -> String {
    match ask {
        Ask::Devices => "/api/v1/devices".to_owned(),
        Ask::Findings => "/api/v1/findings".to_owned(),
        Ask::Zones => "/api/v1/zones".to_owned(),
        Ask::Close(remark) => format!("/api/v1/findings/{}/close", remark.id),
        Ask::Acknowledge(remark) => format!("/api/v1/findings/{}/ack", remark.id),
        Ask::Drill { .. } => "/api/v1/drill".to_owned(),
    }
}

/// What is posted; `None` for what is only read.
fn body(ask: &Ask) -> Option<String> {
    match ask {
        Ask::Devices | Ask::Findings | Ask::Zones => None,
        Ask::Close(remark) | Ask::Acknowledge(remark) => {
            Some(serde_json::json!({ "by": remark.by, "reason": remark.reason }).to_string())
        }
        Ask::Drill { by } => Some(serde_json::json!({ "by": by }).to_string()),
    }
}

/// The header that says who asks (RFC 7617).
fn authorization(access: &Access, base: &BaseUrl) -> Result<Option<String>, String> {
    let (user, file) = match (&access.user, &access.password_file) {
        (None, None) => return Ok(None),
        (Some(user), Some(file)) => (user, file),
        (Some(_), None) => return Err("say with --password-file where the password of --user is".to_owned()),
        (None, Some(_)) => return Err("say with --user whose password --password-file has".to_owned()),
    };
    if user.contains(':') || user.chars().any(char::is_control) {
        return Err("a user's name has no colon and no control character".to_owned());
    }
    if !base.is_private() {
        return Err(format!("{base}: the password would cross the network in clear text: use https://"));
    }
    let held = read_file(file, MAX_PASSWORD_BYTES)?;
    let password = held.strip_suffix(b"\n").unwrap_or(&held);
    let password = password.strip_suffix(b"\r").unwrap_or(password);
    if password.is_empty() {
        return Err(format!("{}: there is no password in it", file.display()));
    }
    Ok(Some(format!("Basic {}", STANDARD.encode([user.as_bytes(), b":", password].concat()))))
}

fn agent(ca_file: Option<&Path>, base: &BaseUrl) -> Result<Agent, String> {
    // Beside a given file the system's authorities vouch for nobody.
    let certificates = match ca_file {
        _ if !base.is_https() => Vec::new(),
        Some(file) => certificates_of(file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let roots = certificates.iter().map(|der| Certificate::from_der(der).to_owned());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots.collect())))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("segwatch/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(WHOLE))
        .build();
    Ok(config.new_agent())
}

fn certificates_of(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bad = |what: &str| format!("{}: {what}", file.display());
    let pem = read_file(file, MAX_CA_BYTES)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => Err(bad("there is no certificate (PEM) in it")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(bad(&format!("this is no file of certificates (PEM): {error}"))),
    }
}

fn read_file(file: &Path, most: u64) -> Result<Vec<u8>, String> {
    let bad = |what: String| format!("{}: {what}", file.display());
    let opened = std::fs::File::open(file).map_err(|error| bad(error.to_string()))?;
    let mut held = Vec::new();
    opened.take(most + 1).read_to_end(&mut held).map_err(|error| bad(error.to_string()))?;
    if held.len() as u64 > most { Err(bad(format!("it has more than {most} bytes"))) } else { Ok(held) }
}

/// The answer's list or sentence, or why there is none.
fn read(mut response: Response<Body>, ask: &Ask, with_user: bool) -> Result<String, String> {
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if (300..400).contains(&status) {
        let elsewhere: String = header("location").chars().take(MAX_SENTENCE).collect();
        return Err(format!("it sends elsewhere, where nobody follows; if you trust that, say --url for {elsewhere}"));
    }
    let kind = header("content-type").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_list = body(ask).is_none();
    let most = if is_list && status == 200 { MAX_LIST_BYTES } else { MAX_ANSWER_BYTES };
    let bytes = response.body_mut().with_config().limit(most).read_to_vec();
    if status != 200 {
        // What went wrong is known without the words.
        return Err(refusal(status, &bytes.unwrap_or_default(), ask, with_user));
    }
    let text = bytes.map_err(|error| match error {
        Error::BodyExceedsLimit(_) => format!("the answer has more than {most} bytes; nothing of it is used"),
        error => said(&error),
    })?;
    let text = String::from_utf8(text).map_err(|_| NO_AGENT.to_owned())?;
    match (is_list, kind.as_str()) {
        (true, "application/json") => Ok(text),
        (false, "text/plain") => Ok(sentence(&text)),
        _ => Err(NO_AGENT.to_owned()),
    }
}

const NO_AGENT: &str = "the answer is not one of a segwatch agent; is it the right address?";

/// Why the agent did not do it, and what to do.
fn refusal(status: u16, body: &[u8], ask: &Ask, with_user: bool) -> String {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    let refused: Option<Refused> = serde_json::from_slice(body).ok();
    let mut text = match &refused {
        Some(Refused { error }) => sentence(error),
        None => format!("{NO_AGENT} (HTTP status {status})"),
    };
    let advice = match (status, ask) {
        (401, _) if with_user => "the agent knows no such user with this password: see --user and --password-file",
        (401, _) => "say --user and --password-file",
        (404, Ask::Close(_) | Ask::Acknowledge(_)) if refused.is_some() => {
            "`segwatch findings --url …` lists those that are open"
        }
        (404 | 405, _) => "is it an agent of this version, and the address that it listens at?",
        (429 | 503, _) => "try again in a moment",
        _ => return text,
    };
    let _ = write!(text, "; {advice}");
    text
}

/// The first line, cut where it is too long.
fn sentence(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(MAX_SENTENCE).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}

/// What kept the answer from coming.
fn said(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "no answer in time".to_owned(),
        Error::HostNotFound => "there is no host of this name".to_owned(),
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "nobody listens there: does the agent run, and is this its address?".to_owned()
        }
        Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            format!("no encrypted connection: {error}; see --ca-file")
        }
        Error::Io(error) => error.to_string(),
        Error::Rustls(error) => format!("no encrypted connection: {error}; see --ca-file"),
        Error::Protocol(_) | Error::LargeResponseHeader(..) => NO_AGENT.to_owned(),
        error => error.to_string(),
    }
}
