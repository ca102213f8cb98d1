//! Findings: one deduplicated violation each, with a bounded list of peers.

mod book;
mod kind;
mod outcome;

pub use book::{Book, Contribution, Finding, FindingKey, MAX_FINDINGS, MAX_NAMES, MAX_PEERS, Peer, PeerKey, PeerZone};
pub use kind::{Class, Kind};
