//! What can be asked.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use super::agent_args::{AgentArgs, DRILL_HELP, DrillArgs, FindingsCommand};
use super::backend::{Access, DiffRequest, ExplainRequest, LearnRequest, ReportRequest, Request};
use crate::base::Timestamp;
use crate::daemon::Options;
use crate::engine::JudgedDevices;
use crate::policy::{Service, Untagged};
use crate::replay::{Named, Span};
use crate::report::FailOn;

/// Proves from a mirror port that surveillance cameras talk only inside their own network segment.
#[derive(Parser, Debug)]
#[command(name = "segwatch", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Start with: segwatch check capture.pcap")]
pub struct Cli {
    /// Colour the text
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Watch mirror ports until told to stop: the agent
    #[command(after_long_help = RUN_HELP)]
    Run(RunArgs),
    /// Judge captures: isolated, contained, violated or unverified, with the evidence
    #[command(after_long_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Write the security officer's report: which cameras there are, what was seen of them, and which may remain
    #[command(after_long_help = REPORT_HELP)]
    Report(ReportArgs),
    /// List every flow with its verdict and the rule that decided
    #[command(after_long_help = FLOWS_HELP)]
    Flows(FlowsArgs),
    /// List the watched devices of a capture or of a running agent
    #[command(after_long_help = DEVICES_HELP)]
    Devices(ListArgs),
    /// List all findings with all their peers, of a capture or of a running agent; close or acknowledge one
    #[command(after_long_help = FINDINGS_HELP)]
    Findings(FindingsArgs),
    /// List the zones and their verdicts, of a capture or of a running agent
    #[command(after_long_help = ZONES_HELP)]
    Zones(ListArgs),
    /// Say which rule decides about a flow, where it stands, and which conduit comes nearest to allowing it
    #[command(after_long_help = EXPLAIN_HELP)]
    Explain(ExplainArgs),
    /// Compare two policies: what the new one opens and closes, and which flows of captures it judges otherwise
    #[command(after_long_help = DIFF_HELP)]
    Diff(DiffArgs),
    /// Propose a policy from captures: zones, inventory and conduits, for a person to review
    #[command(after_long_help = LEARN_HELP)]
    Learn(LearnArgs),
    /// Have a running agent raise a finding that nothing caused, to see whether the page arrives
    #[command(after_long_help = DRILL_HELP)]
    Drill(DrillArgs),
    /// List the network interfaces, and with --seconds what they show: which one is the mirror port
    #[command(after_long_help = INTERFACES_HELP)]
    Interfaces(InterfacesArgs),
    /// Check or show a configuration, or print its schema
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completion script of a shell
    #[command(
        after_help = "Example:\n  segwatch completions bash > ~/.local/share/bash-completion/completions/segwatch"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands
    #[command(after_help = "Examples:\n  segwatch man | man -l -\n  segwatch man --dir /usr/local/share/man/man1")]
    Man {
        /// Write a page for each command into this directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// The policy, with the mirror ports
    #[arg(long, value_name = "FILE", env = "SEGWATCH_CONFIG")]
    config: PathBuf,
    /// TLS and users of the HTTP server, in the form of every Prometheus exporter
    #[arg(long = "web.config.file", value_name = "FILE", env = "SEGWATCH_WEB_CONFIG_FILE")]
    web_config: Option<PathBuf>,
    /// Makers by MAC prefix, in place of the built-in table (CSV: prefix,prefix_len,vendor)
    #[arg(long, value_name = "FILE", env = "SEGWATCH_VENDORS")]
    vendors: Option<PathBuf>,
    /// Folder with newer copies of marks.csv, cloud-names.csv, advisories.csv or signatures.csv; what is not there is built in
    #[arg(long, value_name = "FOLDER", env = "SEGWATCH_DATA")]
    data: Option<PathBuf>,
    /// The least that is logged: error, warn, info, debug or trace; or directives as `info,hyper=debug`
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info", env = "SEGWATCH_LOG_LEVEL")]
    pub(super) log_level: String,
    /// How it is logged, on standard error
    #[arg(long = "log.format", value_enum, default_value_t, env = "SEGWATCH_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
}

impl RunArgs {
    pub(super) fn options(&self) -> Options {
        Options {
            config: self.config.clone(),
            web_config: self.web_config.clone(),
            vendors: self.vendors.clone(),
            data: self.data.clone(),
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: CheckFormat,
    /// The least that makes the exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(super) fail_on: FailOn,
    /// Judge only this device: MAC, IP address or name in the inventory (may be repeated)
    #[arg(long = "device", value_name = "DEVICE", conflicts_with = "seen")]
    devices: Vec<String>,
    /// Judge only devices that the capture shows, not those that the inventory expects
    #[arg(long)]
    seen: bool,
}

impl CheckArgs {
    pub(super) fn request(&self) -> Request {
        let judged = match (self.seen, self.devices.as_slice()) {
            (true, _) => JudgedDevices::Seen,
            (false, []) => JudgedDevices::All,
            (false, devices) => JudgedDevices::Named(devices.to_vec()),
        };
        Request { judged, ..self.reading.request() }
    }
}

#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    recorded: RecordedArgs,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ReportFormat,
    /// In which language; JSON and CSV, being for programs, have none
    #[arg(long, value_enum, default_value_t)]
    pub(super) lang: Lang,
    /// Capture files, pcap or pcapng, also with gzip or zstd; `-` is standard input; several are merged by time
    #[arg(value_name = "CAPTURE", required_unless_present = "journal")]
    captures: Vec<PathBuf>,
}

impl ReportArgs {
    pub(super) fn request(&self) -> ReportRequest {
        let (reading, journal) = (self.policy.request(&self.captures), self.recorded.journal.clone());
        ReportRequest { reading, journal, span: self.recorded.span() }
    }
}

/// What is read in place of captures.
#[derive(Args, Debug)]
struct RecordedArgs {
    /// Read what an agent recorded: its state directory, or the journal in it
    #[arg(long, value_name = "DIR", conflicts_with = "captures")]
    journal: Option<PathBuf>,
    /// Of the journal, nothing before this: a date (its first moment, UTC), or a time as in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = midnight, requires = "journal")]
    from: Option<Timestamp>,
    /// Of the journal, nothing from this on
    #[arg(long, value_name = "TIME", value_parser = midnight, requires = "journal")]
    to: Option<Timestamp>,
}

impl RecordedArgs {
    fn span(&self) -> Span {
        Span { from: self.from, to: self.to }
    }
}

#[derive(Args, Debug)]
pub(super) struct FlowsArgs {
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    /// Print only these flows
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) only: Option<Only>,
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: FlowsFormat,
}

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    agent: AgentArgs,
    /// How to print the list
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ListFormat,
    /// Capture files, pcap or pcapng, also with gzip or zstd; `-` is standard input; several are merged by time
    #[arg(value_name = "CAPTURE", conflicts_with = "AgentArgs")]
    captures: Vec<PathBuf>,
}

/// From where a list comes.
pub(super) enum ListSource {
    Captures(Request),
    Agent(Access),
}

impl ListArgs {
    /// Captures; without any, a running agent that is named here or in the environment. Else what is missing.
    pub(super) fn source(&self, environment: Access) -> Result<ListSource, &'static str> {
        if !self.captures.is_empty() {
            return Ok(ListSource::Captures(self.policy.request(&self.captures)));
        }
        let access = self.agent.access(environment);
        match (&access.url, self.policy.is_given()) {
            (Some(_), false) => Ok(ListSource::Agent(access)),
            (Some(_), true) => {
                Err("--config, --untagged, --vendors and --data are for captures: a running agent has its own")
            }
            (None, _) => Err("name a capture, or a running agent with --url"),
        }
    }
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(super) struct FindingsArgs {
    #[command(subcommand)]
    pub(super) command: Option<FindingsCommand>,
    #[command(flatten)]
    pub(super) list: ListArgs,
}

#[derive(Args, Debug)]
pub(super) struct InterfacesArgs {
    /// Look at the packets of all interfaces for so long (1 to 3600 seconds)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(super) seconds: Option<u16>,
    /// How to print the list
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: InterfacesFormat,
}

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Who opens the flow: an address, a MAC, a device of the inventory, a zone, or `internet`
    #[arg(long, value_name = "A", required_unless_present = "captures")]
    from: Option<String>,
    /// To whom
    #[arg(long, value_name = "B", required_unless_present = "captures")]
    to: Option<String>,
    /// To which service, as a conduit writes it: tcp/443, udp/123, icmp, ip/47
    #[arg(long, value_name = "SERVICE", required_unless_present = "captures", value_parser = crate::config::service)]
    service: Option<Service>,
    /// The VLAN that A is seen in; without it, the first of its zone
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4094))]
    vlan: Option<u16>,
    /// When the flow is opened, which decides what has expired: a date, or a time as in RFC 3339; without it, now
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "captures")]
    at: Option<Timestamp>,
    /// The finding whose flows to explain, by its id
    #[arg(long, value_name = "ID", requires = "captures")]
    finding: Option<String>,
    /// Flows explained at most (text: 10 unless said otherwise; JSON: all)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) limit: Option<u16>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ListFormat,
    /// Capture files: explains their flows (with --from, --to, --service and --vlan only those) instead of one that
    /// nobody sent
    #[arg(value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

impl ExplainArgs {
    pub(super) fn request(&self) -> ExplainRequest {
        ExplainRequest {
            reading: self.policy.request(&self.captures),
            from: self.from.clone(),
            to: self.to.clone(),
            service: self.service,
            vlan: self.vlan,
            at: self.at,
            finding: self.finding.clone(),
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct DiffArgs {
    /// The policy as it is
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Capture files that both judge, in one pass; `-` is standard input; without one, the policies alone are compared
    #[arg(value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    #[command(flatten)]
    recorded: RecordedArgs,
    /// What a frame of the captures without a VLAN tag means; overrides both policies
    #[arg(long, value_name = "reject|unknown|VLAN", value_parser = untagged, conflicts_with = "journal")]
    untagged: Option<Untagged>,
    /// Makers by MAC prefix, in place of the built-in table (CSV: prefix,prefix_len,vendor)
    #[arg(long, value_name = "FILE")]
    vendors: Option<PathBuf>,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: DiffFormat,
}

impl DiffArgs {
    pub(super) fn request(&self) -> DiffRequest {
        DiffRequest {
            old: self.old.clone(),
            new: self.new.clone(),
            vendors: self.vendors.clone(),
            untagged: self.untagged,
            captures: self.captures.clone(),
            journal: self.recorded.journal.clone(),
            span: self.recorded.span(),
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct LearnArgs {
    /// Watch the devices of this maker (may be repeated)
    #[arg(long = "vendor", value_name = "NAME", default_value = "hikvision")]
    watched: Vec<String>,
    /// Take this host for a camera too: MAC or IP address (may be repeated)
    #[arg(long = "camera", value_name = "MAC|IP", value_parser = camera)]
    cameras: Vec<Named>,
    /// Makers by MAC prefix, in place of the built-in table (CSV: prefix,prefix_len,vendor)
    #[arg(long, value_name = "FILE", env = "SEGWATCH_VENDORS")]
    vendors: Option<PathBuf>,
    /// Capture files, pcap or pcapng, also with gzip or zstd; `-` is standard input; several are merged by time
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

impl LearnArgs {
    pub(super) fn request(&self) -> LearnRequest {
        let mut watched = self.watched.clone();
        watched.sort();
        watched.dedup();
        LearnRequest {
            captures: self.captures.clone(),
            watched,
            cameras: self.cameras.clone(),
            vendors: self.vendors.clone(),
        }
    }
}

/// What every command that judges takes.
#[derive(Args, Debug)]
pub(super) struct PolicyArgs {
    /// The zones, conduits and inventory to judge by; without it, the built-in policy
    #[arg(long, value_name = "FILE", env = "SEGWATCH_CONFIG")]
    config: Option<PathBuf>,
    /// What a frame without a VLAN tag means: `reject` (its VLAN is not known), `unknown` (prefixes decide), or the
    /// VLAN id of an access port; overrides the configuration
    #[arg(long, value_name = "reject|unknown|VLAN", value_parser = untagged)]
    untagged: Option<Untagged>,
    /// Makers by MAC prefix, in place of the built-in table (CSV: prefix,prefix_len,vendor)
    #[arg(long, value_name = "FILE", env = "SEGWATCH_VENDORS")]
    vendors: Option<PathBuf>,
    /// Folder with newer copies of marks.csv, cloud-names.csv, advisories.csv or signatures.csv; what is not there is built in
    #[arg(long, value_name = "FOLDER", env = "SEGWATCH_DATA")]
    data: Option<PathBuf>,
}

impl PolicyArgs {
    /// Whether something was said on the command line; what the environment says is for captures alone.
    fn is_given(&self) -> bool {
        let said = |path: &Option<PathBuf>, name| path.is_some() && std::env::var_os(name).map(PathBuf::from) != *path;
        self.untagged.is_some()
            || said(&self.config, "SEGWATCH_CONFIG")
            || said(&self.vendors, "SEGWATCH_VENDORS")
            || said(&self.data, "SEGWATCH_DATA")
    }

    fn request(&self, captures: &[PathBuf]) -> Request {
        Request {
            config: self.config.clone(),
            vendors: self.vendors.clone(),
            data: self.data.clone(),
            untagged: self.untagged,
            judged: JudgedDevices::All,
            captures: captures.to_vec(),
        }
    }
}

/// What every command that reads captures takes.
#[derive(Args, Debug)]
pub(super) struct ReadingArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Capture files, pcap or pcapng, also with gzip or zstd; `-` is standard input; several are merged by time
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

impl ReadingArgs {
    pub(super) fn request(&self) -> Request {
        self.policy.request(&self.captures)
    }
}

#[derive(Subcommand, Debug)]
pub(super) enum ConfigCommand {
    /// Say what is wrong with a configuration, all at once
    #[command(
        after_help = "Examples:\n  segwatch config check segwatch.yaml\n  segwatch config check --strict segwatch.yaml\n\n\
                            Exit codes: 0 sound, 2 errors (with --strict: or lints)"
    )]
    Check {
        /// Fail on lints too
        #[arg(long)]
        strict: bool,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Print a configuration as it is understood, defaults filled in
    #[command(after_help = "Example:\n  segwatch config show segwatch.yaml")]
    Show {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Print the JSON Schema of the configuration, for editors
    #[command(after_help = "Example:\n  segwatch config schema > segwatch.schema.json")]
    Schema,
}

/// A configuration, named as an argument or as elsewhere with `--config`.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct ConfigFile {
    /// The configuration
    file: Option<PathBuf>,
    /// The same, as other commands name it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    pub(super) fn path(&self) -> &Path {
        self.file.as_deref().or(self.config.as_deref()).unwrap_or(Path::new(""))
    }
}

/// How `check` prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum CheckFormat {
    /// For a person
    #[default]
    Text,
    /// The schema segwatch/check/1
    Json,
    /// JUnit XML, for pipelines
    Junit,
}

/// How `report` is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum ReportFormat {
    /// One page that needs nothing else, made to be printed on A4
    #[default]
    Html,
    /// Markdown with tables
    Md,
    /// A record for each camera, for a spreadsheet
    Csv,
    /// The schema segwatch/report/1
    Json,
}

/// Language of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Lang {
    /// English
    #[default]
    En,
    /// Danish
    Da,
}

/// How `flows` prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum FlowsFormat {
    /// A line per flow
    #[default]
    Text,
    /// A JSON object per line
    Jsonl,
    /// For a spreadsheet
    Csv,
}

/// How lists are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum ListFormat {
    /// For a person
    #[default]
    Text,
    /// As in the JSON of `check`
    Json,
}

/// How `diff` prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum DiffFormat {
    /// For a person
    #[default]
    Text,
    /// The schema segwatch/diff/1
    Json,
}

/// How `interfaces` prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum InterfacesFormat {
    /// For a person
    #[default]
    Text,
    /// The schema segwatch/interfaces/1
    Json,
}

/// How `run` logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum LogFormat {
    /// For a person
    #[default]
    Text,
    /// A JSON object per line
    Json,
}

/// Which flows to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Only {
    /// Those that no rule allows
    Violations,
}

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [Self] {
        &[FailOn::Notice, FailOn::Contained, FailOn::Violated]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            FailOn::Notice => PossibleValue::new("notice").help("A notice, a stopped attempt, or a violation"),
            FailOn::Contained => PossibleValue::new("contained").help("A stopped attempt, or a violation"),
            FailOn::Violated => PossibleValue::new("violated").help("A violation"),
        })
    }
}

/// A usage error of a command that the definition alone does not find.
pub(super) fn usage_error(command: &str, problem: &str) -> clap::Error {
    let mut all = Cli::command();
    all.build();
    let command = all.find_subcommand_mut(command).map(std::mem::take);
    command.unwrap_or(all).error(ErrorKind::MissingRequiredArgument, problem)
}

fn untagged(text: &str) -> Result<Untagged, String> {
    match (text, text.parse::<u16>()) {
        ("reject", _) => Ok(Untagged::Reject),
        ("unknown", _) => Ok(Untagged::Unknown),
        (_, Ok(vlan @ 1..=4094)) => Ok(Untagged::Vlan(vlan)),
        (_, Ok(_)) => Err("a VLAN id is 1 to 4094".to_owned()),
        (_, Err(_)) => Err("say `reject`, `unknown` or a VLAN id (1 to 4094)".to_owned()),
    }
}

fn camera(text: &str) -> Result<Named, String> {
    let mac = || text.parse().ok().map(Named::Mac);
    text.parse().ok().map(Named::Ip).or_else(mac).ok_or_else(|| "say a MAC or an IP address".to_owned())
}

/// A date stands for noon of that day, UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    time_of(text, "T12:00:00Z")
}

fn midnight(text: &str) -> Result<Timestamp, String> {
    time_of(text, "T00:00:00Z")
}

fn time_of(text: &str, of_a_day: &str) -> Result<Timestamp, String> {
    let day = format!("{text}{of_a_day}");
    let text = if text.len() == "2026-01-31".len() { day.as_str() } else { text };
    let time: jiff::Timestamp = text.parse().map_err(|_| "say a date (2026-01-31) or a time (2026-01-31T08:00:00Z)")?;
    Ok(Timestamp::new(time.as_second(), u32::try_from(time.subsec_nanosecond()).unwrap_or(0)))
}

const RUN_HELP: &str = "\
Examples:
  Watch the mirror ports of a policy; metrics and the page are at its `listen` address:
    segwatch run --config /etc/segwatch/segwatch.yaml
  With TLS and users, and a log for machines:
    segwatch run --config segwatch.yaml --web.config.file web.yaml --log.format json

SIGHUP, or POST /-/reload, reads the policy again; SIGTERM ends the agent and keeps what is open.
Exit codes: 0 stopped as told, 2 trouble";

const CHECK_HELP: &str = "\
Examples:
  By the built-in policy, Hikvision cameras stay in their own VLAN:
    segwatch check capture.pcap
  By a policy of your own; several files are one capture:
    segwatch check --config segwatch.yaml monday.pcapng.zst tuesday.pcapng.zst
  The SPAN of an access port in VLAN 110:
    segwatch check --untagged 110 access-port.pcap
  Only the cameras that a change is about:
    segwatch check --config segwatch.yaml --device entrance-1 --device 10.110.0.12 change.pcap
  In a pipeline:
    tcpdump -i eth1 -w - -c 100000 | segwatch check --format json -
    segwatch check --format junit --fail-on violated capture.pcap > segwatch.xml

Exit codes, the first that holds:
  2  trouble: usage, configuration, unreadable or damaged capture (what was read is still reported)
  1  violated
  3  unverified: the capture does not show enough to tell
  1  contained (--fail-on contained, the default), or any notice (--fail-on notice)
  0  otherwise";

const REPORT_HELP: &str = "\
Examples:
  segwatch report --config segwatch.yaml monday.pcapng.zst > report.html
  Of what the agent recorded in November:
    segwatch report --config segwatch.yaml --journal /var/lib/segwatch --from 2026-11-01 --to 2026-12-01 > report.html
  In Danish, as a PDF:
    segwatch report --config segwatch.yaml --lang da monday.pcapng.zst > rapport.html
    chromium --headless --print-to-pdf=rapport.pdf rapport.html
  Which cameras must go?
    segwatch report --config segwatch.yaml --format json monday.pcapng.zst |
      jq -r '.cameras[] | select(.disposition == \"discontinue\") | .name // .mac'

The same captures and the same policy give the same report, byte for byte. What follows for a camera is decided by
`dispositions` of the policy. Without them: clinical use, or firmware that nobody mends, is discontinued; vulnerable
firmware with a fix is patched; what is not clinical, patched and isolated may remain; of all else nobody can tell, and
what is missing is said. A use that the inventory does not list is not known to be other than clinical.

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture; what was read is still reported), 0 the report
is written, whatever it says: `segwatch check` judges.";

const EXPLAIN_HELP: &str = "\
Examples:
  May this camera open a connection to that server?
    segwatch explain --config segwatch.yaml --from 10.110.0.11 --to 10.200.0.10 --service tcp/443
  By names of the policy, and on a day to come:
    segwatch explain --config segwatch.yaml --from entrance-1 --to internet --service udp/123 --at 2027-07-01
  As if the camera were plugged into another VLAN:
    segwatch explain --config segwatch.yaml --from entrance-1 --vlan 300 --to clinical --service tcp/80
  Why is there this finding? (`segwatch findings` shows the ids)
    segwatch explain --config segwatch.yaml --finding 3fa2c41d09b87e65 capture.pcap
  Flows of a capture, chosen by their ends and service:
    segwatch explain --config segwatch.yaml --from cctv --to internet --service 'udp/*' capture.pcap
  Every flow of a capture, for a program:
    segwatch explain --config segwatch.yaml --format json capture.pcap | jq -r '.flows[].summary'

Without a capture the flow is one that nobody sent: it is made up frame by frame and judged as a captured one would
be; what was assumed is printed.

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture, no such finding), 0 otherwise: a violation
does not change it; `segwatch check` judges.";

const DIFF_HELP: &str = "\
Examples:
  What would the new policy say of yesterday?
    segwatch diff segwatch.yaml new.yaml yesterday.pcapng.zst
  And of what the agent recorded since Monday?
    segwatch diff segwatch.yaml new.yaml --journal /var/lib/segwatch --from 2026-11-23
  What does it open and close, whatever was seen?
    segwatch diff segwatch.yaml new.yaml
  In review of a change:
    git show main:segwatch.yaml > old.yaml
    segwatch diff --format json old.yaml segwatch.yaml capture.pcap | jq -r '.policy.opens[].text'

What is opened or closed is told exactly: which hosts may open which services to which, and how many addresses that is,
with the line of the rule; besides, whatever else makes the judge milder or stricter. Comments, order, owners and reasons
are neither.

Exit codes, the first that holds:
  2  trouble: usage, either configuration, unreadable or damaged capture (what was read is still compared)
  1  new violations: a flow that violates under the new policy only or got farther, or a breach that only it finds
  0  otherwise, whatever is opened: read it";

const LEARN_HELP: &str = "\
Examples:
  segwatch learn monday.pcapng.zst > segwatch.yaml
  segwatch config check --strict segwatch.yaml
  segwatch check --config segwatch.yaml tuesday.pcapng.zst
  Other makers, and a camera with a module of yet another:
    segwatch learn --vendor hikvision --vendor dahua --camera 00:11:22:33:44:55 capture.pcap

Proposed are a zone for each VLAN (or untagged segment) in which cameras live, an inventory, and conduits for internal
traffic that was answered. The internet, tunnels, scans, remote control and what nobody answered are never proposed;
what was left out is named at the end of the file. What is a guess is marked, and nobody is named as the owner of a
conduit: --strict fails until someone is. The captures are read three times; a pipe is set aside in the temporary
folder first.

Exit codes: 2 trouble (usage, unreadable or damaged capture), 3 the captures show too little to propose anything,
0 otherwise";

const FLOWS_HELP: &str = "\
Examples:
  segwatch flows capture.pcap
  segwatch flows --config segwatch.yaml --only violations capture.pcap
  segwatch flows --format jsonl capture.pcap | jq -r 'select(.verdict==\"violation\") | .responder.ip'
  segwatch flows --format csv capture.pcap > flows.csv

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture), 0 otherwise: violations do not change it,
not even with --only violations; `segwatch check` judges.";

const DEVICES_HELP: &str = "\
Examples:
  segwatch devices capture.pcap
  segwatch devices --url http://127.0.0.1:10420
  segwatch devices --format json capture.pcap | jq -r '.devices[].mac'

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture, no answer of the agent), 0 otherwise";

const FINDINGS_HELP: &str = "\
Examples:
  segwatch findings --config segwatch.yaml capture.pcap
  segwatch findings --format json capture.pcap | jq '.findings[] | select(.severity==\"critical\")'
  Of a running agent; the password is in a file that only you can read:
    segwatch findings --url https://herlev.example:10420 --user ann --password-file ~/.segwatch-password
  Then close one, or say that it is known:
    segwatch findings close 3fa2c41d09b87e65 --by 'Ann Holm' --reason 'port moved to VLAN 110'
    segwatch findings ack 3fa2c41d09b87e65 --by 'Ann Holm' --reason 'ticket 4711'

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture, no answer of the agent), 0 otherwise";

const ZONES_HELP: &str = "\
Examples:
  segwatch zones --config segwatch.yaml capture.pcap
  segwatch zones --url http://127.0.0.1:10420
  segwatch zones --format json capture.pcap | jq -r '.zones[] | [.name, .verdict] | @tsv'

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture, no answer of the agent), 0 otherwise";

const INTERFACES_HELP: &str = "\
Examples:
  segwatch interfaces
  segwatch interfaces --seconds 10
  segwatch interfaces --seconds 10 --format json | jq -r '.interfaces[] | select(.sample.directions==\"both\") | .name'

A mirror port receives many packets, of both directions, and (from a trunk) with VLAN tags. Looking at packets needs root
or CAP_NET_RAW.

Exit codes: 2 trouble (usage, an interface that is up and cannot be looked at), 0 otherwise";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
        fn look(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let help = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
            let help = help.unwrap_or_default();
            let is_group = command.is_subcommand_required_set();
            assert!(is_group || help.contains("Example"), "{path}");
            command.get_subcommands().for_each(|inner| look(inner, &path));
        }
        Cli::command().get_subcommands().for_each(|command| look(command, "segwatch"));
    }

    #[test]
    fn a_moment_is_a_date_or_a_time() {
        assert_eq!(moment("1970-01-01"), Ok(Timestamp::new(43_200, 0)));
        assert_eq!(moment("1970-01-02T00:00:00.5Z"), Ok(Timestamp::new(86_400, 500_000_000)));
        for bad in ["", "today", "2026-02-30", "1970-01-01T00:00"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn untagged_is_a_word_or_a_vlan() {
        assert_eq!(untagged("reject"), Ok(Untagged::Reject));
        assert_eq!(untagged("unknown"), Ok(Untagged::Unknown));
        assert_eq!(untagged("110"), Ok(Untagged::Vlan(110)));
        for bad in ["0", "4095", "-1", "", "vlan"] {
            assert!(untagged(bad).is_err(), "{bad}");
        }
    }
}
