//! What the journal of an agent says of a span of time: the same answer as of a capture, with the hours beside it.
//!
//! A device is judged by what it was at the end, by what was found of it within the span (unless a person or a policy
//! closed it), and by how much of the span it was covered. What the journal does not tell is a gap.

mod answer;
mod reader;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use self::reader::{Reader, Record};
use crate::base::{Mac, Timestamp};
use crate::engine::{DeviceStatus, Snapshot};
use crate::journal;
use crate::report::{CaptureFiles, Damage, Hours};

/// Share of the span that a device has to be covered for, lest it is unverified.
pub const MIN_SHARE: f64 = 0.9;
const SECOND: i64 = 1_000_000_000;

/// What came of it.
#[derive(Debug)]
pub struct History {
    /// The answer for the span.
    pub snapshot: Snapshot,
    /// The journal, and what is missing in it.
    pub files: CaptureFiles,
    /// The site that the agent was configured for.
    pub site: String,
    /// The sensor that it was.
    pub sensor: String,
    hours: BTreeMap<Key, Hours>,
}

/// From when to when; without a bound, as far as the journal reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Nothing before this.
    pub from: Option<Timestamp>,
    /// Nothing from this on.
    pub to: Option<Timestamp>,
}

/// Who a device is: its MAC, else its address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Mac(Mac),
    Ip(IpAddr),
    Name(String),
}
/// Reads the journal in a folder.
///
/// # Errors
/// The folder or a file of it cannot be read, or holds no journal.
pub fn history(directory: &Path, span: Span) -> io::Result<History> {
    let directory = journal::directory_of(directory);
    let mut reader = Reader { span, ..Reader::default() };
    let name = directory.display().to_string();
    let (mut last, mut kept_from) = (None, 0);
    for record in journal::read(&directory)? {
        let record = record?;
        let said = serde_json::from_str::<Record>(&record.text);
        if let Ok(Record::Cut { first }) = said {
            kept_from = kept_from.max(first);
        }
        if let Some(before) = last.filter(|&before| record.sequence > before + 1 && record.sequence > kept_from) {
            let what = format!("records {} to {} are missing", before + 1, record.sequence - 1);
            reader.missing.push(Damage { file: name.clone(), offset: 0, packet: 0, what });
        }
        last = Some(record.sequence);
        if let Ok(said) = said {
            reader.take(said);
        }
    }
    if last.is_none() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no journal"));
    }
    Ok(reader.finish(name))
}

impl History {
    /// For how long a device was covered.
    pub fn hours(&self, device: &DeviceStatus) -> Option<Hours> {
        self.hours.get(&key_of(device.mac, device.ips.first().copied(), device.name.as_deref())).cloned()
    }
}

impl Span {
    fn has(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.is_before_end(at)
    }

    fn is_before_end(&self, at: Timestamp) -> bool {
        self.to.is_none_or(|to| at < to)
    }

    /// The part of it that lies within.
    pub(in crate::replay) fn clip(&self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let from = self.from.map_or(from, |first| from.max(first));
        let to = self.to.map_or(to, |last| to.min(last));
        (from < to).then_some((from, to))
    }
}

fn key_of(mac: Option<Mac>, ip: Option<IpAddr>, name: Option<&str>) -> Key {
    match (mac, ip) {
        (Some(mac), _) => Key::Mac(mac),
        (None, Some(ip)) => Key::Ip(ip),
        (None, None) => Key::Name(name.unwrap_or_default().to_owned()),
    }
}
