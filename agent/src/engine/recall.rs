//! Flows of watched devices written down so that they can be judged again, by another policy, long after.
//!
//! What is kept of a flow is what its judgement rests on: its ends, its evidence, and nothing that the policy said. Flows
//! that are alike but for the port of who opened them are kept together, an hour at a time.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::live::{Saved, key_of, key_text};
use super::snapshot::{EndStatus, FlowRow, FlowVerdict, VlanCount};
use super::{Engine, Options};
use crate::base::Timestamp;
use crate::device::DeviceId;
use crate::finding::Kind;
use crate::flow::{Direction, Evidence, Flow, FlowKey, Reach, Side, TunnelKind};

/// Sorts of flows that are told apart within an hour, of all devices and of one; more are not kept, and counted.
pub const MAX_SORTS: usize = 65_536;
/// Whoever scans costs itself its history, and nobody else.
pub const MAX_SORTS_OF_DEVICE: usize = 1_024;
/// Stands for the port of who opened a flow: the first dynamic one (RFC 6335, section 6).
const DYNAMIC: u16 = 49_152;

/// What the judgement of a flow rests on, besides what its row says.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct FlowFacts {
    evidence: Evidence,
    /// Whose facts come first in it: those of the initiator.
    initiator_first: bool,
    unicast: bool,
    tunnel: Option<TunnelKind>,
    /// The devices at its ends, by MAC or address: initiator, responder.
    devices: [Option<String>; 2],
    /// Devices of which copies of local traffic were seen in a VLAN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    copies: Vec<(String, u16)>,
}

/// Flows that are alike.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct Sort {
    ip_proto: u8,
    initiator: EndStatus,
    responder: EndStatus,
    direction: Direction,
    vlan: Option<u16>,
    /// Tag stacks, outermost first.
    vlans: Vec<Vec<u16>>,
    layer: u8,
    innermost: bool,
    #[serde(flatten)]
    facts: FlowFacts,
}

/// How many they were, and what came of them then.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sums {
    flows: u64,
    packets: [u64; 2],
    bytes: [u64; 2],
    first_seen: Timestamp,
    last_seen: Timestamp,
    reach: Reach,
    verdict: FlowVerdict,
    kind: Option<Kind>,
    rule: String,
}

/// Flows of an hour that are alike, and what came of them. Packets and bytes of one that goes on are those since its
/// beginning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowSummary {
    #[serde(flatten)]
    sort: Sort,
    #[serde(flatten)]
    sums: Sums,
}

/// Summaries that are not written yet.
#[derive(Debug, Default)]
pub struct Summaries {
    /// Flows that ended, and those that go on, by sort.
    sorts: HashMap<Sort, [Option<Sums>; 2]>,
    /// In the order of their first flow.
    order: Vec<Sort>,
    of_device: HashMap<Option<String>, usize>,
}

impl FlowSummary {
    /// How many flows it stands for.
    pub fn flows(&self) -> u64 {
        self.sums.flows
    }

    /// First and last packet.
    pub fn seen(&self) -> (Timestamp, Timestamp) {
        (self.sums.first_seen, self.sums.last_seen)
    }
}

impl Sort {
    fn of(row: &FlowRow) -> Option<Sort> {
        let facts = row.facts.as_deref()?.clone();
        let opener = match row.direction {
            // Who opened it is known, and so is what was asked for: any port would have done.
            Direction::Syn | Direction::Answer | Direction::Port => EndStatus { port: 0, ..row.initiator.clone() },
            Direction::FirstSeen => row.initiator.clone(),
        };
        Some(Sort {
            ip_proto: row.ip_proto,
            initiator: opener,
            responder: row.responder.clone(),
            direction: row.direction,
            vlan: row.vlan,
            vlans: row.vlans.iter().map(|vlan| vlan.stack.clone()).collect(),
            layer: row.layer,
            innermost: row.innermost,
            facts,
        })
    }
}

impl Sort {
    /// The device that it counts for: that of who opened it, else the other one.
    fn device(&self) -> Option<String> {
        let [opener, other] = &self.facts.devices;
        opener.clone().or(other.clone())
    }
}

impl Sums {
    fn of(row: &FlowRow) -> Sums {
        Sums {
            flows: 1,
            packets: [row.packets_out, row.packets_in],
            bytes: [row.bytes_out, row.bytes_in],
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            reach: row.reach,
            verdict: row.verdict,
            kind: row.kind,
            rule: row.rule.name.clone(),
        }
    }

    fn and(self, later: Sums) -> Sums {
        let add = |a: [u64; 2], b: [u64; 2]| [a[0].saturating_add(b[0]), a[1].saturating_add(b[1])];
        Sums {
            flows: self.flows + later.flows,
            packets: add(self.packets, later.packets),
            bytes: add(self.bytes, later.bytes),
            first_seen: self.first_seen.min(later.first_seen),
            last_seen: self.last_seen.max(later.last_seen),
            ..later
        }
    }
}

impl Summaries {
    /// Takes in flows: those that ended since the last time, and, now and then, all that go on. Flows of nobody who is
    /// watched, and what is inside a tunnel that is a finding, are left out. Returns how many found no place.
    pub fn take(&mut self, ended: &[FlowRow], open: &[FlowRow]) -> u64 {
        let mut lost = 0;
        if !open.is_empty() {
            self.sorts.values_mut().for_each(|sums| sums[1] = None);
        }
        for (rows, slot) in [(ended, 0), (open, 1)] {
            for row in rows.iter().filter(|row| row.verdict != FlowVerdict::Unwatched) {
                let Some(sort) = Sort::of(row) else { continue };
                if !self.sorts.contains_key(&sort) {
                    let of_device = self.of_device.entry(sort.device()).or_default();
                    if self.order.len() >= MAX_SORTS || *of_device >= MAX_SORTS_OF_DEVICE {
                        lost += 1;
                        continue;
                    }
                    *of_device += 1;
                    self.order.push(sort.clone());
                }
                if let Some(sums) = self.sorts.entry(sort).or_default().get_mut(slot) {
                    let new = Sums::of(row);
                    *sums = Some(sums.take().map_or(new.clone(), |earlier| earlier.and(new)));
                }
            }
        }
        lost
    }

    /// All of them, to be written.
    pub fn drain(&mut self) -> Vec<FlowSummary> {
        let mut sorts = std::mem::take(&mut self.sorts);
        self.of_device.clear();
        let all = std::mem::take(&mut self.order).into_iter().filter_map(|sort| {
            let sums = sorts.remove(&sort)?.into_iter().flatten().reduce(Sums::and)?;
            Some(FlowSummary { sort, sums })
        });
        all.collect()
    }
}

impl Engine {
    /// What a flow's judgement rests on.
    pub(super) fn facts(&self, flow: &Flow) -> Option<Box<FlowFacts>> {
        if flow.key.is_icmp_error() {
            return None;
        }
        let name = |id: DeviceId| Some(key_text(self.devices.get(self.current(id)?)?.key));
        let device = |side: Side| flow.ends[side as usize].device.and_then(name);
        Some(Box::new(FlowFacts {
            evidence: flow.evidence,
            initiator_first: flow.initiator == Side::A,
            unicast: flow.unicast,
            tunnel: self.tunnel(flow),
            devices: [device(flow.initiator), device(flow.responder())],
            copies: flow.local_copies().iter().filter_map(|&(id, vlan)| Some((name(id)?, vlan))).collect(),
        }))
    }

    /// Knows who is who, as another engine did; nothing else of what that one knew.
    pub fn know(&mut self, saved: &Saved) {
        self.restore_devices(saved);
        let covers = |saw: u64, vlans: bool| if vlans { saw } else { 0 };
        for device in self.devices.iter_mut() {
            let tagged = !device.vlans.is_empty();
            device.sight.sent_tagged = covers(device.sight.sent, tagged);
            device.sight.received_tagged = covers(device.sight.received, tagged);
        }
    }

    /// Meets the hosts at the ends of a flow that was written down, as far as they are not known.
    pub fn meet(&mut self, summary: &FlowSummary) {
        let sort = &summary.sort;
        let [vlan] = sort.facts.evidence.vlans() else { return };
        for (end, packets) in [(&sort.initiator, summary.sums.packets[0]), (&sort.responder, summary.sums.packets[1])] {
            if let (Some(mac), true) = (end.mac, packets > 0)
                && let Some(id) = self.device_of_mac(mac)
            {
                let at = summary.sums.first_seen;
                self.settle(id, Some(*vlan), end.ip, false, at);
            }
        }
    }

    /// Judges a flow that was written down. [`Options::rows`] has to be on.
    pub fn recall(&mut self, summary: &FlowSummary) -> Option<FlowRow> {
        debug_assert!(matches!(self.options, Options { rows: true, .. }));
        let (sort, sums) = (&summary.sort, &summary.sums);
        let has_ports = matches!(sort.ip_proto, super::direction::TCP | super::direction::UDP | super::direction::SCTP);
        let opener = if has_ports && sort.initiator.port == 0 { DYNAMIC } else { sort.initiator.port };
        let (from, to) = ((sort.initiator.ip, opener), (sort.responder.ip, sort.responder.port));
        let (key, initiator) = FlowKey::new(sort.ip_proto, from, to, sort.layer, sort.innermost);
        let responder = initiator.other();
        let mut flow = Flow::new(key, initiator, sort.direction, sums.first_seen, self.now);
        flow.last = sums.last_seen;
        (flow.vlan, flow.unicast) = (sort.vlan, sort.facts.unicast);
        let evidence = sort.facts.evidence;
        flow.evidence = if sort.facts.initiator_first == (initiator == Side::A) { evidence } else { evidence.turned() };
        for (at, (side, end)) in [(initiator, &sort.initiator), (responder, &sort.responder)].into_iter().enumerate() {
            let named = sort.facts.devices.get(at).and_then(Option::as_deref).and_then(key_of);
            flow.ends[side as usize].device = named.and_then(|key| self.devices.by_key(key));
            flow.ends[side as usize].mac = end.mac;
            flow.packets[side as usize] = sums.packets.get(at).copied().unwrap_or(0);
            flow.bytes[side as usize] = sums.bytes.get(at).copied().unwrap_or(0);
        }
        if let Some(tunnel) = sort.facts.tunnel {
            flow.carry().tunnel = Some(tunnel);
        }
        for (device, vlan) in &sort.facts.copies {
            if let Some(id) = key_of(device).and_then(|key| self.devices.by_key(key)) {
                flow.note_local_copy(id, *vlan);
            }
        }
        let seen = |counters: &mut super::Counters| {
            counters.packets += sums.packets[0] + sums.packets[1];
            counters.first = counters.first.min(sums.first_seen);
            counters.last = counters.last.max(sums.last_seen);
        };
        seen(&mut self.counters);
        self.end_flow(flow);
        let mut row = self.rows.pop()?;
        row.initiator.port = sort.initiator.port;
        row.vlans = sort.vlans.iter().map(|stack| VlanCount { stack: stack.clone(), packets: 0 }).collect();
        Some(row)
    }
}
