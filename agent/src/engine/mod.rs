//! The pure core: frames and time in, findings and verdicts out. It knows no clock, file, socket or thread.

mod attempt;
mod beside;
mod canary;
mod changes;
mod direction;
mod event;
mod evidence;
mod explanation;
mod frame;
mod health;
mod hints;
mod hopping;
mod hosts;
mod identity;
mod judge;
mod listen;
mod live;
mod lookup;
mod loss;
mod recall;
mod requests;
mod rogue;
mod rows;
mod snapshot;
mod stacks;
mod streams;
mod summary;
mod trace;
mod tunnel;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::Timestamp;
use crate::device::{Bindings, DeviceId, Devices};
use crate::finding::Book;
use crate::flow::{Copies, FlowTable, Fragments};
use crate::hint::{Knowledge, VendorTable};
use crate::packet::{DecodeOptions, Decoded, LinkType, Undecoded};
use crate::policy::Policy;

pub use event::{Closing, Command, Event, SourceEvent};
pub use evidence::KeptFrame;
pub use explanation::{Difference, Explanation, FindingExplanation, MAX_TRIALS, SeenVlan, Trial, ViolationStatus};
pub use health::{Alarm, InterfaceStatus};
pub use hosts::{HostStatus, HostVlan};
pub use judge::{Judgement, Violation};
pub use live::{
    Ack, Changes, DeviceHours, EpisodeStatus, MAX_EPISODES, MAX_RECORDED, Published, Saved, Subject, Totals,
};
pub use recall::{FlowFacts, FlowSummary, MAX_SORTS, MAX_SORTS_OF_DEVICE, Summaries};
pub use rows::proto_name;
pub use snapshot::{
    CanaryStatus, CoverageStatus, DeviceRef, DeviceStatus, EndStatus, ExceptionStatus, FindingStatus, FlowRow,
    FlowVerdict, HealthStatus, Hint, LineRef, LossStatus, PeerStatus, PolicyRef, RuleRef, Snapshot, Traffic, VlanCount,
    Window, ZoneStatus,
};
use stacks::Stacks;
pub use trace::{End, EndStep, Local, Step, Together, Watched, Whence, ZoneRef};

/// What the engine is told.
#[derive(Debug)]
pub enum Input<'a> {
    /// A captured frame.
    Frame {
        /// Index of the interface or file that it came from.
        source: u16,
        /// When it was captured.
        at: Timestamp,
        /// How to read its first byte.
        link_type: LinkType,
        /// Its length on the wire, in bytes.
        wire_len: u32,
        /// The bytes captured.
        data: &'a [u8],
    },
    /// A capture file is read.
    File {
        /// Its index.
        source: u16,
        /// Its name, as the user gave it.
        name: &'a str,
    },
    /// Something was not seen (a damaged file, a lost interface): one clause that says what.
    Gap(&'a str),
    /// Time goes on, on a live mirror.
    Tick {
        /// For records.
        wall: Timestamp,
        /// Nanoseconds, for durations.
        mono: i64,
    },
    /// What a mirror port, or a file, tells besides frames.
    Source {
        /// Its index.
        source: u16,
        /// What it tells.
        event: SourceEvent,
    },
    /// Another policy decides from now on.
    Policy(Box<Policy>),
    /// What was known before a restart.
    Restore {
        /// The state then.
        saved: &'a Saved,
        /// Now.
        wall: Timestamp,
        /// Now.
        mono: i64,
    },
}

/// What the caller wants besides the verdict.
#[derive(Clone, Debug)]
pub struct Options {
    /// Keep a row for each flow that ends, for [`Engine::take_rows`].
    pub rows: bool,
    /// The same for flows of watched devices alone, at most [`MAX_WATCHED_ROWS`] at a time.
    pub watched_rows: bool,
    /// Keep an explanation of each flow that ends, for [`Engine::take_explained`].
    pub explain: bool,
    /// Flows kept (see [`crate::flow::MAX_FLOWS`]).
    pub max_flows: usize,
    /// Judge only these.
    pub scope: JudgedDevices,
    /// Transports of the mirror that are taken off; all of them for capture files.
    pub decode: DecodeOptions,
    /// Keep packets for [`Engine::evidence`].
    pub evidence: Option<EvidenceOptions>,
    /// What is known about makers and their devices.
    pub knowledge: Arc<Knowledge>,
}

/// Rows that [`Options::watched_rows`] keeps until they are taken; those beyond are counted.
pub const MAX_WATCHED_ROWS: usize = 65_536;

/// How packets are kept as evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EvidenceOptions {
    /// Their payload too: video and what people typed are personal data.
    pub payload: bool,
}

/// Which devices count for the verdict.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum JudgedDevices {
    /// All that are expected or were seen.
    #[default]
    All,
    /// Only those that were seen.
    Seen,
    /// Only those with one of these names, MACs or addresses.
    Named(Vec<String>),
}

impl Default for Options {
    fn default() -> Self {
        Options {
            rows: false,
            watched_rows: false,
            explain: false,
            max_flows: crate::flow::MAX_FLOWS,
            scope: JudgedDevices::All,
            decode: DecodeOptions::default(),
            evidence: None,
            knowledge: Knowledge::shared(),
        }
    }
}

/// The state of one sensor.
pub struct Engine {
    policy: Policy,
    vendors: VendorTable,
    options: Options,
    decode: DecodeOptions,
    /// Out of its place while a frame is taken in.
    decoded: Option<Box<Decoded>>,
    stacks: Stacks,
    devices: Devices,
    bindings: Bindings,
    copies: Copies,
    fragments: Fragments,
    flows: FlowTable,
    /// Changes with everything that may change who is at the end of a flow.
    epoch: u32,
    /// Monotonic nanoseconds: the latest packet time so far.
    now: i64,
    counters: Counters,
    /// What flows that have ended showed.
    ended: Book,
    /// Unanswered payload to outside peers of ended flows, by device and hour.
    one_way: BTreeMap<(DeviceId, u32), u64>,
    rows: Vec<FlowRow>,
    explained: Vec<Explanation>,
    gaps: BTreeSet<String>,
    service_ports: Vec<bool>,
    /// Index of the interface that the frame in hand came from.
    source: u16,
    mirrors: health::Mirrors,
    /// Flows whose numbered data is followed: of watched devices, of others.
    followed: [u32; 2],
    /// On a live mirror only.
    live: Option<Box<live::Live>>,
    hopping: hopping::Hopping,
    rogues: rogue::Rogues,
    foreign: beside::Foreign,
    hints: hints::Hints,
    lookups: lookup::Lookups,
    streams: streams::Streams,
    evidence: evidence::Rings,
    requests: requests::Requests,
    changes: changes::Changes,
    canaries: canary::Canaries,
}

#[derive(Clone, Debug)]
struct Counters {
    packets: u64,
    bytes: u64,
    duplicates: u64,
    routed_copies: u64,
    truncated: u64,
    evicted: u64,
    evicted_watched: u64,
    rows_lost: u64,
    undecoded: BTreeMap<Undecoded, u64>,
    first: Timestamp,
    last: Timestamp,
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            packets: 0,
            bytes: 0,
            duplicates: 0,
            routed_copies: 0,
            truncated: 0,
            evicted: 0,
            evicted_watched: 0,
            rows_lost: 0,
            undecoded: BTreeMap::new(),
            first: Timestamp(i64::MAX),
            last: Timestamp(i64::MIN),
        }
    }
}

impl Engine {
    /// An engine that has seen nothing.
    pub fn new(policy: Policy, vendors: VendorTable, options: Options) -> Self {
        let mut engine = Engine {
            decode: options.decode,
            decoded: None,
            stacks: Stacks::new(policy.rspan_vlan),
            devices: Devices::default(),
            bindings: Bindings::default(),
            copies: Copies::default(),
            fragments: Fragments::default(),
            flows: FlowTable::new(options.max_flows),
            epoch: 1,
            now: i64::MIN,
            counters: Counters::default(),
            ended: Book::default(),
            one_way: BTreeMap::new(),
            rows: Vec::new(),
            explained: Vec::new(),
            gaps: BTreeSet::new(),
            service_ports: direction::service_ports(&policy),
            source: 0,
            mirrors: health::Mirrors::default(),
            followed: [0; 2],
            live: None,
            hopping: hopping::Hopping::default(),
            rogues: rogue::Rogues::default(),
            foreign: beside::Foreign::default(),
            hints: hints::Hints::default(),
            lookups: lookup::Lookups::default(),
            streams: streams::Streams::default(),
            evidence: evidence::Rings::default(),
            requests: requests::Requests::default(),
            changes: changes::Changes::default(),
            canaries: canary::Canaries::of(&policy),
            policy,
            vendors,
            options,
        };
        engine.enter_inventory();
        engine
    }

    /// Takes in one input.
    pub fn handle(&mut self, input: Input<'_>) {
        match input {
            Input::Frame { source, at, link_type, wire_len, data } => self.frame(source, at, link_type, wire_len, data),
            Input::Tick { wall, mono } => self.tick(wall, mono),
            Input::Source { source, event } => self.hear(source, event),
            Input::Policy(policy) => self.adopt(*policy),
            Input::Restore { saved, wall, mono } => self.restore(saved, wall, mono),
            Input::File { source, name } => self.mirrors.add_file(source, name),
            Input::Gap(what) => {
                self.gaps.insert(what.to_owned());
            }
        }
    }

    /// Whether a flow ended since the last [`Engine::take_rows`].
    pub fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Rows of the flows that ended since the last call.
    pub fn take_rows(&mut self) -> Vec<FlowRow> {
        std::mem::take(&mut self.rows)
    }

    /// Rows that [`Options::watched_rows`] lost since the last call.
    pub fn take_lost_rows(&mut self) -> u64 {
        std::mem::take(&mut self.counters.rows_lost)
    }

    /// Rows of the flows that have not ended.
    pub fn open_rows(&self) -> impl Iterator<Item = FlowRow> + '_ {
        self.flows.ids().filter_map(|id| self.flows.get(id)).map(|flow| self.row(flow, &self.judge(flow)))
    }

    /// Rows of open flows of watched devices, violations first; so many at most.
    pub fn watched_open_rows(&self, limit: usize) -> Vec<FlowRow> {
        let flows = self.flows.watched().filter_map(|id| self.flows.get(id));
        let mut found: Vec<FlowRow> = flows.map(|flow| self.row(flow, &self.judge(flow))).collect();
        found.sort_by_key(|row| row.verdict != FlowVerdict::Violation);
        found.truncate(limit);
        found
    }

    /// Rows of some open flows: violations first, then those of watched devices, then others.
    pub fn some_rows(&self, limit: usize, only_violations: bool) -> Vec<FlowRow> {
        let mut found = self.watched_open_rows(usize::MAX);
        found.retain(|row| !only_violations || row.verdict == FlowVerdict::Violation);
        found.truncate(limit);
        if !only_violations {
            let others = self.flows.ids().filter(|&id| !self.flows.is_watched(id)).take(limit - found.len());
            found.extend(others.filter_map(|id| self.flows.get(id)).map(|flow| self.row(flow, &self.judge(flow))));
        }
        found
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The answer as of now.
    pub fn snapshot(&self) -> Snapshot {
        self.summarise().snapshot
    }

    /// Does what a person asks on a live mirror. `false` if there is no such finding.
    pub fn command(&mut self, command: Command) -> bool {
        self.obey(command)
    }

    fn device_ip_key(&self, ip: IpAddr) -> Option<DeviceId> {
        self.devices.by_ip(ip)
    }
}
