//! Kinds of finding (DESIGN, section 2).

use crate::flow::Reach;
use crate::policy::Severity;

/// What was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Kind {
    InternetEgress,
    InternetIngress,
    CrossZoneEgress,
    CrossZoneIngress,
    Tunnel,
    WrongVlan,
    VlanHopping,
    ExploitAttempt,
    RogueService,
    PortMapping,
    UnknownDevice,
    ForeignAddress,
    CloudLookup,
    Drill,
}

/// How a kind is judged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A violation as such.
    Breach,
    /// By reach: forwarded or established is a violation, less is contained.
    Reach,
    /// Without effect on the verdict.
    Notice,
    /// A drill: nothing was seen.
    None,
}

impl Kind {
    /// Every kind, in the order of the design.
    pub const ALL: [Kind; 14] = [
        Kind::InternetEgress,
        Kind::InternetIngress,
        Kind::CrossZoneEgress,
        Kind::CrossZoneIngress,
        Kind::Tunnel,
        Kind::WrongVlan,
        Kind::VlanHopping,
        Kind::ExploitAttempt,
        Kind::RogueService,
        Kind::PortMapping,
        Kind::UnknownDevice,
        Kind::ForeignAddress,
        Kind::CloudLookup,
        Kind::Drill,
    ];

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The word used in labels, JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Kind::InternetEgress => "internet-egress",
            Kind::InternetIngress => "internet-ingress",
            Kind::CrossZoneEgress => "cross-zone-egress",
            Kind::CrossZoneIngress => "cross-zone-ingress",
            Kind::Tunnel => "tunnel",
            Kind::WrongVlan => "wrong-vlan",
            Kind::VlanHopping => "vlan-hopping",
            Kind::ExploitAttempt => "exploit-attempt",
            Kind::RogueService => "rogue-service",
            Kind::PortMapping => "port-mapping",
            Kind::UnknownDevice => "unknown-device",
            Kind::ForeignAddress => "foreign-address",
            Kind::CloudLookup => "cloud-lookup",
            Kind::Drill => "drill",
        }
    }

    /// How it is judged, given the farthest that it got: a request to open a port is a breach once it was answered.
    pub fn class(self, reach: Reach) -> Class {
        match self {
            Kind::InternetEgress
            | Kind::InternetIngress
            | Kind::CrossZoneEgress
            | Kind::CrossZoneIngress
            | Kind::Tunnel => Class::Reach,
            Kind::WrongVlan | Kind::VlanHopping | Kind::ExploitAttempt | Kind::RogueService => Class::Breach,
            Kind::PortMapping if reach == Reach::Established => Class::Breach,
            Kind::PortMapping | Kind::UnknownDevice | Kind::ForeignAddress | Kind::CloudLookup => Class::Notice,
            Kind::Drill => Class::None,
        }
    }

    /// Its severity unless the policy says otherwise.
    pub fn severity(self, reach: Reach) -> Severity {
        match self.class(reach) {
            Class::Breach | Class::None => Severity::Critical,
            Class::Reach if reach >= Reach::Forwarded => Severity::Critical,
            _ => Severity::Warning,
        }
    }
}
