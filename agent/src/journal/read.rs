//! Reading the log.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::log::{MAX_RECORD, PREFIX, SUFFIX, crc32};

/// One record that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its number, from 1, without holes but for what was cut.
    pub sequence: u64,
    /// What was appended.
    pub text: String,
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
pub(super) fn segments(directory: &Path) -> io::Result<Vec<PathBuf>> {
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
pub(super) fn first_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

/// Bytes of whole records, and the number of the last.
pub(super) fn check(path: &Path) -> io::Result<(u64, u64)> {
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
