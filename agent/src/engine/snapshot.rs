//! What the engine knows at one moment, in the shape of `segwatch/check/1` (DESIGN, section 4).
//! The replay or the daemon adds what only the edge knows: files and their damage.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};

use super::recall::FlowFacts;
use crate::base::{Mac, Timestamp};
use crate::coverage::{Loss, Reason, Verdict};
use crate::finding::{Class, Kind};
use crate::flow::{Direction, Reach};
use crate::hint::{Confidence, Posture, Says, Source};
use crate::policy::{Exception, Place};

/// The whole answer.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// The site's verdict.
    pub verdict: Verdict,
    /// Why it is not better, when it is `unverified`; deduplicated over devices.
    pub reasons: Vec<Reason>,
    /// The policy that decided.
    pub policy: PolicyRef,
    /// First and last packet; `None` without a packet.
    pub window: Option<Window>,
    /// The packet ledger.
    pub traffic: Traffic,
    /// Zones that have a verdict, and the others with `None`, in policy order.
    pub zones: Vec<ZoneStatus>,
    /// Watched devices, the worst first, then by MAC and address.
    pub devices: Vec<DeviceStatus>,
    /// Findings, the worst first, then by id.
    pub findings: Vec<FindingStatus>,
    /// Alarms of the mirror.
    pub health: Vec<HealthStatus>,
    /// Devices that were not judged because the user asked for others only.
    pub not_judged: Vec<String>,
}

impl Snapshot {
    /// What is known before the first packet.
    pub fn unseen(policy: PolicyRef) -> Snapshot {
        Snapshot {
            verdict: Verdict::Unverified,
            reasons: Vec::new(),
            policy,
            window: None,
            traffic: Traffic::default(),
            zones: Vec::new(),
            devices: Vec::new(),
            findings: Vec::new(),
            health: Vec::new(),
            not_judged: Vec::new(),
        }
    }
}

/// Which policy decided.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyRef {
    /// The file; `None` for the built-in policy.
    pub file: Option<String>,
    /// Its SHA-256.
    pub hash: String,
}

/// Packet times.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Window {
    /// Earliest packet.
    pub first: Timestamp,
    /// Latest packet.
    pub last: Timestamp,
    /// Between the two.
    pub seconds: f64,
}

/// What happened to the packets.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Traffic {
    /// Frames read.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Frames that were not decoded to their end, by reason.
    pub undecoded: BTreeMap<&'static str, u64>,
    /// Copies that the mirror made of the same frame.
    pub duplicates: u64,
    /// Copies behind a router: proof of forwarding.
    pub routed_copies: u64,
    /// Frames cut by the snap length.
    pub truncated: u64,
}

/// One zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ZoneStatus {
    /// Its name.
    pub name: String,
    /// `None` for a zone without cameras and without inventory devices.
    pub verdict: Option<Verdict>,
    /// Why it is not better, when it is `unverified`.
    pub reasons: Vec<Reason>,
    /// Watched devices whose home it is.
    pub devices: u64,
    /// Findings about them.
    pub findings: u64,
    /// Traffic that must be seen in it again and again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canaries: Vec<CanaryStatus>,
}

/// A conduit whose traffic must be seen again and again in a zone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CanaryStatus {
    /// The conduit.
    pub name: String,
    /// How often.
    pub interval_seconds: i64,
    /// Its last packet in this zone.
    pub last_seen: Option<Timestamp>,
    /// It is missing, or was in the capture: what the zone's devices do is not known.
    pub silent: bool,
}

/// One watched device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// `None` where it is known by address only.
    pub mac: Option<Mac>,
    /// From the inventory.
    pub name: Option<String>,
    /// Addresses it was seen with, or is listed with, sorted.
    pub ips: Vec<IpAddr>,
    /// VLANs it was seen in, sorted.
    pub vlans: Vec<u16>,
    /// Word of the vendor table.
    pub vendor: Option<String>,
    /// Model, seen or listed.
    pub model: Option<String>,
    /// Firmware, seen or listed.
    pub firmware: Option<String>,
    /// Serial number, seen.
    pub serial: Option<String>,
    /// What it is used for, as listed.
    #[serde(default, rename = "use")]
    pub use_: Option<String>,
    /// Its home.
    pub zone: Option<String>,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why it is not better, when it is `unverified`.
    pub reasons: Vec<Reason>,
    /// Its firmware held against the makers' advisories.
    #[serde(default)]
    pub posture: Posture,
    /// What identifies it.
    #[serde(default, deserialize_with = "hints")]
    pub hints: Vec<Hint>,
    /// What the mirror showed of it.
    pub coverage: CoverageStatus,
}

/// One thing that identifies a device.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    /// Where it comes from (`oui`, `inventory`, …).
    pub source: &'static str,
    /// What it says (`vendor`, `model`, …).
    pub says: &'static str,
    /// The value.
    pub value: String,
    /// `low`, `medium` or `high`; `low` alone identifies nothing.
    pub confidence: &'static str,
    /// When it was said first; `None` for what is known without a packet.
    pub first_seen: Option<Timestamp>,
    /// When it was said last.
    pub last_seen: Option<Timestamp>,
}

/// Unicast frames on the device's own link.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CoverageStatus {
    /// From it.
    pub sent: u64,
    /// To it.
    pub received: u64,
    /// First frame of any sort.
    pub first_seen: Option<Timestamp>,
    /// Last frame of any sort.
    pub last_seen: Option<Timestamp>,
    /// What the mirror lost of what it sent and received; `None` where nothing tells.
    #[serde(default)]
    pub loss: Option<LossStatus>,
}

/// An estimate of loss from data that is numbered (TCP, RTP).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LossStatus {
    /// Share of packets that was lost, 0 to 1.
    pub estimate: f64,
    /// It lies between these with a certainty of 95 %.
    pub low: f64,
    /// It lies between these with a certainty of 95 %.
    pub high: f64,
    /// Packets that were lost.
    pub lost: u64,
    /// Packets that there were, lost or not.
    pub expected: u64,
}

impl LossStatus {
    /// `None` without a packet that tells.
    pub fn of(loss: Loss) -> Option<LossStatus> {
        let (estimate, (low, high)) = (loss.estimate()?, loss.interval()?);
        Some(LossStatus { estimate, low, high, lost: loss.lost, expected: loss.expected })
    }
}

/// One finding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FindingStatus {
    /// Hash of site, device, kind and peer zone: equal on all sensors.
    pub id: String,
    /// What was seen.
    pub kind: Kind,
    /// How it is judged.
    pub class: Class,
    /// `critical`, `warning` or `info`.
    #[serde(deserialize_with = "severity")]
    pub severity: Word,
    /// Who answers for it while the policy excepts it, which makes its severity `info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<ExceptionStatus>,
    /// The farthest of its peers; `None` for kinds that are not judged by reach.
    pub reach: Option<Reach>,
    /// The device it is about.
    pub device: DeviceRef,
    /// The device's home; `none` without one.
    pub zone: String,
    /// The other end's zone, `internet` or `none`.
    pub peer_zone: String,
    /// The other ends, the farthest first.
    pub peers: Vec<PeerStatus>,
    /// How many there were, listed or not.
    pub peers_total: u64,
    /// First packet.
    pub first_seen: Timestamp,
    /// Last packet.
    pub last_seen: Timestamp,
    /// The rule that decided.
    pub rule: RuleRef,
    /// One sentence.
    pub summary: String,
}

/// The exception that mutes a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExceptionStatus {
    /// Who answers for it.
    pub owner: String,
    /// Why it is.
    pub reason: String,
    /// The last day on which it holds, UTC.
    pub expires: String,
}

impl ExceptionStatus {
    pub(super) fn of(exception: &Exception) -> ExceptionStatus {
        let (owner, reason, expires) = (exception.owner.clone(), exception.reason.clone(), exception.last_day());
        ExceptionStatus { owner, reason, expires }
    }
}

/// Hints in words of ours; another one's are left out.
fn hints<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hint>, D::Error> {
    #[derive(Deserialize)]
    struct Said {
        source: String,
        says: String,
        value: String,
        confidence: String,
        first_seen: Option<Timestamp>,
        last_seen: Option<Timestamp>,
    }
    let known = |said: Said| {
        let source = Source::from_name(&said.source).map(Source::name);
        let says = Says::from_name(&said.says).map(Says::name);
        Some(Hint {
            source: source.or(["oui", "inventory"].into_iter().find(|word| *word == said.source))?,
            says: says.or(["vendor", "name"].into_iter().find(|word| *word == said.says))?,
            value: said.value,
            confidence: Confidence::from_name(&said.confidence)?.name(),
            first_seen: said.first_seen,
            last_seen: said.last_seen,
        })
    };
    Ok(Vec::<Said>::deserialize(deserializer)?.into_iter().filter_map(known).collect())
}

impl FindingStatus {
    /// Whether it is about this device.
    pub fn is_about(&self, device: &DeviceStatus) -> bool {
        match (self.device.mac, device.mac) {
            (Some(its), Some(mac)) => its == mac,
            (None, None) => self.device.ip.is_some_and(|ip| device.ips.contains(&ip)),
            _ => false,
        }
    }

    /// What it makes of its device.
    pub fn effect(&self) -> Verdict {
        effect(self.class, self.reach)
    }

    /// How severe it is: the more, the higher.
    pub fn rank(&self) -> u8 {
        rank(self.severity)
    }
}

/// What a finding makes of its device.
pub(super) fn effect(class: Class, reach: Option<Reach>) -> Verdict {
    match (class, reach) {
        (Class::Breach, _) => Verdict::Violated,
        (Class::Reach, Some(reach)) if reach < Reach::Forwarded => Verdict::Contained,
        (Class::Reach, _) => Verdict::Violated,
        (Class::Notice | Class::None, _) => Verdict::Isolated,
    }
}

/// How severe a word is: the more, the higher.
pub(super) fn rank(severity: &str) -> u8 {
    match severity {
        "critical" => 2,
        "warning" => 1,
        _ => 0,
    }
}

/// A word of ours. (Under a name of its own, since serde would borrow `&str` from what it reads.)
type Word = &'static str;

fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    one_of(&["critical", "warning", "info"], deserializer)
}

fn initiator<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    one_of(&["device", "peer"], deserializer)
}

fn one_of<'de, D: Deserializer<'de>>(words: &'static [Word], deserializer: D) -> Result<Word, D::Error> {
    let read = String::deserialize(deserializer)?;
    let known = words.iter().find(|word| **word == read);
    known.copied().ok_or_else(|| serde::de::Error::unknown_variant(&read, words))
}

/// Names a device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceRef {
    /// `None` where it is known by address only.
    pub mac: Option<Mac>,
    /// The address that took part.
    pub ip: Option<IpAddr>,
    /// From the inventory.
    pub name: Option<String>,
}

/// One other end of a finding, keyed by address, protocol and the responder's port.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its address.
    pub ip: IpAddr,
    /// The responder's port.
    pub port: u16,
    /// Protocol word (`tcp`, `udp`, `icmp`, …, or the number).
    pub proto: String,
    /// `device` or `peer`.
    #[serde(deserialize_with = "initiator")]
    pub initiator: Word,
    /// How far it got.
    pub reach: Reach,
    /// Packets from the device.
    pub packets_out: u64,
    /// Packets to the device.
    pub packets_in: u64,
    /// IP bytes from the device.
    pub bytes_out: u64,
    /// IP bytes to the device.
    pub bytes_in: u64,
    /// First packet.
    pub first_seen: Timestamp,
    /// Last packet.
    pub last_seen: Timestamp,
    /// Names known for it.
    pub names: Vec<String>,
}

/// Names a rule and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// A conduit's name, or `home`, `local-scope`, `default-deny`.
    pub name: String,
    /// The file; `None` for built-in rules.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
}

/// A line of the policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LineRef {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl LineRef {
    /// Of something that a file declares.
    pub(super) fn of(place: &Place) -> Option<LineRef> {
        (place.line > 0).then(|| LineRef { file: place.file.clone(), line: place.line })
    }
}

/// One alarm of the mirror.
#[derive(Clone, Debug, Serialize)]
pub struct HealthStatus {
    /// Capture file or interface.
    pub interface: String,
    /// The alarm (DESIGN, section 6).
    pub alarm: &'static str,
    /// Whether it makes what was seen through it unverified.
    pub blinds: bool,
    /// One sentence.
    pub detail: String,
}

/// One row of `segwatch flows`.
#[derive(Clone, Debug, Serialize)]
pub struct FlowRow {
    /// Protocol word.
    pub proto: String,
    /// IANA protocol number.
    pub ip_proto: u8,
    /// Who opened it.
    pub initiator: EndStatus,
    /// Who was to answer.
    pub responder: EndStatus,
    /// How the initiator is known.
    pub direction: Direction,
    /// The judged VLAN of its first packet that had one.
    pub vlan: Option<u16>,
    /// Raw tag stacks of the outermost link, with all packets seen in each.
    pub vlans: Vec<VlanCount>,
    /// IP headers above this one.
    pub layer: u8,
    /// It is the last IP header of its packets.
    pub innermost: bool,
    /// Packets of the initiator, copies not counted.
    pub packets_out: u64,
    /// Packets of the responder.
    pub packets_in: u64,
    /// Copies that the mirror made.
    pub duplicates: u64,
    /// Copies behind a router.
    pub routed_copies: u64,
    /// IP bytes of the initiator.
    pub bytes_out: u64,
    /// IP bytes of the responder.
    pub bytes_in: u64,
    /// First packet.
    pub first_seen: Timestamp,
    /// Last packet.
    pub last_seen: Timestamp,
    /// Both ends took part, each with more than a reset; a TCP initiator also acknowledged. Not part of the rows as
    /// they are written.
    #[serde(skip)]
    pub is_conversation: bool,
    /// How far it got.
    pub reach: Reach,
    /// `allowed`, `violation` or `unwatched`.
    pub verdict: FlowVerdict,
    /// For a violation: of which kind.
    pub kind: Option<Kind>,
    /// The rule that decided.
    pub rule: RuleRef,
    /// What the judgement rests on besides, with [`super::Options::watched_rows`].
    #[serde(skip)]
    pub facts: Option<Box<FlowFacts>>,
}

/// One end of a flow.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct EndStatus {
    /// Address.
    pub ip: IpAddr,
    /// Port; 0 without one.
    pub port: u16,
    /// `None` for a routed end.
    pub mac: Option<Mac>,
}

/// Packets seen with one stack of tags.
#[derive(Clone, Debug, Serialize)]
pub struct VlanCount {
    /// VIDs, outermost first.
    pub stack: Vec<u16>,
    /// Packets, copies included.
    pub packets: u64,
}

/// What a flow's judgement came to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowVerdict {
    /// A rule allows it.
    Allowed,
    /// No rule does.
    Violation,
    /// No end is a watched device.
    Unwatched,
}
