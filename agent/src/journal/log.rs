//! The log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest record, in bytes; a longer one is refused.
pub const MAX_RECORD: usize = 16 << 20;
/// Bytes of records that wait for a disk that fails; beyond it the oldest are lost, and counted.
pub const MAX_PENDING: usize = 64 << 20;

const PREFIX: &str = "segment-";
const SUFFIX: &str = ".log";

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

/// One record that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its number, from 1, without holes but for what was cut.
    pub sequence: u64,
    /// What was appended.
    pub text: String,
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
    written: u64,
    next: u64,
    /// Records that are not durable yet.
    pending: Vec<(u64, Vec<u8>)>,
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
            written: 0,
            next,
            pending: Vec::new(),
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
        self.pending.push((sequence, line));
        while self.pending_bytes > MAX_PENDING && self.pending.len() > 1 {
            let (_, line) = self.pending.remove(0);
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
                (self.pending_bytes, self.flushed) = (0, 0);
                Ok(())
            }
            Err(error) => {
                // Never trust this file again: what it holds of the pending records is written once more elsewhere.
                (self.segment, self.flushed) = (None, 0);
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
        self.pending.first().map_or(self.next, |record| record.0) - 1
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
            self.segment = Some(self.begin_segment()?);
            (self.written, self.flushed) = (0, 0);
        }
        let Some(file) = &mut self.segment else { return Ok(()) };
        for (_, line) in self.pending.iter().skip(self.flushed) {
            file.write_all(line)?;
            self.written += line.len() as u64;
            self.flushed += 1;
        }
        file.sync_data()
    }

    fn begin_segment(&mut self) -> io::Result<File> {
        let first = self.pending.first().map_or(self.next, |record| record.0);
        // A segment that failed may have this name: its records are read by number, the first of each.
        let mut file = Err(io::Error::from(io::ErrorKind::AlreadyExists));
        for attempt in 0..1_000 {
            let path = self.directory.join(format!("{PREFIX}{first:016}-{attempt:03}{SUFFIX}"));
            file = OpenOptions::new().create_new(true).append(true).mode(0o640).open(path);
            if !matches!(&file, Err(error) if error.kind() == io::ErrorKind::AlreadyExists) {
                break;
            }
        }
        let file = file?;
        self.cut()?;
        File::open(&self.directory)?.sync_all()?;
        Ok(file)
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

/// The records of a journal that nobody needs to have open, in order, each once. What is no whole record ends its segment.
///
/// # Errors
/// When the directory or a file cannot be read.
pub fn read(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<Record>>> {
    read_after(directory, 0)
}

/// The same for the records behind that number, without a look at segments that end before.
///
/// # Errors
/// As for [`read`].
pub fn read_after(directory: &Path, sequence: u64) -> io::Result<impl Iterator<Item = io::Result<Record>>> {
    let mut last = sequence;
    let mut segments = segments(directory)?;
    let begin_after = segments.iter().position(|path| first_of(path).is_none_or(|first| first > sequence + 1));
    segments.drain(..begin_after.unwrap_or(segments.len()).saturating_sub(1));
    let records = segments.into_iter().flat_map(|path| match lines(&path) {
        Ok(lines) => Box::new(lines) as Box<dyn Iterator<Item = io::Result<(u64, Record)>>>,
        Err(error) => Box::new(std::iter::once(Err(error))),
    });
    Ok(records.filter_map(move |item| match item {
        Ok((_, record)) if record.sequence > last => {
            last = record.sequence;
            Some(Ok(record))
        }
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    }))
}

/// Segments in the order of their first records.
fn segments(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Number of the first record of a segment, by its name.
fn first_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

/// Bytes of whole records, and the number of the last.
fn check(path: &Path) -> io::Result<(u64, u64)> {
    let (mut whole, mut last) = (0, 0);
    for line in lines(path)? {
        let (end, record) = line?;
        (whole, last) = (end, last.max(record.sequence));
    }
    Ok((whole, last))
}

/// Whole records of a segment, with the place after each.
fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<(u64, Record)>> + use<>> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut at = 0u64;
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        // One byte more than the longest line, so that no file makes us read without an end.
        let limit = MAX_RECORD as u64 + 64;
        match io::Read::take(&mut reader, limit).read_until(b'\n', &mut line) {
            Err(error) => return Some(Err(error)),
            Ok(0) => return None,
            Ok(count) => at += count as u64,
        }
        parse(&line).map(|record| Ok((at, record)))
    }))
}

fn parse(line: &[u8]) -> Option<Record> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (sum, body) = line.split_once(' ')?;
    if u32::from_str_radix(sum, 16).ok()? != crc32(body.as_bytes()) {
        return None;
    }
    let (sequence, text) = body.split_once(' ')?;
    Some(Record { sequence: sequence.parse().ok()?, text: text.to_owned() })
}

/// CRC-32 of IEEE 802.3.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
