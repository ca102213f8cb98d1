//! Packets kept for the findings that they may prove (DESIGN, section 8): the first of each flow of a watched device,
//! each that came a new way, and what it sent without an IP header. Not video.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use super::Engine;
use super::snapshot::FindingStatus;
use crate::base::Timestamp;
use crate::device::DeviceId;
use crate::flow::{FlowId, FlowKey, Side};
use crate::packet::{Decoded, LinkType};
use crate::policy::Scope;

/// Packets kept of each direction of a flow, and as many routed copies.
pub(super) const FIRST_PACKETS: u64 = 16;
/// Bytes kept for each device in a ring; the oldest go first. What stays at home has a ring of its own, so that it
/// pushes out nothing that left.
const MAX_OF_RING: usize = 512 * 1024;
/// Bytes kept in all; beyond it the fullest device gives up half of its packets.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// What a packet costs besides its bytes.
const OVERHEAD: usize = 128;
/// Bytes kept of a frame without IP, and of one that could not be decoded.
const BARE: usize = 128;
/// Bytes kept of a frame whose payload is kept.
const WHOLE: usize = 2_048;
/// Bytes of packets for one finding at a time.
const MAX_OF_FINDING: usize = 1024 * 1024;

/// A packet as it was captured, maybe cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptFrame {
    /// Index of the interface.
    pub source: u16,
    /// When it was captured.
    pub at: Timestamp,
    /// Its number among those that were kept, which goes on whatever the clock does.
    pub number: u64,
    /// How it begins.
    pub link_type: LinkType,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// The first of them, tags included.
    pub data: Arc<[u8]>,
}

#[derive(Debug)]
struct Kept {
    frame: KeptFrame,
    /// Without it, it had no IP header.
    flow: Option<FlowKey>,
}

#[derive(Debug, Default)]
struct Ring {
    frames: VecDeque<Kept>,
    bytes: usize,
}

/// The rings of all devices.
#[derive(Debug, Default)]
pub(super) struct Rings {
    rings: BTreeMap<(DeviceId, bool), Ring>,
    bytes: usize,
    /// Packets kept so far.
    kept: u64,
    /// Flows whose packet in hand is one to keep, and whether its sender speaks for the network.
    pub(super) early: Vec<(FlowId, bool, Side)>,
}

impl Rings {
    fn keep(&mut self, device: DeviceId, stays_home: bool, kept: Kept) {
        let size = kept.frame.data.len() + OVERHEAD;
        let ring = self.rings.entry((device, stays_home)).or_default();
        ring.frames.push_back(kept);
        ring.bytes += size;
        self.bytes += size;
        while ring.bytes > MAX_OF_RING {
            self.bytes -= ring.drop_oldest();
        }
        if self.bytes > MAX_BYTES {
            let Some(fullest) = self.rings.values_mut().max_by_key(|ring| ring.bytes) else { return };
            let half = fullest.bytes / 2;
            while fullest.bytes > half {
                self.bytes -= fullest.drop_oldest();
            }
        }
    }
}

impl Ring {
    fn drop_oldest(&mut self) -> usize {
        let size = self.frames.pop_front().map_or(self.bytes, |kept| kept.frame.data.len() + OVERHEAD);
        self.bytes = self.bytes.saturating_sub(size);
        size
    }
}

impl Engine {
    /// The packet in hand is one of the first of its flow, or came a new way.
    #[inline]
    pub(super) fn mark_early(&mut self, id: FlowId, from: Side, speaks_for_network: bool) {
        if self.evidence.early.len() < crate::packet::MAX_LAYERS {
            self.evidence.early.push((id, speaks_for_network, from));
        }
    }

    /// Keeps the frame in hand for the watched devices of the flows that were marked.
    pub(super) fn keep_early(
        &mut self,
        at: Timestamp,
        link_type: LinkType,
        wire_len: u32,
        data: &[u8],
        found: &Decoded,
    ) {
        if self.evidence.early.is_empty() {
            return;
        }
        let mut early = std::mem::take(&mut self.evidence.early);
        let mut frame = None;
        for (id, speaks_for_network, from) in early.drain(..) {
            if !speaks_for_network && !self.flows.is_watched(id) {
                continue;
            }
            let Some(flow) = self.flows.get(id) else { continue };
            let (key, ends) = (flow.key, [Side::A, Side::B].map(|side| (side, flow.ends[side as usize].device)));
            for (side, device) in ends {
                let Some((id, device)) = device.and_then(|id| Some((id, self.devices.get(id)?))) else { continue };
                if !(device.is_watched() || speaks_for_network && side == from) {
                    continue;
                }
                let stays_home = match self.policy.scope(key.ip(side.other())) {
                    Scope::Zone(zone) => self.home(id) == Some(zone),
                    Scope::Local => true,
                    Scope::Internal | Scope::Internet => false,
                };
                let frame = frame.get_or_insert_with(|| {
                    let end = found.layers.last().map_or(BARE, |layer| layer.payload as usize);
                    self.cut(at, link_type, wire_len, data, end)
                });
                self.evidence.keep(id, stays_home, Kept { frame: frame.clone(), flow: Some(key) });
            }
        }
        self.evidence.early = early;
    }

    /// Keeps a frame without IP of a watched device's own.
    pub(super) fn keep_bare(&mut self, id: DeviceId, at: Timestamp, link_type: LinkType, wire_len: u32, data: &[u8]) {
        if self.options.evidence.is_some() && self.devices.get(id).is_some_and(|device| device.is_watched()) {
            let frame = self.cut(at, link_type, wire_len, data, BARE);
            self.evidence.keep(id, true, Kept { frame, flow: None });
        }
    }

    fn cut(&mut self, at: Timestamp, link_type: LinkType, wire_len: u32, data: &[u8], headers: usize) -> KeptFrame {
        let with_payload = self.options.evidence.is_some_and(|evidence| evidence.payload);
        let end = if with_payload { WHOLE } else { headers };
        let data = data.get(..end).unwrap_or(data);
        self.evidence.kept += 1;
        KeptFrame { source: self.source, at, number: self.evidence.kept, link_type, wire_len, data: data.into() }
    }

    /// The packets kept that prove a finding, in the order in which they came; those behind the number `after` only.
    pub fn evidence(&self, finding: &FindingStatus, after: Option<u64>) -> Vec<KeptFrame> {
        let Some(device) = self.live.as_ref().and_then(|live| live.key_of(&finding.id)).map(|key| key.device) else {
            return Vec::new();
        };
        let services: Vec<(IpAddr, u16)> = finding.peers.iter().map(|peer| (peer.ip, peer.port)).collect();
        let proves = |kept: &Kept| match &kept.flow {
            _ if services.is_empty() => kept.frame.at >= finding.first_seen,
            Some(key) => [Side::A, Side::B].into_iter().any(|side| {
                services
                    .iter()
                    .any(|&(ip, port)| key.ip(side) == ip && (key.port(side) == port || key.port(side.other()) == port))
            }),
            None => false,
        };
        let rings = self.evidence.rings.iter().filter(|((of, _), _)| self.current(*of).unwrap_or(*of) == device);
        let mut frames: Vec<KeptFrame> = rings
            .flat_map(|(_, ring)| &ring.frames)
            .filter(|kept| after.is_none_or(|after| kept.frame.number > after) && proves(kept))
            .map(|kept| kept.frame.clone())
            .collect();
        frames.sort_by_key(|frame| frame.number);
        frames.dedup();
        let mut room = MAX_OF_FINDING;
        frames.retain(|frame| {
            let fits = frame.data.len() <= room;
            room = room.saturating_sub(frame.data.len());
            fits
        });
        frames
    }
}
