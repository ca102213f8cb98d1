//! Tunnels of watched devices: one finding on the outer flow, which speaks for all that is inside.
//!
//! What counts, where the design leaves it open:
//! - A conduit that names the tunnel's own service alone (`ip/47`, `udp/4789`, `tcp/22`) was written for it and lets it
//!   pass. One that merely covers it (`any`, `udp/*`, another port) needs `permits: [tunnel]`.
//! - At home, a tunnel between two watched devices is none: each of them is judged for what it sends on, and what can
//!   be read inside is judged for itself. With any other peer at home (a gateway, a host that nobody watches) it is
//!   one, because nobody judges what that peer sends on. SSH counts only out of the home.
//! - Only a flow inside a tunnel that was found is left to it; inside an allowed tunnel each flow is judged for itself.

use std::collections::BTreeSet;

use super::Engine;
use super::judge::{Judgement, builtin};
use super::rows::proto_name;
use super::snapshot::FlowVerdict;
use crate::finding::Kind;
use crate::flow::{Flow, FlowId, FlowKey, Side, TunnelKind};
use crate::packet::{DecodeOptions, Layer, Tunnel};
use crate::policy::Conduit;

impl Engine {
    /// Notes that a flow was seen inside the tunnels around it, as far as a watched device speaks them.
    pub(super) fn note_inside(&mut self, id: FlowId, outer: &[Layer]) {
        let Some(inner) = self.flows.get(id).map(|flow| flow.key) else { return };
        for (layer, depth) in outer.iter().zip(0..) {
            if layer.tunnel.is_none_or(|tunnel| is_mirror(tunnel, &self.decode)) {
                continue;
            }
            let (from, to) = ((layer.src, layer.sport), (layer.dst, layer.dport));
            let (key, _) = FlowKey::new(layer.proto, from, to, depth, false);
            let Some(around) = self.flows.find(&key) else { continue };
            let is_watched = self
                .flows
                .get(around)
                .is_some_and(|flow| [Side::A, Side::B].into_iter().any(|side| self.watched(flow, side).is_some()));
            if !is_watched {
                continue;
            }
            if let Some(flow) = self.flows.get_mut(around) {
                flow.carry().holds(inner);
            }
            if let Some(flow) = self.flows.get_mut(id) {
                flow.carry().is_inside(key);
            }
        }
    }

    /// The judgement of a flow inside a tunnel that is a finding itself: none of its own.
    pub(super) fn judged_outside(&self, flow: &Flow) -> Option<Judgement> {
        let carried = flow.carried()?;
        let around = carried.outer.iter().filter(|key| key.layer() < flow.key.layer());
        around
            .filter_map(|key| self.flows.find(key).and_then(|id| self.flows.get(id)))
            .any(|outer| self.judge(outer).violations.iter().flatten().any(|v| v.kind == Kind::Tunnel))
            .then(|| Judgement {
                verdict: FlowVerdict::Unwatched,
                reach: flow.evidence.reach(flow.initiator, |_| false),
                rule: builtin("default-deny"),
                violations: [None, None],
                home_unknown: None,
            })
    }

    /// The tunnel that a flow is, seen from a watched device at its ends.
    pub(super) fn tunnel(&self, flow: &Flow) -> Option<TunnelKind> {
        flow.carried()?.tunnel
    }

    /// Whether a tunnel inside the home counts.
    pub(super) fn hides(&self, flow: &Flow, tunnel: Option<TunnelKind>) -> bool {
        let both = [Side::A, Side::B].into_iter().all(|side| self.watched(flow, side).is_some());
        tunnel.is_some_and(|tunnel| tunnel != TunnelKind::Ssh && !both)
    }
}

/// Whether a conduit was written for a tunnel.
pub(super) fn lets_pass(conduit: &Conduit, flow: &Flow, tunnel: TunnelKind) -> bool {
    let own_port = tunnel.port().filter(|port| [Side::A, Side::B].map(|side| flow.key.port(side)).contains(port));
    conduit.permits(Kind::Tunnel.name()) || conduit.names(flow.key.proto(), own_port)
}

/// The kind of a violation seen from the device at `side`: a tunnel, if it speaks one.
pub(super) fn kind_of(flow: &Flow, tunnel: Option<TunnelKind>, side: Side, otherwise: Kind) -> Kind {
    let speaks = flow.packets[side as usize] > 0;
    let goes_out = flow.initiator == side;
    match tunnel {
        Some(TunnelKind::Ssh) if !goes_out => otherwise,
        Some(_) if speaks => Kind::Tunnel,
        _ => otherwise,
    }
}

/// The tunnel's name and what was seen inside.
pub(super) fn names(flow: &Flow) -> BTreeSet<String> {
    let Some(carried) = flow.carried() else { return BTreeSet::new() };
    let inner = carried.inner.iter().map(|key| {
        let (a, b) = ((key.ip(Side::A), key.port(Side::A)), (key.ip(Side::B), key.port(Side::B)));
        let end = |(ip, port): (std::net::IpAddr, u16)| match (ip, port) {
            (ip, 0) => ip.to_string(),
            (ip, port) => std::net::SocketAddr::new(ip, port).to_string(),
        };
        format!("inside: {} {} {}", proto_name(key.proto()), end(a), end(b))
    });
    carried.tunnel.map(|tunnel| tunnel.name().to_owned()).into_iter().chain(inner).collect()
}

/// Whether a tunnel is a transport of the mirror itself.
pub(super) fn is_mirror(tunnel: Tunnel, options: &DecodeOptions) -> bool {
    match tunnel {
        Tunnel::ErspanI | Tunnel::ErspanII | Tunnel::ErspanIII => options.erspan,
        Tunnel::Tzsp => options.tzsp,
        _ => false,
    }
}
