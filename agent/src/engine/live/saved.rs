//! What outlives a restart: who is who, and which findings are open.

mod restore;
mod save;

pub(in crate::engine) use restore::key_of;
pub(in crate::engine) use save::key_text;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::episode::{Ack, SavedDrill, Subject};
use super::hours::SavedHours;
use crate::base::Timestamp;
use crate::engine::canary::SavedCanary;
use crate::engine::snapshot::ExceptionStatus;

/// Version of the form; another one is not read.
const VERSION: u32 = 1;
/// Devices saved: those that identify something.
const MAX_SAVED: usize = 65_536;

/// The state of an engine as of one moment. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    at: i64,
    devices: Vec<SavedDevice>,
    findings: Vec<SavedFinding>,
    closings: Vec<SavedClosing>,
    totals: Vec<SavedTotal>,
    #[serde(default)]
    drill: Option<SavedDrill>,
    #[serde(default)]
    canaries: Vec<SavedCanary>,
    #[serde(default)]
    hours: Vec<SavedHours>,
}

/// Zone, kind and reach, and how often.
type SavedTotal = (String, String, Option<String>, u64);

/// What was seen of it until then does not open it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedClosing {
    device: String,
    kind: String,
    peer_zone: String,
    at: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedDevice {
    key: String,
    gateway: bool,
    routes_many: bool,
    first_vlan: Option<Option<u16>>,
    addresses: Vec<IpAddr>,
    vlans: Vec<(u16, i64, i64, bool)>,
    mask: Option<u8>,
    first: Option<i64>,
    last: Option<i64>,
    frames: [u64; 3],
    owns: Vec<IpAddr>,
    #[serde(default)]
    hints: Vec<SavedHint>,
    /// When and by what it was known for this vendor, and whether it gave its MAC.
    #[serde(default)]
    identity: Option<(String, String, i64, bool)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedHint {
    source: String,
    says: String,
    value: String,
    confidence: String,
    first: i64,
    last: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedFinding {
    id: String,
    device: String,
    kind: String,
    peer_zone: String,
    device_ip: Option<IpAddr>,
    peers: Vec<SavedPeer>,
    peers_total: u64,
    reach: String,
    first: i64,
    last: i64,
    /// Name of the expired conduit that would have allowed it.
    expired: Option<String>,
    remarks: Vec<String>,
    opened: i64,
    severity: String,
    #[serde(default)]
    exception: Option<ExceptionStatus>,
    subject: Subject,
    quiet_for: i64,
    acked: Option<Ack>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedPeer {
    ip: IpAddr,
    proto: u8,
    port: u16,
    device_opened: bool,
    reach: String,
    packets: [u64; 2],
    bytes: [u64; 2],
    first: i64,
    last: i64,
    names: Vec<String>,
}

/// What changed since the last [`Saved`]: findings that were opened or rose, with their devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    devices: Vec<SavedDevice>,
    findings: Vec<SavedFinding>,
    /// Ids of those that are closed.
    closed: Vec<String>,
    closings: Vec<SavedClosing>,
    /// All of them, where one changed.
    totals: Vec<SavedTotal>,
    /// One that began.
    #[serde(default)]
    drill: Option<SavedDrill>,
    /// All of them, where one changed.
    #[serde(default)]
    canaries: Vec<SavedCanary>,
    at: i64,
}

impl Changes {
    /// Whether a restart would miss nothing without them.
    pub fn is_empty(&self) -> bool {
        let quiet = self.drill.is_none() && self.canaries.is_empty();
        quiet && self.devices.is_empty() && self.findings.is_empty() && self.closed.is_empty()
    }
}

impl Saved {
    /// Brings the state up to date.
    pub fn apply(&mut self, changes: Changes) {
        (self.version, self.at) = (VERSION, changes.at.max(self.at));
        for device in changes.devices {
            match self.devices.iter_mut().find(|known| known.key == device.key) {
                Some(known) => *known = device,
                None => self.devices.push(device),
            }
        }
        self.findings.retain(|known| {
            !changes.closed.contains(&known.id) && changes.findings.iter().all(|finding| finding.id != known.id)
        });
        self.findings.extend(changes.findings);
        self.closings.retain(|known| changes.closings.iter().all(|closing| !closing.is_of(known)));
        self.closings.extend(changes.closings);
        if !changes.totals.is_empty() {
            self.totals = changes.totals;
        }
        if !changes.canaries.is_empty() {
            self.canaries = changes.canaries;
        }
        self.drill.take_if(|drill| changes.closed.contains(&drill.id));
        self.drill = changes.drill.or(self.drill.take());
    }

    /// When it was saved.
    pub fn at(&self) -> Timestamp {
        Timestamp(self.at)
    }

    /// How many findings were open.
    pub fn open_findings(&self) -> usize {
        self.findings.len()
    }
}

impl SavedClosing {
    fn is_of(&self, other: &SavedClosing) -> bool {
        (&self.device, &self.kind, &self.peer_zone) == (&other.device, &other.kind, &other.peer_zone)
    }
}
