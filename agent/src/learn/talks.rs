//! Who talked to whom across the border of a camera zone, by service.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::draft::{Draft, Role};
use crate::base::{Mac, Timestamp};
use crate::engine::{EndStatus, FlowRow, FlowVerdict};
use crate::finding::Kind;
use crate::flow::{Direction, Reach};
use crate::policy::{Policy, Scope};

/// Talks kept; beyond it nothing is proposed at all, because what is missing might show an attack.
const MAX_TALKS: usize = 65_536;
const UDP: u8 = 17;

/// All talks.
#[derive(Debug, Default)]
pub struct Talks {
    pub(super) all: BTreeMap<TalkKey, Talk>,
    pub(super) is_full: bool,
    homes: BTreeMap<Mac, String>,
}

/// What makes two flows one talk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct TalkKey {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) proto: u8,
    /// Of the responder.
    pub(super) port: u16,
    /// Of the initiator, for datagrams of which it is not clear who opened.
    pub(super) via: Option<u16>,
}

/// What was seen of it.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    /// `None`: in no zone so far.
    pub(super) from_zone: Option<String>,
    pub(super) to_zone: Option<String>,
    pub(super) packets: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Both ends took part.
    pub(super) is_conversation: bool,
    /// It is known which end opened it, or which port is a service's.
    pub(super) is_directed: bool,
    /// It was seen beyond its initiator's zone.
    pub(super) is_delivered: bool,
    /// It would take a conduit.
    pub(super) is_denied: bool,
}

impl Talks {
    /// None yet; the homes of the listed cameras are known.
    pub fn new(draft: &Draft) -> Talks {
        let homes = draft.devices.iter().map(|device| (device.mac, device.zone.clone())).collect();
        Talks { homes, ..Talks::default() }
    }

    /// Takes in a flow that was judged by the zones of the draft alone.
    pub fn note(&mut self, row: &FlowRow, draft: &Draft, policy: &Policy) {
        let is_denied = matches!(row.kind, Some(Kind::CrossZoneEgress | Kind::CrossZoneIngress));
        let ends = [&row.initiator, &row.responder];
        if !is_denied && row.verdict != FlowVerdict::Unwatched
            || ends.iter().any(|end| matches!(policy.scope(end.ip), Scope::Internet | Scope::Local))
        {
            return;
        }
        let zones = ends.map(|end| self.zone(end, draft, policy));
        let is_camera = |zone: &Option<String>| {
            draft.zones.iter().any(|z| z.role == Role::Cameras && zone.as_ref() == Some(&z.name))
        };
        if !is_denied && !zones.iter().any(is_camera) {
            return;
        }
        // Servers of names and time ask each other from the port that they listen on, and so do their clients.
        let same_port = row.initiator.port == row.responder.port && (1..1024).contains(&row.responder.port);
        let is_directed = row.direction != Direction::FirstSeen || row.ip_proto == UDP && same_port;
        let is_listed = |end: &EndStatus| self.listed(end, draft).is_some();
        let [from, to] = match ends {
            [from, to] if row.direction == Direction::FirstSeen && is_directed && is_listed(to) && !is_listed(from) => {
                [to, from]
            }
            ends => ends,
        };
        let via = (row.ip_proto == UDP && !(is_directed && row.is_conversation)).then_some(from.port);
        let key = TalkKey {
            from: row.initiator.ip,
            to: row.responder.ip,
            proto: row.ip_proto,
            port: row.responder.port,
            via,
        };
        if self.all.len() >= MAX_TALKS && !self.all.contains_key(&key) {
            self.is_full = true;
            return;
        }
        let new = Talk {
            from_zone: self.zone(from, draft, policy),
            to_zone: self.zone(to, draft, policy),
            packets: row.packets_out + row.packets_in,
            first: row.first_seen,
            last: row.last_seen,
            is_conversation: row.is_conversation,
            is_directed,
            is_delivered: row.reach >= Reach::Forwarded,
            is_denied,
        };
        self.all.entry(key).and_modify(|talk| talk.join(&new)).or_insert(new);
    }

    /// The home of a listed camera.
    fn listed(&self, end: &EndStatus, draft: &Draft) -> Option<String> {
        let by_mac = end.mac.and_then(|mac| self.homes.get(&mac)).cloned();
        by_mac.or_else(|| draft.devices.iter().find(|d| d.ip == Some(end.ip)).map(|device| device.zone.clone()))
    }

    /// The zone of an end, as the judge sees it: a listed camera is at home, another host is where its address is.
    fn zone(&self, end: &EndStatus, draft: &Draft, policy: &Policy) -> Option<String> {
        self.listed(end, draft).or_else(|| match policy.scope(end.ip) {
            Scope::Zone(zone) => policy.zone(zone).map(|zone| zone.name.clone()),
            _ => None,
        })
    }
}

impl Talk {
    fn join(&mut self, other: &Talk) {
        self.packets += other.packets;
        (self.first, self.last) = (self.first.min(other.first), self.last.max(other.last));
        self.is_conversation |= other.is_conversation;
        self.is_directed |= other.is_directed;
        self.is_delivered |= other.is_delivered;
        self.is_denied |= other.is_denied;
    }
}
