//! Findings: one deduplicated violation each, with a bounded list of peers.

mod kind;

pub use kind::{Class, Kind};
