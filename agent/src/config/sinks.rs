//! Where records go besides journal and Alertmanager.

use std::path::{Path, PathBuf};

use super::fields::Field;
use super::problem::quoted;
use super::source::Source;
use super::value::{self, Wrong};
use super::words::{EVE, IPFIX, SINKS, SYSLOG};

/// JSON lines, syslog and IPFIX; each `None` where it is not wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SinksConfig {
    /// File of JSON lines.
    pub eve: Option<PathBuf>,
    /// Syslog server.
    pub syslog: Option<SyslogConfig>,
    /// `host:port` of an IPFIX collector.
    pub ipfix: Option<String>,
    /// Line of the file, from 1; 0 where nothing is said.
    pub line: u32,
}

/// A syslog server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyslogConfig {
    /// `udp`, `tcp` or `tls`.
    pub scheme: &'static str,
    /// `host:port`.
    pub authority: String,
    /// PEM file with the certificates that sign the server's; the system's own if absent.
    pub ca_file: Option<PathBuf>,
}

const SYSLOG_SCHEMES: [(&str, u16); 3] = [("udp", 514), ("tcp", 601), ("tls", 6514)];
const IPFIX_SCHEMES: [(&str, u16); 1] = [("udp", 4739)];

/// Reads `sinks`. Relative paths start at the directory of the file.
pub(super) fn read(source: &mut Source, field: Field<'_>) -> Option<SinksConfig> {
    let fields = source.fields(field, &SINKS)?;
    let mut config = SinksConfig { line: field.at.line, ..SinksConfig::default() };
    if let Some(eve) = fields.get("eve")
        && let Some(parts) = source.fields(eve, &EVE)
    {
        let file = parts.get("file").and_then(|field| source.value(field, value::text));
        match file.filter(|file| !file.value.is_empty()) {
            Some(file) => config.eve = Some(beside(&source.name, &file.value)),
            None => missing(source, eve, "file", "/var/log/segwatch/eve.json"),
        }
    }
    if let Some(syslog) = fields.get("syslog")
        && let Some(parts) = source.fields(syslog, &SYSLOG)
    {
        let url = parts.get("url").and_then(|field| source.value(field, |text| url(text, &SYSLOG_SCHEMES)));
        let ca_file = parts.get("ca_file").and_then(|field| source.value(field, value::text));
        let ca_file = ca_file.filter(|file| !file.value.is_empty());
        match url {
            Some(url) => {
                let (scheme, authority) = url.value;
                if let (Some(file), true) = (&ca_file, scheme != "tls") {
                    source.error(file.at, "`ca_file` without `tls://`");
                }
                let ca_file = ca_file.map(|file| beside(&source.name, &file.value));
                config.syslog = Some(SyslogConfig { scheme, authority, ca_file });
            }
            None if parts.get("url").is_none() => missing(source, syslog, "url", "tls://siem.example:6514"),
            None => {}
        }
    }
    if let Some(ipfix) = fields.get("ipfix")
        && let Some(parts) = source.fields(ipfix, &IPFIX)
    {
        match parts.get("url") {
            Some(field) => {
                config.ipfix = source.value(field, |text| url(text, &IPFIX_SCHEMES)).map(|url| url.value.1);
            }
            None => missing(source, ipfix, "url", "udp://127.0.0.1:4739"),
        }
    }
    Some(config)
}

fn missing(source: &mut Source, field: Field<'_>, key: &str, example: &str) {
    source.error(field.at, format!("`{}` has no `{key}`", field.key)).help(format!("write `{key}: \"{example}\"`"));
}

fn beside(name: &str, file: &str) -> PathBuf {
    Path::new(name).with_file_name("").join(file)
}

/// `scheme://host[:port]`: the scheme, and host with port.
fn url(text: &str, schemes: &[(&'static str, u16)]) -> Result<(&'static str, String), Wrong> {
    let known = schemes.iter().map(|(scheme, _)| format!("`{scheme}://`")).collect::<Vec<_>>().join(", ");
    let wrong =
        |hint: String| Wrong { message: format!("{} is no address of a server", quoted(text)), hint: Some(hint) };
    let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong(format!("it begins with {known}")))?;
    let (scheme, port) =
        schemes.iter().find(|(known, _)| *known == scheme).ok_or_else(|| wrong(format!("it begins with {known}")))?;
    let (host, own_port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-_[]:".contains(c);
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(wrong("after it stand a host and a port, as in `siem.example:514`".to_owned()));
    }
    let port = match own_port {
        None => *port,
        Some(own) => {
            own.parse().ok().filter(|port| *port > 0).ok_or_else(|| wrong("the port is 1 to 65535".to_owned()))?
        }
    };
    Ok((scheme, format!("{host}:{port}")))
}
