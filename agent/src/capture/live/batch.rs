//! What a capture thread hands over: frames in one piece of memory, and what happened to the interface before them.

use super::Ledger;
use crate::base::Timestamp;
use crate::capture::Frame;
use crate::packet::LinkType;

/// Bytes of the frames in one batch.
const ARENA: usize = 1024 * 1024;

/// Frames in one batch.
const MAX_FRAMES: usize = 8192;

/// Events kept for a consumer that does not come; the oldest go first.
pub(super) const MAX_EVENTS: usize = 64;

/// What an interface shows now.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// It is read, and its link is up.
    Seeing,
    /// It is there, but its link is down.
    Down,
    /// There is no interface of this name.
    Gone,
    /// It cannot be opened, read or watched.
    Failed,
    /// Reading has ended.
    Ended,
}

/// What happened to an interface. Everything but [`Change::Opened`] for the first time is a gap in what was seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It is read, from now on: the first time, or again.
    Opened,
    /// There is no interface of this name, or it was deleted.
    Gone,
    /// Its link went down: nothing can arrive.
    LinkDown,
    /// Its link is up again.
    LinkUp,
    /// It has this name now (escaped) and is still read, until another interface takes the name that was asked for.
    Renamed(String),
    /// It cannot be opened, read or watched, for this reason (escaped); it is tried again.
    Failed(String),
    /// It was asked to end. Nothing follows from this interface.
    Ended,
}

/// A [`Change`] and its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceEvent {
    /// When it was noticed.
    pub at: Timestamp,
    /// What happened.
    pub change: Change,
}

/// Frames of one interface, in order. Give it back with [`super::Live::recycle`].
#[derive(Debug)]
pub struct Batch {
    source: u16,
    link_type: LinkType,
    /// Most bytes that one more frame may have.
    frame_room: usize,
    arena: Vec<u8>,
    heads: Vec<Head>,
    events: Vec<SourceEvent>,
    ledger: Ledger,
    status: Status,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    at: Timestamp,
    wire_len: u32,
    start: u32,
    end: u32,
}

impl Batch {
    /// An empty one with all the memory that it will need.
    pub(super) fn new(source: u16, snap_length: u32) -> Batch {
        // libpcap puts a VLAN tag back into a frame that was cut to the snap length.
        let frame_room = snap_length as usize + 64;
        Batch {
            arena: Vec::with_capacity(ARENA.max(frame_room)),
            heads: Vec::with_capacity(MAX_FRAMES),
            events: Vec::with_capacity(MAX_EVENTS),
            frame_room,
            ..Batch::bare(source)
        }
    }

    /// One without room for frames.
    pub(super) fn bare(source: u16) -> Batch {
        Batch {
            source,
            link_type: LinkType::Ethernet,
            frame_room: 0,
            arena: Vec::new(),
            heads: Vec::new(),
            events: Vec::new(),
            ledger: Ledger::default(),
            status: Status::Gone,
        }
    }

    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.heads.clear();
        self.events.clear();
    }

    pub(super) fn set_link_type(&mut self, link_type: LinkType) {
        self.link_type = link_type;
    }

    /// Whether the next frame may not fit.
    pub(super) fn is_full(&self) -> bool {
        self.heads.len() >= MAX_FRAMES || self.arena.capacity() - self.arena.len() < self.frame_room
    }

    /// Adds a frame; the caller asked [`Batch::is_full`] before. False if it does not fit after all.
    pub(super) fn push(&mut self, at: Timestamp, wire_len: u32, data: &[u8]) -> bool {
        if self.arena.capacity() - self.arena.len() < data.len() {
            return false;
        }
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(data);
        self.heads.push(Head { at, wire_len, start, end: self.arena.len() as u32 });
        true
    }

    /// Takes the events over, and what was counted until now.
    pub(super) fn close(&mut self, events: &mut Vec<SourceEvent>, ledger: Ledger, status: Status) {
        self.events.append(events);
        self.ledger = ledger;
        self.status = status;
    }

    pub(super) fn has_frames(&self) -> bool {
        !self.heads.is_empty()
    }

    /// Index of the interface.
    pub fn source(&self) -> u16 {
        self.source
    }

    /// What happened before the first frame.
    pub fn events(&self) -> &[SourceEvent] {
        &self.events
    }

    /// The frames.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = Frame<'_>> {
        self.heads.iter().map(|head| Frame {
            at: head.at,
            link_type: self.link_type,
            source: self.source,
            wire_len: head.wire_len,
            data: self.arena.get(head.start as usize..head.end as usize).unwrap_or_default(),
        })
    }

    /// What was counted up to the end of this batch, since the start.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the interface shows at the end of this batch.
    pub fn status(&self) -> Status {
        self.status
    }
}
