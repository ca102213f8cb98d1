//! One flow.

use super::evidence::Evidence;
use super::key::{FlowKey, Side};
use super::reach::Direction;
use crate::base::{Mac, Timestamp};
use crate::device::DeviceId;

/// Ways that packets of one direction take, which are remembered so that the next packet needs no other lookup.
const PATHS: usize = 2;

/// One flow.
#[derive(Clone, Debug)]
pub struct Flow {
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
    /// Payload bytes of each end by hour of monotonic time: the current hour, and those before.
    hours: [(u32, u64); 2],
    more_hours: Option<Box<Vec<(Side, u32, u64)>>>,
    paths: [[(Path, Credit); PATHS]; 2],
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
    /// Judged VLAN.
    pub vlan: Option<u16>,
    /// TTL or hop limit.
    pub ttl: u8,
    /// State of what is known about devices when it was looked at; 0 is no path.
    pub epoch: u32,
}

/// Devices whose coverage a packet on a path adds to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Credit {
    /// The frame is this device's own.
    pub sent: Option<DeviceId>,
    /// The frame goes to one host.
    pub unicast: bool,
    /// The frame goes to this device on its own link.
    pub received: Option<DeviceId>,
    /// The packet is of, or to, a device that is elsewhere.
    pub routed: [Option<DeviceId>; 2],
}

impl Flow {
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
            hours: [(0, 0); 2],
            more_hours: None,
            paths: Default::default(),
            next_path: [0; 2],
            stacks: [(u32::MAX, 0); 2],
            more_stacks: None,
        }
    }
}

impl Flow {
    /// Whom to credit, if packets of `from` have come this way before.
    pub fn credit(&self, from: Side, path: &Path) -> Option<Credit> {
        self.paths[from as usize].iter().find(|(known, _)| known == path).map(|(_, credit)| *credit)
    }

    /// Remembers a way, in place of the one remembered longest.
    pub fn remember(&mut self, from: Side, path: Path, credit: Credit) {
        let next = &mut self.next_path[from as usize];
        if let Some(slot) = self.paths[from as usize].get_mut(usize::from(*next)) {
            *slot = (path, credit);
        }
        *next = (*next + 1) % PATHS as u8;
    }

    /// Whether packets of `from` were seen with another source MAC.
    pub fn came_from_elsewhere(&self, from: Side, src: Mac) -> bool {
        self.paths[from as usize].iter().any(|(path, _)| path.epoch != 0 && path.src != src)
    }

    /// Source MACs that packets of `from` came with last.
    pub fn macs_of(&self, from: Side) -> impl Iterator<Item = Mac> {
        self.paths[from as usize].iter().filter(|(path, _)| path.epoch != 0).map(|(path, _)| path.src)
    }

    /// Destination MACs that packets to `to` went to last.
    pub fn macs_towards(&self, to: Side) -> impl Iterator<Item = Mac> {
        self.paths[to.other() as usize].iter().filter(|(path, _)| path.epoch != 0).map(|(path, _)| path.dst)
    }

    /// TTLs that packets of `from` came with last.
    pub fn ttls_of(&self, from: Side) -> impl Iterator<Item = u8> {
        self.paths[from as usize].iter().filter(|(path, _)| path.epoch != 0).map(|(path, _)| path.ttl)
    }

    /// Counts payload of `from` in an hour of monotonic time.
    pub fn count_payload(&mut self, from: Side, hour: u32, bytes: u64) {
        let slot = &mut self.hours[from as usize];
        if slot.0 != hour {
            let (old, sum) = std::mem::replace(slot, (hour, 0));
            if sum > 0 {
                self.more_hours.get_or_insert_default().push((from, old, sum));
            }
        }
        self.hours[from as usize].1 += bytes;
    }

    /// Payload bytes of one end by hour.
    pub fn payload_by_hour(&self, from: Side) -> impl Iterator<Item = (u32, u64)> {
        let more = self.more_hours.as_deref().map(Vec::as_slice).unwrap_or_default();
        let earlier = more.iter().filter(move |m| m.0 == from).map(|m| (m.1, m.2));
        earlier.chain([self.hours[from as usize]])
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
