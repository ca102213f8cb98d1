//! Allowed paths and the question who may open a flow to whom.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{Place, Policy, ZoneId};
use super::scope::embedded_ipv4;
use crate::base::Timestamp;

/// Index into [`Policy::conduits`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConduitId(pub u16);

/// One side of a conduit: zone and hosts both hold; one empty list does not restrict, two hold nothing.
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
    /// Nanoseconds within which its traffic must be seen in each of its camera zones.
    pub canary: Option<i64>,
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

/// What a conduit asks of a flow, in the order in which it is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The responder's protocol and port are among `services`.
    Service,
    /// `from.zone`.
    FromZone,
    /// `from.hosts`.
    FromHosts,
    /// `to.zone`.
    ToZone,
    /// `to.hosts`.
    ToHosts,
}

impl Condition {
    /// All of them.
    pub const ALL: [Condition; 5] =
        [Condition::Service, Condition::FromZone, Condition::FromHosts, Condition::ToZone, Condition::ToHosts];
}

/// What came of trying a conduit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tried {
    /// It allows the flow.
    Allows,
    /// It would, had it not expired.
    Expired,
    /// The flow is a tunnel, which it was not written for.
    Unpermitted,
    /// The flow does not meet its conditions.
    Differs,
}

impl Policy {
    /// Whether a conduit allows this flow at this (packet) time. Conduits are tried in file order.
    pub fn permit(&self, ends: &Ends, opening: Opening, at: Timestamp) -> Permit {
        self.permit_telling(ends, opening, at, |_| true, |_, _| {})
    }

    /// [`Policy::permit`], which tells of each conduit that it tries what came of it.
    pub fn permit_telling(
        &self,
        ends: &Ends,
        opening: Opening,
        at: Timestamp,
        lets: impl Fn(&Conduit) -> bool,
        mut tell: impl FnMut(ConduitId, Tried),
    ) -> Permit {
        let mut expired = None;
        for (conduit, id) in self.conduits.iter().zip(0..=u16::MAX) {
            let id = ConduitId(id);
            let matches = conduit.joins(ends) || (opening == Opening::Guess && conduit.joins(&ends.reversed()));
            if !matches {
                tell(id, Tried::Differs);
                continue;
            }
            if !lets(conduit) {
                tell(id, Tried::Unpermitted);
                continue;
            }
            if conduit.expires.is_none_or(|end| at < end) {
                tell(id, Tried::Allows);
                return Permit::Allowed(id);
            }
            tell(id, Tried::Expired);
            expired.get_or_insert(id);
        }
        expired.map_or(Permit::Denied, Permit::Expired)
    }

    /// The first conduit in force that allows this flow and of which `also` holds.
    pub fn permit_if(
        &self,
        ends: &Ends,
        opening: Opening,
        at: Timestamp,
        also: impl Fn(&Conduit) -> bool,
    ) -> Option<ConduitId> {
        let allows = |conduit: &Conduit| {
            (conduit.joins(ends) || (opening == Opening::Guess && conduit.joins(&ends.reversed())))
                && conduit.expires.is_none_or(|end| at < end)
                && also(conduit)
        };
        self.conduits.iter().zip(0..=u16::MAX).find(|(conduit, _)| allows(conduit)).map(|(_, id)| ConduitId(id))
    }

    /// The conduit behind an id; `None` for an id of another policy.
    pub fn conduit(&self, id: ConduitId) -> Option<&Conduit> {
        self.conduits.get(usize::from(id.0))
    }
}

impl Conduit {
    /// Whether it permits this kind of finding besides.
    pub fn permits(&self, kind: &str) -> bool {
        self.permits.iter().any(|permitted| permitted == kind)
    }

    /// Whether one of its services is this protocol, or of TCP and UDP this port, and nothing else.
    pub fn names(&self, proto: u8, port: Option<u16>) -> bool {
        self.services.iter().any(|service| match *service {
            Service::Ip { proto: own, first, last } if own == proto => match proto {
                TCP | UDP => first == last && port == Some(first),
                _ => true,
            },
            _ => false,
        })
    }

    /// `from` and `to` of the flow lie in `from` and `to` of the conduit, and the service is one of its own.
    fn joins(&self, ends: &Ends) -> bool {
        Condition::ALL.iter().all(|&condition| self.meets(condition, ends))
    }

    /// The conditions that a flow does not meet in this direction.
    pub fn unmet(&self, ends: &Ends) -> Vec<Condition> {
        Condition::ALL.into_iter().filter(|&condition| !self.meets(condition, ends)).collect()
    }

    fn meets(&self, condition: Condition, ends: &Ends) -> bool {
        match condition {
            Condition::Service => self.services.iter().any(|service| service.covers(ends.proto, ends.to_port)),
            Condition::FromZone => self.from.holds_zone(ends.from_zone),
            Condition::FromHosts => self.from.holds_host(ends.from),
            Condition::ToZone => self.to.holds_zone(ends.to_zone),
            Condition::ToHosts => self.to.holds_host(ends.to),
        }
    }
}

impl Side {
    /// Whether it names this zone, or none at all.
    fn holds_zone(&self, zone: Option<ZoneId>) -> bool {
        self.zones.is_empty() || zone.is_some_and(|zone| self.zones.contains(&zone))
    }

    /// Whether it names this host, or zones only. A side that names neither zones nor hosts holds nobody.
    fn holds_host(&self, ip: IpAddr) -> bool {
        if self.hosts.is_empty() {
            return !self.zones.is_empty();
        }
        self.lists(ip) || embedded_ipv4(ip).is_some_and(|ip| self.lists(IpAddr::V4(ip)))
    }

    fn lists(&self, ip: IpAddr) -> bool {
        self.hosts.iter().any(|net| net.contains(&ip))
    }
}

impl Service {
    /// The service of a flow to this port; 0 where the protocol has none.
    pub fn one(proto: u8, port: u16) -> Service {
        match proto {
            ICMP | ICMPV6 => Service::Icmp,
            _ if ported(proto).is_some() => Service::Ip { proto, first: port, last: port },
            _ => Service::Ip { proto, first: 0, last: u16::MAX },
        }
    }

    /// Whether a flow of this protocol to this port is one of it.
    pub fn covers(self, proto: u8, port: u16) -> bool {
        match self {
            Service::Any => true,
            Service::Icmp => matches!(proto, ICMP | ICMPV6),
            Service::Ip { proto: own, first, last } => proto == own && (first..=last).contains(&port),
        }
    }
}

impl fmt::Display for Service {
    /// As the configuration writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Service::Any => f.write_str("any"),
            Service::Icmp => f.write_str("icmp"),
            Service::Ip { proto, first, last } => match ported(proto) {
                None => write!(f, "ip/{proto}"),
                Some(name) if (first, last) == (0, u16::MAX) => write!(f, "{name}/*"),
                Some(name) if first == last => write!(f, "{name}/{first}"),
                Some(name) => write!(f, "{name}/{first}-{last}"),
            },
        }
    }
}

/// The word for a protocol that has ports.
fn ported(proto: u8) -> Option<&'static str> {
    match proto {
        6 => Some("tcp"),
        17 => Some("udp"),
        132 => Some("sctp"),
        _ => None,
    }
}

impl Ends {
    /// The same flow seen from its other end.
    #[must_use]
    pub fn reversed(&self) -> Ends {
        Ends {
            proto: self.proto,
            from: self.to,
            from_zone: self.to_zone,
            from_port: self.to_port,
            to: self.from,
            to_zone: self.from_zone,
            to_port: self.from_port,
        }
    }
}

/// IANA protocol number of TCP.
const TCP: u8 = 6;
/// IANA protocol number of UDP.
const UDP: u8 = 17;
/// IANA protocol number of ICMP.
const ICMP: u8 = 1;
/// IANA protocol number of ICMPv6.
const ICMPV6: u8 = 58;
