//! Places where a capture could not be read.

use std::fmt;

use serde::Serialize;

use super::words::count;

/// What only the edge knows of a capture.
#[derive(Clone, Debug, Default)]
pub struct CaptureFiles {
    /// Names, in the order given.
    pub files: Vec<String>,
    /// Where they could not be read.
    pub damage: Vec<Damage>,
}

/// One place where a capture could not be read on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// Bytes from its start, after decompression.
    pub offset: u64,
    /// The packet, from 1; 0 before the first.
    pub packet: u64,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Damage {
    /// One line, not yet escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.offset, self.packet) {
            (0, 0) => write!(f, "{}: {}", self.file, self.what),
            (offset, 0) => write!(f, "{}, byte {}: {}", self.file, count(offset), self.what),
            (offset, packet) => {
                write!(f, "{}, packet {} at byte {}: {}", self.file, count(packet), count(offset), self.what)
            }
        }
    }
}
