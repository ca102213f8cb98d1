//! Attacks on watched devices: requests that match a signature, who made them, and what was answered.

use std::collections::BTreeSet;

use super::Engine;
use super::beside::{Beside, contribution};
use super::direction::{ACK, SYN};
use super::judge::{Judgement, Place};
use super::requests::Segment;
use crate::base::Timestamp;
use crate::finding::{Finding, FindingKey, Kind, PeerZone};
use crate::flow::{Attempted, Flow, FlowId, Side};
use crate::hint::{Standing, may_begin_attempt};
use crate::packet::{Fragment, Layer, Tcp};
use crate::policy::{Conduit, Ends, Opening, Permit, Scope};

/// Whether a segment may hold a request, or a part of one, or opens a connection. After the first packets of that only
/// the initiator's are looked at, where they begin with a request or one is not whole.
#[inline]
pub(super) fn may_ask(flow: &Flow, from: Side, layer: &Layer, payload: &[u8], looks: bool) -> bool {
    let Some(tcp) = layer.tcp else { return false };
    if layer.payload_len == 0 {
        return opens(tcp);
    }
    looks || flow.asks[from as usize] || flow.initiator == from && may_begin_attempt(payload, LATE)
}

/// Of what comes late, what only a first message shows is not looked for.
const LATE: Standing = Standing { is_first: false, port: 0 };

fn opens(tcp: Tcp) -> bool {
    tcp.flags & (SYN | ACK) == SYN
}

impl Engine {
    /// Takes in a segment (no copy) that may ask for something.
    pub(super) fn asks(&mut self, (id, from): (FlowId, Side), layer: &Layer, payload: &[u8], at: Timestamp) {
        let (Some(tcp), Some(flow)) = (layer.tcp, self.flows.get(id)) else { return };
        let server = flow.ends[from.other() as usize].device;
        // A host of the internet is nobody's device, but a device may have been given such an address.
        let is_inside = server.is_some() || self.policy.scope(layer.dst) != Scope::Internet;
        if !is_inside || matches!(layer.fragment, Fragment::Later(_)) {
            return;
        }
        let segment = Segment {
            flow: &flow.key.clone(),
            from,
            port: layer.dport,
            sequence: tcp.seq,
            payload,
            opens: opens(tcp),
            is_followed: flow.asks[from as usize],
            is_watched: self.watched(flow, from.other()).is_some(),
            now: self.now,
        };
        let (found, goes_on) = self.requests.read(&segment, &self.options.knowledge.signatures);
        let Some(flow) = self.flows.get_mut(id) else { return };
        flow.asks[from as usize] = goes_on;
        for one in found {
            flow.carry().attempts.add(one.attempt, from, (one.start, one.seen), tcp.ack, at);
        }
    }

    /// What attacks on the watched device at one end of a flow come to.
    pub(super) fn attempts_on(&self, flow: &Flow, judgement: &Judgement, target: Side) -> Option<Beside> {
        let attempts = &flow.carried()?.attempts;
        let aimed = attempts.told.iter().filter(|attempted| attempted.by != target);
        let (device, _) = aimed.clone().next().and_then(|_| self.watched(flow, target))?;
        let (attacker, _) = self.place(flow, target.other());
        let (ends, opening) = self.ends(flow, self.place(flow, flow.initiator).0, self.place(flow, flow.responder()).0);
        let judged = |attempted: &Attempted| self.permits_attack(&ends, opening, attempted.at);
        let denied: Vec<(&Attempted, Permit)> = aimed
            .map(|attempted| (attempted, judged(attempted)))
            .filter(|(_, permit)| !matches!(permit, Permit::Allowed(_)))
            .collect();
        let peer_zone = match attacker {
            Place::Zone(zone) => PeerZone::Zone(zone.0),
            Place::Internet => PeerZone::Internet,
            Place::Internal if !self.policy.builtin => PeerZone::Internal,
            Place::Internal | Place::Link(_) | Place::Local => PeerZone::None,
        };
        let key = FindingKey { device, kind: Kind::ExploitAttempt, peer_zone };
        let mut found = contribution(flow, target, key, judgement.reach);
        // Who asks is the client, whatever was taken for the initiator before.
        (found.peer.port, found.seen.device_opened) = (flow.key.port(target), false);
        found.seen.first = denied.iter().map(|(attempted, _)| attempted.at).min()?;
        found.seen.last = denied.iter().map(|(attempted, _)| attempted.at).max()?;
        found.seen.names = denied.iter().map(|(attempted, _)| attempted.attempt.id.clone()).collect();
        found.expired = denied.iter().try_fold(0, |_, (_, permit)| match permit {
            Permit::Expired(conduit) => Some(conduit.0),
            _ => None,
        });
        let mut remarks: BTreeSet<String> =
            denied.iter().map(|(attempted, _)| remark(attempted, flow.packets[target as usize] > 0)).collect();
        if attempts.more > 0 {
            remarks.insert(format!("{} more on one connection", attempts.more));
        }
        Some(Beside::Remarked(Box::new(found), remarks))
    }

    /// Whether a conduit permits attacks on this path.
    pub(super) fn permits_attack(&self, ends: &Ends, opening: Opening, at: Timestamp) -> Permit {
        let permits = |conduit: &Conduit| conduit.permits(Kind::ExploitAttempt.name());
        self.policy.permit_telling(ends, opening, at, permits, |_, _| {})
    }
}

/// What was attempted, as one clause.
pub(super) fn told(finding: &Finding) -> String {
    const SHOWN: usize = 4;
    let mut told: Vec<&str> = finding.remarks.iter().take(SHOWN).map(String::as_str).collect();
    let more = format!("{} more", finding.remarks.len().saturating_sub(SHOWN));
    if finding.remarks.len() > SHOWN {
        told.push(&more);
    }
    told.join("; ")
}

fn remark(attempted: &Attempted, seen_both_ways: bool) -> String {
    let (attempt, answer) = (&attempted.attempt, &attempted.answer);
    let answered = match (answer.bytes, answer.status) {
        (0, _) if seen_both_ways => "no answer was seen".to_owned(),
        (0, _) => "whether it answered was not seen, because no packet of its side was".to_owned(),
        (bytes, Some(status)) => format!("answered {status} with {bytes} bytes"),
        (bytes, None) => format!("answered with {bytes} bytes"),
    };
    format!("{} ({}) by “{}”, {} bytes: {answered}", attempt.id, attempt.what, attempt.request, attempted.asked)
}
