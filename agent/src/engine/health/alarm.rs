//! The alarms of a mirror.

use crate::coverage::ReasonCode;

/// Alarms of a mirror port (DESIGN, section 6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum Alarm {
    Silent,
    KernelDrops,
    UpstreamLoss,
    OneDirectional,
    Untagged,
    Filtered,
    Undecodable,
    Duplicates,
    Truncated,
    Offload,
    Clock,
}

impl Alarm {
    /// Every alarm.
    pub const ALL: [Alarm; 11] = [
        Alarm::Silent,
        Alarm::KernelDrops,
        Alarm::UpstreamLoss,
        Alarm::OneDirectional,
        Alarm::Untagged,
        Alarm::Filtered,
        Alarm::Undecodable,
        Alarm::Duplicates,
        Alarm::Truncated,
        Alarm::Offload,
        Alarm::Clock,
    ];

    /// The word used in labels and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Alarm::Silent => "silent",
            Alarm::KernelDrops => "kernel-drops",
            Alarm::UpstreamLoss => "upstream-loss",
            Alarm::OneDirectional => "one-directional",
            Alarm::Untagged => "untagged",
            Alarm::Filtered => "filtered",
            Alarm::Undecodable => "undecodable",
            Alarm::Duplicates => "duplicates",
            Alarm::Truncated => "truncated",
            Alarm::Offload => "offload",
            Alarm::Clock => "clock",
        }
    }

    /// The alarm with this name.
    pub fn from_name(word: &str) -> Option<Alarm> {
        Alarm::ALL.into_iter().find(|alarm| alarm.name() == word)
    }

    /// What came while it lasts is not enough for a verdict. `truncated` blinds only where headers are cut.
    pub fn blinds(self) -> bool {
        !matches!(self, Alarm::Duplicates | Alarm::Truncated | Alarm::Offload | Alarm::Clock)
    }

    /// The reason that it gives where it blinds.
    pub(super) fn reason(self) -> ReasonCode {
        match self {
            Alarm::KernelDrops | Alarm::UpstreamLoss => ReasonCode::Loss,
            Alarm::OneDirectional => ReasonCode::OneDirection,
            Alarm::Untagged => ReasonCode::Untagged,
            _ => ReasonCode::Gap,
        }
    }

    /// After it ended, a device has to be seen again: what was missed is not known.
    pub(super) fn forgets(self) -> bool {
        matches!(self, Alarm::Silent | Alarm::OneDirectional | Alarm::Untagged | Alarm::Undecodable)
    }
}
