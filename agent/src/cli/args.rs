//! What can be asked.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::backend::{ExplainRequest, Request};
use crate::base::Timestamp;
use crate::engine::JudgedDevices;
use crate::policy::{Service, Untagged};
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
    /// Judge captures: isolated, contained, violated or unverified, with the evidence
    #[command(after_long_help = CHECK_HELP)]
    Check(CheckArgs),
    /// List every flow with its verdict and the rule that decided
    #[command(after_long_help = FLOWS_HELP)]
    Flows(FlowsArgs),
    /// List the watched devices of a capture
    #[command(after_long_help = DEVICES_HELP)]
    Devices(ListArgs),
    /// List all findings of a capture, with all their peers
    #[command(after_long_help = FINDINGS_HELP)]
    Findings(ListArgs),
    /// List the zones and their verdicts
    #[command(after_long_help = ZONES_HELP)]
    Zones(ListArgs),
    /// Say which rule decides about a flow, where it stands, and which conduit comes nearest to allowing it
    #[command(after_long_help = EXPLAIN_HELP)]
    Explain(ExplainArgs),
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
    pub(super) reading: ReadingArgs,
    /// How to print the list
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ListFormat,
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

/// What every command that judges takes.
#[derive(Args, Debug)]
pub(super) struct PolicyArgs {
    /// The zones, conduits and inventory to judge by; without it, the built-in policy
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What a frame without a VLAN tag means: `reject` (its VLAN is not known), `unknown` (prefixes decide), or the
    /// VLAN id of an access port; overrides the configuration
    #[arg(long, value_name = "reject|unknown|VLAN", value_parser = untagged)]
    untagged: Option<Untagged>,
    /// Makers by MAC prefix, in place of the built-in table (CSV: prefix,prefix_len,vendor)
    #[arg(long, value_name = "FILE")]
    vendors: Option<PathBuf>,
    /// Folder with newer copies of marks.csv, cloud-names.csv or advisories.csv; what is not there is built in
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl PolicyArgs {
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
        /// The configuration
        file: PathBuf,
    },
    /// Print a configuration as it is understood, defaults filled in
    #[command(after_help = "Example:\n  segwatch config show segwatch.yaml")]
    Show {
        /// The configuration
        file: PathBuf,
    },
    /// Print the JSON Schema of the configuration, for editors
    #[command(after_help = "Example:\n  segwatch config schema > segwatch.schema.json")]
    Schema,
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

/// How `interfaces` prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum InterfacesFormat {
    /// For a person
    #[default]
    Text,
    /// The schema segwatch/interfaces/1
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

fn untagged(text: &str) -> Result<Untagged, String> {
    match (text, text.parse::<u16>()) {
        ("reject", _) => Ok(Untagged::Reject),
        ("unknown", _) => Ok(Untagged::Unknown),
        (_, Ok(vlan @ 1..=4094)) => Ok(Untagged::Vlan(vlan)),
        (_, Ok(_)) => Err("a VLAN id is 1 to 4094".to_owned()),
        (_, Err(_)) => Err("say `reject`, `unknown` or a VLAN id (1 to 4094)".to_owned()),
    }
}

/// A date stands for noon of that day, UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let noon = format!("{text}T12:00:00Z");
    let text = if text.len() == "2026-01-31".len() { noon.as_str() } else { text };
    let time: jiff::Timestamp = text.parse().map_err(|_| "say a date (2026-01-31) or a time (2026-01-31T08:00:00Z)")?;
    Ok(Timestamp::new(time.as_second(), u32::try_from(time.subsec_nanosecond()).unwrap_or(0)))
}

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
  segwatch devices --format json capture.pcap | jq -r '.devices[].mac'

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture), 0 otherwise";

const FINDINGS_HELP: &str = "\
Examples:
  segwatch findings --config segwatch.yaml capture.pcap
  segwatch findings --format json capture.pcap | jq '.findings[] | select(.severity==\"critical\")'

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture), 0 otherwise";

const ZONES_HELP: &str = "\
Examples:
  segwatch zones --config segwatch.yaml capture.pcap
  segwatch zones --format json capture.pcap | jq -r '.zones[] | [.name, .verdict] | @tsv'

Exit codes: 2 trouble (usage, configuration, unreadable or damaged capture), 0 otherwise";

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
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
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
