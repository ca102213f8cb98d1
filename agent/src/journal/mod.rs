//! Records that outlive a crash: an append-only log of lines, and a checkpoint of the state that they led to.
//!
//! A plain log rather than a database: what is written is a few lines when something happens, it is read once at the
//! start and by people, and its durability rests on three calls that can be watched (`write`, `fdatasync`, `rename`).
//! Each line is `CRC-32 sequence record`; a line that a crash cut is found by its sum and dropped with all after it in its
//! segment, which were never said to be durable.
//!
//! A sync that failed is never tried again: what the kernel held may be gone although the next sync succeeds. The records
//! since the last good one are kept, and written to a new segment.

mod checkpoint;
mod log;
mod read;
#[cfg(test)]
mod tests;

pub use checkpoint::{read_checkpoint, write_checkpoint};
use std::path::{Path, PathBuf};

pub use log::{Journal, Limits, MAX_PENDING, MAX_RECORD, Opened, is_full};
pub use read::{Record, read, read_after};

/// Where the journal is in a state directory.
const DIRECTORY: &str = "journal";

/// The folder of a journal's flows.
pub fn flows_of(journal: &Path) -> PathBuf {
    journal.join("flows")
}

/// The journal of a state directory; or the folder itself, if it is one.
pub fn directory_of(folder: &Path) -> PathBuf {
    let inside = folder.join(DIRECTORY);
    if inside.is_dir() { inside } else { folder.to_owned() }
}
