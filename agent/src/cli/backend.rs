//! What the command line needs of the rest: configuration read, captures replayed.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::capture::live::Surveyed;
use crate::engine::{FlowRow, JudgedDevices, Snapshot};
use crate::policy::Untagged;
use crate::report::CaptureFiles;

/// What to read, and how to judge it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The policy; the built-in one without.
    pub config: Option<PathBuf>,
    /// A vendor table in place of the built-in one.
    pub vendors: Option<PathBuf>,
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

    /// The network interfaces, by name; with a time, what their packets showed in it.
    fn interfaces(&self, sample: Option<Duration>) -> Result<Vec<Surveyed>, Vec<String>>;

    /// Checks a configuration.
    fn config_check(&self, file: &Path) -> Result<ConfigSummary, Vec<String>>;

    /// The configuration as it is understood, defaults filled in, as YAML.
    fn config_show(&self, file: &Path) -> Result<String, Vec<String>>;

    /// The JSON Schema of the configuration.
    fn config_schema(&self) -> String;
}
