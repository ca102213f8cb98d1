//! Proposes a policy from what captures show: zones, an inventory, and conduits for internal traffic, as a commented
//! file for a person to review.
//!
//! It takes three looks at the captures, each through the engine that judges. [`Survey`]: who lives where, by the
//! built-in policy. [`Talks`]: what the zones that follow would deny. The last one says what the whole proposal makes of the
//! captures, and only goes into the heading. What is unclear is left out: a missing conduit is a finding that someone
//! looks at, one too many is silence.

mod conduits;
mod draft;
mod peers;
mod prefixes;
mod render;
mod servers;
mod survey;
mod suspects;
mod talks;
#[cfg(test)]
mod tests;
mod zones;

pub use conduits::propose;
pub use draft::{ConduitDraft, DeviceDraft, Draft, PrefixDraft, Role, SideDraft, Whence, ZoneDraft};
pub use render::{Heading, quote, render};
pub use survey::Survey;
pub use talks::Talks;
pub use zones::draft;

use crate::coverage::{ReasonCode, Verdict};
use crate::engine::Snapshot;

/// Why the captures show too little of the listed cameras to propose anything, judged by the zones and the inventory
/// alone; empty if they show enough. What cameras send to nobody's answer is a finding, not a lack of sight.
pub fn doubts(draft: &Draft, snapshot: &Snapshot) -> Vec<String> {
    let listed = |mac| draft.devices.iter().any(|device| Some(device.mac) == mac);
    let mut doubts = Vec::new();
    for device in snapshot.devices.iter().filter(|device| listed(device.mac)) {
        let Some(mac) = device.mac else { continue };
        if device.verdict == Verdict::Unverified {
            let blind = device.reasons.iter().filter(|reason| reason.code != ReasonCode::OneWayEgress);
            doubts.extend(blind.map(|reason| format!("camera {mac}: {}: {}", reason.code.name(), reason.detail)));
        } else if device.coverage.sent == 0 || device.coverage.received == 0 {
            doubts.push(format!("camera {mac}: one-direction: its unicast frames were seen in one direction only"));
        }
    }
    doubts
}
