//! What numbered data tells of packets that the mirror did not show: which flows are followed, and to whom it counts.
//!
//! Flows of watched devices are followed from the moment that both ends have spoken, or once they look like RTP. Of others
//! only some long ones are: they tell of a mirror that loses frames while cameras hardly talk, and cost nothing.

use super::Engine;
use super::direction::{TCP, UDP};
use super::health::Open;
use crate::device::Devices;
use crate::flow::{Copy, Counted, Covered, End, Flow, FlowId, Losses, Side, Spot};
use crate::packet::{Layer, is_tunnel_port};
use crate::policy::{Scope, ZoneId};

/// Flows followed of watched devices, and of others; more tell nothing of loss.
const MAX_FOLLOWED: [u32; 2] = [65_536, 1_024];
/// Packets of one end after which the flow of a host that nobody watches is long.
const LONG: u64 = 32;

impl Engine {
    /// Takes in a packet of a flow, copies included, for what its numbers tell.
    #[inline]
    pub(super) fn count_numbers(
        &mut self,
        (id, from): (FlowId, Side),
        layer: &Layer,
        payload: &[u8],
        (copy, own): (Copy, bool),
        vlan: Option<u16>,
    ) {
        let is_watched = self.flows.is_watched(id);
        let Some(flow) = self.flows.get_mut(id) else { return };
        // What was lost before a router is not the mirror's loss: RTP tells it only where the sender's own frames are seen.
        if layer.proto == UDP && !own {
            return;
        }
        if flow.losses().is_none() {
            let followed = &mut self.followed[usize::from(!is_watched)];
            if *followed >= MAX_FOLLOWED[usize::from(!is_watched)]
                || !is_worth_it(flow, from, layer, payload, is_watched)
            {
                return;
            }
            *followed += 1;
            flow.follow_losses(is_watched);
        }
        let Some(losses) = flow.losses_mut() else { return };
        let drops = self.mirrors.drops(self.source);
        if losses.drops != drops {
            losses.forgive(drops);
        }
        let spot = Spot { source: self.source, vlan, routed: vlan.is_none() && copy == Copy::Routed };
        let counted = losses.see(from, spot, layer, payload, self.now);
        self.mirrors.count_loss(self.source, counted, self.now);
    }

    /// After a pause of steady traffic, streams tell whether they missed anything.
    #[cold]
    pub(super) fn ask_about_pause(
        &mut self,
        (id, from): (FlowId, Side),
        layer: &Layer,
        payload: &[u8],
        vlan: Option<u16>,
        pause: u32,
    ) {
        let spot = Spot { source: self.source, vlan, routed: false };
        let Some(losses) = self.flows.get_mut(id).and_then(|flow| flow.losses_mut()) else { return };
        if losses.pause != pause
            && let Some(goes_on) = losses.goes_on(from, spot, layer, payload)
        {
            losses.pause = pause;
            self.mirrors.hear_of_pause(self.source, goes_on);
        }
    }

    /// What an ended flow tells: nothing is missing any more that might still come.
    pub(super) fn end_losses(&mut self, flow: &mut Flow) {
        if self.live.is_none() {
            if let Some((source, packets)) = self.own_link(flow.covered_by_side()) {
                let acknowledged = flow.evidence.has_acknowledged();
                if let Some(port) = self.mirrors.of_mut(source) {
                    port.talk(flow.key.proto(), packets, acknowledged);
                }
            }
            for zone in self.zones_that_answer(flow) {
                self.mirrors.answered(zone);
            }
        }
        let Some(mut losses) = flow.take_losses() else { return };
        let followed = &mut self.followed[usize::from(!losses.is_watched)];
        *followed = followed.saturating_sub(1);
        let pending: Vec<(u16, u32)> = losses.pending().collect();
        let (mut lost, seen) = losses.take();
        for (source, missing) in pending {
            lost = lost.saturating_add(missing);
            self.mirrors.count_loss(source, (missing, 0), self.now);
        }
        self.count_for(flow.ends, (lost, seen));
    }

    /// Takes what a flow told since the last time (live).
    pub(super) fn harvest_losses(&mut self, id: FlowId) {
        let Some(flow) = self.flows.get_mut(id) else { return };
        let Some(losses) = flow.losses_mut() else { return };
        let told = losses.take();
        let ends = flow.ends;
        self.count_for(ends, told);
    }

    fn count_for(&mut self, ends: [End; 2], told: Counted) {
        let silence = if self.live.is_some() { self.policy.coverage.silence } else { i64::MAX };
        count_for(&mut self.devices, ends, told, self.now, silence);
    }

    /// Adds what an open flow shows to what ended ones did (offline).
    pub(super) fn add_open(&self, flow: &Flow, devices: &mut Devices, open: &mut Open) {
        if let Some((source, packets)) = self.own_link(flow.covered_by_side()) {
            open.talks.entry(source).or_default().add(flow.key.proto(), packets, flow.evidence.has_acknowledged());
        }
        open.answers.extend(self.zones_that_answer(flow));
        let Some(losses) = flow.losses() else { return };
        let (mut lost, seen) = losses.told();
        for (source, missing) in losses.pending() {
            lost = lost.saturating_add(missing);
            *open.missing.entry(source).or_default() += u64::from(missing);
        }
        count_for(devices, flow.ends, (lost, seen), self.now, i64::MAX);
    }

    /// Packets of each end that a watched device's own link showed, and on which interface.
    pub(super) fn own_link(&self, covered: impl Iterator<Item = (Side, Covered)>) -> Option<(u16, [u64; 2])> {
        let mut packets = [0; 2];
        let mut source = None;
        for (side, covered) in covered {
            let ends = [covered.credit.sent, covered.credit.received].into_iter().flatten();
            let mut devices = ends.filter_map(|id| self.devices.get(id));
            if let Some(device) = devices.find(|device| device.is_watched()) {
                packets[side as usize] += covered.packets;
                source = source.or(Some(device.source));
            }
        }
        Some((source?, packets))
    }

    /// Zones of which hosts answered a watched device: their VLANs exist.
    pub(super) fn zones_that_answer(&self, flow: &Flow) -> Vec<u16> {
        if !flow.evidence.is_settled() || !self.concerns_watched(flow) {
            return Vec::new();
        }
        let zones = [Side::A, Side::B].into_iter().filter_map(|side| match self.policy.scope(flow.key.ip(side)) {
            Scope::Zone(ZoneId(zone)) => Some(zone),
            _ => None,
        });
        zones.collect()
    }
}

/// Counts for the devices at both ends: what was lost may have been from either, to the other.
fn count_for(devices: &mut Devices, ends: [End; 2], (lost, seen): Counted, now: i64, silence: i64) {
    if (lost, seen) == (0, 0) {
        return;
    }
    for id in ends.into_iter().filter_map(|end| end.device) {
        if let Some(device) = devices.get_mut(id) {
            device.sight.numbered.add(lost, seen, now, silence);
        }
    }
}

/// A flow is followed once it carries numbered data, and is no attempt alone.
fn is_worth_it(flow: &Flow, from: Side, layer: &Layer, payload: &[u8], is_watched: bool) -> bool {
    let long_enough = is_watched || flow.packets[from as usize] == LONG;
    long_enough
        && match layer.proto {
            TCP => flow.evidence.is_settled(),
            // Where a tunnel may be, one that is seen makes the packet another flow's.
            UDP => Losses::looks_like_rtp(payload) && !is_tunnel_port(layer.sport) && !is_tunnel_port(layer.dport),
            _ => false,
        }
}
