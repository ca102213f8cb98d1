//! Flows with the way to their judgement, findings with what they stand on.

use std::fmt::Display;
use std::net::IpAddr;

use serde::Serialize;

use super::Engine;
use super::judge::{Judgement, Violation};
use super::snapshot::{DeviceRef, ExceptionStatus, FindingStatus, FlowRow, LineRef};
use super::trace::{Recorder, Step, Watched, Whence, ZoneRef, why_watched};
use crate::base::Timestamp;
use crate::finding::{Class, FindingKey, Kind};
use crate::flow::{Flow, Reach};
use crate::policy::{Condition, Conduit, ConduitId, Ends, Opening, Service, Severity, Side, Tried, ZoneId};

/// Conduits listed for one flow, the nearest ones; [`Step::Conduits`] counts all.
pub const MAX_TRIALS: usize = 50;
/// Zones, hosts or services of a conduit that are listed where a flow is not among them.
const MAX_LISTED: usize = 8;

/// One flow, and why it was judged as it was.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The row of `segwatch flows`.
    pub flow: FlowRow,
    /// What it adds to findings, at most one for each end.
    pub violations: Vec<ViolationStatus>,
    /// The way to the answer.
    pub steps: Vec<Step>,
    /// Conduits that were tried, in file order; beyond [`MAX_TRIALS`] the nearest.
    pub conduits: Vec<Trial>,
    /// Of those that do not allow it, the one that comes nearest.
    pub nearest: Option<Trial>,
    #[serde(skip)]
    keys: Vec<FindingKey>,
}

/// A flow that no rule allows, seen from one watched device.
#[derive(Clone, Debug, Serialize)]
pub struct ViolationStatus {
    /// Of which finding; `None` where its device was made up.
    pub id: Option<String>,
    /// What was seen.
    pub kind: Kind,
    /// How it is judged.
    pub class: Class,
    /// `critical`, `warning` or `info`, for this flow alone.
    pub severity: &'static str,
    /// Who answers for it while the policy excepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<ExceptionStatus>,
    /// How far it got.
    pub reach: Reach,
    /// The device.
    pub device: DeviceRef,
    /// Its home; `none` without one.
    pub zone: String,
    /// The other end's zone, `internet`, `internal` or `none`.
    pub peer_zone: String,
}

/// A conduit that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub line: Option<LineRef>,
    /// What came of it.
    pub result: Tried,
    /// What keeps it from allowing the flow.
    pub differs: Vec<Difference>,
    /// One of its sides holds the flow's end.
    pub near: bool,
    /// Until when it holds.
    pub expires: Option<Timestamp>,
    #[serde(skip)]
    cost: u32,
}

/// Something that a conduit asks for and a flow does not have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// The key of the conduit: `services`, `from.zone`, `from.hosts`, `to.zone`, `to.hosts`, `expires`; or `direction`.
    pub key: &'static str,
    /// What the flow has.
    pub flow: String,
    /// What the conduit asks for.
    pub conduit: String,
}

/// A finding, and what it stands on besides flows.
#[derive(Clone, Debug, Serialize)]
pub struct FindingExplanation {
    /// The finding.
    pub finding: FindingStatus,
    /// Why its device is watched.
    pub watched: Option<Watched>,
    /// Where the inventory lists the device.
    pub listed: Option<LineRef>,
    /// The device's home.
    pub home: Option<ZoneRef>,
    /// What says that this is its home.
    pub because: Option<Whence>,
    /// VLANs of the device's own frames, in order of appearance.
    pub vlans: Vec<SeenVlan>,
}

/// A VLAN that frames of a device were seen in.
#[derive(Clone, Debug, Serialize)]
pub struct SeenVlan {
    /// The VLAN.
    pub vlan: u16,
    /// The zone that owns it.
    pub zone: Option<String>,
    /// It is one of the home's, or the home names none.
    pub of_home: bool,
    /// First frame.
    pub first_seen: Timestamp,
    /// Last frame.
    pub last_seen: Timestamp,
}

impl Engine {
    /// Judges a flow and keeps the way to the answer.
    pub(super) fn explain(&self, flow: &Flow) -> (Judgement, Explanation) {
        let mut told = Recorder::default();
        let judgement = self.judge_telling(flow, &mut told);
        let Recorder { mut steps, asked, tries } = told;
        let mut conduits = Vec::new();
        if let Some((ends, opening)) = asked {
            let step = Step::Conduits {
                direction: flow.direction,
                seen: opening == Opening::Seen,
                tried: tries.len() as u64,
                declared: self.policy.conduits.len() as u64,
                allowed: tries.last().is_some_and(|last| last.1 == Tried::Allows),
            };
            // Before what was decided only after them.
            let at = steps.len() - usize::from(matches!(steps.last(), Some(Step::HomeUnknown)));
            steps.insert(at, step);
            conduits = tries.iter().filter_map(|&(id, tried)| self.trial(id, tried, &ends, opening)).collect();
        }
        let nearest = conduits.iter().filter(|trial| trial.result != Tried::Allows).min_by_key(|trial| trial.cost);
        let nearest = nearest.filter(|_| !conduits.iter().any(|trial| trial.result == Tried::Allows)).cloned();
        if conduits.len() > MAX_TRIALS {
            let mut order: Vec<usize> = (0..conduits.len()).collect();
            order.sort_by_key(|&at| conduits.get(at).map_or(u32::MAX, |trial| trial.cost));
            order.truncate(MAX_TRIALS);
            let mut at = 0..;
            conduits.retain(|_| at.next().is_some_and(|at| order.contains(&at)));
        }
        let violations = || judgement.violations.iter().flatten();
        let key = |v: &Violation| FindingKey { device: v.device, kind: v.kind, peer_zone: v.peer_zone };
        let explanation = Explanation {
            flow: self.row(flow, &judgement),
            violations: violations().filter_map(|v| self.violation_status(flow, v)).collect(),
            steps,
            conduits,
            nearest,
            keys: violations().map(key).collect(),
        };
        (judgement, explanation)
    }

    /// Flows that ended since the last call, explained; [`super::Options::explain`] asks for them.
    pub fn take_explained(&mut self) -> Vec<Explanation> {
        std::mem::take(&mut self.explained)
    }

    /// Flows that have not ended, explained.
    pub fn open_explained(&self) -> impl Iterator<Item = Explanation> + '_ {
        self.flows.ids().filter_map(|id| self.flows.get(id)).map(|flow| self.explain(flow).1)
    }

    /// Findings that a flow adds to, as they are called now: a device may have become known better since it ended.
    pub fn findings_of<'a>(&'a self, explanation: &'a Explanation) -> impl Iterator<Item = String> + 'a {
        explanation.keys.iter().filter_map(|key| {
            let device = self.devices.get(self.current(key.device)?)?;
            Some(self.finding_id(device, key.kind, &self.peer_zone_name(key.peer_zone)))
        })
    }

    /// What a finding of [`Engine::snapshot`] stands on.
    pub fn explain_finding(&self, finding: FindingStatus) -> FindingExplanation {
        let id = match (finding.device.mac, finding.device.ip) {
            (Some(mac), _) => self.devices.by_mac(mac),
            (None, ip) => ip.and_then(|ip| self.devices.by_ip(ip)),
        };
        let device = id.and_then(|id| self.devices.get(id));
        let home = id.and_then(|id| self.home_and_whence(id));
        let names = home.and_then(|(zone, _)| self.policy.zone(zone)).map(|z| z.vlans.as_slice()).unwrap_or_default();
        let vlans = device.map(|device| device.vlans.as_slice()).unwrap_or_default();
        FindingExplanation {
            watched: device.and_then(why_watched),
            listed: device.and_then(|device| self.listed(device)).and_then(|entry| LineRef::of(&entry.place)),
            home: home.and_then(|(zone, _)| self.told_zone(zone)),
            because: home.map(|(_, whence)| whence),
            vlans: vlans
                .iter()
                .map(|seen| SeenVlan {
                    vlan: seen.vlan,
                    zone: self.policy.zone_of_vlan(seen.vlan).and_then(|zone| self.zone_name(zone)),
                    of_home: home.is_some() && (names.is_empty() || names.contains(&seen.vlan)),
                    first_seen: seen.first,
                    last_seen: seen.last,
                })
                .collect(),
            finding,
        }
    }

    fn violation_status(&self, flow: &Flow, violation: &Violation) -> Option<ViolationStatus> {
        let Violation { device: id, side, kind, peer_zone, reach, expired } = *violation;
        let device = self.devices.get(id)?;
        let peer_zone = self.peer_zone_name(peer_zone);
        let exception = self.exception(id, device, kind, &peer_zone);
        let severity = exception.map_or_else(|| self.severity(kind, reach, expired.is_some()), |_| Severity::Info);
        Some(ViolationStatus {
            id: Some(self.finding_id(device, kind, &peer_zone)),
            kind,
            class: kind.class(reach),
            severity: severity.name(),
            exception: exception.map(ExceptionStatus::of),
            reach,
            device: DeviceRef {
                mac: device.mac(),
                ip: Some(flow.key.ip(side)),
                name: self.listed(device).map(|entry| entry.name.clone()).filter(|name| !name.is_empty()),
            },
            zone: self.zone_label(id),
            peer_zone,
        })
    }

    /// What a conduit made of a flow; of the two directions that it could be taken for, the one that comes nearer.
    fn trial(&self, id: ConduitId, result: Tried, ends: &Ends, opening: Opening) -> Option<Trial> {
        let conduit = self.policy.conduit(id)?;
        let mut differs = Vec::new();
        if result == Tried::Differs {
            // Where the direction binds, the port of the end that listens is compared whichever it is.
            let back = match opening {
                Opening::Guess => ends.reversed(),
                Opening::Seen => Ends { to_port: ends.to_port, ..ends.reversed() },
            };
            let (there_unmet, back_unmet) = (conduit.unmet(ends), conduit.unmet(&back));
            let only_service = |unmet: &[Condition]| unmet.iter().all(|&unmet| unmet == Condition::Service);
            let turned = match opening {
                Opening::Guess => total(&back_unmet) < total(&there_unmet),
                // The other direction is near only where it is that of the same two ends.
                Opening::Seen => only_service(&back_unmet) && !only_service(&there_unmet),
            };
            let (ends, unmet) = if turned { (&back, back_unmet) } else { (ends, there_unmet) };
            differs.extend(unmet.into_iter().map(|unmet| self.difference(conduit, unmet, ends)));
            if turned && opening == Opening::Seen {
                differs.push(Difference {
                    key: "direction",
                    flow: format!("opened by {}", ends.to),
                    conduit: "opened from the other end".to_owned(),
                });
            }
        }
        if let (Tried::Expired, Some(expires)) = (result, conduit.expires) {
            differs.push(Difference {
                key: "expires",
                flow: "later".to_owned(),
                conduit: format!("until {}", expires.day_before()),
            });
        }
        if result == Tried::Unpermitted {
            differs.push(Difference {
                key: "permits",
                flow: "a tunnel".to_owned(),
                conduit: some(conduit.permits.iter(), conduit.permits.len()),
            });
        }
        let cost = differs.iter().map(|difference| cost(difference.key)).sum();
        let misses = |side: &str| differs.iter().any(|difference| difference.key.starts_with(side));
        let near = !(misses("from.") && misses("to."));
        let line = LineRef::of(&conduit.place);
        Some(Trial { name: conduit.name.clone(), line, result, near, expires: conduit.expires, cost, differs })
    }

    fn difference(&self, conduit: &Conduit, unmet: Condition, ends: &Ends) -> Difference {
        let zone = |zone: Option<ZoneId>, ip: IpAddr| match zone.and_then(|zone| self.zone_name(zone)) {
            Some(name) => name,
            None if self.policy.is_internal(ip) => "in no zone".to_owned(),
            None => "internet".to_owned(),
        };
        let zones = |side: &Side| some(side.zones.iter().filter_map(|&zone| self.zone_name(zone)), side.zones.len());
        let hosts = |side: &Side| match side.hosts.as_slice() {
            [] => "nobody".to_owned(),
            hosts => some(hosts.iter().map(host), hosts.len()),
        };
        let (flow, asked) = match unmet {
            Condition::Service => (
                Service::one(ends.proto, ends.to_port).to_string(),
                some(conduit.services.iter(), conduit.services.len()),
            ),
            Condition::FromZone => (zone(ends.from_zone, ends.from), zones(&conduit.from)),
            Condition::ToZone => (zone(ends.to_zone, ends.to), zones(&conduit.to)),
            Condition::FromHosts => (ends.from.to_string(), hosts(&conduit.from)),
            Condition::ToHosts => (ends.to.to_string(), hosts(&conduit.to)),
        };
        Difference { key: key(unmet), flow, conduit: asked }
    }

    fn zone_name(&self, zone: ZoneId) -> Option<String> {
        self.policy.zone(zone).map(|zone| zone.name.clone())
    }
}

/// The key of the file that states a condition.
fn key(condition: Condition) -> &'static str {
    match condition {
        Condition::Service => "services",
        Condition::FromZone => "from.zone",
        Condition::FromHosts => "from.hosts",
        Condition::ToZone => "to.zone",
        Condition::ToHosts => "to.hosts",
    }
}

/// How far off a flow is for what differs: a date is nearer than a service or a host, and these than a zone.
fn cost(key: &str) -> u32 {
    match key {
        "expires" => 1,
        "services" | "from.hosts" | "to.hosts" => 2,
        "direction" => 3,
        _ => 4,
    }
}

fn total(unmet: &[Condition]) -> u32 {
    unmet.iter().map(|&condition| cost(key(condition))).sum()
}

/// An address alone, or a prefix.
fn host(net: &ipnet::IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

/// `a, b and 7 more`.
fn some<T: Display>(items: impl Iterator<Item = T>, all: usize) -> String {
    let mut text = items.take(MAX_LISTED).map(|item| item.to_string()).collect::<Vec<_>>().join(", ");
    if all > MAX_LISTED {
        text.push_str(&format!(" and {} more", all - MAX_LISTED));
    }
    text
}
