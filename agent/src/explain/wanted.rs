//! Which flows of a capture are asked about.

use std::net::IpAddr;

use super::ends::{Meaning, meaning};
use crate::base::Mac;
use crate::engine::{End, EndStep, Explanation, Step};
use crate::flow::Direction;
use crate::policy::{Policy, Service};

/// All of it has to hold; what is left out holds.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The end that opened it; or, where that is a guess, either end.
    pub from: Option<Who>,
    /// The other one.
    pub to: Option<Who>,
    /// The responder's service.
    pub service: Option<Service>,
    /// A VLAN that its packets were seen in.
    pub vlan: Option<u16>,
    /// A finding that it adds to.
    pub finding: Option<String>,
}

/// An end that is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// By its address.
    Address(IpAddr),
    /// By its MAC.
    Mac(Mac),
    /// By its name in the inventory.
    Device(String),
    /// Everybody there: a zone, `internet`, `internal`, or a link of the built-in policy.
    Place(String),
}

impl Who {
    /// What a word means.
    ///
    /// # Errors
    /// It means nothing, or more than one thing.
    pub fn find(policy: &Policy, word: &str) -> Result<Who, String> {
        // Links of the built-in policy are known from the capture only.
        if word == "internal" || policy.builtin && (word == "untagged" || word.starts_with("vlan")) {
            return Ok(Who::Place(word.to_owned()));
        }
        Ok(match meaning(policy, word)? {
            Meaning::Address(ip) => Who::Address(ip),
            Meaning::Mac(mac) => Who::Mac(mac),
            Meaning::Zone(_) | Meaning::Internet => Who::Place(word.to_owned()),
            Meaning::Device(_) => match (word.parse(), word.parse()) {
                (Ok(ip), _) => Who::Address(ip),
                (_, Ok(mac)) => Who::Mac(mac),
                _ => Who::Device(word.to_owned()),
            },
        })
    }

    fn is(&self, end: &EndStep) -> bool {
        match self {
            Who::Address(ip) => end.ip == *ip,
            Who::Mac(mac) => end.mac == Some(*mac),
            Who::Device(name) => end.name.as_ref() == Some(name),
            Who::Place(place) => end.place == *place,
        }
    }
}

impl Wanted {
    /// Whether a flow is asked about, the finding aside.
    pub fn has(&self, explanation: &Explanation) -> bool {
        let flow = &explanation.flow;
        let end = |wanted: End| {
            explanation.steps.iter().find_map(|step| match step {
                Step::End(end) if end.end == wanted => Some(end),
                _ => None,
            })
        };
        let (Some(from), Some(to)) = (end(End::Initiator), end(End::Responder)) else { return false };
        let joins = |from: &EndStep, to: &EndStep| {
            self.from.as_ref().is_none_or(|who| who.is(from))
                && self.to.as_ref().is_none_or(|who| who.is(to))
                && self.service.is_none_or(|service| service.covers(flow.ip_proto, to.port))
        };
        let guessed = matches!(flow.direction, Direction::Port | Direction::FirstSeen);
        let vlan =
            self.vlan.is_none_or(|vlan| flow.vlan == Some(vlan) || flow.vlans.iter().any(|v| v.stack.contains(&vlan)));
        vlan && (joins(from, to) || guessed && joins(to, from))
    }
}
