//! Where records go besides the journal: evidence files, JSON lines, syslog, IPFIX.

pub mod eve;
pub mod evidence;
pub mod ipfix;
mod pcapng;
mod queue;
mod stream;
pub mod syslog;
mod taking;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use queue::{MAX_WAITING, Queue, Sink};
pub use stream::Transport;
pub use taking::Taking;

use crate::base::Timestamp;
use crate::engine::{Event, FlowRow};

/// What became known since the last batch.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// When.
    pub at: Timestamp,
    /// Findings, verdicts, alarms.
    pub events: Vec<Event>,
    /// Flows of watched devices that ended.
    pub ended: Vec<FlowRow>,
    /// Flows of watched devices that go on, now and then.
    pub open: Vec<FlowRow>,
    /// Records that found no place before.
    pub lost: u64,
    /// Counters, now and then.
    pub stats: Option<Stats>,
    /// No other comes after it.
    pub last: bool,
}

/// Counters since the start.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Seconds since then.
    pub uptime: u64,
    /// By interface: its name, packets that were read, packets that were dropped.
    pub interfaces: Vec<(String, u64, u64)>,
    /// Packets and bytes that were judged.
    pub judged: [u64; 2],
    /// Flows in the table.
    pub flows: u64,
    /// Open findings.
    pub findings: u64,
}

impl Batch {
    /// What became known before and in another batch; beyond [`MAX_WAITING`] records are lost, and counted.
    #[must_use]
    pub fn and(mut self, later: Batch) -> Batch {
        self.lost += later.lost;
        let room = MAX_WAITING.saturating_sub(self.records());
        if later.records() > room {
            self.lost += later.records() as u64;
            return self;
        }
        self.at = later.at;
        self.events.extend(later.events);
        self.ended.extend(later.ended);
        self.open.extend(later.open);
        self.stats = later.stats.or(self.stats);
        self.last |= later.last;
        self
    }

    /// How many records it has.
    pub fn records(&self) -> usize {
        self.events.len()
            + self.ended.len()
            + self.open.len()
            + usize::from(self.stats.is_some())
            + usize::from(self.last)
    }
}

/// Bytes of a disk that are left to the journal, or a tenth of a small one.
const RESERVE: u64 = 64 << 20;

/// Whether so many bytes more in this folder would take the journal's room.
///
/// # Errors
/// What the system says.
pub fn is_short(folder: &Path, more: u64) -> io::Result<bool> {
    let disk = nix::sys::statvfs::statvfs(folder)?;
    let (size, free) = (disk.blocks() * disk.fragment_size(), disk.blocks_available() * disk.fragment_size());
    // Some file systems say nothing of their size.
    Ok(size > 0 && free < more + RESERVE.min(size / 10))
}

/// Who writes records: the site and the sensor.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Name of the site.
    pub site: Arc<str>,
    /// Name of the sensor.
    pub sensor: Arc<str>,
}
