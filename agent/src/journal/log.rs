//! The log.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::read::{check, first_of, segments};

/// Longest record, in bytes; a longer one is refused.
pub const MAX_RECORD: usize = 16 << 20;
/// Bytes of records that wait for a disk that fails; beyond it the oldest are lost, and counted.
pub const MAX_PENDING: usize = 64 << 20;

pub(super) const PREFIX: &str = "segment-";
pub(super) const SUFFIX: &str = ".log";

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes after which a new segment is begun.
    pub segment: u64,
    /// Bytes of all segments; beyond it the oldest segment goes, and the next record says so.
    pub total: u64,
    /// The oldest segment goes, one with each that is begun, once nothing was written to it for so long.
    pub age: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { segment: 16 << 20, total: 1 << 30, age: None }
    }
}

/// What was found when a journal was opened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Opened {
    /// Bytes at the end that were no whole record, and were dropped.
    pub torn: u64,
    /// Number of the last record; 0 if there is none.
    pub last: u64,
}

/// An append-only log in a directory of its own. One process at a time.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    limits: Limits,
    /// `None` after a failure, until a new segment could be made.
    pub(super) segment: Option<File>,
    /// Its name.
    path: PathBuf,
    written: u64,
    /// Bytes of it that are durable.
    durable_bytes: u64,
    /// A segment that failed and holds nothing that is not written once more elsewhere.
    abandoned: Option<PathBuf>,
    next: u64,
    /// Records that are not durable yet.
    pending: VecDeque<(u64, Vec<u8>)>,
    pub(super) pending_bytes: usize,
    /// How many of them the open segment holds.
    flushed: usize,
    lost: u64,
    /// The oldest segments had to leave: the first record that is left.
    cut: Option<u64>,
    _lock: File,
}

impl Journal {
    /// Opens a journal, or makes it.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process has it open.
    pub fn open(directory: &Path, limits: Limits) -> io::Result<(Journal, Opened)> {
        fs::create_dir_all(directory)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o640).open(directory.join("lock"))?;
        lock.try_lock().map_err(|error| io::Error::other(format!("{} is in use: {error}", directory.display())))?;
        let mut opened = Opened::default();
        for path in segments(directory)? {
            let (whole, last) = check(&path)?;
            let length = fs::metadata(&path)?.len();
            if whole < length {
                opened.torn += length - whole;
                let file = OpenOptions::new().write(true).open(&path)?;
                file.set_len(whole)?;
                file.sync_all()?;
            }
            opened.last = opened.last.max(last);
        }
        let next = opened.last + 1;
        let journal = Journal {
            directory: directory.to_owned(),
            limits,
            segment: None,
            path: PathBuf::new(),
            written: 0,
            durable_bytes: 0,
            abandoned: None,
            next,
            pending: VecDeque::new(),
            pending_bytes: 0,
            flushed: 0,
            lost: 0,
            cut: None,
            _lock: lock,
        };
        Ok((journal, opened))
    }

    /// Adds a record (one line; line breaks become spaces), durable after the next [`Journal::sync`]. Returns its number.
    ///
    /// # Errors
    /// When it is too long.
    pub fn append(&mut self, record: &str) -> io::Result<u64> {
        if record.len() > MAX_RECORD {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the record is too long for the journal"));
        }
        let sequence = self.next;
        self.next += 1;
        let body = format!("{sequence} {}", record.replace(['\n', '\r'], " "));
        let line = format!("{:08x} {body}\n", crc32(body.as_bytes())).into_bytes();
        self.pending_bytes += line.len();
        self.pending.push_back((sequence, line));
        while self.pending_bytes > MAX_PENDING
            && self.pending.len() > 1
            && let Some((_, line)) = self.pending.pop_front()
        {
            self.pending_bytes -= line.len();
            self.flushed = self.flushed.saturating_sub(1);
            self.lost += 1;
        }
        Ok(sequence)
    }

    /// Makes all records durable.
    ///
    /// # Errors
    /// What the system says. The records stay, and go to a new segment with the next call.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        match self.write_pending() {
            Ok(()) => {
                self.pending.clear();
                (self.pending_bytes, self.flushed, self.durable_bytes) = (0, 0, self.written);
                Ok(())
            }
            Err(error) => {
                // Never trust this file again: what it holds of the pending records is written once more elsewhere.
                if let Some(file) = self.segment.take() {
                    self.abandon(&file, is_full(&error));
                }
                self.flushed = 0;
                Err(error)
            }
        }
    }

    /// Number of the last record that was appended.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    /// Number of the last record that is durable.
    pub fn durable(&self) -> u64 {
        self.pending.front().map_or(self.next, |record| record.0) - 1
    }

    /// Records that were lost because a disk failed for too long.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The first record that is left, if older ones had to leave since the last call.
    pub fn take_cut(&mut self) -> Option<u64> {
        self.cut.take()
    }

    fn write_pending(&mut self) -> io::Result<()> {
        if self.segment.is_none() || self.written >= self.limits.segment {
            self.segment = None;
            self.begin_segment()?;
        }
        let Some(file) = &mut self.segment else { return Ok(()) };
        for (_, line) in self.pending.iter().skip(self.flushed) {
            file.write_all(line)?;
            self.written += line.len() as u64;
            self.flushed += 1;
        }
        file.sync_data()
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        if let Some(path) = self.abandoned.take() {
            let _ = fs::remove_file(path);
        }
        let first = self.pending.front().map_or(self.next, |record| record.0);
        // A segment that failed may have this name: its records are read by number, the first of each.
        for attempt in 0..1_000 {
            self.path = self.directory.join(format!("{PREFIX}{first:016}-{attempt:03}{SUFFIX}"));
            match OpenOptions::new().create_new(true).append(true).mode(0o640).open(&self.path) {
                Ok(file) => {
                    self.segment = Some(file);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        if self.segment.is_none() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        (self.written, self.durable_bytes, self.flushed) = (0, 0, 0);
        self.cut()?;
        File::open(&self.directory)?.sync_all()
    }

    /// Gives back what a segment that failed takes of a full disk; a disk with other troubles may still have what was
    /// written to it when nothing else has, so that it stays until the next is made.
    fn abandon(&mut self, file: &File, is_full: bool) {
        match (self.durable_bytes, is_full) {
            (0, true) => drop(fs::remove_file(&self.path)),
            (0, false) => self.abandoned = Some(self.path.clone()),
            (durable, true) => drop(file.set_len(durable)),
            (_, false) => {}
        }
    }

    /// Lets the oldest segments go.
    fn cut(&mut self) -> io::Result<()> {
        let all = segments(&self.directory)?;
        let sizes: Vec<u64> = all.iter().map(|path| fs::metadata(path).map_or(0, |meta| meta.len())).collect();
        let mut total: u64 = sizes.iter().sum();
        for ((path, next), size) in all.iter().zip(all.iter().skip(1)).zip(sizes) {
            if total <= self.limits.total {
                break;
            }
            fs::remove_file(path)?;
            self.cut = first_of(next).or(self.cut);
            total -= size;
        }
        let is_old = |path: &PathBuf| {
            let written = fs::metadata(path).and_then(|meta| meta.modified()).ok();
            written.and_then(|at| at.elapsed().ok()).zip(self.limits.age).is_some_and(|(age, limit)| age > limit)
        };
        if let [oldest, next, ..] = all.as_slice()
            && is_old(oldest)
        {
            fs::remove_file(oldest)?;
            self.cut = first_of(next).or(self.cut);
        }
        Ok(())
    }
}

/// Whether there is no room on a disk, or none for us.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// CRC-32 of IEEE 802.3.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
