//! The little reassembly that identification needs: the first bytes of one direction, in order, where a message that is
//! read straddles segments.

use std::collections::VecDeque;

use crate::base::Map;
use crate::flow::{FlowKey, Side};
use crate::hint::{Knowledge, MAX_LOOKED, Reading, may_begin, message};

/// Directions that wait for more, at most [`MAX_LOOKED`] bytes each; beyond it the one that began first is given up, and
/// what it would have told is not known.
const MAX_STREAMS: usize = 2_048;

type Direction = ([u64; 5], bool);

/// Directions of TCP connections whose first message is not complete.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: Map<Direction, Stream>,
    /// In the order in which they began; some are gone.
    order: VecDeque<Direction>,
}

#[derive(Debug)]
struct Stream {
    next: u32,
    bytes: Vec<u8>,
}

impl Streams {
    /// Takes in a segment, and reads what there is so far if it begins, or goes on with, something that is read.
    pub(super) fn read(
        &mut self,
        (flow, from): (&FlowKey, Side),
        sequence: u32,
        payload: &[u8],
        is_whole: bool,
        knowledge: &Knowledge,
    ) -> Option<Reading> {
        let key = (flow.words(), from == Side::A);
        if let Some(stream) = self.open.get_mut(&key) {
            stream.append(sequence, payload)?;
            let reading = message(&stream.bytes, &knowledge.marks);
            if !reading.more || !is_whole || stream.bytes.len() >= MAX_LOOKED {
                self.open.remove(&key);
            }
            return Some(reading);
        }
        if !may_begin(payload) {
            return None;
        }
        let bytes = payload.get(..MAX_LOOKED).unwrap_or(payload);
        let reading = message(bytes, &knowledge.marks);
        if reading.more && is_whole && bytes.len() < MAX_LOOKED {
            while self.open.len() >= MAX_STREAMS || self.order.len() >= 2 * MAX_STREAMS {
                let Some(oldest) = self.order.pop_front() else { break };
                self.open.remove(&oldest);
            }
            let next = sequence.wrapping_add(payload.len() as u32);
            self.open.insert(key, Stream { next, bytes: bytes.to_vec() });
            self.order.push_back(key);
        }
        Some(reading)
    }
}

impl Stream {
    /// Appends what is new in a segment. `None` if nothing is: it came before, or something is missing before it.
    fn append(&mut self, sequence: u32, payload: &[u8]) -> Option<()> {
        let known = self.next.wrapping_sub(sequence) as usize;
        let new = payload.get(known..).filter(|new| !new.is_empty())?;
        self.next = self.next.wrapping_add(new.len() as u32);
        let room = MAX_LOOKED.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(new.get(..room).unwrap_or(new));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::hint::Says;

    fn flow(port: u16) -> (FlowKey, Side) {
        FlowKey::new(6, (IpAddr::from([10, 0, 0, 1]), 80), (IpAddr::from([10, 0, 0, 2]), port), 0, true)
    }

    fn vendor(reading: Option<Reading>) -> Option<String> {
        reading?.clues.first()?.fact(Says::Vendor).map(str::to_owned)
    }

    #[test]
    fn a_message_is_read_however_it_is_cut() {
        let knowledge = Knowledge::builtin();
        let whole = b"HTTP/1.1 401 Unauthorized\r\nServer: App-webs/\r\nContent-Length: 0\r\n\r\n";
        let (key, from) = flow(40_000);
        for size in 1..whole.len() {
            let mut streams = Streams::default();
            let mut found = None;
            for (at, piece) in whole.chunks(size).enumerate() {
                let sequence = u32::MAX.wrapping_add((at * size) as u32);
                // Each piece twice, as a retransmission.
                found = found.or(vendor(streams.read((&key, from), sequence, piece, true, &knowledge)));
                found = found.or(vendor(streams.read((&key, from), sequence, piece, true, &knowledge)));
            }
            assert_eq!(found.as_deref(), Some("hikvision"), "pieces of {size}");
            assert!(streams.open.is_empty());
        }
    }

    #[test]
    fn what_is_missing_is_not_guessed_and_nothing_grows() {
        let knowledge = Knowledge::builtin();
        let mut streams = Streams::default();
        let (key, from) = flow(40_000);
        assert!(streams.read((&key, from), 0, b"HTTP/1.1 401 No\r\nSer", true, &knowledge).is_some());
        assert!(streams.read((&key, from), 100, b"ver: App-webs/\r\n\r\n", true, &knowledge).is_none());
        for port in 1..5_000 {
            let (key, from) = flow(port);
            streams.read((&key, from), 0, b"HTTP/1.1 200 OK\r\n", true, &knowledge);
        }
        assert!(streams.open.len() <= MAX_STREAMS && streams.order.len() <= 2 * MAX_STREAMS);
        assert!(streams.read((&key, from), 0, b"\x80\x60\0\0", true, &knowledge).is_none(), "RTP");
    }
}
