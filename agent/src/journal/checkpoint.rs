//! The state as of one record.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::log::crc32;

const NAME: &str = "checkpoint";
const OLD: &str = "checkpoint.old";
const NEW: &str = "checkpoint.new";

/// Replaces the checkpoint: `text` (one line or many) is the state after record `sequence`.
///
/// # Errors
/// What the system says; the one before stays then.
pub fn write_checkpoint(directory: &Path, sequence: u64, text: &str) -> io::Result<()> {
    let new = directory.join(NEW);
    let body = format!("{sequence}\n{text}");
    if let Err(error) = put(&new, &body) {
        // Half of it takes room that records need.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    let current = directory.join(NAME);
    if current.exists() {
        fs::rename(&current, directory.join(OLD))?;
    }
    fs::rename(&new, &current)?;
    File::open(directory)?.sync_all()
}

fn put(path: &Path, body: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o640).open(path)?;
    writeln!(file, "{:08x} {}", crc32(body.as_bytes()), body.len())?;
    file.write_all(body.as_bytes())?;
    file.sync_all()
}

/// The latest checkpoint that is whole: the number of its record, and the state.
pub fn read_checkpoint(directory: &Path) -> Option<(u64, String)> {
    // A crash between the two renames leaves the new one complete, but under its first name.
    [NAME, NEW, OLD].into_iter().find_map(|name| parse(&fs::read(directory.join(name)).ok()?))
}

fn parse(bytes: &[u8]) -> Option<(u64, String)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once('\n')?;
    let (sum, length) = head.split_once(' ')?;
    if length.parse() != Ok(body.len()) || u32::from_str_radix(sum, 16).ok()? != crc32(body.as_bytes()) {
        return None;
    }
    let (sequence, state) = body.split_once('\n')?;
    Some((sequence.parse().ok()?, state.to_owned()))
}
