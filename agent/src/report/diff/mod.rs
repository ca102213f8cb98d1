//! What a change of policy does: to flows, findings and verdicts of captures, and to what may pass at all.

mod changes;
mod json;
mod text;

use serde::Serialize;

use crate::engine::{FlowRow, Snapshot};
use crate::finding::Class;
use crate::policy::diff::PolicyDiff;

pub use changes::{DeviceChange, FindingChange, FindingClass, ZoneChange};
pub use json::diff_json;
pub use text::diff_text;

/// The whole answer.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The old policy: file and hash.
    pub old: crate::engine::PolicyRef,
    /// The new policy.
    pub new: crate::engine::PolicyRef,
    /// What the change opens and closes, whatever the traffic.
    pub policy: PolicyDiff,
    /// The captures under both; `None` without a capture.
    pub replays: Option<Replays>,
}

/// The same captures under two policies.
#[derive(Clone, Debug)]
pub struct Replays {
    /// The answer under the old policy.
    pub old: Snapshot,
    /// The answer under the new one.
    pub new: Snapshot,
    /// Flows that are judged otherwise.
    pub flows: FlowChanges,
}

/// Flows by what becomes of them.
#[derive(Clone, Debug, Default)]
pub struct FlowChanges {
    /// A violation now, and none before.
    pub newly_violating: u64,
    /// A violation in both, that now got out of its zone.
    pub worse: u64,
    /// A violation before, and none now.
    pub newly_allowed: u64,
    /// Of another kind or reach, by another rule, watched or no longer.
    pub changed: u64,
    /// The same.
    pub unchanged: u64,
    /// Flows of one replay for which the other has none.
    pub unmatched: u64,
    /// Those that change, in order of class and time.
    pub listed: Vec<FlowChange>,
    /// Those that change and are not listed.
    pub left_out: u64,
}

/// One flow under both policies, or flows that are alike.
#[derive(Clone, Debug)]
pub struct FlowChange {
    /// What becomes of it.
    pub class: FlowClass,
    /// Under the old policy.
    pub old: Option<FlowRow>,
    /// Under the new one.
    pub new: Option<FlowRow>,
    /// How many flows.
    pub flows: u64,
}

/// What becomes of a flow that changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum FlowClass {
    NewlyViolating,
    Worse,
    NewlyAllowed,
    Changed,
}

impl FlowChange {
    /// The flow as the new policy sees it, else as the old one does.
    pub fn row(&self) -> Option<&FlowRow> {
        self.new.as_ref().or(self.old.as_ref())
    }
}

impl Compared {
    /// Whether the new policy makes a violation of something that was none: a flow, or a breach that no flow tells.
    pub fn violates_newly(&self) -> bool {
        self.replays.as_ref().is_some_and(|replays| {
            let flows = &replays.flows;
            let breaches = changes::findings(replays, &self.policy.renamed_zones);
            flows.newly_violating + flows.worse > 0 || breaches.iter().any(FindingChange::is_new_breach)
        })
    }
}

impl FindingChange {
    /// What flows show is counted by flow.
    fn is_new_breach(&self) -> bool {
        let is_breach = |finding: &Option<crate::engine::FindingStatus>| {
            finding.as_ref().is_some_and(|finding| finding.class == Class::Breach)
        };
        is_breach(&self.new) && !is_breach(&self.old)
    }
}
