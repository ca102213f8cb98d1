//! What the daemon counts and a snapshot does not hold.

use std::collections::BTreeMap;

use crate::base::Timestamp;
use crate::coverage::ReasonCode;
use crate::engine::{FlowVerdict, Subject};
use crate::finding::Kind;
use crate::flow::Reach;

/// Alarms of a mirror (DESIGN, section 6), the blinding ones first.
pub const ALARMS: [&str; 11] = [
    "silent",
    "kernel-drops",
    "upstream-loss",
    "one-directional",
    "untagged",
    "filtered",
    "undecodable",
    "duplicates",
    "truncated",
    "offload",
    "clock",
];

/// Everything that the daemon counts. Zones and conduits go by name, so that a reload resets nothing; a name that the
/// policy does not have any more makes no series.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// One for each mirror port, in file order.
    pub interfaces: Vec<InterfaceCounters>,
    /// Flows judged, by the initiator's zone (`none` without one) and verdict.
    pub flows: BTreeMap<(String, FlowVerdict), u64>,
    /// Flows in the table now.
    pub flows_active: u64,
    /// Flows that had to leave the full table.
    pub flows_evicted: BTreeMap<Eviction, u64>,
    /// Flows that a conduit allowed, by its name.
    pub conduit_flows: BTreeMap<String, u64>,
    /// Findings opened, and rises of their reach; by zone, kind, and reach for kinds that are judged by it.
    pub findings: BTreeMap<(String, Kind, Option<Reach>), u64>,
    /// What open findings are about, by id.
    pub subjects: BTreeMap<String, Subject>,
    /// Nanoseconds for which devices were covered, by zone.
    pub covered: BTreeMap<String, i64>,
    /// Nanoseconds for which they were not, by zone and reason.
    pub uncovered: BTreeMap<(String, ReasonCode), i64>,
    /// Devices of which no hours are recorded.
    pub unrecorded: u64,
    /// Frames that were not decoded to their end, by [`crate::packet::Undecoded::name`].
    pub decode_errors: BTreeMap<&'static str, u64>,
    /// What a sink lost.
    pub sink_lost: BTreeMap<Sink, u64>,
    /// The journal does not take records.
    pub journal_failing: bool,
    /// The latest reload of the policy, the first load included.
    pub reload: Reload,
}

/// The packet ledger of one mirror port.
#[derive(Clone, Debug, Default)]
pub struct InterfaceCounters {
    /// The interface as the policy names it.
    pub interface: String,
    /// Frames seen, drops included.
    pub packets: u64,
    /// Bytes on the wire of the frames that were read.
    pub bytes: u64,
    /// Frames that the kernel dropped because its buffer was full.
    pub dropped_by_kernel: u64,
    /// Frames that the interface dropped.
    pub dropped_by_interface: u64,
    /// Frames that the agent read and could not judge in time.
    pub dropped_by_agent: u64,
    /// When the last frame came.
    pub last_packet: Option<Timestamp>,
    /// Alarms that only the edge can raise (words of [`ALARMS`]), besides those of the snapshot.
    pub alarms: Vec<&'static str>,
}

/// Why a flow left the table before its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Eviction {
    /// The table was full; no watched device took part.
    Full,
    /// The table was full of watched devices' flows, and one of them had to leave.
    FullOfWatched,
}

impl Eviction {
    /// Every reason.
    pub const ALL: [Eviction; 2] = [Eviction::Full, Eviction::FullOfWatched];

    /// The word used in labels.
    pub fn name(self) -> &'static str {
        match self {
            Eviction::Full => "table-full",
            Eviction::FullOfWatched => "table-full-of-watched",
        }
    }
}

/// Where records go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum Sink {
    Journal,
    Evidence,
    Flows,
    Eve,
    Syslog,
    Alertmanager,
    Ipfix,
    Nats,
}

impl Sink {
    /// Every sink, configured or not.
    pub const ALL: [Sink; 8] = [
        Sink::Journal,
        Sink::Evidence,
        Sink::Flows,
        Sink::Eve,
        Sink::Syslog,
        Sink::Alertmanager,
        Sink::Ipfix,
        Sink::Nats,
    ];

    /// The word used in labels.
    pub fn name(self) -> &'static str {
        match self {
            Sink::Journal => "journal",
            Sink::Evidence => "evidence",
            Sink::Flows => "flows",
            Sink::Eve => "eve",
            Sink::Syslog => "syslog",
            Sink::Alertmanager => "alertmanager",
            Sink::Ipfix => "ipfix",
            Sink::Nats => "nats",
        }
    }
}

/// How the latest reload went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reload {
    /// The policy that the file holds is in force.
    pub successful: bool,
    /// When a reload last succeeded.
    pub last_success: Option<Timestamp>,
}

/// Which build runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildInfo {
    /// Version of segwatch.
    pub version: String,
    /// Commit that it was built from; empty if unknown.
    pub revision: String,
    /// Compiler.
    pub rustversion: String,
}
