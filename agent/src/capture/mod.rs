//! Where frames come from: capture files ([`Files`]) and, live, interfaces ([`live`]). A [`FrameSource`] tells frames, damage and the end apart.
//!
//! Files are read as pcap or pcapng, plain or packed with gzip or zstd, told by their first bytes and never by their
//! name ([`Files`]). A frame is lent from the buffer it was read into: nothing is copied or allocated per frame.

mod files;
mod input;
pub mod live;
mod pcap;
mod pcapng;
mod reader;
#[cfg(test)]
mod tests;
mod window;

pub use files::{Files, Progress};
pub use reader::Drops;

use std::fmt;

use crate::base::Timestamp;
use crate::packet::LinkType;

/// One captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When it was captured.
    pub at: Timestamp,
    /// How to read its first byte.
    pub link_type: LinkType,
    /// Index of the file or interface that it came from, in the order given by the user.
    pub source: u16,
    /// Its length on the wire, in bytes, as recorded (less a frame check sequence, which is removed). Some writers
    /// record less than they captured.
    pub wire_len: u32,
    /// The bytes captured.
    pub data: &'a [u8],
}

/// What a source has to say next.
#[derive(Debug)]
pub enum Next<'a> {
    /// A frame, lent until the source is asked again.
    Frame(Frame<'a>),
    /// A live source had nothing within its wait; it goes on. Files are never silent.
    Silence,
    /// A file cannot be read, or not any further; the other files go on.
    Damage(Damage),
    /// Nothing will follow.
    End,
}

/// Frames, one after the other.
pub trait FrameSource {
    /// The next frame, or why there is none.
    fn next(&mut self) -> Next<'_>;
}

/// A file that cannot be read to its end: what came before was read and is valid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Index of the file, in the order given by the user.
    pub source: u16,
    /// Where the record that could not be read begins, in bytes of the unpacked stream.
    pub offset: u64,
    /// The first packet that could not be read, counted from 1; 0 if the file is no capture at all.
    pub packet: u64,
    /// What is wrong, as one clause.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.packet == 0 {
            f.write_str(&self.what)
        } else {
            write!(f, "damaged at byte {}, packet {}: {}", self.offset, self.packet, self.what)
        }
    }
}
