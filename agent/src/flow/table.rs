//! All flows, bounded.

use std::hash::{BuildHasher, Hasher};

use super::index::Index;
use super::key::FlowKey;
use super::record::Flow;
use crate::base::Seeded;

/// Flows kept (about 400 bytes each). A new one beyond it takes the place of the one that was quiet longest among
/// those of no watched device; only when there are none, of a watched one.
pub const MAX_FLOWS: usize = 1_048_576;
/// Nanoseconds without a packet after which reach and verdict start anew.
pub const IDLE_TIMEOUT: i64 = 600_000_000_000;

/// Flows per allocation, so that growing copies nothing.
const CHUNK: usize = 4096;
/// Flows that were used since they were queued and get a second chance, per eviction.
const SECOND_CHANCES: usize = 16;
const NONE: u32 = u32::MAX;

/// Place of a flow in the table; it is another flow's after an eviction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlowId(u32);

#[repr(C, align(64))]
struct Slot {
    flow: Flow,
    hash: u32,
    previous: u32,
    next: u32,
    queue: u8,
    /// `flow.touched` when it was queued last.
    queued_at: i64,
}

#[derive(Clone, Copy)]
struct Queue {
    head: u32,
    tail: u32,
}

/// Queues of slots: flows of no watched device, those of watched ones, and places that are free again.
const UNWATCHED: u8 = 0;
const WATCHED: u8 = 1;
const FREE: u8 = 2;

/// All flows. Eviction follows two queues (unwatched, watched), first in first out with second chances: an order that
/// no hash decides.
pub struct FlowTable {
    chunks: Vec<Vec<Slot>>,
    slots: usize,
    len: usize,
    limit: usize,
    index: Index,
    seed: Seeded,
    queues: [Queue; 3],
}

impl FlowTable {
    /// An empty table for at most `limit` flows.
    pub fn new(limit: usize) -> Self {
        let empty = Queue { head: NONE, tail: NONE };
        FlowTable {
            chunks: Vec::new(),
            slots: 0,
            len: 0,
            limit: limit.clamp(1, NONE as usize - 1),
            index: Index::new(),
            seed: Seeded::default(),
            queues: [empty; 3],
        }
    }

    /// Finds a flow.
    pub fn find(&self, key: &FlowKey) -> Option<FlowId> {
        let hash = self.hash(key);
        self.index.find(hash, |at| self.slot(at).is_some_and(|s| s.flow.key == *key)).map(FlowId)
    }

    /// Adds a flow that [`FlowTable::find`] did not find, and returns the one that had to go for it and whether it
    /// was watched. A new flow counts as unwatched until [`FlowTable::set_watched`].
    pub fn insert(&mut self, flow: Flow) -> (FlowId, Option<(Flow, bool)>) {
        let hash = self.hash(&flow.key);
        let queued_at = flow.touched;
        let slot = Slot { flow, hash, previous: NONE, next: NONE, queue: UNWATCHED, queued_at };
        let free = self.queues[usize::from(FREE)].head;
        let (at, evicted) = if free != NONE {
            self.unlink(free);
            if let Some(place) = self.slot_mut(free) {
                *place = slot;
            }
            self.len += 1;
            (free, None)
        } else if self.slots < self.limit {
            (self.push(slot), None)
        } else {
            let at = self.victim();
            let watched = self.slot(at).is_some_and(|s| s.queue == WATCHED);
            self.unlink(at);
            let old = self.slot_mut(at).map(|place| std::mem::replace(place, slot));
            if let Some(old) = &old {
                self.index.remove(old.hash, at);
            }
            (at, old.map(|old| (old.flow, watched)))
        };
        self.link(at, UNWATCHED);
        self.index.insert(hash, at);
        (FlowId(at), evicted)
    }

    /// A flow.
    pub fn get(&self, id: FlowId) -> Option<&Flow> {
        self.slot(id.0).map(|slot| &slot.flow)
    }

    /// A flow, to change it (but for its key).
    pub fn get_mut(&mut self, id: FlowId) -> Option<&mut Flow> {
        self.slot_mut(id.0).map(|slot| &mut slot.flow)
    }

    /// Takes out a flow that has had no packet since `before`. The order is that of eviction.
    pub fn take_idle(&mut self, before: i64) -> Option<Flow> {
        for queue in [UNWATCHED, WATCHED] {
            loop {
                let at = self.queues[usize::from(queue)].head;
                let Some(slot) = self.slot(at) else { break };
                if slot.flow.touched < before {
                    return self.remove(at);
                }
                if slot.flow.touched == slot.queued_at {
                    break;
                }
                self.unlink(at);
                self.link(at, queue);
            }
        }
        None
    }

    fn remove(&mut self, at: u32) -> Option<Flow> {
        self.unlink(at);
        self.link(at, FREE);
        let slot = self.slot_mut(at)?;
        let empty = Flow::new(slot.flow.key, slot.flow.initiator, slot.flow.direction, slot.flow.first, i64::MIN);
        let (hash, flow) = (slot.hash, std::mem::replace(&mut slot.flow, empty));
        self.index.remove(hash, at);
        self.len -= 1;
        Some(flow)
    }

    /// Says whether a watched device is at one of its ends.
    pub fn set_watched(&mut self, id: FlowId, watched: bool) {
        let queue = if watched { WATCHED } else { UNWATCHED };
        if self.slot(id.0).is_some_and(|slot| slot.queue != queue) {
            self.unlink(id.0);
            self.link(id.0, queue);
        }
    }

    /// Every flow, in the order of their places.
    pub fn ids(&self) -> impl Iterator<Item = FlowId> {
        (0..self.slots as u32).filter(|&at| self.slot(at).is_some_and(|slot| slot.queue != FREE)).map(FlowId)
    }

    /// Flows of watched devices, in the order of their places.
    pub fn watched(&self) -> impl Iterator<Item = FlowId> {
        (0..self.slots as u32).filter(|&at| self.slot(at).is_some_and(|slot| slot.queue == WATCHED)).map(FlowId)
    }

    /// Whether a flow is one of a watched device.
    pub fn is_watched(&self, id: FlowId) -> bool {
        self.slot(id.0).is_some_and(|slot| slot.queue == WATCHED)
    }

    /// Flows in the table.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without a flow.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn hash(&self, key: &FlowKey) -> u32 {
        let mut hasher = self.seed.build_hasher();
        for word in key.words() {
            hasher.write_u64(word);
        }
        hasher.finish() as u32
    }

    fn slot(&self, at: u32) -> Option<&Slot> {
        self.chunks.get(at as usize / CHUNK)?.get(at as usize % CHUNK)
    }

    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        self.chunks.get_mut(at as usize / CHUNK)?.get_mut(at as usize % CHUNK)
    }

    fn push(&mut self, slot: Slot) -> u32 {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(slot),
            _ => {
                // The first chunk grows as needed, so that a small capture stays small.
                let mut chunk = Vec::with_capacity(if self.chunks.is_empty() { 64 } else { CHUNK });
                chunk.push(slot);
                self.chunks.push(chunk);
            }
        }
        self.len += 1;
        self.slots += 1;
        (self.slots - 1) as u32
    }

    /// The flow to go: the head of the unwatched queue, or else of the watched one, that was not used since it queued.
    fn victim(&mut self) -> u32 {
        let queue = if self.queues[usize::from(UNWATCHED)].head == NONE { WATCHED } else { UNWATCHED };
        for _ in 0..SECOND_CHANCES {
            let head = self.queues[usize::from(queue)].head;
            match self.slot(head) {
                Some(slot) if slot.flow.touched != slot.queued_at => {
                    self.unlink(head);
                    self.link(head, queue);
                }
                _ => break,
            }
        }
        self.queues[usize::from(queue)].head
    }

    fn link(&mut self, at: u32, queue: u8) {
        let tail = std::mem::replace(&mut self.queues[usize::from(queue)].tail, at);
        if let Some(slot) = self.slot_mut(at) {
            (slot.previous, slot.next, slot.queue) = (tail, NONE, queue);
            slot.queued_at = slot.flow.touched;
        }
        match self.slot_mut(tail) {
            Some(slot) => slot.next = at,
            None => self.queues[usize::from(queue)].head = at,
        }
    }

    fn unlink(&mut self, at: u32) {
        let Some(&Slot { previous, next, queue, .. }) = self.slot(at) else { return };
        match self.slot_mut(previous) {
            Some(slot) => slot.next = next,
            None => self.queues[usize::from(queue)].head = next,
        }
        match self.slot_mut(next) {
            Some(slot) => slot.previous = previous,
            None => self.queues[usize::from(queue)].tail = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::base::Timestamp;
    use crate::flow::Direction;

    fn flow(port: u16, touched: i64) -> Flow {
        let (key, side) =
            FlowKey::new(17, (IpAddr::from([10, 0, 0, 1]), port), (IpAddr::from([10, 0, 0, 2]), 1), 0, true);
        Flow::new(key, side, Direction::FirstSeen, Timestamp(touched), touched)
    }

    fn ports(table: &FlowTable) -> Vec<u16> {
        let mut ports: Vec<u16> = (1..100).filter(|&p| table.find(&flow(p, 0).key).is_some()).collect();
        ports.sort_unstable();
        ports
    }

    #[test]
    fn watched_flows_go_last_and_the_quiet_first() {
        let mut table = FlowTable::new(3);
        let (one, _) = table.insert(flow(2, 0));
        let (two, _) = table.insert(flow(3, 0));
        table.insert(flow(4, 0));
        table.set_watched(one, true);
        if let Some(f) = table.get_mut(two) {
            f.touched = 5;
        }
        let (_, gone) = table.insert(flow(5, 6));
        assert_eq!(gone.map(|(f, w)| (f.key, w)), Some((flow(4, 0).key, false)), "flow 3 was used since");
        let (_, gone) = table.insert(flow(6, 6));
        assert_eq!(gone.map(|(f, w)| (f.key, w)), Some((flow(3, 0).key, false)));
        table.insert(flow(7, 6));
        assert_eq!(ports(&table), [2, 6, 7], "the watched flow stays");
        for id in table.ids().collect::<Vec<_>>() {
            table.set_watched(id, true);
        }
        let (_, gone) = table.insert(flow(8, 6));
        assert!(gone.is_some_and(|(_, watched)| watched));
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn idle_flows_leave_and_make_room() {
        let mut table = FlowTable::new(4);
        let (two, _) = table.insert(flow(2, 0));
        table.insert(flow(3, 1));
        let (four, _) = table.insert(flow(4, 2));
        table.set_watched(four, true);
        if let Some(f) = table.get_mut(two) {
            f.touched = 9;
        }
        let gone: Vec<u16> = std::iter::from_fn(|| table.take_idle(5))
            .map(|f| f.key.port(crate::flow::Side::A).max(f.key.port(crate::flow::Side::B)))
            .collect();
        assert_eq!(gone, [3, 4], "flow 2 was used since");
        assert_eq!((ports(&table), table.len(), table.ids().count(), table.watched().count()), (vec![2], 1, 1, 0));
        for port in 5..8 {
            let (_, evicted) = table.insert(flow(port, 10));
            assert!(evicted.is_none());
        }
        assert_eq!((ports(&table), table.len()), (vec![2, 5, 6, 7], 4));
        assert!(table.insert(flow(8, 11)).1.is_some_and(|(f, _)| f.key == flow(2, 0).key));
    }

    #[test]
    fn a_flow_takes_six_cache_lines() {
        assert_eq!(size_of::<Slot>(), 384);
    }

    #[test]
    fn many_flows_are_found_again() {
        let mut table = FlowTable::new(MAX_FLOWS);
        for port in 2..20_000 {
            table.insert(flow(port, 0));
        }
        assert!((2..20_000).all(|p| table.find(&flow(p, 0).key).is_some()));
        assert_eq!(table.ids().count(), 19_998);
    }
}
