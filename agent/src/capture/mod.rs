//! Where frames come from: capture files (and, live, interfaces). A [`FrameSource`] tells frames, damage and the end apart.

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
    /// Its length on the wire, in bytes.
    pub wire_len: u32,
    /// The bytes captured.
    pub data: &'a [u8],
}
