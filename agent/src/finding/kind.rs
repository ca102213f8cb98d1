//! Kinds of finding (DESIGN, section 2).

use crate::policy::Severity;

/// What was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Kind {
    InternetEgress,
    InternetIngress,
    CrossZoneEgress,
    CrossZoneIngress,
    WrongVlan,
    UnknownDevice,
    Drill,
}

/// How a kind is judged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
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
    pub const ALL: [Kind; 7] = [
        Kind::InternetEgress,
        Kind::InternetIngress,
        Kind::CrossZoneEgress,
        Kind::CrossZoneIngress,
        Kind::WrongVlan,
        Kind::UnknownDevice,
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
            Kind::WrongVlan => "wrong-vlan",
            Kind::UnknownDevice => "unknown-device",
            Kind::Drill => "drill",
        }
    }

    /// How it is judged.
    pub fn class(self) -> Class {
        match self {
            Kind::InternetEgress | Kind::InternetIngress | Kind::CrossZoneEgress | Kind::CrossZoneIngress => {
                Class::Reach
            }
            Kind::WrongVlan => Class::Breach,
            Kind::UnknownDevice => Class::Notice,
            Kind::Drill => Class::None,
        }
    }

    /// Its severity unless the policy says otherwise; `through` when it was forwarded or established.
    pub fn severity(self, through: bool) -> Severity {
        match self.class() {
            Class::Breach | Class::None => Severity::Critical,
            Class::Reach if through => Severity::Critical,
            _ => Severity::Warning,
        }
    }
}
