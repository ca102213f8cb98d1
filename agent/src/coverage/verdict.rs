//! The answer, and why it is not better.

use std::collections::{BTreeMap, BTreeSet};

/// Details of one code that are told together.
const DETAILS: usize = 3;

/// The answer for a device, a zone or a site (DESIGN, section 1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Covered, and tried nothing.
    Isolated,
    /// Covered, and every attempt was stopped.
    Contained,
    /// Not covered: nobody knows.
    Unverified,
    /// Something got out, in, or was a breach in itself.
    Violated,
}

impl Verdict {
    /// Every verdict, the best first.
    pub const ALL: [Verdict; 4] = [Verdict::Isolated, Verdict::Contained, Verdict::Unverified, Verdict::Violated];

    /// The word used in labels, JSON and text.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Isolated => "isolated",
            Verdict::Contained => "contained",
            Verdict::Unverified => "unverified",
            Verdict::Violated => "violated",
        }
    }
}

/// Why something is unverified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// Declared, and no frame of it was seen.
    NeverSeen,
    /// No unicast frame within `coverage.silence`.
    Silent,
    /// Frames from it or frames to it are missing.
    OneDirection,
    /// Its VLAN is not known, though its home names VLANs.
    Untagged,
    /// More was lost than `coverage.loss` allows.
    Loss,
    /// The capture has a hole: damage, a table that was full, frames that could not be decoded.
    Gap,
    /// Known only by its address, through a router.
    BehindRouter,
    /// Too much unanswered datagram payload went to outside peers.
    OneWayEgress,
    /// It is not known which addresses are at home.
    HomeUnknown,
}

/// One reason, with what was seen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct Reason {
    /// The stable code.
    pub code: ReasonCode,
    /// One sentence for a person.
    pub detail: String,
}

impl ReasonCode {
    /// Every code, for series that must exist from the start.
    pub const ALL: [ReasonCode; 9] = [
        ReasonCode::NeverSeen,
        ReasonCode::Silent,
        ReasonCode::OneDirection,
        ReasonCode::Untagged,
        ReasonCode::Loss,
        ReasonCode::Gap,
        ReasonCode::BehindRouter,
        ReasonCode::OneWayEgress,
        ReasonCode::HomeUnknown,
    ];

    /// The word used in labels and JSON.
    pub fn name(self) -> &'static str {
        match self {
            ReasonCode::NeverSeen => "never-seen",
            ReasonCode::Silent => "silent",
            ReasonCode::OneDirection => "one-direction",
            ReasonCode::Untagged => "untagged",
            ReasonCode::Loss => "loss",
            ReasonCode::Gap => "gap",
            ReasonCode::BehindRouter => "behind-router",
            ReasonCode::OneWayEgress => "one-way-egress",
            ReasonCode::HomeUnknown => "home-unknown",
        }
    }
}

/// One reason for each code, with the first of its details.
pub fn merge_reasons<'a>(reasons: impl Iterator<Item = &'a Reason>) -> Vec<Reason> {
    let mut by_code: BTreeMap<ReasonCode, BTreeSet<&str>> = BTreeMap::new();
    for reason in reasons {
        by_code.entry(reason.code).or_default().insert(&reason.detail);
    }
    let merged = by_code.into_iter().map(|(code, details)| {
        let details: Vec<&str> = details.into_iter().take(DETAILS).collect();
        Reason { code, detail: details.join("; ") }
    });
    merged.collect()
}
