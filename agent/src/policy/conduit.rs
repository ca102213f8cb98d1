//! Allowed paths and the question who may open a flow to whom.

use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{Place, Policy, ZoneId};
use crate::base::Timestamp;

/// Index into [`Policy::conduits`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConduitId(pub u16);

/// One side of a conduit: zone and hosts both hold; an empty list does not restrict.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Side {
    /// Zones, any of which.
    pub zones: Vec<ZoneId>,
    /// Addresses or prefixes, any of which.
    pub hosts: Vec<IpNet>,
}

/// A service at the `to` side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// Everything.
    Any,
    /// ICMP and ICMPv6.
    Icmp,
    /// An IP protocol with a range of responder's ports (`tcp/554`, `udp/5000-6000`, `udp/*`, `ip/47`).
    Ip {
        /// IANA protocol number.
        proto: u8,
        /// First port.
        first: u16,
        /// Last port, included.
        last: u16,
    },
}

/// An allowed path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conduit {
    /// Its name.
    pub name: String,
    /// Who opens.
    pub from: Side,
    /// To whom.
    pub to: Side,
    /// Which services.
    pub services: Vec<Service>,
    /// Kinds of finding that it permits besides (`exploit-attempt` for a scanner).
    pub permits: Vec<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why it exists.
    pub reason: Option<String>,
    /// It holds until this time, excluded (end of the day given, UTC).
    pub expires: Option<Timestamp>,
    /// Where it is declared.
    pub place: Place,
}

/// A flow as the policy sees it.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// IANA protocol number.
    pub proto: u8,
    /// Initiator's (or, with [`Opening::Guess`], the likely initiator's) address.
    pub from: IpAddr,
    /// Its zone.
    pub from_zone: Option<ZoneId>,
    /// Its port.
    pub from_port: u16,
    /// Responder's address.
    pub to: IpAddr,
    /// Its zone.
    pub to_zone: Option<ZoneId>,
    /// Its port.
    pub to_port: u16,
}

/// How well the initiator is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// A handshake (TCP, SCTP) or an ICMP echo showed it: the conduit's direction binds.
    Seen,
    /// Datagrams, or TCP caught in the middle: either end may be `from`; the `to` end's port must be in `services`.
    Guess,
}

/// Answer to [`Policy::permit`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Permit {
    /// The first conduit that allows it.
    Allowed(ConduitId),
    /// Only this conduit would, and it has expired.
    Expired(ConduitId),
    /// None does.
    Denied,
}

impl Policy {
    /// Whether a conduit allows this flow at this (packet) time.
    pub fn permit(&self, ends: &Ends, opening: Opening, at: Timestamp) -> Permit {
        let _ = (ends, opening, at);
        Permit::Denied
    }
}
