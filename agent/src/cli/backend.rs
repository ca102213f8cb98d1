//! What the command line needs of the rest: configuration read, captures replayed.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::Timestamp;
use crate::capture::live::Surveyed;
use crate::engine::{Explanation, FlowRow, JudgedDevices, Snapshot};
use crate::policy::{Service, Untagged};
use crate::report::{CaptureFiles, Explained};

/// What to read, and how to judge it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The policy; the built-in one without.
    pub config: Option<PathBuf>,
    /// A vendor table in place of the built-in one.
    pub vendors: Option<PathBuf>,
    /// Folder with data files in place of the built-in ones.
    pub data: Option<PathBuf>,
    /// What an untagged frame means, in place of what the policy says.
    pub untagged: Option<Untagged>,
    /// Which devices to judge.
    pub judged: JudgedDevices,
    /// Capture files; `-` is stdin.
    pub captures: Vec<PathBuf>,
}

/// What came of a replay.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer.
    pub snapshot: Snapshot,
    /// What was read, and where it could not be read on.
    pub files: CaptureFiles,
}

/// Takes each flow as it ends; `Break` once nobody reads on.
pub type FlowSink<'a> = dyn FnMut(&FlowRow) -> ControlFlow<()> + 'a;

/// Told now and then the bytes read, and how many there are where that is known.
pub type Progress<'a> = dyn FnMut(u64, Option<u64>) + 'a;

/// What to explain.
#[derive(Clone, Debug, Default)]
pub struct ExplainRequest {
    /// The policy, and captures; without a capture the flow is one that nobody sent.
    pub reading: Request,
    /// Who opens the flow: an address, a MAC, a device or a zone.
    pub from: Option<String>,
    /// To whom.
    pub to: Option<String>,
    /// The responder's service.
    pub service: Option<Service>,
    /// A VLAN that it is seen in.
    pub vlan: Option<u16>,
    /// When; without it, now.
    pub at: Option<Timestamp>,
    /// A finding that it adds to.
    pub finding: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct ExplainOutcome {
    /// What is known beside the flows.
    pub explained: Explained,
    /// What was asked for and is not there, or could not be kept.
    pub problems: Vec<String>,
    /// What was read, and where it could not be read on.
    pub files: CaptureFiles,
}

/// Takes each flow that is explained; `Break` once nobody reads on.
pub type ExplanationSink<'a> = dyn FnMut(&Explanation) -> ControlFlow<()> + 'a;

/// A configuration without errors.
#[derive(Clone, Debug, Default)]
pub struct ConfigSummary {
    /// What could be better, each with its place.
    pub lints: Vec<String>,
    /// Zones declared.
    pub zones: usize,
    /// Conduits declared.
    pub conduits: usize,
    /// Devices listed.
    pub devices: usize,
    /// Metric series that it makes.
    pub series: usize,
}

/// Reads configurations and captures. Problems come all at once, a line each, with their place.
pub trait Backend {
    /// Judges captures; damage is part of the outcome, a bad configuration or vendor table is not.
    fn replay(
        &self,
        request: &Request,
        flows: Option<&mut FlowSink<'_>>,
        progress: &mut Progress<'_>,
    ) -> Result<Outcome, Vec<String>>;

    /// Explains flows of captures, or one that nobody sent.
    fn explain(
        &self,
        request: &ExplainRequest,
        flows: &mut ExplanationSink<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<ExplainOutcome, Vec<String>>;
    /// The network interfaces, by name; with a time, what their packets showed in it.
    fn interfaces(&self, sample: Option<Duration>) -> Result<Vec<Surveyed>, Vec<String>>;

    /// Checks a configuration.
    fn config_check(&self, file: &Path) -> Result<ConfigSummary, Vec<String>>;

    /// The configuration as it is understood, defaults filled in, as YAML.
    fn config_show(&self, file: &Path) -> Result<String, Vec<String>>;

    /// The JSON Schema of the configuration.
    fn config_schema(&self) -> String;
}
