//! Direct paging: the Alertmanagers that the agent tells by itself.

use std::path::{Path, PathBuf};

use super::fields::Field;
use super::problem::quoted;
use super::settings::between;
use super::source::{Source, Spanned};
use super::value::{self, Wrong};
use super::words::ALERTMANAGER;

/// How the agent reaches Alertmanager.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlertmanagerConfig {
    /// Base addresses without a slash at the end. Several are a cluster: each is told everything.
    pub urls: Vec<String>,
    /// User of HTTP basic authentication.
    pub username: Option<String>,
    /// File with the user's password, on its first line.
    pub password_file: Option<PathBuf>,
    /// PEM file with the certificates that sign those of the Alertmanagers; the system's own if absent.
    pub ca_file: Option<PathBuf>,
    /// Nanoseconds after which an alert that goes on is sent again.
    pub resend: i64,
    /// Where people reach this agent's pages, without a slash at the end; for links in alerts.
    pub external_url: Option<String>,
    /// Line of the file, from 1.
    pub line: u32,
}

const SECOND: i64 = 1_000_000_000;
const DEFAULT_RESEND: i64 = 60 * SECOND;
/// Alertmanagers of one cluster.
const MAX_URLS: usize = 8;

/// Reads `alertmanager`. Relative paths start at the directory of the file.
pub(super) fn read(source: &mut Source, field: Field<'_>) -> Option<AlertmanagerConfig> {
    let fields = source.fields(field, &ALERTMANAGER)?;
    let urls = match fields.get("urls") {
        Some(urls) => source.items(urls, url),
        None => {
            source.error(field.at, "`alertmanager` has no `urls`").help("write `urls: [\"http://127.0.0.1:9093\"]`");
            Vec::new()
        }
    };
    if let Some(extra) = urls.get(MAX_URLS) {
        source.error(extra.at, format!("more than {MAX_URLS} Alertmanagers"));
    }
    for (index, one) in urls.iter().enumerate() {
        if urls.iter().take(index).any(|other| other.value == one.value) {
            source.error(one.at, format!("{} is there twice", quoted(&one.value)));
        }
    }
    let mut text = |key: &str| {
        let read = source.value(fields.get(key)?, value::text)?;
        (!read.value.is_empty()).then_some(read)
    };
    let (username, password, ca) = (text("username"), text("password_file"), text("ca_file"));
    match (&username, &password) {
        (Some(one), None) => {
            source.error(one.at, "`username` without `password_file`").help("the password stands in a file of its own");
        }
        (None, Some(one)) => {
            source.error(one.at, "`password_file` without `username`");
        }
        _ => {}
    }
    let open = urls.iter().find(|one| one.value.starts_with("http://") && !is_loopback(&one.value));
    if let (Some(open), Some(_)) = (open, &password) {
        source.lint(open.at, "the password goes over the network in clear text").help("write `https://`");
    }
    let resend = fields
        .get("resend")
        .and_then(|field| source.value(field, |text| between(text, SECOND, 600 * SECOND, "1s and 10m")));
    let external_url = fields
        .get("external_url")
        .filter(|field| !field.is_empty_text())
        .and_then(|field| Some(source.value(field, url)?.value));
    let name = source.name.clone();
    let path = |file: Option<Spanned<String>>| Some(Path::new(&name).with_file_name("").join(file?.value));
    Some(AlertmanagerConfig {
        urls: urls.into_iter().map(|url| url.value).collect(),
        username: username.map(|user| user.value),
        password_file: path(password),
        ca_file: path(ca),
        resend: resend.map_or(DEFAULT_RESEND, |resend| resend.value),
        external_url,
        line: field.at.line,
    })
}

/// An address of the web without user, query and fragment; slashes at its end are removed.
fn url(text: &str) -> Result<String, Wrong> {
    let wrong = |hint: &str| {
        Err(Wrong { message: format!("{} is no address of the web", quoted(text)), hint: Some(hint.to_owned()) })
    };
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return wrong("write it as in `http://127.0.0.1:9093`");
    };
    if rest.contains('@') {
        return wrong("who asks stands in `username` and `password_file`");
    }
    if !rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'<' | b'>' | b'\\')) {
        return wrong("it has printable ASCII characters only, no query and no fragment");
    }
    let (host, port) = split_port(authority(rest));
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte)) {
        return wrong("there is no host in it");
    }
    if port.is_some_and(|port| !value::count(port).is_ok_and(|port| (1..=65535).contains(&port))) {
        return wrong("the port is 1 to 65535");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn authority(rest: &str) -> &str {
    rest.split('/').next().unwrap_or(rest)
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_loopback(url: &str) -> bool {
    let host = split_port(authority(url.trim_start_matches("http://"))).0;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, want) in [
            ("http://127.0.0.1:9093", "http://127.0.0.1:9093"),
            ("https://am.example/alertmanager/", "https://am.example/alertmanager"),
            ("http://[::1]:9093", "http://[::1]:9093"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ] {
            assert_eq!(url(text).ok().as_deref(), Some(want));
        }
        for text in ["127.0.0.1:9093", "ftp://a", "http://", "http:///x", "http://u:p@a", "http://a:0", "http://a?b"] {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback() {
        for (url, is) in [
            ("http://127.0.0.1:9093", true),
            ("http://[::1]:9093", true),
            ("http://localhost", true),
            ("http://10.0.0.1:9093/x", false),
            ("http://127.0.0.1.example", false),
        ] {
            assert_eq!(is_loopback(url), is, "{url}");
        }
    }
}
