//! Syslog: RFC 5424 messages as datagrams (RFC 5426), over TCP with octet counting (RFC 6587) or TLS (RFC 5425).

use std::io;
use std::path::PathBuf;

use super::stream::Stream;
use super::{Batch, Origin, Sink, Transport};
use crate::base::{Timestamp, escape};
use crate::engine::{Event, ExceptionStatus};

/// Facility `local0` (RFC 5424, section 6.2.1).
const FACILITY: u8 = 16;
/// Bytes of a datagram that every receiver takes whole (RFC 5426, section 3.2).
const MAX_DATAGRAM: usize = 1_180;
/// Bytes of a message elsewhere.
const MAX_MESSAGE: usize = 8_192;
/// Bytes of one value.
const MAX_VALUE: usize = 200;

/// A syslog server.
pub struct Syslog {
    transport: Transport,
    authority: String,
    ca_file: Option<PathBuf>,
    origin: Origin,
    stream: Option<Stream>,
}

impl Syslog {
    /// One at `host:port`.
    pub fn new(transport: Transport, authority: String, ca_file: Option<PathBuf>, origin: Origin) -> Syslog {
        Syslog { transport, authority, ca_file, origin, stream: None }
    }

    fn send(&mut self, message: &str) -> io::Result<()> {
        let most = if self.transport == Transport::Udp { MAX_DATAGRAM } else { MAX_MESSAGE };
        let message = message.get(..message.floor_char_boundary(most)).unwrap_or(message);
        let framed = match self.transport {
            Transport::Udp => message.to_owned(),
            Transport::Tcp | Transport::Tls => format!("{} {message}", message.len()),
        };
        self.stream.take_if(Stream::is_closed);
        let stream = match &mut self.stream {
            Some(stream) => stream,
            closed => closed.insert(Stream::open(self.transport, &self.authority, self.ca_file.as_deref())?),
        };
        stream.send(framed.as_bytes()).inspect_err(|_| self.stream = None)
    }
}

impl Sink for Syslog {
    fn write(&mut self, batch: &Batch, from: &mut usize) -> io::Result<()> {
        for event in batch.events.iter().skip(*from) {
            if let Some(message) = message(event, &self.origin) {
                self.send(&message)?;
            }
            *from += 1;
        }
        *from = batch.records();
        Ok(())
    }
}

/// The message of an event, without framing; `None` for one that is no news.
pub fn message(event: &Event, origin: &Origin) -> Option<String> {
    let (at, severity, id, data, text): (Timestamp, u8, _, Vec<(&str, String)>, String) = match event {
        Event::FindingOpened { at, finding } | Event::FindingRaised { at, finding } => {
            let severity = match finding.severity {
                "critical" => 2,
                "warning" => 4,
                _ => 6,
            };
            let device = finding.device.name.clone().or(finding.device.mac.map(|mac| mac.to_string()));
            let data = vec![
                ("id", finding.id.clone()),
                ("kind", finding.kind.name().to_owned()),
                ("reach", finding.reach.map_or("", |reach| reach.name()).to_owned()),
                ("zone", finding.zone.clone()),
                ("peerZone", finding.peer_zone.clone()),
                ("device", device.unwrap_or_default()),
            ];
            (*at, severity, "finding", data, finding.summary.clone())
        }
        Event::FindingClosed { at, id, why, by, .. } => {
            let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            (*at, 5, "closed", vec![("id", id.clone())], format!("finding {id} closed: {why:?}{by}"))
        }
        Event::FindingAcked { at, id, by, reason } => {
            (*at, 5, "acknowledged", vec![("id", id.clone())], format!("finding {id} acknowledged by {by}: {reason}"))
        }
        Event::FindingMuted { at, id, exception } => {
            let ExceptionStatus { owner, reason, expires } = exception;
            (
                *at,
                5,
                "muted",
                vec![("id", id.clone())],
                format!("finding {id} muted until {expires} by {owner}: {reason}"),
            )
        }
        Event::FindingRearmed { at, id, exception } => {
            let ExceptionStatus { owner, expires, .. } = exception;
            let text = format!("finding {id} is not muted any more (it was until {expires} by {owner})");
            (*at, 4, "rearmed", vec![("id", id.clone())], text)
        }
        Event::Verdict { at, zone, from, to, .. } => {
            let zone = zone.as_deref().unwrap_or("(site)");
            let data = vec![("zone", zone.to_owned()), ("verdict", to.name().to_owned())];
            let before = from.map_or("none", |from| from.name());
            (*at, 5, "verdict", data, format!("{zone}: {} (was {before})", to.name()))
        }
        Event::Mirror { at, interface, alarm, raised, detail } => {
            let data = vec![("interface", interface.clone()), ("alarm", (*alarm).to_owned())];
            let (severity, text) = if *raised { (3, detail.clone()) } else { (5, "ended".to_owned()) };
            (*at, severity, "mirror", data, format!("{interface}: {alarm}: {text}"))
        }
        Event::Canary { at, zone, canary, silent, last_seen } => {
            let data = vec![("zone", zone.clone()), ("canary", canary.clone())];
            let last = last_seen.map_or_else(|| "never seen".to_owned(), |last| format!("last seen {last}"));
            let (severity, what) = if *silent { (3, "is missing") } else { (5, "is back") };
            (*at, severity, "canary", data, format!("canary {canary} {what} in zone {zone}: {last}"))
        }
        Event::Gap { at, interface, what } => {
            (*at, 4, "gap", vec![("interface", interface.clone())], format!("{interface}: not observed: {what}"))
        }
        Event::Paused { from, until, why } => {
            (*until, 4, "paused", Vec::new(), format!("not observed from {from} to {until}: {why}"))
        }
        Event::Clock { at, expected, .. } => {
            (*at, 4, "clock", Vec::new(), format!("the clock was set from {expected} to {at}"))
        }
        Event::Coverage { .. } => return None,
        Event::Policy { at, hash } => {
            (*at, 5, "policy", vec![("hash", hash.clone())], "another policy decides".to_owned())
        }
    };
    let priority = FACILITY * 8 + severity;
    let data: String = data
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!(" {name}=\"{}\"", quoted(value)))
        .collect();
    let (host, site) = (token(&origin.sensor), quoted(&origin.site));
    // 32473 is the enterprise number for documentation (RFC 5612).
    Some(format!(
        "<{priority}>1 {at} {host} segwatch {} {id} [segwatch@32473 site=\"{site}\"{data}] \u{feff}{}",
        std::process::id(),
        escape(&text)
    ))
}

/// A header field: printable ASCII without blanks (RFC 5424, section 6).
fn token(text: &str) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(255).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

/// A value of structured data: `"`, `\` and `]` have a backslash before them.
fn quoted(text: &str) -> String {
    let shown = escape(text);
    let shown = shown.get(..shown.floor_char_boundary(MAX_VALUE)).unwrap_or(&shown);
    shown.chars().flat_map(|c| matches!(c, '"' | '\\' | ']').then_some('\\').into_iter().chain([c])).collect()
}
