//! One flow.

use super::evidence::Evidence;
use super::key::{FlowKey, Side};
use super::reach::Direction;
use crate::base::{Mac, Timestamp};
use crate::device::DeviceId;

/// Ways that packets of one direction take, which are remembered so that the next packet needs no other lookup.
const PATHS: usize = 2;

/// One flow; `J` is what the engine made of it.
#[derive(Clone, Debug)]
pub struct Flow<J> {
    /// What makes it one.
    pub key: FlowKey,
    /// Who opened it.
    pub initiator: Side,
    /// How that is known.
    pub direction: Direction,
    /// Packets sent by each end, copies not counted.
    pub packets: [u64; 2],
    /// IP bytes sent by each end.
    pub bytes: [u64; 2],
    /// Copies that the mirror made.
    pub duplicates: u64,
    /// Copies behind a router.
    pub routed_copies: u64,
    /// Earliest packet.
    pub first: Timestamp,
    /// Latest packet.
    pub last: Timestamp,
    /// Monotonic time of the last packet.
    pub touched: i64,
    /// Judged VLAN of the first packet that had one.
    pub vlan: Option<u16>,
    /// What its packets prove.
    pub evidence: Evidence,
    /// The hosts at its ends.
    pub ends: [End; 2],
    /// What the engine made of it.
    pub judgement: J,
    paths: [[Path; PATHS]; 2],
    next_path: [u8; 2],
    stacks: [(u32, u64); 2],
    more_stacks: Option<Box<Vec<(u32, u64)>>>,
}

/// One end of a flow.
#[derive(Clone, Copy, Debug, Default)]
pub struct End {
    /// The device there.
    pub device: Option<DeviceId>,
    /// Its MAC, where frames of this flow were seen on its own link.
    pub mac: Option<Mac>,
}

/// How packets of one direction came by: while it is equal, nothing about the flow's ends can have changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Path {
    /// Source MAC.
    pub src: Mac,
    /// Destination MAC.
    pub dst: Mac,
    /// Tags of the outermost link and, where it is another, of the link that carries this layer.
    pub stacks: (u32, u32),
    /// VLAN of the ERSPAN header.
    pub erspan_vlan: Option<u16>,
    /// TTL or hop limit.
    pub ttl: u8,
    /// In use.
    pub known: bool,
}

impl<J: Default> Flow<J> {
    /// A flow that starts with a packet at this time.
    pub fn new(key: FlowKey, initiator: Side, direction: Direction, at: Timestamp, touched: i64) -> Self {
        Flow {
            key,
            initiator,
            direction,
            packets: [0; 2],
            bytes: [0; 2],
            duplicates: 0,
            routed_copies: 0,
            first: at,
            last: at,
            touched,
            vlan: None,
            evidence: Evidence::default(),
            ends: [End::default(); 2],
            judgement: J::default(),
            paths: [[Path::default(); PATHS]; 2],
            next_path: [0; 2],
            stacks: [(u32::MAX, 0); 2],
            more_stacks: None,
        }
    }
}

impl<J> Flow<J> {
    /// Whether packets of `from` have come this way before.
    pub fn knows_path(&self, from: Side, path: &Path) -> bool {
        self.paths[from as usize].contains(path)
    }

    /// Forgets all ways, so that the next packet of each direction is looked at in full.
    pub fn forget_paths(&mut self) {
        self.paths = [[Path::default(); PATHS]; 2];
    }

    /// Remembers a way, in place of the one remembered longest.
    pub fn remember_path(&mut self, from: Side, path: Path) {
        let next = &mut self.next_path[from as usize];
        if let Some(slot) = self.paths[from as usize].get_mut(usize::from(*next)) {
            *slot = path;
        }
        *next = (*next + 1) % PATHS as u8;
    }

    /// Source MACs that packets of `from` had.
    pub fn source_macs(&self, from: Side) -> impl Iterator<Item = Mac> {
        self.paths[from as usize].iter().filter(|p| p.known).map(|p| p.src)
    }

    /// Counts a packet, copies included, with this stack of tags.
    pub fn count_stack(&mut self, stack: u32) {
        for slot in &mut self.stacks {
            if slot.0 == stack {
                slot.1 += 1;
                return;
            }
            if slot.0 == u32::MAX {
                *slot = (stack, 1);
                return;
            }
        }
        let more = self.more_stacks.get_or_insert_default();
        match more.iter_mut().find(|s| s.0 == stack) {
            Some(slot) => slot.1 += 1,
            None => more.push((stack, 1)),
        }
    }

    /// Stacks of tags and the packets seen with each.
    pub fn stacks(&self) -> impl Iterator<Item = (u32, u64)> {
        let more = self.more_stacks.as_deref().map(Vec::as_slice).unwrap_or_default();
        self.stacks.iter().filter(|s| s.0 != u32::MAX).chain(more).copied()
    }

    /// Extends the time that it was seen.
    pub fn seen(&mut self, at: Timestamp, now: i64) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.touched = now;
    }

    /// Address and port of one end.
    pub fn end(&self, side: Side) -> (std::net::IpAddr, u16) {
        (self.key.ip(side), self.key.port(side))
    }

    /// The end that was to answer.
    pub fn responder(&self) -> Side {
        self.initiator.other()
    }
}
