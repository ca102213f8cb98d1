//! Flows of captures, explained.

use std::ops::ControlFlow;

use super::{Replayed, drive};
use crate::capture::{Files, Progress};
use crate::engine::{Engine, Explanation, FindingExplanation, Options};
use crate::explain::Wanted;
use crate::hint::VendorTable;
use crate::policy::Policy;

/// Flows kept to the end because their device may turn out to be the one that a finding is about. What is beyond it
/// is counted.
pub const MAX_DOUBTFUL: usize = 1_000;

/// Takes each flow that is asked about; `Break` once nobody wants more.
pub type ExplanationSink<'a> = dyn FnMut(&Explanation) -> ControlFlow<()> + 'a;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The answer and the files.
    pub replayed: Replayed,
    /// The finding that was asked about, if there is one of that name.
    pub finding: Option<FindingExplanation>,
    /// Flows that ended before their device was known and that found no place until it was.
    pub lost: u64,
}

/// Explains the flows of `source` that are wanted, as they end.
pub fn explain(
    policy: Policy,
    vendors: VendorTable,
    options: Options,
    mut source: Files,
    wanted: &Wanted,
    sink: &mut ExplanationSink<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Explained {
    let mut engine = Engine::new(policy, vendors, Options { explain: true, ..options });
    let files = source.names().to_vec();
    let mut doubtful: Vec<Explanation> = Vec::new();
    let mut lost = 0;
    let mut listens = ControlFlow::Continue(());
    let is_of = |engine: &Engine, explanation: &Explanation| {
        wanted.finding.as_ref().is_none_or(|id| engine.findings_of(explanation).any(|of| of == *id))
    };
    let damage = drive([&mut engine], &mut source, progress, |[engine]| {
        for explanation in engine.take_explained() {
            if !wanted.has(&explanation) {
                continue;
            }
            if is_of(engine, &explanation) {
                listens = sink(&explanation);
            } else if explanation.violations.iter().any(|violation| violation.device.mac.is_none()) {
                if doubtful.len() < MAX_DOUBTFUL {
                    doubtful.push(explanation);
                } else {
                    lost += 1;
                }
            }
            listens?;
        }
        ControlFlow::Continue(())
    });
    if listens.is_continue() {
        let late = doubtful.into_iter().chain(engine.open_explained());
        let _ = late.filter(|flow| wanted.has(flow) && is_of(&engine, flow)).try_for_each(|flow| sink(&flow));
    }
    let snapshot = engine.snapshot();
    let finding = snapshot.findings.iter().find(|finding| Some(&finding.id) == wanted.finding.as_ref());
    let finding = finding.cloned().map(|finding| engine.explain_finding(finding));
    Explained { replayed: Replayed { snapshot, files, damage }, finding, lost }
}
