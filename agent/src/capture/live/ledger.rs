//! Where every packet of an interface went.

use crate::base::Timestamp;

/// Counts of one interface since the start, whatever became of it in between. Once the interface is closed,
/// `seen = delivered + kernel_drops + agent_drops`; before, the difference is what waits in the kernel's ring.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Ledger {
    /// Packets that arrived for this capture, by the kernel's count.
    pub seen: u64,
    /// Packets handed over.
    pub delivered: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets that the kernel had no room for.
    pub kernel_drops: u64,
    /// Packets that were in the ring, but not read when it was closed.
    pub agent_drops: u64,
    /// Frames that the network card lost or found damaged, which the kernel never saw; 0 also means "not known".
    pub interface_drops: u64,
    /// Frames longer than the interface's MTU allows: the host glued segments together (GRO, LRO).
    pub oversized: u64,
    /// Frames of which less than the whole was kept.
    pub truncated: u64,
    /// How many times the interface was opened.
    pub opened: u64,
    /// Time of the last frame handed over.
    pub last_frame: Option<Timestamp>,
}

impl Ledger {
    /// Packets in the kernel's ring, as far as the counts of one moment can tell.
    pub fn waiting(&self) -> u64 {
        self.seen.saturating_sub(self.delivered + self.kernel_drops + self.agent_drops)
    }
}

/// A counter of 32 bits that is read more often than it can go round, as one of 64 bits.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Odometer(u32);

impl Odometer {
    /// How far it went since the last reading.
    pub(super) fn advance(&mut self, reading: u32) -> u64 {
        let step = reading.wrapping_sub(self.0);
        self.0 = reading;
        u64::from(step)
    }
}
