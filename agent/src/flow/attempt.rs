//! Attacks that a flow carried, and what was answered.

use super::key::Side;
use crate::base::Timestamp;
use crate::hint::{Attempt, status};

/// Attempts of one flow that are told; of more, those without an answer go first, and how many went is told.
pub const MAX_ATTEMPTS: usize = 8;
/// Bytes of an answer in which its status is looked for.
const MAX_HEAD: usize = 64;

/// Attacks that a flow carried.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// At most [`MAX_ATTEMPTS`], in the order in which they came.
    pub told: Vec<Attempted>,
    /// How many were left out.
    pub more: u32,
}

/// One request that matched a signature.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// What it was.
    pub attempt: Attempt,
    /// Who asked.
    pub by: Side,
    /// When.
    pub at: Timestamp,
    /// Bytes of the request that were seen.
    pub asked: usize,
    /// What came back.
    pub answer: Answer,
    /// Sequence number of its first byte.
    start: u32,
}

/// What came back after a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status of HTTP or RTSP.
    pub status: Option<u16>,
    /// Bytes of payload, by their sequence numbers: what the mirror missed in between counts, what came twice does not.
    pub bytes: u32,
    /// Sequence number of its first byte.
    start: u32,
    head: [u8; MAX_HEAD],
    /// Bit n: byte n of the head was seen.
    seen: u64,
    /// The next request was made, so that the rest is no answer to this one.
    is_over: bool,
}

impl Attempts {
    /// `by` made a request that matched, whose first byte has the sequence number `start`; the other end's next byte has
    /// the number `answer`.
    pub fn add(&mut self, attempt: Attempt, by: Side, (start, asked): (u32, usize), answer: u32, at: Timestamp) {
        let same = |known: &&mut Attempted| known.by == by && known.start == start && known.attempt.id == attempt.id;
        if let Some(known) = self.told.iter_mut().find(same) {
            known.asked = known.asked.max(asked);
            return;
        }
        if self.told.len() >= MAX_ATTEMPTS {
            let silent = self.told.iter().position(|known| known.answer.bytes == 0).unwrap_or(0);
            self.told.remove(silent);
            self.more += 1;
        }
        self.told.push(Attempted { attempt, by, at, asked, answer: Answer::from(answer), start });
    }

    /// `from` sent these bytes.
    pub fn follow(&mut self, from: Side, (sequence, acknowledged): (u32, u32), payload: &[u8], length: u32) {
        for attempted in &mut self.told {
            if attempted.by == from {
                attempted.answer.asked_again(acknowledged);
            } else {
                attempted.answer.take(sequence, payload, length);
            }
        }
    }
}

impl Answer {
    fn from(start: u32) -> Answer {
        Answer { status: None, bytes: 0, start, head: [0; MAX_HEAD], seen: 0, is_over: false }
    }

    fn take(&mut self, sequence: u32, payload: &[u8], length: u32) {
        // Half of the numbers are before.
        let (at, end) = (sequence.wrapping_sub(self.start), sequence.wrapping_add(length).wrapping_sub(self.start));
        if self.is_over || end > u32::MAX / 2 || end == 0 {
            return;
        }
        self.bytes = self.bytes.max(end);
        if self.status.is_some() {
            return;
        }
        let (skipped, at) = if at > u32::MAX / 2 { (at.wrapping_neg() as usize, 0) } else { (0, at as usize) };
        let places = self.head.iter_mut().enumerate().skip(at);
        for ((place, slot), &byte) in places.zip(payload.get(skipped..).unwrap_or_default()) {
            *slot = byte;
            self.seen |= 1 << place;
        }
        let begun = self.seen.trailing_ones() as usize;
        self.status = self.head.get(..begun).and_then(status);
    }

    /// The client asks for more once it has this answer; what follows an interim status still is the same request.
    fn asked_again(&mut self, acknowledged: u32) {
        let has_it = (1..u32::MAX / 2).contains(&acknowledged.wrapping_sub(self.start));
        let is_interim = self.status.is_none() && self.head.starts_with(b"HTTP/1");
        self.is_over |= has_it && self.bytes > 0 && !is_interim;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: &str) -> Attempt {
        Attempt { id: id.to_owned(), what: String::new(), request: String::new() }
    }

    fn one() -> Attempts {
        let mut attempts = Attempts::default();
        attempts.add(attempt("a"), Side::A, (100, 50), u32::MAX - 3, Timestamp(0));
        attempts
    }

    fn answered(attempts: &Attempts) -> (Option<u16>, u32) {
        attempts.told.first().map(|told| (told.answer.status, told.answer.bytes)).unwrap_or_default()
    }

    #[test]
    fn a_status_is_read_however_it_is_cut() {
        let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\nabc";
        for size in 1..answer.len() {
            let mut pieces: Vec<(usize, &[u8])> = answer.chunks(size).enumerate().collect();
            for order in 0..2 {
                let mut attempts = one();
                for &(at, piece) in &pieces {
                    let sequence = (u32::MAX - 3).wrapping_add((at * size) as u32);
                    attempts.follow(Side::B, (sequence, 150), piece, piece.len() as u32);
                }
                assert_eq!(answered(&attempts), (Some(404), answer.len() as u32), "pieces of {size}, order {order}");
                pieces.reverse();
            }
        }
    }

    #[test]
    fn what_came_before_is_no_answer() {
        let mut attempts = one();
        attempts.follow(Side::B, ((u32::MAX - 3).wrapping_sub(5), 100), b"early", 5);
        assert_eq!(answered(&attempts), (None, 0));
        attempts.follow(Side::B, ((u32::MAX - 3).wrapping_sub(5), 150), b"earlyHTTP/1.1 401 No", 20);
        assert_eq!(answered(&attempts), (Some(401), 15));
    }

    #[test]
    fn an_answer_ends_where_the_next_request_begins() {
        let mut attempts = one();
        attempts.follow(Side::A, (100, u32::MAX - 3), &[0; 50], 50);
        attempts.follow(Side::B, (u32::MAX - 3, 150), b"HTTP/1.1 200 OK\r\n", 17);
        attempts.follow(Side::A, (150, 13), b"GET / HTTP/1.1\r\n\r\n", 18);
        attempts.follow(Side::B, (13, 168), b"HTTP/1.1 404 No\r\n", 17);
        assert_eq!(answered(&attempts), (Some(200), 17));
    }

    #[test]
    fn those_without_an_answer_make_room() {
        let mut attempts = one();
        attempts.follow(Side::B, (u32::MAX - 3, 150), b"HTTP/1.1 200 OK\r\n", 17);
        for number in 0..2 * MAX_ATTEMPTS as u32 {
            attempts.add(attempt("b"), Side::A, (200 + number, 1), 13, Timestamp(0));
            attempts.add(attempt("b"), Side::A, (200 + number, 9), 13, Timestamp(0));
        }
        assert_eq!((attempts.told.len(), attempts.more), (MAX_ATTEMPTS, MAX_ATTEMPTS as u32 + 1));
        assert_eq!(answered(&attempts), (Some(200), 17));
        assert!(attempts.told.iter().skip(1).all(|told| told.asked == 9));
    }
}
