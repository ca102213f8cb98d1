//! The little reassembly that attacks need: what a client asks, byte by byte in order, request after request.
//! Segments may come in any order, cut anywhere, and more than once.

use std::collections::{BTreeMap, VecDeque};

use crate::base::Map;
use crate::flow::{FlowKey, IDLE_TIMEOUT, Side};
use crate::hint::{Asked, Attempt, MAX_LOOKED, Signatures, Standing, may_begin_attempt};

/// Clients of watched devices that are followed. Beyond it one that is in the middle of no request is given up, so that
/// segments in disorder and what only a first message shows are missed of it; if all are, the one that began first,
/// which is counted in [`Requests::refused`] and reaches the verdict.
const MAX_WATCHED: usize = 4_096;
/// The same of other hosts, which may turn out to be watched; given up without a count.
const MAX_OTHERS: usize = 1_024;
/// Clients that are asked to make room before one in the middle of a request has to.
const MAX_ASKED: usize = 64;

type Direction = ([u64; 5], bool);

/// Clients that are followed.
#[derive(Debug)]
pub(super) struct Requests {
    watched: Table,
    others: Table,
    begun: u64,
    /// Requests to watched devices that were given up before they were whole.
    pub(super) refused: u64,
}

#[derive(Debug)]
struct Table {
    limit: usize,
    open: Map<Direction, Client>,
    /// In the order in which they began, by their numbers; some are gone.
    order: VecDeque<(u64, Direction)>,
}

/// One direction of a connection, from where its next request begins.
#[derive(Debug)]
struct Client {
    number: u64,
    /// In which table it has its place; `None`: it is new.
    is_among_watched: Option<bool>,
    /// Sequence number of the first byte.
    start: u32,
    /// Nothing but requests that were read came before.
    is_first: bool,
    /// `start` is known, and not only where the earliest segment began.
    is_sure: bool,
    bytes: Vec<u8>,
    /// Bytes that came too early, by their places; fewer than [`MAX_LOOKED`].
    early: BTreeMap<usize, u8>,
    /// How many bytes there have to be for another look.
    due: usize,
    touched: i64,
}

/// One segment of a client.
pub(super) struct Segment<'a> {
    pub(super) flow: &'a FlowKey,
    pub(super) from: Side,
    pub(super) port: u16,
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
    /// It opens the connection.
    pub(super) opens: bool,
    /// Its client is followed.
    pub(super) is_followed: bool,
    /// The server is a watched device.
    pub(super) is_watched: bool,
    /// Monotonic time.
    pub(super) now: i64,
}

/// One attack in a stream.
pub(super) struct Found {
    pub(super) attempt: Attempt,
    /// Sequence number of its request.
    pub(super) start: u32,
    /// Bytes of it that were seen.
    pub(super) seen: usize,
}

impl Default for Requests {
    fn default() -> Self {
        Requests { watched: Table::new(MAX_WATCHED), others: Table::new(MAX_OTHERS), begun: 0, refused: 0 }
    }
}

impl Requests {
    /// Takes in a segment, and reads what there is so far of the request that it begins, or belongs to. Returns what was
    /// found, and whether the client is followed from now on.
    pub(super) fn read(&mut self, segment: &Segment<'_>, signatures: &Signatures) -> (Vec<Found>, bool) {
        let direction = (segment.flow.words(), segment.from == Side::A);
        let known = self.watched.open.remove(&direction).or_else(|| self.others.open.remove(&direction));
        // Of a connection that is over, another may have the ports now.
        let known = known.filter(|_| segment.is_followed && !segment.opens);
        let begins = segment.opens || may_begin_attempt(segment.payload, segment.standing(false));
        let Some(mut client) = known.or_else(|| begins.then(|| self.begin(segment))) else {
            return (Vec::new(), false);
        };
        client.touched = segment.now;
        let mut found = Vec::new();
        let goes_on = client.hear(segment, begins, signatures, &mut found);
        if goes_on {
            let table = if segment.is_watched { &mut self.watched } else { &mut self.others };
            let given_up = table.put(direction, client, segment);
            self.refused += if segment.is_watched { given_up } else { 0 };
        }
        (found, goes_on)
    }

    fn begin(&mut self, segment: &Segment<'_>) -> Client {
        self.begun += 1;
        Client {
            number: self.begun,
            is_among_watched: None,
            start: segment.first(),
            is_first: segment.opens,
            is_sure: segment.opens,
            bytes: Vec::new(),
            early: BTreeMap::new(),
            due: 0,
            touched: segment.now,
        }
    }
}

impl Segment<'_> {
    /// Sequence number of the first byte: a SYN has a number of its own (RFC 9293, section 3.4).
    fn first(&self) -> u32 {
        self.sequence.wrapping_add(u32::from(self.opens))
    }

    fn standing(&self, is_first: bool) -> Standing {
        Standing { is_first, port: self.port }
    }
}

impl Client {
    /// Takes in a segment. Returns whether more is waited for.
    fn hear(&mut self, segment: &Segment<'_>, begins: bool, signatures: &Signatures, found: &mut Vec<Found>) -> bool {
        let sequence = segment.first();
        let ahead = sequence.wrapping_sub(self.start) as usize;
        if begins && (MAX_LOOKED..u32::MAX as usize / 2).contains(&ahead) {
            // What is missing before it will not come any more.
            (self.start, self.is_first, self.is_sure) = (sequence, false, true);
            self.bytes.clear();
            self.early.clear();
            self.due = 0;
        } else if begins && (self.bytes.len() + 1..MAX_LOOKED).contains(&ahead) {
            // It may.
            let asked = signatures.read(segment.payload, segment.standing(false), false);
            found.extend(told(asked.attempts, sequence, segment.payload.len()));
        }
        !self.take(sequence, segment.payload) || self.look(segment, signatures, found)
    }

    /// Takes what is new in a segment. Returns whether there is enough for a look.
    fn take(&mut self, sequence: u32, payload: &[u8]) -> bool {
        let before = self.start.wrapping_sub(sequence) as usize;
        if !self.is_sure && (1..MAX_LOOKED).contains(&before) {
            self.move_back(sequence, before);
        }
        let (skipped, place) = match self.start.wrapping_sub(sequence) as usize {
            before if before <= payload.len() => (before, 0),
            _ => (0, sequence.wrapping_sub(self.start) as usize),
        };
        let known = self.bytes.len();
        for (place, &byte) in (place..MAX_LOOKED).zip(payload.get(skipped..).unwrap_or_default()) {
            if place == self.bytes.len() {
                self.bytes.push(byte);
            } else if place > self.bytes.len() {
                self.early.entry(place).or_insert(byte);
            }
        }
        while let Some(byte) = self.early.remove(&self.bytes.len()) {
            self.bytes.push(byte);
        }
        let new = self.bytes.get(known..).unwrap_or_default();
        !new.is_empty() && (self.bytes.len() >= self.due.min(MAX_LOOKED) || new.contains(&b'\n'))
    }

    /// It began earlier than was thought.
    fn move_back(&mut self, sequence: u32, by: usize) {
        let bytes = std::mem::take(&mut self.bytes).into_iter().enumerate();
        let early = std::mem::take(&mut self.early);
        let moved = bytes.chain(early).map(|(place, byte)| (place + by, byte));
        self.early = moved.filter(|one| one.0 < MAX_LOOKED).collect();
        (self.start, self.due) = (sequence, 0);
    }

    /// Reads what there is so far. Returns whether more is waited for.
    fn look(&mut self, segment: &Segment<'_>, signatures: &Signatures, found: &mut Vec<Found>) -> bool {
        let is_full = self.bytes.len() >= MAX_LOOKED;
        let asked = signatures.read(&self.bytes, segment.standing(self.is_first), is_full);
        let Asked { attempts, whole, end, is_over } = asked;
        found.extend(told(attempts, self.start, self.bytes.len()));
        if is_over || is_full && whole == 0 && end.is_none() {
            return false;
        }
        // What is whole makes room for what follows, and the rest of a long body is not looked at.
        let done = if is_full && whole == 0 { end.unwrap_or(0) } else { whole };
        if done > 0 {
            self.bytes.drain(..done.min(self.bytes.len()));
            let early = std::mem::take(&mut self.early).into_iter();
            self.early = early.filter_map(|(place, byte)| Some((place.checked_sub(done)?, byte))).collect();
            self.start = self.start.wrapping_add(done as u32);
            self.is_sure = true;
        }
        let length = self.bytes.len();
        let end = end.map_or(usize::MAX, |end| end.saturating_sub(done));
        // Often enough for what ends without a sign, seldom enough to cost little.
        self.due = end.max(1).min(length + length / 8 + 1);
        true
    }

    fn is_asking(&self) -> bool {
        !self.bytes.is_empty() || !self.early.is_empty()
    }
}

impl Table {
    fn new(limit: usize) -> Table {
        Table { limit, open: Map::default(), order: VecDeque::new() }
    }

    /// Keeps a client. Returns how many requests that may still become whole were given up for it.
    fn put(&mut self, direction: Direction, mut client: Client, segment: &Segment<'_>) -> u64 {
        let mut given_up = 0;
        if client.is_among_watched != Some(segment.is_watched) {
            client.is_among_watched = Some(segment.is_watched);
            given_up = self.make_room(segment.now);
            self.order.push_back((client.number, direction));
        }
        self.open.insert(direction, client);
        given_up
    }

    fn make_room(&mut self, now: i64) -> u64 {
        let mut given_up = 0;
        let is_there = |open: &Map<Direction, Client>, (number, key): &(u64, Direction)| {
            open.get(key).is_some_and(|client| client.number == *number)
        };
        if self.order.len() >= 2 * self.limit {
            self.order.retain(|place| is_there(&self.open, place));
        }
        let mut asked = 0;
        while self.open.len() >= self.limit {
            let Some(oldest) = self.order.pop_front() else { break };
            if !is_there(&self.open, &oldest) {
                continue;
            }
            let is_alive = |client: &Client| client.is_asking() && now.saturating_sub(client.touched) < IDLE_TIMEOUT;
            let is_alive = self.open.get(&oldest.1).is_some_and(is_alive);
            if is_alive && asked < MAX_ASKED {
                asked += 1;
                self.order.push_back(oldest);
                continue;
            }
            self.open.remove(&oldest.1);
            given_up += u64::from(is_alive);
        }
        given_up
    }
}

fn told(attempts: Vec<(usize, Attempt)>, start: u32, length: usize) -> impl Iterator<Item = Found> {
    attempts.into_iter().map(move |(at, attempt)| Found {
        attempt,
        start: start.wrapping_add(at as u32),
        seen: length.saturating_sub(at),
    })
}

#[cfg(test)]
mod tests;
