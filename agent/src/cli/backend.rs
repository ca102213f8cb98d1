//! What the command line needs of the rest: configuration read, captures replayed, running agents asked.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::Timestamp;
use crate::capture::live::Surveyed;
use crate::daemon::Options;
use crate::engine::{DeviceStatus, Explanation, FlowRow, JudgedDevices, Snapshot};
use crate::policy::{Service, Untagged};
use crate::replay::{Named, Span};
use crate::report::{CaptureFiles, Compared, Explained, Hours, Subject};

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

/// What to report on.
#[derive(Clone, Debug, Default)]
pub struct ReportRequest {
    /// The policy, and captures.
    pub reading: Request,
    /// In place of captures, what an agent recorded.
    pub journal: Option<PathBuf>,
    /// Of that, what to look at.
    pub span: Span,
}

/// For how long a device was covered, where that is recorded.
pub type HoursOf = Box<dyn Fn(&DeviceStatus) -> Option<Hours>>;

/// What a report is made of.
pub struct ReportOutcome {
    /// The answer, and what was read.
    pub outcome: Outcome,
    /// What the configuration says about it.
    pub subject: Subject,
    /// For how long devices were covered.
    pub hours: HoursOf,
    /// What has to be known besides, a line each.
    pub remarks: Vec<String>,
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

/// Which policies to compare, over what.
#[derive(Clone, Debug, Default)]
pub struct DiffRequest {
    /// The policy as it is.
    pub old: PathBuf,
    /// The policy as it is to be.
    pub new: PathBuf,
    /// A vendor table in place of the built-in one.
    pub vendors: Option<PathBuf>,
    /// What an untagged frame of the captures means, in place of what the policies say.
    pub untagged: Option<Untagged>,
    /// Capture files; `-` is stdin; without one, the policies alone are compared.
    pub captures: Vec<PathBuf>,
    /// In place of captures, what an agent recorded.
    pub journal: Option<PathBuf>,
    /// Of that, what to look at.
    pub span: Span,
}

/// From what to propose a policy.
#[derive(Clone, Debug, Default)]
pub struct LearnRequest {
    /// Capture files; `-` is stdin.
    pub captures: Vec<PathBuf>,
    /// Watched vendors.
    pub watched: Vec<String>,
    /// Further cameras.
    pub cameras: Vec<Named>,
    /// A vendor table in place of the built-in one.
    pub vendors: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct DiffOutcome {
    /// The answer.
    pub compared: Compared,
    /// What was read, and where it could not be read on.
    pub files: CaptureFiles,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct LearnOutcome {
    /// The file, or why there is none.
    pub proposal: Result<String, Vec<String>>,
    /// What was read, and where it could not be read on.
    pub files: CaptureFiles,
}

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

/// A running agent, and who asks it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Access {
    /// Where it listens; without it, this machine's.
    pub url: Option<String>,
    /// Who asks.
    pub user: Option<String>,
    /// The file with that user's password.
    pub password_file: Option<PathBuf>,
    /// The authorities (PEM) that vouch for the agent, in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// What a running agent is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// The watched devices, as JSON.
    Devices,
    /// The open findings, as JSON.
    Findings,
    /// The zones, as JSON.
    Zones,
    /// To close a finding.
    Close(Remark),
    /// To mark a finding as known.
    Acknowledge(Remark),
    /// To raise a drill.
    Drill {
        /// Who says so.
        by: String,
    },
}

/// A person's word about a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// The finding.
    pub id: String,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Reads configurations and captures, and asks running agents. Problems come all at once, a line each, with their place.
pub trait Backend {
    /// Judges captures; damage is part of the outcome, a bad configuration or vendor table is not.
    fn replay(
        &self,
        request: &Request,
        flows: Option<&mut FlowSink<'_>>,
        progress: &mut Progress<'_>,
    ) -> Result<Outcome, Vec<String>>;

    /// Judges captures for the security officer's report.
    fn report(&self, request: &ReportRequest, progress: &mut Progress<'_>) -> Result<ReportOutcome, Vec<String>>;

    /// Runs the agent until it is told to stop.
    fn run(&self, options: &Options) -> Result<(), Vec<String>>;

    /// Explains flows of captures, or one that nobody sent.
    fn explain(
        &self,
        request: &ExplainRequest,
        flows: &mut ExplanationSink<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<ExplainOutcome, Vec<String>>;

    /// Compares two policies, and what they say of captures.
    fn diff(&self, request: &DiffRequest, progress: &mut Progress<'_>) -> Result<DiffOutcome, Vec<String>>;

    /// Proposes a policy. Vendors that nobody knows and a bad vendor table are problems; captures that show too little
    /// are part of the outcome.
    fn learn(&self, request: &LearnRequest, progress: &mut Progress<'_>) -> Result<LearnOutcome, Vec<String>>;

    /// The network interfaces, by name; with a time, what their packets showed in it.
    fn interfaces(&self, sample: Option<Duration>) -> Result<Vec<Surveyed>, Vec<String>>;

    /// What the environment says of the agent to ask (SEGWATCH_URL and its like).
    fn environment(&self) -> Access;

    /// Asks a running agent: the list as JSON, whoever answered, or its sentence about what it did. Neither is escaped.
    fn ask(&self, access: &Access, ask: &Ask) -> Result<String, Vec<String>>;

    /// Checks a configuration.
    fn config_check(&self, file: &Path) -> Result<ConfigSummary, Vec<String>>;

    /// The configuration as it is understood, defaults filled in, as YAML.
    fn config_show(&self, file: &Path) -> Result<String, Vec<String>>;

    /// The JSON Schema of the configuration.
    fn config_schema(&self) -> String;
}
