//! One flow.

use super::carried::{Carried, MAX_INSPECTED, Said, said};
use super::evidence::Evidence;
use super::key::{FlowKey, Side};
use super::loss::Losses;
use super::reach::Direction;
use crate::base::{Mac, Timestamp};
use crate::device::DeviceId;
use crate::packet::Layer;

/// Ways that packets of one direction take, which are remembered so that the next packet needs no other lookup.
const PATHS: usize = 2;

/// Sender and VLAN pairs kept for one flow of local scope: enough for every host that asks for an address with the same
/// five words, in every VLAN.
const MAX_LOCAL_COPIES: usize = 4_096;

/// One flow. What a packet needs stands on three cache lines, the first two and that of its sender: a flow that is not in
/// the cache costs more than all that is computed about it.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Flow {
    /// What makes it one.
    pub key: FlowKey,
    /// Monotonic time of the last packet.
    pub touched: i64,
    /// Earliest packet.
    pub first: Timestamp,
    /// Latest packet.
    pub last: Timestamp,
    // The second line, which copies leave alone.
    /// Packets sent by each end, copies not counted.
    pub packets: [u64; 2],
    /// IP bytes sent by each end.
    pub bytes: [u64; 2],
    /// What its packets prove.
    pub evidence: Evidence,
    /// Who opened it.
    pub initiator: Side,
    /// How that is known.
    pub direction: Direction,
    next_path: [u8; 2],
    // The third and the fourth.
    came: [Came; 2],
    // What few packets need.
    /// Copies behind a router.
    pub routed_copies: u64,
    /// Copies that the mirror made.
    pub duplicates: u64,
    /// Payload bytes of each end by hour of monotonic time: the current hour.
    hours: [(u32, u32); 2],
    rare: Option<Box<Rare>>,
    /// Judged VLAN of the first packet that had one.
    pub vlan: Option<u16>,
    /// A frame of it went to one host; without one it was all link-layer broadcast, which no router passes on
    /// (RFC 1812, section 5.3.4).
    pub unicast: bool,
    /// Its verdict has been counted.
    pub counted: bool,
    /// Whose requests are followed.
    pub asks: [bool; 2],
    /// Source and destination of each path's packets, for their [`Credit`].
    devices: [[[Option<DeviceId>; 2]; PATHS]; 2],
    /// The hosts at its ends.
    pub ends: [End; 2],
}

/// How the packets of one end came by.
#[derive(Clone, Copy, Debug)]
struct Came {
    paths: [Path; PATHS],
    stacks: [(u32, u32); 2],
}

/// What few flows have.
#[derive(Clone, Debug, Default)]
struct Rare {
    local_copies: Vec<(DeviceId, u16)>,
    more_hours: Vec<(Side, u32, u32)>,
    more_stacks: Vec<(u32, u64)>,
    carried: Option<Box<Carried>>,
    losses: Option<Box<Losses>>,
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Path {
    /// Source MAC, and the TTL above it.
    from: u64,
    /// Destination MAC, above it the judged VLAN + 1, or 0, and [`OWN`], [`RECEIVED`] and [`UNICAST`].
    to: u64,
    /// State of what is known about devices when it was looked at; 0 is no path.
    epoch: u32,
    /// Packets that came this way.
    packets: u32,
}

/// Devices whose coverage the packets of a path add to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Credit {
    /// The frame is this device's own.
    pub sent: Option<DeviceId>,
    /// The frame goes to this device on its own link.
    pub received: Option<DeviceId>,
    /// The packet is of a device that is elsewhere.
    pub routed_from: Option<DeviceId>,
    /// The packet is to a device that is elsewhere.
    pub routed_to: Option<DeviceId>,
    /// The frame goes to one host.
    pub unicast: bool,
}

/// What packets of one path add to the coverage of the devices at its ends.
#[derive(Clone, Copy, Debug)]
pub struct Covered {
    /// Whose.
    pub credit: Credit,
    /// Judged VLAN.
    pub vlan: Option<u16>,
    /// How many packets.
    pub packets: u64,
    /// Between these times.
    pub first: Timestamp,
    /// Between these times.
    pub last: Timestamp,
}

// Bits of [`Path::to`], known of a path that was remembered.
/// Its frames are the sender's own.
const OWN: u64 = 1 << 63;
/// Its frames go to the receiver itself.
const RECEIVED: u64 = 1 << 62;
/// Its frames go to one host.
const UNICAST: u64 = 1 << 61;
/// All that [`Path::new`] says of it.
const GIVEN: u64 = !(OWN | RECEIVED | UNICAST);

impl Path {
    /// A path as of `epoch` (not 0).
    pub fn new(src: Mac, dst: Mac, vlan: Option<u16>, ttl: u8, epoch: u32) -> Self {
        Path {
            from: src.bits() | u64::from(ttl) << 48,
            to: dst.bits() | u64::from(vlan.map_or(0, |v| v + 1)) << 48,
            epoch,
            packets: 0,
        }
    }

    /// The same path as of another epoch.
    #[must_use]
    pub fn at_epoch(self, epoch: u32) -> Self {
        Path { epoch, ..self }
    }

    /// Judged VLAN.
    pub fn vlan(&self) -> Option<u16> {
        ((self.to >> 48) as u16 & 0x1fff).checked_sub(1)
    }

    /// TTL or hop limit.
    pub fn ttl(&self) -> u8 {
        (self.from >> 48) as u8
    }

    fn src(&self) -> Mac {
        mac(self.from)
    }

    fn dst(&self) -> Mac {
        mac(self.to)
    }

    fn is_used(&self) -> bool {
        self.epoch != 0
    }
}

fn mac(bits: u64) -> Mac {
    let [_, _, mac @ ..] = bits.to_be_bytes();
    Mac(mac)
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
            unicast: false,
            counted: false,
            rare: None,
            asks: [false; 2],
            hours: [(0, 0); 2],
            came: [Came { paths: [Path::default(); PATHS], stacks: [(u32::MAX, 0); 2] }; 2],
            devices: Default::default(),
            next_path: [0; 2],
        }
    }
}

impl Flow {
    /// Counts a packet of `from`, if packets have come this way before. Returns whether its frame is the sender's own.
    pub fn follow(&mut self, from: Side, path: &Path) -> Option<bool> {
        for known in &mut self.came[from as usize].paths {
            if known.from == path.from
                && known.to & GIVEN == path.to
                && known.epoch == path.epoch
                && known.packets != u32::MAX
            {
                known.packets += 1;
                return Some(known.to & OWN != 0);
            }
        }
        None
    }

    /// Remembers a way with its first packet, in place of the one remembered longest, which is returned.
    pub fn remember(&mut self, from: Side, path: Path, credit: Credit) -> Option<Covered> {
        let (side, at) = (from as usize, usize::from(self.next_path[from as usize]) % PATHS);
        self.next_path[side] = (at as u8 + 1) % PATHS as u8;
        let old = self.covered_at(side, at);
        let mark = |bit: u64, if_true: bool| if if_true { bit } else { 0 };
        let known = mark(OWN, credit.sent.is_some())
            | mark(RECEIVED, credit.received.is_some())
            | mark(UNICAST, credit.unicast);
        self.came[side].paths[at] = Path { packets: 1, to: path.to | known, ..path };
        self.devices[side][at] = [credit.sent.or(credit.routed_from), credit.received.or(credit.routed_to)];
        old
    }

    /// What the packets of the remembered ways add to the coverage of devices.
    pub fn covered(&self) -> impl Iterator<Item = Covered> {
        (0..2).flat_map(move |side| (0..PATHS).filter_map(move |at| self.covered_at(side, at)))
    }

    /// The same, with the end that sent them.
    pub fn covered_by_side(&self) -> impl Iterator<Item = (Side, Covered)> {
        [Side::A, Side::B].into_iter().flat_map(move |side| {
            (0..PATHS).filter_map(move |at| self.covered_at(side as usize, at).map(|covered| (side, covered)))
        })
    }

    /// The same for what came since the last call.
    pub fn take_covered(&mut self) -> impl Iterator<Item = (Side, Covered)> + use<> {
        let mut taken = [None; 2 * PATHS];
        for (slot, (side, at)) in taken.iter_mut().zip((0..2).flat_map(|side| (0..PATHS).map(move |at| (side, at)))) {
            let Some(covered) = self.covered_at(side, at) else { continue };
            *slot = Some((if side == 0 { Side::A } else { Side::B }, covered));
            self.came[side].paths[at].packets = 0;
        }
        taken.into_iter().flatten()
    }

    fn covered_at(&self, side: usize, at: usize) -> Option<Covered> {
        let path = self.came[side].paths.get(at).filter(|path| path.is_used() && path.packets > 0)?;
        let [source, destination] = *self.devices[side].get(at)?;
        let (own, received) = (path.to & OWN != 0, path.to & RECEIVED != 0);
        let credit = Credit {
            sent: source.filter(|_| own),
            received: destination.filter(|_| received),
            routed_from: source.filter(|_| !own),
            routed_to: destination.filter(|_| !received),
            unicast: path.to & UNICAST != 0,
        };
        Some(Covered {
            credit,
            vlan: path.vlan(),
            packets: u64::from(path.packets),
            first: self.first,
            last: self.last,
        })
    }

    /// All the times of the clock that it holds.
    pub fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let carried = self.rare.as_deref_mut().and_then(|rare| rare.carried.as_deref_mut());
        [&mut self.first, &mut self.last].into_iter().chain(carried.into_iter().flat_map(Carried::times_mut))
    }

    /// Whether packets of `from` were seen with another source MAC.
    pub fn came_from_elsewhere(&self, from: Side, src: Mac) -> bool {
        self.macs_of(from).any(|mac| mac != src)
    }

    /// Notes that a copy of what `device` sent to its own link was seen in this VLAN.
    pub fn note_local_copy(&mut self, device: DeviceId, vlan: u16) {
        let copies = &mut self.rare.get_or_insert_default().local_copies;
        if copies.len() < MAX_LOCAL_COPIES && !copies.contains(&(device, vlan)) {
            copies.push((device, vlan));
        }
    }

    /// Devices that sent traffic of local scope, each with a VLAN that a copy of it was seen in.
    pub fn local_copies(&self) -> &[(DeviceId, u16)] {
        self.rare.as_deref().map(|rare| rare.local_copies.as_slice()).unwrap_or_default()
    }

    /// Looks into the payload of a packet of `from`, for tunnels and for requests to open a port.
    #[inline]
    pub fn look_into(&mut self, from: Side, layer: &Layer, payload: &[u8], at: Timestamp) {
        let young = self.packets[from as usize] <= MAX_INSPECTED;
        if let Some(said) = said(layer, payload, young) {
            self.note_said(from, said, at);
        } else if self.rare.is_some()
            && let Some(carried) = self.carried_mut()
        {
            if payload.starts_with(b"HTTP/") {
                carried.answered(from);
            } else {
                carried.goes_on(from, payload, at);
            }
        }
    }

    /// Follows what is answered to attacks, if it carried some.
    #[inline]
    pub fn follow_attempts(&mut self, from: Side, layer: &Layer, payload: &[u8]) {
        if self.rare.is_some()
            && let Some(carried) = self.carried_mut()
            && let Some(tcp) = layer.tcp
        {
            carried.attempts.follow(from, (tcp.seq, tcp.ack), payload, layer.payload_len);
        }
    }

    #[cold]
    fn note_said(&mut self, from: Side, said: Said, at: Timestamp) {
        let carried = self.carry();
        match said {
            Said::Shape(shape) => carried.shaped(from, shape),
            Said::Asks => carried.asked(from, at),
            Said::Begins => carried.begins(from),
            Said::Answers => carried.answered(from),
        }
    }

    /// What it shows of packets that the mirror did not, where that is followed.
    #[inline]
    pub fn losses(&self) -> Option<&Losses> {
        self.rare.as_deref()?.losses.as_deref()
    }

    /// The same, to go on.
    #[inline]
    pub fn losses_mut(&mut self) -> Option<&mut Losses> {
        self.rare.as_deref_mut()?.losses.as_deref_mut()
    }

    /// Follows it from now on.
    pub fn follow_losses(&mut self, is_watched: bool) {
        self.rare.get_or_insert_default().losses = Some(Box::new(Losses::new(is_watched)));
    }

    /// It is not followed any more.
    pub fn take_losses(&mut self) -> Option<Box<Losses>> {
        self.rare.as_deref_mut()?.losses.take()
    }

    /// What it carries, made if it is new.
    pub fn carry(&mut self) -> &mut Carried {
        self.rare.get_or_insert_default().carried.get_or_insert_default()
    }

    /// What it carries, if its payload showed anything.
    pub fn carried(&self) -> Option<&Carried> {
        self.rare.as_deref()?.carried.as_deref()
    }

    fn carried_mut(&mut self) -> Option<&mut Carried> {
        self.rare.as_deref_mut()?.carried.as_deref_mut()
    }

    /// Source MACs that packets of `from` came with last.
    pub fn macs_of(&self, from: Side) -> impl Iterator<Item = Mac> {
        self.came[from as usize].paths.iter().filter(|path| path.is_used()).map(Path::src)
    }

    /// Destination MACs that packets to `to` went to last.
    pub fn macs_towards(&self, to: Side) -> impl Iterator<Item = Mac> {
        self.came[to.other() as usize].paths.iter().filter(|path| path.is_used()).map(Path::dst)
    }

    /// TTLs that packets of `from` came with last.
    pub fn ttls_of(&self, from: Side) -> impl Iterator<Item = u8> {
        self.came[from as usize].paths.iter().filter(|path| path.is_used()).map(Path::ttl)
    }

    /// Counts payload of `from` in an hour of monotonic time; beyond 4 GiB it stays there.
    pub fn count_payload(&mut self, from: Side, hour: u32, bytes: u32) {
        let slot = &mut self.hours[from as usize];
        if slot.0 == hour {
            slot.1 = slot.1.saturating_add(bytes);
        } else {
            let (old, sum) = std::mem::replace(slot, (hour, bytes));
            if sum > 0 {
                self.rare.get_or_insert_default().more_hours.push((from, old, sum));
            }
        }
    }

    /// Payload bytes of one end by hour.
    pub fn payload_by_hour(&self, from: Side) -> impl Iterator<Item = (u32, u64)> {
        let more = self.rare.as_deref().map(|rare| rare.more_hours.as_slice()).unwrap_or_default();
        let earlier = more.iter().filter(move |m| m.0 == from).map(|m| (m.1, m.2));
        earlier.chain([self.hours[from as usize]]).map(|(hour, bytes)| (hour, u64::from(bytes)))
    }

    /// Counts a packet of `from`, copies included, with this stack of tags.
    pub fn count_stack(&mut self, from: Side, stack: u32) {
        for slot in &mut self.came[from as usize].stacks {
            if slot.0 == u32::MAX {
                slot.0 = stack;
            }
            if slot.0 == stack && slot.1 != u32::MAX {
                slot.1 += 1;
                return;
            }
        }
        let more = &mut self.rare.get_or_insert_default().more_stacks;
        match more.iter_mut().find(|s| s.0 == stack) {
            Some(slot) => slot.1 += 1,
            None => more.push((stack, 1)),
        }
    }

    /// Stacks of tags and the packets seen with each.
    pub fn stacks(&self) -> Vec<(u32, u64)> {
        let more = self.rare.as_deref().map(|rare| rare.more_stacks.as_slice()).unwrap_or_default();
        let mut all: Vec<(u32, u64)> = Vec::with_capacity(4 + more.len());
        let inline =
            self.came.iter().flat_map(|came| &came.stacks).filter(|s| s.0 != u32::MAX).map(|s| (s.0, u64::from(s.1)));
        for (stack, packets) in inline.chain(more.iter().copied()) {
            match all.iter_mut().find(|known| known.0 == stack) {
                Some(known) => known.1 += packets,
                None => all.push((stack, packets)),
            }
        }
        all
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
