//! What the judge tells of the way to its answer, with every name resolved.

use std::net::IpAddr;

use serde::Serialize;

use super::Engine;
use super::judge::Place;
use super::snapshot::LineRef;
use crate::base::Mac;
use crate::device::Device;
use crate::flow::{Direction, Flow, Proof, Reach, Side};
use crate::policy::{ConduitId, Ends, Opening, Tried, ZoneId, embedded_ipv4};

/// Who listens to a judgement. `()` does not, and then the judge does no more than judge.
pub(super) trait Trace {
    /// A step was taken; `step` says what came of it.
    fn step(&mut self, step: impl FnOnce() -> Step);
    /// Conduits are asked about these ends.
    fn opens(&mut self, ends: &Ends, opening: Opening);
    /// One was tried.
    fn tries(&mut self, conduit: ConduitId, tried: Tried);
}

impl Trace for () {
    #[inline]
    fn step(&mut self, _: impl FnOnce() -> Step) {}
    #[inline]
    fn opens(&mut self, _: &Ends, _: Opening) {}
    #[inline]
    fn tries(&mut self, _: ConduitId, _: Tried) {}
}

/// Keeps all that is told.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) steps: Vec<Step>,
    pub(super) asked: Option<(Ends, Opening)>,
    pub(super) tries: Vec<(ConduitId, Tried)>,
}

impl Trace for Recorder {
    fn step(&mut self, step: impl FnOnce() -> Step) {
        self.steps.push(step());
    }

    fn opens(&mut self, ends: &Ends, opening: Opening) {
        self.asked = Some((*ends, opening));
    }

    fn tries(&mut self, conduit: ConduitId, tried: Tried) {
        self.tries.push((conduit, tried));
    }
}

/// One step of a judgement. What ends the way to the answer stands last.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Who is at an end, and where that is.
    End(EndStep),
    /// How far the flow got.
    Reach {
        /// What proves it.
        proof: Proof,
        /// For what came to a watched device on its own link, at least `forwarded`.
        reach: Reach,
    },
    /// Does it stay in its VLAN by nature?
    LocalScope {
        /// Why it does; `None` if it does not.
        because: Option<Local>,
    },
    /// It does, but a copy was seen in this zone.
    Leak {
        /// The zone.
        zone: Option<ZoneRef>,
    },
    /// Are both ends at home?
    Home {
        /// Why they are; `None` if they are not.
        because: Option<Together>,
    },
    /// Is it unicast DHCP with a server that the device's zone declares?
    Dhcp {
        /// The zone; `None` if it is not.
        zone: Option<ZoneRef>,
    },
    /// Conduits were asked.
    Conduits {
        /// How the initiator is known.
        direction: Direction,
        /// It was seen to open the flow, so that the direction of a conduit binds.
        seen: bool,
        /// How many were tried, in file order.
        tried: u64,
        /// How many there are.
        declared: u64,
        /// One of them allows the flow.
        allowed: bool,
    },
    /// It is inside a tunnel that is a finding itself, and speaks for what is inside.
    InsideTunnel,
    /// A watched device speaks a tunnel.
    Tunnel {
        /// Which.
        name: &'static str,
        /// It counts at home too, because nobody judges what its other end sends on.
        hides: bool,
    },
    /// Built-in policy: the peer is neither on the device's link nor evidently routed.
    HomeUnknown,
}

/// One end of a flow, as the judge saw it.
#[derive(Clone, Debug, Serialize)]
pub struct EndStep {
    /// Which one.
    pub end: End,
    /// Its address.
    pub ip: IpAddr,
    /// Its port; 0 without one.
    pub port: u16,
    /// MAC of the device that owns the address, where it is known by one.
    pub mac: Option<Mac>,
    /// Its name in the inventory.
    pub name: Option<String>,
    /// Its maker.
    pub vendor: Option<String>,
    /// It carries traffic of others, so it is not watched.
    pub gateway: bool,
    /// Why it is watched; `None` if it is not.
    pub watched: Option<Watched>,
    /// Where it is: a zone, `internet`, `internal`, `local`, or a link of the built-in policy.
    pub place: String,
    /// What says so.
    pub because: Whence,
    /// The zone, if it is one.
    pub zone: Option<ZoneRef>,
    /// The prefix of the zone, or of `internal`, that holds the address.
    pub prefix: Option<String>,
    /// Where the inventory lists it.
    pub listed: Option<LineRef>,
}

/// An end of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Who opened it.
    Initiator,
    /// Who was to answer.
    Responder,
}

/// Why a device is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// The inventory lists it.
    Inventory,
    /// Its MAC is of a watched vendor.
    Vendor,
    /// It lives in a camera zone.
    CameraZone,
}

/// What says where an end is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whence {
    /// Its home in the inventory.
    Inventory,
    /// The camera zone that it was first seen in.
    CameraZone,
    /// Built-in policy: the link that it was first seen on.
    Link,
    /// The zone of the VLAN that it was first seen in.
    Vlan,
    /// Its address.
    Address,
}

/// Why a flow stays in its VLAN by nature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Local {
    /// An ICMP error belongs to the flow that it quotes.
    IcmpError,
    /// Multicast, broadcast or link-local addresses.
    Address,
    /// All of it was link-layer broadcast.
    Broadcast,
}

/// Why two ends are at home together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Together {
    /// Both are in the same zone.
    SameZone,
    /// Built-in policy: both are on the same link.
    SameLink,
    /// The peer answers ARP or neighbour discovery on the device's link, and is no router.
    OnLink,
    /// The peer is inside the subnet that the device's DHCP lease showed.
    ShownPrefix,
}

/// Names a zone and where it stands.
#[derive(Clone, Debug, Serialize)]
pub struct ZoneRef {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub line: Option<LineRef>,
    /// Its VLANs.
    pub vlans: Vec<u16>,
}

impl Engine {
    pub(super) fn told_zone(&self, id: ZoneId) -> Option<ZoneRef> {
        let zone = self.policy.zone(id)?;
        Some(ZoneRef { name: zone.name.clone(), line: LineRef::of(&zone.place), vlans: zone.vlans.clone() })
    }

    pub(super) fn told_end(&self, flow: &Flow, end: End, place: Place, because: Whence) -> EndStep {
        let side = match end {
            End::Initiator => flow.initiator,
            End::Responder => flow.responder(),
        };
        let (ip, port) = flow.end(side);
        let device = self.device_at(flow, side);
        let listed = device.and_then(|device| self.listed(device));
        EndStep {
            end,
            ip,
            port,
            mac: device.and_then(Device::mac),
            name: listed.map(|entry| entry.name.clone()).filter(|name| !name.is_empty()),
            vendor: device.and_then(|device| device.vendor.clone()),
            gateway: device.is_some_and(|device| device.gateway),
            watched: device.and_then(why_watched),
            place: self.place_name(place),
            because,
            zone: match place {
                Place::Zone(zone) => self.told_zone(zone),
                _ => None,
            },
            prefix: self.prefix_of(place, ip),
            listed: listed.and_then(|entry| LineRef::of(&entry.place)),
        }
    }

    /// The device at an end, watched or not.
    fn device_at(&self, flow: &Flow, side: Side) -> Option<&Device> {
        let known = match flow.ends[side as usize].device {
            Some(id) => self.current(id),
            None => self.devices.by_ip(flow.key.ip(side)),
        };
        self.devices.get(known?)
    }

    fn place_name(&self, place: Place) -> String {
        match place {
            Place::Zone(zone) => self.policy.zone(zone).map(|zone| zone.name.clone()).unwrap_or_default(),
            Place::Link(Some(vlan)) => format!("vlan{vlan}"),
            Place::Link(None) => "untagged".to_owned(),
            Place::Internal => "internal".to_owned(),
            Place::Internet => "internet".to_owned(),
            Place::Local => "local".to_owned(),
        }
    }

    fn prefix_of(&self, place: Place, ip: IpAddr) -> Option<String> {
        let prefixes = match place {
            Place::Zone(zone) => &self.policy.zone(zone)?.prefixes,
            Place::Internal => &self.policy.internal,
            _ => return None,
        };
        let ip = embedded_ipv4(ip).map_or(ip, IpAddr::V4);
        prefixes.iter().filter(|net| net.contains(&ip)).max_by_key(|net| net.prefix_len()).map(ToString::to_string)
    }
}

pub(super) fn why_watched(device: &Device) -> Option<Watched> {
    match device {
        device if !device.is_watched() => None,
        Device { inventory: Some(_), .. } => Some(Watched::Inventory),
        Device { watched_vendor: true, .. } => Some(Watched::Vendor),
        _ => Some(Watched::CameraZone),
    }
}
