//! The way of one frame through the engine. What most packets need stands here; the rest is called.

use super::attempt::may_ask;
use super::direction::{
    ACK, ICMP, ICMPV6, IcmpRole, RST, SCTP, SCTP_ABORT, SYN, TCP, UDP, guess, handshake, icmp_role,
};
use super::evidence::FIRST_PACKETS;
use super::health::{Pulse, is_joined};
use super::identity::is_boot;
use super::listen::is_worth_a_look;
use super::snapshot::FlowVerdict;
use super::tunnel::is_mirror;
use super::{Engine, MAX_WATCHED_ROWS};
use crate::base::{Mac, Timestamp};
use crate::device::Devices;
use crate::flow::{
    Copy, Covered, Credit, Direction, Flow, FlowKey, IDLE_TIMEOUT, Path, Refusal, Side, Sighting, open_tunnel,
};
use crate::hint::{lease, neighbor_claim};
use crate::packet::{Fragment, Layer, Link, LinkType, Undecoded, decode};
use crate::policy::Scope;

/// Initial TTLs of common stacks: a packet that still has one was made on this link.
const INITIAL_TTLS: [u8; 3] = [64, 128, 255];
const NANOSECONDS_PER_HOUR: i64 = 3_600_000_000_000;

impl Engine {
    /// Takes in one frame.
    pub(super) fn frame(&mut self, source: u16, at: Timestamp, link_type: LinkType, wire_len: u32, data: &[u8]) {
        self.source = source;
        self.now = match &self.live {
            Some(live) => live.time_of(at, self.now),
            None => self.now.max(at.0),
        };
        if self.canaries.is_due(self.now) {
            self.look_for_canaries();
        }
        let counters = &mut self.counters;
        counters.packets += 1;
        counters.bytes += u64::from(wire_len);
        counters.first = counters.first.min(at);
        counters.last = counters.last.max(at);

        let mut decoded = self.decoded.take().unwrap_or_default();
        decode(link_type, data, wire_len, &self.decode, &mut decoded);
        counters.truncated += u64::from(decoded.truncated);
        if let Some(why) = decoded.undecoded {
            *counters.undecoded.entry(why).or_default() += 1;
        }
        for link in &decoded.links {
            if link.vlans.vids().len() > 1 {
                self.count_tags(&link.vlans);
            }
        }
        let stack = decoded.links.first().map_or(0, |link| self.stacks.id(&link.vlans));
        let (mut duplicate, mut routed) = (false, false);
        let last = decoded.layers.len().saturating_sub(1);
        for (depth, layer) in decoded.layers.iter().enumerate() {
            let Some(link) = decoded.links.get(usize::from(layer.link)) else { continue };
            let bytes = data.get(layer.start as usize..layer.end as usize).unwrap_or_default();
            let payload = data.get(layer.payload as usize..layer.end as usize).unwrap_or_default();
            let outer = decoded.layers.get(..depth).unwrap_or_default();
            let place = Place { depth: depth as u8, innermost: depth == last, stack, link, outer };
            if layer.tunnel.is_some_and(|tunnel| is_mirror(tunnel, &self.decode)) {
                self.mirrors.transport(source, layer, payload, self.now);
            }
            match self.layer(at, layer, &place, bytes, payload) {
                Copy::Duplicate => duplicate = true,
                Copy::Routed => routed = true,
                Copy::First | Copy::Leaked => {}
            }
        }
        self.keep_early(at, link_type, wire_len, data, &decoded);
        self.counters.duplicates += u64::from(duplicate);
        self.counters.routed_copies += u64::from(routed && !duplicate);
        // The innermost link carries no IP: a plain frame, or one inside a mirror transport.
        let bare = decoded
            .links
            .len()
            .checked_sub(1)
            .filter(|&link| decoded.layers.last().is_none_or(|l| usize::from(l.link) != link));
        if let Some(link) = bare.and_then(|at| decoded.links.get(at)).copied() {
            let vlan = self.judged_vlan(&link);
            if let Some(arp) = decoded.arp {
                self.arp(&link, vlan, &arp, at);
            }
            let credit = self.bare_frame(&link, vlan, at);
            if let Some(id) = credit.sent {
                self.keep_bare(id, at, link_type, wire_len, data);
                if let Some(arp) = decoded.arp.filter(|arp| link.src == Some(arp.sender_mac)) {
                    self.spoke_arp(id, &arp, vlan, at);
                }
                if link.vlans.vids().len() > 1 {
                    self.double_tagged(id, &link.vlans, at);
                }
            }
            cover(&mut self.devices, &Covered { credit, vlan, packets: 1, first: at, last: at }, self.now);
            self.listen_to_frame(&link, vlan, &decoded, data, at);
            if decoded.undecoded.is_some_and(hides_addresses) {
                self.blame(credit);
            }
        }
        let tag = |link: &Link| self.stacks.judged(&link.vlans).or(link.erspan_vlan);
        let pulse = Pulse {
            at,
            now: self.now,
            bytes: wire_len,
            addressed: !decoded.layers.is_empty() || decoded.arp.is_some(),
            vlan: decoded.links.iter().find_map(tag),
            undecoded: decoded.undecoded.is_some_and(hides_addresses),
            truncated: decoded.truncated,
            duplicate,
            joined: is_joined(wire_len, decoded.layers.last()),
        };
        self.mirrors.pulse(source, &pulse);
        self.decoded = Some(decoded);
    }

    /// Takes in one IP layer of a frame.
    fn layer(&mut self, at: Timestamp, layer: &Layer, place: &Place<'_>, bytes: &[u8], payload: &[u8]) -> Copy {
        let link = place.link;
        let vlan = self.judged_vlan(link);
        let (sport, dport) = self.ports(layer);
        let (mut key, from) =
            FlowKey::new(layer.proto, (layer.src, sport), (layer.dst, dport), place.depth, place.innermost);
        if matches!(layer.proto, ICMP | ICMPV6) {
            key = match icmp_role(layer) {
                IcmpRole::Error { .. } => key.icmp_error(),
                IcmpRole::Reply => key.icmp_opened_by(from.other()),
                IcmpRole::Request | IcmpRole::Other => key.icmp_opened_by(from),
            };
        }
        // All is hashed before anything is looked for, so that flow and copy are waited for at the same time.
        let hash = self.copies.hash(bytes, place.depth);
        let known = self.flows.find(&key);
        let sighting = Sighting { at: self.now, ttl: layer.ttl, tos: layer.tos, vlan };
        let copy = self.copies.see(hash, sighting);
        let id = match known {
            Some(id) => id,
            None => {
                let (initiator, direction) = guess(layer, from, &self.service_ports);
                let (id, evicted) = self.flows.insert(Flow::new(key, initiator, direction, at, self.now));
                if let Some((flow, watched)) = evicted {
                    self.counters.evicted += 1;
                    self.counters.evicted_watched += u64::from(watched);
                    self.end_flow(flow);
                }
                id
            }
        };
        if let Some(pause) = self.mirrors.asks(self.source) {
            self.ask_about_pause((id, from), layer, payload, vlan, pause);
        }
        let Some(mut flow) = self.flows.get_mut(id) else { return copy };
        if self.now.saturating_sub(flow.touched) > IDLE_TIMEOUT {
            self.start_anew(id, layer, from, at);
            let Some(anew) = self.flows.get_mut(id) else { return copy };
            flow = anew;
        }
        flow.count_stack(from, place.stack);
        if copy == Copy::Duplicate {
            flow.duplicates += 1;
            // Of another tap, maybe, whose packets are numbered apart.
            let own = link.src.is_some() && flow.ends[from as usize].mac == link.src;
            self.count_numbers((id, from), layer, payload, (copy, own), vlan);
            return copy;
        }
        let (src, dst) = (link.src.unwrap_or(Mac::ZERO), link.dst.unwrap_or(Mac::ZERO));
        let path = Path::new(src, dst, vlan, layer.ttl, self.epoch);
        flow.seen(at, self.now);
        let mut known = flow.follow(from, &path);
        let early =
            flow.packets[from as usize] < FIRST_PACKETS || copy == Copy::Routed && flow.routed_copies < FIRST_PACKETS;
        if self.options.evidence.is_some() && (early || known.is_none()) {
            self.mark_early(id, from, is_server(layer));
        }
        let speaks_of_addresses = matches!((layer.proto, layer.sport), (UDP, 67 | 68 | 547) | (ICMPV6, _));
        if known.is_none() || speaks_of_addresses {
            known = known.or_else(|| Some(self.new_path(id, from, layer, place, path, copy, at)));
            if speaks_of_addresses {
                self.inspect(layer, payload, link, vlan, copy, at);
            }
        }
        let own = known.unwrap_or_default();
        if matches!(layer.proto, TCP | UDP) {
            self.count_numbers((id, from), layer, payload, (copy, own), vlan);
        }
        let Some(flow) = self.flows.get_mut(id) else { return copy };
        if copy == Copy::Routed {
            flow.routed_copies += 1;
            // What a firewall made may be seen where it was made after it was seen behind the next router.
            if resets(layer) && !own && is_made_here(layer.ttl, self.policy.edge_hops) {
                flow.evidence.refuses(from.other(), Refusal(vlan));
            }
            return copy;
        }
        let side = from as usize;
        flow.packets[side] += 1;
        flow.bytes[side] += u64::from(layer.ip_len);
        if !flow.evidence.spoken(from.other()) && layer.payload_len > 0 {
            flow.count_payload(from, (self.now / NANOSECONDS_PER_HOUR) as u32, layer.payload_len);
        }
        let edge_hops = self.policy.edge_hops;
        note_evidence(flow, layer, from, own, vlan, edge_hops);
        let mut looks = false;
        if layer.payload_len > 0 {
            flow.look_into(from, layer, payload, at);
            flow.follow_attempts(from, layer, payload);
            looks = is_worth_a_look(layer, flow.packets[side]);
        }
        let asks = may_ask(flow, from, layer, payload, looks);
        if let Some(tunnel) = layer.tunnel
            && !is_mirror(tunnel, &self.decode)
            && let Some(kind) = open_tunnel(layer, payload, place.innermost)
        {
            flow.carry().tunnel.get_or_insert(kind);
        }
        let sender = flow.ends[side].device;
        if let (true, true, Some(sender)) = (own, link.vlans.vids().len() > 1, sender) {
            self.double_tagged(sender, &link.vlans, at);
        }
        if layer.quote.is_some() {
            self.icmp_error(layer, place, own, vlan);
        }
        if asks {
            self.asks((id, from), layer, payload, at);
        }
        if looks {
            self.listen((id, from), layer, link, vlan, payload, at);
        }
        copy
    }

    /// A packet came a way that is new for its flow: find out who is at its ends. Returns whether the frame is the
    /// sender's own.
    #[allow(clippy::too_many_arguments)]
    fn new_path(
        &mut self,
        id: crate::flow::FlowId,
        from: Side,
        layer: &Layer,
        place: &Place<'_>,
        path: Path,
        copy: Copy,
        at: Timestamp,
    ) -> bool {
        let link = place.link;
        let (credit, source, destination) = self.identify(link, path.vlan(), layer, at);
        match credit.sent {
            Some(sender) => self.spoke_ip(sender, path.vlan(), layer.src, copy, is_boot(layer), at),
            None if layer.on_link && copy != Copy::Leaked => self.brings(link, path.vlan(), layer, at),
            None => {}
        }
        self.stands_by(link, path.vlan(), layer);
        // Of a host that is in several VLANs, each packet is looked at.
        let roams = credit.sent.and_then(|id| self.devices.get(id)).is_some_and(|device| device.roams);
        let path = path.at_epoch(if roams { u32::MAX } else { self.epoch });
        let watched = [source.device, destination.device]
            .into_iter()
            .flatten()
            .any(|device| self.devices.get(device).is_some_and(|d| d.is_watched()));
        let own = credit.sent.is_some();
        let Some(flow) = self.flows.get_mut(id) else { return own };
        flow.unicast |= credit.unicast;
        for (end, seen) in [(from, source), (from.other(), destination)] {
            let known = &mut flow.ends[end as usize];
            known.device = seen.device.or(known.device);
            known.mac = known.mac.or(seen.mac);
        }
        if let Some(vlan) = path.vlan() {
            flow.evidence.in_vlan(vlan);
            flow.vlan.get_or_insert(vlan);
        } else if copy == Copy::Routed && link.src.is_some_and(|src| flow.came_from_elsewhere(from, src)) {
            flow.evidence.was_routed();
        }
        if let (Some(vlan), Some(device)) = (path.vlan(), source.device)
            && (!credit.unicast || [layer.src, layer.dst].iter().any(|&ip| self.policy.scope(ip) == Scope::Local))
        {
            // Hosts of several VLANs share such a flow (DHCP from 0.0.0.0, link-local addresses): a copy is only what
            // the sender's MAC, its zone's address or equal bytes show to be the same host's.
            let same_host = credit.sent.is_some()
                || matches!(copy, Copy::Leaked | Copy::Routed)
                || matches!(self.policy.scope(layer.src), Scope::Zone(_));
            if same_host {
                flow.note_local_copy(device, vlan);
            }
        }
        let replaced = flow.remember(from, path, credit);
        if place.depth > 0 {
            self.note_inside(id, place.outer);
        }
        if watched {
            self.flows.set_watched(id, true);
        }
        if let Some(covered) = replaced {
            cover(&mut self.devices, &covered, self.now);
        }
        own
    }

    /// A frame of a device could not be decoded, so that nobody knows whom it reached.
    fn blame(&mut self, credit: Credit) {
        if let Some(device) = credit.sent.and_then(|id| self.devices.get_mut(id)) {
            device.sight.undecoded += 1;
            device.sight.recent.undecoded = self.now;
        }
    }

    /// Ports of a packet; of a later fragment those of its first.
    fn ports(&mut self, layer: &Layer) -> (u16, u16) {
        match layer.fragment {
            Fragment::Whole => (layer.sport, layer.dport),
            Fragment::First(id) => {
                if layer.ports_seen {
                    let ports = (layer.sport, layer.dport);
                    self.fragments.first(layer.src, layer.dst, id, layer.proto, ports, self.now);
                }
                (layer.sport, layer.dport)
            }
            Fragment::Later(id) => {
                self.fragments.ports(layer.src, layer.dst, id, layer.proto, self.now).unwrap_or((0, 0))
            }
        }
    }

    /// Looks into the few messages that say who has which address.
    fn inspect(&mut self, layer: &Layer, payload: &[u8], link: &Link, vlan: Option<u16>, copy: Copy, at: Timestamp) {
        match (layer.proto, layer.sport, layer.dport) {
            (UDP, 67 | 68, 67 | 68) => {
                if layer.on_link && copy != Copy::Leaked {
                    self.dhcp_message(link, vlan, layer, payload, at);
                }
                if let Some(lease) = lease(payload) {
                    self.leased(vlan, &lease);
                }
            }
            (UDP, 547, 546) if layer.on_link && copy != Copy::Leaked => {
                self.dhcpv6_message(link, vlan, layer, payload, at);
            }
            (ICMPV6, ..) => {
                if matches!(layer.icmp, Some((134, _))) && layer.on_link && copy != Copy::Leaked {
                    self.advertises(link, vlan, layer, at);
                }
                if let Some((kind, _)) = layer.icmp
                    && let Some((ip, mac)) = neighbor_claim(kind, layer.ttl, layer.src, payload)
                {
                    self.claim(vlan, ip, mac, at);
                }
            }
            _ => {}
        }
    }

    /// An ICMP error belongs to the flow that it quotes.
    fn icmp_error(&mut self, layer: &Layer, place: &Place<'_>, own: bool, vlan: Option<u16>) {
        let Some(quote) = layer.quote else { return };
        let unreachable = icmp_role(layer) == IcmpRole::Error { unreachable: true };
        let outside = self.policy.scope(layer.src) == Scope::Internet;
        let local = is_made_here(layer.ttl, self.policy.edge_hops) && !own;
        let (key, sender) =
            FlowKey::new(quote.proto, (quote.src, quote.sport), (quote.dst, quote.dport), place.depth, place.innermost);
        let keys = if matches!(quote.proto, ICMP | ICMPV6) {
            [key.icmp_opened_by(sender), key.icmp_opened_by(sender.other())]
        } else {
            [key, key.with_innermost(!place.innermost)]
        };
        let Some(flow) = keys.iter().find_map(|key| self.flows.find(key)).and_then(|id| self.flows.get_mut(id)) else {
            return;
        };
        if layer.src == quote.dst {
            match (unreachable, local) {
                (true, true) => {
                    flow.evidence.refuses(sender, Refusal(vlan));
                }
                (true, false) => flow.evidence.stops(sender.other(), vlan),
                (false, _) => {
                    flow.evidence.speaks(sender.other());
                }
            }
        } else if outside {
            flow.evidence.got_beyond(sender);
        } else if unreachable {
            flow.evidence.refuses(sender, Refusal(None));
        }
    }

    /// After ten idle minutes reach and verdict start anew.
    fn start_anew(&mut self, id: crate::flow::FlowId, layer: &Layer, from: Side, at: Timestamp) {
        let (initiator, direction) = guess(layer, from, &self.service_ports);
        let now = self.now;
        let old = self.flows.get_mut(id).map(|flow| {
            let new = Flow::new(flow.key, initiator, direction, at, now);
            std::mem::replace(flow, new)
        });
        if let Some(old) = old {
            self.end_flow(old);
        }
    }

    /// A flow leaves the table: what it showed stays.
    pub(super) fn end_flow(&mut self, mut flow: Flow) {
        self.end_losses(&mut flow);
        for covered in flow.covered() {
            cover(&mut self.devices, &covered, self.now);
        }
        let judgement = if self.options.explain {
            let (judgement, explanation) = self.explain(&flow);
            self.explained.push(explanation);
            judgement
        } else {
            self.judge(&flow)
        };
        self.heed_last(&flow, &judgement);
        let reports = self.options.watched_rows && judgement.verdict != FlowVerdict::Unwatched;
        let has_room = self.rows.len() < MAX_WATCHED_ROWS;
        self.counters.rows_lost += u64::from(reports && !has_room);
        if self.options.rows || reports && has_room {
            let row = self.row(&flow, &judgement);
            self.rows.push(row);
        }
        for (device, hour, bytes) in judgement.one_way(&flow) {
            *self.one_way.entry((device, hour)).or_default() += bytes;
        }
        for contribution in judgement.contributions(&flow) {
            self.ended.add(contribution);
        }
        let besides: Vec<_> = self.besides(&flow, &judgement).collect();
        besides.into_iter().for_each(|beside| beside.add_to(&mut self.ended));
    }
}

/// Adds frames to the coverage of the devices that they show.
pub(super) fn cover(devices: &mut Devices, covered: &Covered, now: i64) {
    let Covered { credit, vlan, packets, first, last } = *covered;
    let tagged = if vlan.is_some() { packets } else { 0 };
    if let Some(device) = credit.sent.and_then(|id| devices.get_mut(id)) {
        device.sight.between(first, last);
        device.sight.recent.any = now;
        if credit.unicast {
            device.sight.sent += packets;
            device.sight.sent_tagged += tagged;
            device.sight.recent.sent = now;
            if vlan.is_some() {
                device.sight.recent.sent_tagged = now;
            }
        }
        if let Some(vlan) = vlan {
            // Whether it only boots was noted when the path was new.
            device.in_vlan(vlan, first, last, true);
        }
    }
    if let Some(device) = credit.received.and_then(|id| devices.get_mut(id)) {
        device.sight.between(first, last);
        device.sight.received += packets;
        device.sight.received_tagged += tagged;
        (device.sight.recent.received, device.sight.recent.any) = (now, now);
        if vlan.is_some() {
            device.sight.recent.received_tagged = now;
        }
    }
    for id in [credit.routed_from, credit.routed_to].into_iter().flatten() {
        if let Some(device) = devices.get_mut(id) {
            device.sight.between(first, last);
            device.sight.routed += packets;
            (device.sight.recent.routed, device.sight.recent.any) = (now, now);
        }
    }
}

/// Where a layer stands in its frame.
struct Place<'a> {
    depth: u8,
    innermost: bool,
    stack: u32,
    link: &'a Link,
    /// The IP layers around it.
    outer: &'a [Layer],
}

/// What a packet (no copy) proves about its flow.
fn note_evidence(flow: &mut Flow, layer: &Layer, from: Side, own: bool, vlan: Option<u16>, edge_hops: u8) {
    if flow.direction != Direction::Syn
        && let Some((initiator, direction)) = handshake(layer, from)
        && (direction == Direction::Syn || flow.direction != Direction::Answer)
    {
        (flow.initiator, flow.direction) = (initiator, direction);
    }
    if resets(layer) && !own {
        if is_made_here(layer.ttl, edge_hops) {
            flow.evidence.refuses(from.other(), Refusal(vlan));
        } else {
            flow.evidence.stops(from, vlan);
        }
        return;
    }
    if !flow.key.is_icmp_error() {
        flow.evidence.speaks(from);
    }
    if layer.tcp.is_some_and(|tcp| tcp.flags & (SYN | RST | ACK) == ACK) {
        flow.evidence.acknowledges(from);
    }
}

/// A DHCP server's message, or a router's advertisement.
fn is_server(layer: &Layer) -> bool {
    matches!((layer.proto, layer.sport), (UDP, 67 | 547))
        || matches!((layer.proto, layer.icmp), (ICMPV6, Some((134, _))))
}

fn resets(layer: &Layer) -> bool {
    match layer.proto {
        TCP => layer.tcp.is_some_and(|tcp| tcp.flags & RST != 0),
        SCTP => layer.sctp_chunk == Some(SCTP_ABORT),
        _ => false,
    }
}

fn is_made_here(ttl: u8, edge_hops: u8) -> bool {
    INITIAL_TTLS.iter().any(|&initial| (initial - edge_hops.min(initial)..=initial).contains(&ttl))
}

/// What could not be decoded may have been IP, to anybody.
fn hides_addresses(why: Undecoded) -> bool {
    use Undecoded as U;
    !matches!(why, U::Arp | U::Transport | U::Ipv6Extension)
}
