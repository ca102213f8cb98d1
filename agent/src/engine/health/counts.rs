//! What frames say about their mirror port, and which alarms follow: of ten seconds live, of a whole capture offline.

use super::alarm::Alarm;
use crate::base::Timestamp;
use crate::coverage::Loss;
use crate::packet::Layer;
use crate::policy::{Policy, Untagged};

/// Frames below which nothing is said of them.
pub(super) const MIN_FRAMES: u64 = 20;
/// Frames of a sort below which they are told by themselves, where they are told, and not as the mirror's fault.
const MIN_BAD_FRAMES: u64 = 3;
/// No network carries longer frames (IEEE 802.3: jumbo frames are about 9,000 bytes): a network card joined them.
const MAX_FRAME: u32 = 10_000;
/// Frames of the usual MTU are not longer, tags and tunnels included.
const USUAL_FRAME: u32 = 1_600;
/// Payloads of full segments at the usual MTU: with and without timestamps, IPv4 and IPv6, and behind common tunnels.
const FULL_SEGMENTS: [u32; 8] = [1_460, 1_448, 1_440, 1_428, 1_400, 1_380, 1_368, 1_360];
/// Share of frames that came twice above which the mirror is set up twice.
const DUPLICATES: f64 = 0.2;
const TCP: u8 = 6;

/// What the policy says about health.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Rules {
    pub(super) loss: f64,
    tags_expected: bool,
    pub(super) zones: Vec<Expected>,
}

/// What a zone lets one expect of a mirror.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) name: String,
    pub(super) vlans: Vec<u16>,
    /// Devices that are watched live here.
    pub(super) has_devices: bool,
}

impl Rules {
    pub(in crate::engine) fn of(policy: &Policy) -> Rules {
        let tags_expected = policy.untagged == Untagged::Reject && policy.zones.iter().any(|z| !z.vlans.is_empty());
        let here = |sensor: &str| sensor.is_empty() || sensor == policy.sensor;
        let zones = (0..).zip(&policy.zones).map(|(at, zone)| Expected {
            name: zone.name.clone(),
            vlans: zone.vlans.clone(),
            has_devices: zone.cameras
                || policy.inventory.iter().any(|it| it.zone.is_some_and(|z| z.0 == at) && here(&it.sensor)),
        });
        let zones = if tags_expected { zones.collect() } else { Vec::new() };
        Rules { loss: policy.coverage.loss, tags_expected, zones }
    }
}

/// What one frame says about its mirror port.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Pulse {
    pub(in crate::engine) at: Timestamp,
    pub(in crate::engine) now: i64,
    pub(in crate::engine) bytes: u32,
    /// It carries IP or ARP.
    pub(in crate::engine) addressed: bool,
    /// The judged VLAN, if a tag tells it.
    pub(in crate::engine) vlan: Option<u16>,
    pub(in crate::engine) undecoded: bool,
    pub(in crate::engine) truncated: bool,
    pub(in crate::engine) duplicate: bool,
    pub(in crate::engine) joined: bool,
}

/// Several segments in one frame: a network card joined them, or had not yet taken them apart.
pub(in crate::engine) fn is_joined(bytes: u32, layer: Option<&Layer>) -> bool {
    let segments = |length: u32| FULL_SEGMENTS.iter().any(|&full| length > full && length.is_multiple_of(full));
    bytes > MAX_FRAME
        || bytes > USUAL_FRAME && layer.is_some_and(|layer| layer.tcp.is_some() && segments(layer.payload_len))
}

/// Counts of one window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) frames: u64,
    addressed: u64,
    tagged: u64,
    undecoded: u64,
    truncated: u64,
    /// Of those, what was cut are headers.
    cut: u64,
    duplicates: u64,
    joined: u64,
    longest: u32,
    /// Dropped where the agent knows of it.
    pub(super) dropped: u64,
    pub(super) talks: Talks,
    /// What numbered data tells.
    pub(super) loss: Loss,
}

/// Flows of watched devices, as their own links show them.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Talks {
    /// Packets of TCP connections of which one direction was seen, which acknowledges the other.
    one_sided: u64,
    /// Flows of which both directions were seen.
    two_sided: u64,
}

impl Talks {
    /// What one flow showed, by who sent it.
    pub(in crate::engine) fn add(&mut self, proto: u8, packets: [u64; 2], acknowledged: [bool; 2]) {
        match packets {
            [0, 0] => {}
            [sent, received] if sent > 0 && received > 0 => self.two_sided += 1,
            // Only TCP tells one direction from a host that nobody answers: it acknowledges what was not seen.
            [sent, received] if proto == TCP => {
                let side = usize::from(received > 0);
                if acknowledged[side] {
                    self.one_sided += sent + received;
                }
            }
            _ => {}
        }
    }

    pub(super) fn and(self, other: Talks) -> Talks {
        Talks { one_sided: self.one_sided + other.one_sided, two_sided: self.two_sided + other.two_sided }
    }
}

/// One alarm, held against what was counted.
pub(super) struct Check {
    pub(super) alarm: Alarm,
    pub(super) bad: bool,
    /// There was enough to say so.
    pub(super) telling: bool,
    pub(super) detail: String,
}

impl Counts {
    pub(super) fn add(&mut self, pulse: &Pulse) {
        self.frames += 1;
        self.addressed += u64::from(pulse.addressed);
        self.tagged += u64::from(pulse.vlan.is_some());
        self.undecoded += u64::from(pulse.undecoded && !pulse.truncated);
        self.truncated += u64::from(pulse.truncated);
        self.cut += u64::from(pulse.undecoded && pulse.truncated);
        self.duplicates += u64::from(pulse.duplicate);
        self.joined += u64::from(pulse.joined);
        self.longest = self.longest.max(pulse.bytes);
    }

    /// Headers are cut off more often than may be lost.
    pub(super) fn cuts_headers(&self, rules: &Rules) -> bool {
        self.cut >= MIN_BAD_FRAMES && share(self.cut, self.frames) > rules.loss
    }

    pub(super) fn drops_too_many(&self, rules: &Rules) -> bool {
        share(self.dropped, self.dropped + self.frames) > rules.loss
    }

    pub(super) fn of_drops(&self) -> String {
        format!(
            "{} of {} packets were dropped at the sensor: it is overloaded, or its buffer too small",
            self.dropped,
            self.dropped + self.frames
        )
    }

    /// The alarms that are about the sort of frames.
    pub(super) fn checks(&self, rules: &Rules) -> [Check; 6] {
        let enough = self.frames >= MIN_FRAMES;
        let of_frames = |count: u64| format!("{count} of {} frames", self.frames);
        let check = |alarm, bad, telling, detail| Check { alarm, bad, telling, detail };
        [
            check(
                Alarm::Untagged,
                rules.tags_expected && self.tagged == 0,
                self.addressed >= MIN_FRAMES,
                format!(
                    "none of {} frames has a VLAN tag, though zones name VLANs: the switch strips tags from its mirror \
                     (`encapsulation replicate` is missing), or this is an access port (`untagged: VLAN`)",
                    self.addressed
                ),
            ),
            check(
                Alarm::OneDirectional,
                self.talks.one_sided > 0 && self.talks.two_sided == 0,
                self.talks.two_sided > 0 || self.talks.one_sided >= MIN_FRAMES / 2,
                format!(
                    "{} packets of cameras' TCP connections acknowledge data that the mirror does not show: only rx or \
                     only tx of their ports is copied; mirror both",
                    self.talks.one_sided
                ),
            ),
            check(
                Alarm::Undecodable,
                self.undecoded >= MIN_BAD_FRAMES && share(self.undecoded, self.frames) > rules.loss,
                enough,
                of_frames(self.undecoded)
                    + " could not be decoded: the mirror has an encapsulation that is not followed or not listed in \
                       `decapsulate`, or damages frames",
            ),
            check(
                Alarm::Duplicates,
                share(self.duplicates, self.frames) > DUPLICATES,
                enough,
                of_frames(self.duplicates)
                    + " came twice: the mirror copies ports and their VLAN, or both ends of a way; each frame counts once",
            ),
            check(
                Alarm::Truncated,
                self.truncated > 0,
                enough,
                of_frames(self.truncated)
                    + " are cut short"
                    + &if self.cut > 0 {
                        format!(", {} of them within their headers", self.cut)
                    } else {
                        String::new()
                    }
                    + ": packet slicing on the switch, a snap length, or an MTU on the mirror's way that is too small",
            ),
            check(
                Alarm::Offload,
                self.joined > 0,
                enough,
                of_frames(self.joined)
                    + &format!(
                        " hold several segments (up to {} bytes): switch GRO, LRO and TSO off where they are captured",
                        self.longest
                    ),
            ),
        ]
    }
}

pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
