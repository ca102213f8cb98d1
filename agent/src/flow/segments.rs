//! One direction of a TCP connection at one place of the mirror: data that the other end acknowledged and that was never
//! seen there.
//!
//! A hole counts only where later data of the same direction was seen at the same place, the other end acknowledged what
//! lies in it, and it is older than what reordering explains. So a lost packet of the network itself is none (it comes
//! again before it is acknowledged), nor is a direction that the mirror does not copy, a connection joined midway, a
//! keep-alive or a window probe, and sequence numbers may wrap.

/// Holes kept of one direction. Beyond, the oldest is counted as soon as it is acknowledged, late packets or not.
const MAX_HOLES: usize = 32;
/// Bytes of one hole beyond which it is another connection of the same ports.
const MAX_HOLE: u32 = 16 << 20;
/// Nanoseconds that a packet may come behind what was sent after it.
const LATE: i64 = 1_000_000_000;
/// Up to so many full segments a hole is told to be as few packets as can be; a longer one has a mean's.
const SHORT_HOLE: u32 = 4;
/// Bytes of a segment where none was seen yet.
const USUAL_SEGMENT: u32 = 1_448;

/// One direction at one place.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    /// What follows the last byte seen.
    next: u32,
    began: bool,
    /// The longest payload.
    longest: u32,
    /// Segments with new data, and their bytes.
    packets: u32,
    bytes: u64,
    holes: Vec<Hole>,
    /// Packets in holes that had no place any more, and what must be acknowledged for them to count.
    crowded: (u32, u32),
    seen: u32,
    lost: u32,
}

#[derive(Clone, Copy, Debug)]
struct Hole {
    start: u32,
    end: u32,
    at: i64,
}

fn is_before(a: u32, b: u32) -> bool {
    b.wrapping_sub(a).cast_signed() > 0
}

impl Segments {
    /// Takes in a segment with this many bytes of payload (and one more for a FIN), neither SYN nor RST. `acknowledged`
    /// is what the other end has acknowledged so far.
    pub fn see(&mut self, sequence: u32, length: u32, fin: bool, acknowledged: Option<u32>, now: i64) {
        let end = sequence.wrapping_add(length).wrapping_add(u32::from(fin));
        if !self.began {
            (self.began, self.next) = (true, sequence);
        }
        let ahead = sequence.wrapping_sub(self.next).cast_signed();
        if ahead.unsigned_abs() > MAX_HOLE {
            self.holes.clear();
            (self.next, self.crowded) = (sequence, (0, 0));
        } else if ahead > 0 {
            self.open(Hole { start: self.next, end: sequence, at: now }, acknowledged);
            self.next = sequence;
        }
        let mut new = is_before(self.next, end);
        if new {
            self.next = end;
        }
        if !self.holes.is_empty() {
            new |= self.fill(sequence, end);
            self.settle(acknowledged, now, LATE);
        }
        if length > 0 && new {
            self.longest = self.longest.max(length);
            self.packets = self.packets.saturating_add(1);
            self.bytes += u64::from(length);
            self.seen += 1;
        }
    }

    /// A new connection begins with this number.
    pub fn begin(&mut self, sequence: u32) {
        self.holes.clear();
        (self.began, self.next, self.crowded) = (true, sequence.wrapping_add(1), (0, 0));
    }

    fn open(&mut self, hole: Hole, acknowledged: Option<u32>) {
        if self.holes.len() >= MAX_HOLES {
            let oldest = self.holes.remove(0);
            let (packets, until) = self.crowded;
            let until = if packets == 0 || is_before(until, oldest.end) { oldest.end } else { until };
            self.crowded = (packets.saturating_add(self.packets_in(oldest)), until);
            self.settle(acknowledged, hole.at, LATE);
        }
        self.holes.push(hole);
    }

    /// Data came late, or again. Returns whether some of it had been missing.
    fn fill(&mut self, start: u32, end: u32) -> bool {
        let mut filled = false;
        for at in (0..self.holes.len()).rev() {
            let Some(hole) = self.holes.get_mut(at) else { continue };
            if !is_before(hole.start, end) || !is_before(start, hole.end) {
                continue;
            }
            filled = true;
            let rest = Hole { start: end, ..*hole };
            let (keeps_start, keeps_end) = (is_before(hole.start, start), is_before(end, hole.end));
            match (keeps_start, keeps_end) {
                (false, false) => drop(self.holes.remove(at)),
                (false, true) => hole.start = end,
                (true, false) => hole.end = start,
                (true, true) => {
                    hole.end = start;
                    if self.holes.len() < MAX_HOLES {
                        self.holes.insert(at + 1, rest);
                    }
                }
            }
        }
        filled
    }

    /// Counts the holes of which the other end has everything, if they are older than `age`.
    pub fn settle(&mut self, acknowledged: Option<u32>, now: i64, age: i64) {
        let Some(acknowledged) = acknowledged else { return };
        let (packets, until) = self.crowded;
        if packets > 0 && !is_before(acknowledged, until) {
            self.lost += packets;
            self.crowded.0 = 0;
        }
        let mut lost = 0;
        let (longest, bytes, all) = (self.longest, self.bytes, self.packets);
        self.holes.retain(|hole| {
            let settled = !is_before(acknowledged, hole.end) && now.saturating_sub(hole.at) >= age;
            if settled {
                lost += packets_in(*hole, longest, bytes, all);
            }
            !settled
        });
        self.lost += lost;
    }

    fn packets_in(&self, hole: Hole) -> u32 {
        packets_in(hole, self.longest, self.bytes, self.packets)
    }

    /// What it would count if nothing came any more.
    pub fn pending(&self, acknowledged: Option<u32>) -> u32 {
        let Some(acknowledged) = acknowledged else { return 0 };
        let acked = |end: u32| !is_before(acknowledged, end);
        let crowded = if acked(self.crowded.1) { self.crowded.0 } else { 0 };
        let holes = self.holes.iter().filter(|hole| acked(hole.end));
        crowded + holes.map(|hole| self.packets_in(*hole)).sum::<u32>()
    }

    /// Forgets what is missing: it is known why.
    pub fn forgive(&mut self) {
        self.holes.clear();
        self.crowded = (0, 0);
        self.began = false;
        self.take();
    }

    /// (lost, seen) since the last call, in packets with data.
    pub fn take(&mut self) -> (u32, u32) {
        (std::mem::take(&mut self.lost), std::mem::take(&mut self.seen))
    }

    /// Data that begins here goes on exactly where it had been; `None` before there was enough to tell.
    pub fn follows(&self, sequence: u32) -> Option<bool> {
        (self.packets >= 16).then_some(sequence == self.next)
    }
}

/// As many packets as a hole is likely to have been.
fn packets_in(hole: Hole, longest: u32, bytes: u64, packets: u32) -> u32 {
    let length = hole.end.wrapping_sub(hole.start);
    let full = if longest == 0 { USUAL_SEGMENT } else { longest };
    if length <= full.saturating_mul(SHORT_HOLE) || packets == 0 {
        return length.div_ceil(full).max(1);
    }
    let mean = (bytes / u64::from(packets)).max(1);
    (u64::from(length).saturating_add(mean / 2) / mean).max(1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// Sends segments of 1000 bytes but those of `lost`, each acknowledged at once, from this number on.
    fn stream(first: u32, lost: impl Fn(u32) -> bool) -> (u32, u32) {
        let mut stream = Segments::default();
        let mut acknowledged = None;
        for n in 0..1_000 {
            let at = first.wrapping_add(n * 1_000);
            if !lost(n) {
                stream.see(at, 1_000, false, acknowledged, i64::from(n) * SECOND / 100);
            }
            acknowledged = Some(at.wrapping_add(1_000));
        }
        let (lost, seen) = stream.take();
        (lost + stream.pending(acknowledged), seen)
    }

    #[test]
    fn acknowledged_data_that_was_never_seen_is_lost() {
        assert_eq!(stream(1, |_| false), (0, 1_000));
        assert_eq!(stream(u32::MAX - 500_000, |n| n % 10 == 5), (100, 900), "its numbers wrap");
        assert_eq!(stream(1, |n| n % 3 == 1), (333, 667));
        assert_eq!(stream(1, |n| (300..500).contains(&n)), (200, 800), "a burst");
    }

    #[test]
    fn what_nobody_acknowledged_is_not_lost() {
        let mut s = Segments::default();
        for n in (0..100).filter(|n| n % 2 == 0) {
            s.see(n * 1_000, 1_000, false, None, i64::from(n) * SECOND);
        }
        assert_eq!((s.take().0, s.pending(None), s.pending(Some(500))), (0, 0, 0));
    }

    #[test]
    fn what_comes_late_or_again_is_not_lost() {
        let mut s = Segments::default();
        let acknowledged = |n: u32| Some(n * 1_000 + 1_000);
        for n in 0..100_u32 {
            // Two at a time, last one first, and the acknowledgement before either.
            let n = n ^ 1;
            s.see(n * 1_000, 1_000, false, acknowledged(n | 1), i64::from(n) * SECOND / 10);
        }
        assert_eq!((s.take(), s.pending(Some(100_000))), ((0, 99), 0), "the first came before the first that was seen");
        // Lost by the network: sent again, then acknowledged.
        s.see(101_000, 1_000, false, Some(100_000), 20 * SECOND);
        s.see(100_000, 1_000, false, Some(100_000), 25 * SECOND);
        s.see(102_000, 1_000, false, Some(102_000), 30 * SECOND);
        assert_eq!((s.take(), s.pending(Some(103_000))), ((0, 3), 0));
    }

    #[test]
    fn keep_alives_probes_fins_and_new_connections_are_not_lost() {
        let mut s = Segments::default();
        s.see(1_000, 100, false, Some(1_000), 0);
        s.see(1_099, 1, false, Some(1_100), SECOND);
        s.see(1_099, 0, false, Some(1_100), 2 * SECOND);
        s.see(1_100, 1, false, Some(1_100), 3 * SECOND);
        s.see(1_100, 50, true, Some(1_100), 4 * SECOND);
        s.see(1_151, 0, false, Some(1_151), 6 * SECOND);
        assert_eq!((s.take().0, s.pending(Some(1_151))), (0, 0));
        s.see(2_000_000_000, 10, false, Some(2_000_000_010), 7 * SECOND);
        s.begin(77);
        s.see(78, 10, false, Some(88), 9 * SECOND);
        assert_eq!((s.take().0, s.pending(Some(88))), (0, 0));
    }

    #[test]
    fn nothing_grows() {
        let mut s = Segments::default();
        for n in 0..100_000_u32 {
            s.see(n * 2_000, 1_000, false, Some(0), 0);
        }
        assert!(s.holes.len() <= MAX_HOLES);
    }
}
