//! How far a flow got.

/// How far a flow got (DESIGN, section 1), in rising order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Seen only in the initiator's zone or in transit, unanswered.
    Attempted,
    /// The same, and stopped on the way by a router or firewall that said so.
    Refused,
    /// It left the initiator's zone.
    Forwarded,
    /// The responder answered.
    Established,
}

impl Reach {
    /// Every reach, in rising order.
    pub const ALL: [Reach; 4] = [Reach::Attempted, Reach::Refused, Reach::Forwarded, Reach::Established];

    /// The reach of this name.
    pub fn from_name(name: &str) -> Option<Reach> {
        Reach::ALL.into_iter().find(|reach| reach.name() == name)
    }

    /// The word used in labels, JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Reach::Attempted => "attempted",
            Reach::Refused => "refused",
            Reach::Forwarded => "forwarded",
            Reach::Established => "established",
        }
    }
}

/// How the initiator of a flow is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It sent the first packet of a handshake: TCP SYN, SCTP INIT, ICMP echo request.
    Syn,
    /// The other end was seen to answer one: SYN-ACK, INIT-ACK, echo reply.
    Answer,
    /// Its port is ephemeral and the other end's is a service's.
    Port,
    /// It sent the first packet seen, which proves little.
    FirstSeen,
}
