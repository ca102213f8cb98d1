//! From the state to the answer.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::attempt::told;
use super::frame::cover;
use super::health::{Open, Raised, Rules, of_device};
use super::hints::{best, shown};
use super::judge::builtin;
use super::rows::proto_name;
use super::snapshot::{
    CoverageStatus, DeviceRef, DeviceStatus, ExceptionStatus, FindingStatus, Hint, LossStatus, PeerStatus, PolicyRef,
    Snapshot, Traffic, Window, ZoneStatus, effect,
};
use super::{Engine, JudgedDevices};
use crate::base::Timestamp;
use crate::coverage::{Loss, Reason, ReasonCode, Verdict, merge_reasons};
use crate::device::{Device, DeviceId, Devices, Key, VlanSight};
use crate::finding::{Book, Class, Finding, FindingKey, Kind, MAX_NAMES, PeerZone};
use crate::flow::{FlowId, Reach};
use crate::hint::{Confidence, Says};
use crate::policy::{ConduitId, Exception, InventoryDevice, Severity, Whom, ZoneId};

/// Unanswered payload to outside peers, per device and hour, up to which attempts count as contained (DESIGN, section 1).
const ONE_WAY_LIMIT: u64 = 65_536;

/// What flows that have ended and flows that have not show together.
pub(super) struct Gathered<'a> {
    pub(super) book: Book,
    one_way: BTreeMap<(DeviceId, u32), u64>,
    pub(super) devices: Cow<'a, Devices>,
    open: Open,
    home_unknown: BTreeSet<DeviceId>,
}

/// The answer, and what it does not say.
pub(super) struct Summary {
    pub(super) snapshot: Snapshot,
    /// What each finding is about, by its id.
    pub(super) keys: BTreeMap<String, FindingKey>,
    /// For each device of the snapshot, in its order.
    pub(super) attended: Vec<Attention>,
}

/// Whether somebody vouches for a device, whatever its verdict.
pub(super) struct Attention {
    pub(super) id: DeviceId,
    /// It counts for the verdict.
    pub(super) counts: bool,
    /// Why nobody does.
    pub(super) doubt: Option<Reason>,
}

/// A watched device with what was gathered about it.
struct Judged<'a> {
    id: DeviceId,
    device: &'a Device,
    zone: String,
    counts: bool,
    selected: bool,
    covered: bool,
    doubt: Option<Reason>,
    verdict: Verdict,
    reasons: Vec<Reason>,
    findings: u64,
}

impl Engine {
    /// The answer as of now.
    pub(super) fn summarise(&self) -> Summary {
        let Gathered { mut book, one_way, devices, open, home_unknown } = self.gather();
        let raised = self.mirrors.raised(&Rules::of(&self.policy), &open);
        let mut one_way_peak: BTreeMap<DeviceId, u64> = BTreeMap::new();
        for ((device, _), bytes) in one_way {
            let peak = one_way_peak.entry(device).or_default();
            *peak = bytes.max(*peak);
        }
        let mut worst: BTreeMap<DeviceId, (Verdict, u64)> = BTreeMap::new();
        for (key, finding) in &book.findings {
            let entry = worst.entry(key.device).or_insert((Verdict::Isolated, 0));
            *entry = (entry.0.max(effect(key.kind.class(finding.reach), Some(finding.reach))), entry.1 + 1);
        }
        let current = |id: DeviceId| self.current(id).unwrap_or(id);
        let doubts = self.doubts(&book);
        let canaries = self.canaries_now();
        let mut judged: Vec<Judged<'_>> = devices
            .iter()
            .filter(|&(id, device)| device.is_watched() && current(id) == id)
            // Listed once, and not any more.
            .filter(|(_, device)| self.live.is_none() || device.inventory.is_some() || device.sight.first.is_some())
            .map(|(id, device)| {
                let (shown, findings) = worst.get(&id).copied().unwrap_or((Verdict::Isolated, 0));
                let mut reasons = self.coverage_reasons(id, device);
                reasons.extend(self.blind_reasons(id, device, &raised));
                reasons.extend(canaries.reasons(self.home(id)));
                let covered = reasons.is_empty();
                let doubt = reasons.first().or(doubts.first()).cloned();
                if home_unknown.contains(&id) {
                    reasons.push(reason(
                        ReasonCode::HomeUnknown,
                        "an internal peer is neither on its link nor evidently routed; name the zones in a policy",
                    ));
                }
                if let Some(bytes) = one_way_peak.get(&id).filter(|&&bytes| bytes > ONE_WAY_LIMIT) {
                    reasons.push(reason(
                        ReasonCode::OneWayEgress,
                        &format!("{bytes} bytes of unanswered payload went to outside peers within an hour"),
                    ));
                }
                reasons.extend(doubts.iter().cloned());
                let verdict = match shown {
                    Verdict::Violated => Verdict::Violated,
                    _ if !reasons.is_empty() => Verdict::Unverified,
                    shown => shown,
                };
                if verdict != Verdict::Unverified {
                    reasons.clear();
                }
                let counts = self.counts(device);
                let selected = self.is_selected(device);
                let zone = self.zone_label(id);
                Judged { id, device, zone, counts, selected, covered, doubt, verdict, reasons, findings }
            })
            .collect();
        judged.sort_by(|a, b| b.verdict.cmp(&a.verdict).then_with(|| a.device.key.cmp(&b.device.key)));

        let selected: BTreeSet<DeviceId> = judged.iter().filter(|j| j.selected).map(|j| j.id).collect();
        let not_judged: Vec<String> =
            judged.iter().filter(|j| !j.selected).map(|j| self.device_label(j.device)).collect();
        judged.retain(|j| j.selected);
        let all = !matches!(self.options.scope, JudgedDevices::Named(_));
        book.findings.retain(|key, _| selected.contains(&key.device) || all && key.kind == Kind::RogueService);

        let mut zones = self.zones(&judged, &doubts, &self.zones_with_rogues(&book));
        zones.iter_mut().for_each(|zone| zone.canaries = canaries.status(&zone.name));
        let outside = judged.iter().filter(|j| j.counts && self.zone_of(j).is_none());
        let verdict = zones
            .iter()
            .filter_map(|zone| zone.verdict)
            .chain(outside.clone().map(|j| j.verdict))
            .max()
            .unwrap_or(Verdict::Unverified);
        let mut reasons = Vec::new();
        if verdict == Verdict::Unverified {
            let of_zones = zones.iter().filter(|z| z.verdict == Some(Verdict::Unverified)).flat_map(|z| &z.reasons);
            reasons = merge_reasons(of_zones.chain(outside.flat_map(|j| &j.reasons)).chain(&doubts));
            if reasons.is_empty() {
                reasons.push(reason(ReasonCode::NeverSeen, "no watched device was seen"));
            }
        }
        let mut keys = BTreeMap::new();
        let mut findings: Vec<FindingStatus> = book
            .findings
            .iter()
            .filter_map(|(key, finding)| {
                let status = self.finding_status(*key, finding)?;
                keys.insert(status.id.clone(), *key);
                Some(status)
            })
            .chain(self.live.as_ref().and_then(|live| live.drill()))
            .collect();
        findings.sort_by(|a, b| severity_rank(b).cmp(&severity_rank(a)).then_with(|| a.id.cmp(&b.id)));
        let snapshot = Snapshot {
            verdict,
            reasons,
            policy: PolicyRef { file: self.policy.file.clone(), hash: self.policy.hash.clone() },
            window: self.window(),
            traffic: Traffic {
                packets: self.counters.packets,
                bytes: self.counters.bytes,
                undecoded: self.counters.undecoded.iter().map(|(why, n)| (why.name(), *n)).collect(),
                duplicates: self.counters.duplicates,
                routed_copies: self.counters.routed_copies,
                truncated: self.counters.truncated,
            },
            zones,
            devices: judged.iter().map(|j| self.device_status(j)).collect(),
            findings,
            health: raised.iter().flat_map(Raised::status).collect(),
            not_judged,
        };
        let attention = |j: Judged<'_>| Attention { id: j.id, counts: j.counts, doubt: j.doubt };
        Summary { snapshot, keys, attended: judged.into_iter().map(attention).collect() }
    }

    /// What ended and open flows show together.
    pub(super) fn gather(&self) -> Gathered<'_> {
        let mut book = self.ended.clone();
        let current = |id: DeviceId| self.current(id).unwrap_or(id);
        book.rename(current);
        let mut one_way: BTreeMap<(DeviceId, u32), u64> = BTreeMap::new();
        for (&(device, hour), bytes) in &self.one_way {
            *one_way.entry((current(device), hour)).or_default() += bytes;
        }
        // A live engine takes what flows show at each tick.
        let mut devices = match self.live {
            Some(_) => Cow::Borrowed(&self.devices),
            None => Cow::Owned(self.devices.clone()),
        };
        let first_hour = self.live.as_ref().map_or(0, |live| live.first_hour(self.now));
        let ids: Vec<FlowId> =
            if self.live.is_some() { self.flows.watched().collect() } else { self.flows.ids().collect() };
        let (mut home_unknown, mut open) = (BTreeSet::new(), Open::default());
        for flow in ids.into_iter().filter_map(|id| self.flows.get(id)) {
            let judgement = self.judge(flow);
            home_unknown.extend(judgement.home_unknown);
            for (device, hour, bytes) in judgement.one_way(flow).filter(|&(_, hour, _)| hour >= first_hour) {
                *one_way.entry((device, hour)).or_default() += bytes;
            }
            judgement.contributions(flow).for_each(|c| book.add(c));
            self.besides(flow, &judgement).for_each(|beside| beside.add_to(&mut book));
            if self.live.is_none() {
                flow.covered().for_each(|covered| cover(devices.to_mut(), &covered, self.now));
                self.add_open(flow, devices.to_mut(), &mut open);
            }
        }
        self.note_places(&devices, &mut book);
        self.note_hopping(&mut book);
        self.note_foreign(&mut book);
        self.note_rogues(&mut book);
        self.note_lookups(&mut book);
        self.note_changes(&mut book);
        book.findings.retain(|key, _| {
            key.kind == Kind::RogueService || self.devices.get(key.device).is_some_and(Device::is_watched)
        });
        Gathered { book, one_way, devices, open, home_unknown }
    }

    /// Findings about where a device is, rather than about a flow.
    fn note_places(&self, devices: &Devices, book: &mut Book) {
        let has_inventory = !self.policy.inventory.is_empty();
        for (id, device) in devices.iter().filter(|&(id, device)| device.is_watched() && self.current(id) == Some(id)) {
            let ip = device.addresses.first().copied();
            let home = self.home(id);
            let home_vlans = home.and_then(|z| self.policy.zone(z)).map(|z| z.vlans.as_slice()).unwrap_or_default();
            let names_vlans = !home_vlans.is_empty();
            for &VlanSight { vlan, first, last, only_boots, .. } in &device.vlans {
                let owner = self.policy.zone_of_vlan(vlan);
                let onboarding = owner.and_then(|z| self.policy.zone(z)).is_some_and(|z| z.onboarding);
                let wrong = match home {
                    Some(_) => names_vlans && !home_vlans.contains(&vlan),
                    None => !self.policy.builtin,
                };
                if wrong && !(onboarding && only_boots) {
                    let peer_zone = owner.map_or(PeerZone::None, |zone| PeerZone::Zone(zone.0));
                    book.note(FindingKey { device: id, kind: Kind::WrongVlan, peer_zone }, ip, first, last);
                }
            }
            let (Some(first), Some(last)) = (device.sight.first, device.sight.last) else { continue };
            let unknown = match device.inventory {
                Some(_) => false,
                None if has_inventory => true,
                None => device.camera_zone.is_some() && !self.is_called_camera(id, device),
            };
            if unknown && !self.policy.builtin {
                let key = FindingKey { device: id, kind: Kind::UnknownDevice, peer_zone: PeerZone::None };
                book.note(key, ip, first, last);
            }
        }
    }

    /// Why a device is not covered; empty if it is.
    fn coverage_reasons(&self, id: DeviceId, device: &Device) -> Vec<Reason> {
        let sight = &device.sight;
        let vlan_matters = self.vlan_matters(id);
        if let Some(live) = &self.live {
            return live.coverage(device, &self.mirrors, self.now, self.policy.coverage.silence, vlan_matters);
        }
        let mut reasons = Vec::new();
        if sight.sent + sight.received == 0 {
            match (sight.routed > 0, sight.first) {
                (true, _) => reasons.push(reason(
                    ReasonCode::BehindRouter,
                    "its traffic was seen only behind a router, never on its own link",
                )),
                (false, None) => reasons.push(reason(ReasonCode::NeverSeen, "no frame of it was seen")),
                (false, Some(_)) => {
                    reasons.push(reason(ReasonCode::Silent, "only broadcast or multicast was seen of it"));
                    reasons.push(reason(ReasonCode::OneDirection, "no unicast frame to it was seen"));
                }
            }
            return reasons;
        }
        let missing = |sent: u64, received: u64| match (sent, received) {
            (0, _) => Some("frames to it were seen, but none from it"),
            (_, 0) => Some("frames from it were seen, but none to it"),
            _ => None,
        };
        if let Some(what) = missing(sight.sent, sight.received) {
            reasons.push(reason(ReasonCode::OneDirection, what));
        }
        if vlan_matters {
            if sight.sent_tagged + sight.received_tagged == 0 {
                reasons.push(reason(ReasonCode::Untagged, "its frames had no VLAN tag, so its VLAN is not known"));
            } else if reasons.is_empty()
                && let Some(what) = missing(sight.sent_tagged, sight.received_tagged)
            {
                reasons.push(reason(ReasonCode::Untagged, &format!("of the frames with a VLAN tag: {what}")));
            }
        }
        if sight.undecoded > 0 {
            reasons.push(reason(
                ReasonCode::Gap,
                &format!("{} of its frames could not be decoded, so nobody knows whom they reached", sight.undecoded),
            ));
        }
        reasons
    }

    /// A device's VLAN must be known.
    fn vlan_matters(&self, id: DeviceId) -> bool {
        let names_vlans = self.home(id).and_then(|z| self.policy.zone(z)).is_some_and(|z| !z.vlans.is_empty());
        names_vlans || self.home(id).is_none() && !self.policy.builtin
    }

    /// What the mirror itself lets doubt of a device: its alarms, and the loss of what the device sent and received. A
    /// device is held against its mirror port; of files, which are one capture, against them all.
    fn blind_reasons(&self, id: DeviceId, device: &Device, raised: &[Raised]) -> Vec<Reason> {
        let (home, vlan_matters) = (self.home(id).map(|zone| zone.0), self.vlan_matters(id));
        let ports = match self.live {
            Some(_) => raised.get(usize::from(device.source)..).and_then(|ports| ports.get(..1)).unwrap_or_default(),
            None => raised,
        };
        let loss = of_device(self.loss_of(device), self.policy.coverage.loss);
        loss.into_iter().chain(ports.iter().flat_map(|port| port.reasons(home, vlan_matters))).collect()
    }

    /// What numbered data tells of a device's packets.
    fn loss_of(&self, device: &Device) -> Loss {
        let silence = if self.live.is_some() { self.policy.coverage.silence } else { i64::MAX };
        let (lost, seen) = device.sight.numbered.count(self.now, silence);
        Loss::of(lost, seen)
    }

    /// Doubts that concern every device.
    fn doubts(&self, book: &Book) -> Vec<Reason> {
        if self.live.as_ref().is_some_and(|live| !live.is_full(self.now, self.policy.coverage.silence)) {
            return Vec::new();
        }
        let mut doubts: Vec<Reason> = self.gaps.iter().map(|what| reason(ReasonCode::Gap, what)).collect();
        let full = [
            (self.counters.evicted_watched, "flows of watched devices had to leave the full flow table"),
            (self.devices.refused, "hosts found no place in the full device table"),
            (self.bindings.refused, "address claims found no place in their full table"),
            (self.hopping.refused, "address claims and signs of VLAN hopping found no place in their full table"),
            (self.rogues.refused, "servers and routers found no place in their full table"),
            (self.requests.refused, "requests to watched devices were given up before they were whole"),
            (self.changes.refused, "changes of watched devices found no place in their full table"),
            (book.refused, "findings found no place in their full table"),
        ];
        doubts.extend(
            full.iter()
                .filter(|(count, _)| *count > 0)
                .map(|(n, what)| reason(ReasonCode::Gap, &format!("{n} {what}"))),
        );
        doubts
    }

    /// Inventory devices are expected at their sensor; others count once they had unicast here.
    fn counts(&self, device: &Device) -> bool {
        let seen = device.sight.sent + device.sight.received + device.sight.routed > 0;
        match self.listed(device) {
            Some(entry) => {
                let here = entry.sensor.is_empty() || entry.sensor == self.policy.sensor;
                let now = self.counters.last;
                seen || here && entry.out_of_service.is_none_or(|until| until <= now)
            }
            None => seen && self.live.as_ref().is_none_or(|live| !live.has_left(device, self.now)),
        }
    }

    fn is_selected(&self, device: &Device) -> bool {
        match &self.options.scope {
            JudgedDevices::All => true,
            JudgedDevices::Seen => device.sight.first.is_some(),
            JudgedDevices::Named(names) => names.iter().any(|name| self.is_called(device, name)),
        }
    }

    fn is_called(&self, device: &Device, name: &str) -> bool {
        let by_mac = name.parse().is_ok_and(|mac| device.key == Key::Mac(mac));
        let by_ip = name.parse().is_ok_and(|ip| device.key == Key::Ip(ip) || device.addresses.contains(&ip));
        let listed = self.listed(device);
        by_mac
            || by_ip
            || listed.is_some_and(|entry| entry.name == name || name.parse().is_ok_and(|ip| entry.ip == Some(ip)))
    }

    fn zones(&self, judged: &[Judged<'_>], doubts: &[Reason], rogues: &BTreeMap<u16, u64>) -> Vec<ZoneStatus> {
        let listed: BTreeSet<ZoneId> = self.policy.inventory.iter().filter_map(|entry| entry.zone).collect();
        let mut names: Vec<(String, bool)> = self
            .policy
            .zones
            .iter()
            .enumerate()
            .map(|(at, zone)| (zone.name.clone(), zone.cameras || listed.contains(&ZoneId(at as u16))))
            .collect();
        if self.policy.builtin {
            let links: BTreeSet<String> = judged.iter().filter_map(|j| self.zone_of(j)).collect();
            names.extend(links.into_iter().map(|name| (name, true)));
        }
        names
            .into_iter()
            .zip(0..=u16::MAX)
            .map(|((name, has_verdict), at)| {
                let rogues = rogues.get(&at).copied();
                let here: Vec<&Judged<'_>> =
                    judged.iter().filter(|j| self.zone_of(j).as_deref() == Some(name.as_str())).collect();
                let counting = || here.iter().filter(|j| j.counts);
                let mut verdict = counting().map(|j| j.verdict).max().unwrap_or(Verdict::Unverified);
                if verdict < Verdict::Unverified && !counting().any(|j| j.covered) {
                    verdict = Verdict::Unverified;
                }
                if rogues.is_some() {
                    verdict = Verdict::Violated;
                }
                let mut reasons = Vec::new();
                if has_verdict && verdict == Verdict::Unverified {
                    let unverified = here.iter().filter(|j| j.verdict == Verdict::Unverified);
                    reasons = merge_reasons(unverified.flat_map(|j| &j.reasons).chain(doubts));
                    if reasons.is_empty() {
                        reasons.push(reason(ReasonCode::NeverSeen, "no device of this zone was seen"));
                    }
                }
                ZoneStatus {
                    verdict: has_verdict.then_some(verdict),
                    reasons,
                    devices: here.len() as u64,
                    findings: here.iter().map(|j| j.findings).sum::<u64>() + rogues.unwrap_or(0),
                    canaries: Vec::new(),
                    name,
                }
            })
            .collect()
    }

    fn zone_of(&self, judged: &Judged<'_>) -> Option<String> {
        (judged.zone != "none").then(|| judged.zone.clone())
    }

    /// Name of a device's home; `none` without one.
    pub(super) fn zone_label(&self, id: DeviceId) -> String {
        if let Some(zone) = self.home(id).and_then(|zone| self.policy.zone(zone)) {
            return zone.name.clone();
        }
        match self.devices.get(id).and_then(|device| device.first_vlan) {
            Some(Some(vlan)) if self.policy.builtin => format!("vlan{vlan}"),
            Some(None) if self.policy.builtin => "untagged".to_owned(),
            _ => "none".to_owned(),
        }
    }

    fn device_status(&self, judged: &Judged<'_>) -> DeviceStatus {
        let device = judged.device;
        let listed = self.listed(device);
        let text = |value: fn(&InventoryDevice) -> &String| listed.map(value).filter(|v| !v.is_empty()).cloned();
        let mut ips = device.addresses.clone();
        ips.extend(listed.and_then(|entry| entry.ip));
        ips.extend(match device.key {
            Key::Ip(ip) => Some(ip),
            Key::Mac(_) => None,
        });
        ips.sort();
        ips.dedup();
        let mut vlans: Vec<u16> = device.vlans.iter().map(|v| v.vlan).collect();
        vlans.sort_unstable();
        let mut hints = Vec::new();
        if let Some(vendor) = &device.vendor {
            hints.push(known_before("oui", "vendor", vendor.clone()));
        }
        for (says, value) in
            [("name", text(|e| &e.name)), ("model", text(|e| &e.model)), ("firmware", text(|e| &e.firmware))]
        {
            hints.extend(value.map(|value| known_before("inventory", says, value)));
        }
        let said = self.hints_of(judged.id, device);
        hints.extend(shown(&said));
        let word = |says, listed: Option<String>| {
            best(&said, says, Confidence::Medium).or(listed).or_else(|| best(&said, says, Confidence::Low))
        };
        let identity = device.identity.as_ref().map(|identity| identity.vendor.clone());
        let vendor = device.vendor.clone().or(identity).or_else(|| best(&said, Says::Vendor, Confidence::Medium));
        let (model, firmware) = (word(Says::Model, text(|e| &e.model)), word(Says::Firmware, text(|e| &e.firmware)));
        let posture = self.options.knowledge.advisories.posture(model.as_deref(), firmware.as_deref());
        let is_new = best(&said, Says::Activated, Confidence::Medium).is_some_and(|activated| activated == "false");
        DeviceStatus {
            mac: device.mac(),
            name: text(|e| &e.name),
            ips,
            vlans,
            vendor,
            posture: if is_new { posture.in_factory_state() } else { posture },
            model,
            firmware,
            serial: word(Says::Serial, None),
            use_: text(|e| &e.use_),
            zone: self.zone_of(judged),
            verdict: judged.verdict,
            reasons: judged.reasons.clone(),
            hints,
            coverage: CoverageStatus {
                sent: device.sight.sent,
                received: device.sight.received,
                first_seen: device.sight.first,
                last_seen: device.sight.last,
                loss: LossStatus::of(self.loss_of(device)),
            },
        }
    }

    fn finding_status(&self, key: FindingKey, finding: &Finding) -> Option<FindingStatus> {
        let device = self.devices.get(key.device)?;
        let class = key.kind.class(finding.reach);
        let peer_zone = match key.kind {
            Kind::RogueService => "none".to_owned(),
            _ => self.peer_zone_name(key.peer_zone),
        };
        let exception = self.exception(key.device, device, key.kind, &peer_zone);
        let severity = match exception {
            Some(_) => Severity::Info,
            None => self.severity(key.kind, finding.reach, finding.expired.is_some()),
        };
        let mut peers: Vec<PeerStatus> = finding
            .peers
            .iter()
            .map(|(peer, seen)| PeerStatus {
                ip: peer.ip,
                port: peer.port,
                proto: proto_name(peer.proto),
                initiator: if seen.device_opened { "device" } else { "peer" },
                reach: seen.reach,
                packets_out: seen.packets[0],
                packets_in: seen.packets[1],
                bytes_out: seen.bytes[0],
                bytes_in: seen.bytes[1],
                first_seen: seen.first,
                last_seen: seen.last,
                names: self.names_of_peer(peer.ip, &seen.names),
            })
            .collect();
        // The map gives them by address, protocol and port; a stable sort keeps that within one reach.
        peers.sort_by_key(|peer| std::cmp::Reverse(peer.reach));
        let rule = match finding.expired.and_then(|at| self.policy.conduit(ConduitId(at))) {
            Some(conduit) => super::RuleRef {
                name: conduit.name.clone(),
                file: Some(conduit.place.file.clone()),
                line: Some(conduit.place.line),
            },
            None if matches!(
                key.kind,
                Kind::WrongVlan | Kind::VlanHopping | Kind::RogueService | Kind::ForeignAddress
            ) =>
            {
                builtin("home")
            }
            None => builtin("default-deny"),
        };
        let zone = match key.peer_zone {
            PeerZone::Zone(at) if key.kind == Kind::RogueService => {
                self.policy.zone(ZoneId(at)).map_or("none".to_owned(), |zone| zone.name.clone())
            }
            _ => self.zone_label(key.device),
        };
        Some(FindingStatus {
            // A host that offers a service in several zones has a finding in each.
            id: self.finding_id(device, key.kind, if key.kind == Kind::RogueService { &zone } else { &peer_zone }),
            kind: key.kind,
            class,
            severity: severity.name(),
            exception: exception.map(ExceptionStatus::of),
            reach: (class == Class::Reach).then_some(finding.reach),
            device: DeviceRef {
                mac: device.mac(),
                ip: finding.device_ip.or(device.addresses.first().copied()),
                name: self.listed(device).map(|entry| entry.name.clone()).filter(|name| !name.is_empty()),
            },
            summary: self.sentence(key.kind, device, finding, &zone, &peer_zone) + &known_since(device),
            zone,
            peer_zone,
            peers,
            peers_total: finding.peers_total,
            first_seen: finding.first,
            last_seen: finding.last,
            rule,
        })
    }

    /// What a finding calls a peer, and the names that were resolved for it.
    fn names_of_peer(&self, ip: std::net::IpAddr, named: &BTreeSet<String>) -> Vec<String> {
        let names: BTreeSet<&String> = named.iter().chain(self.lookups.names_of(ip)).collect();
        names.into_iter().take(MAX_NAMES).cloned().collect()
    }

    /// The exception that holds now for a finding. An address is a device's by the inventory, else by who owns it now.
    pub(super) fn exception(&self, id: DeviceId, device: &Device, kind: Kind, peer_zone: &str) -> Option<&Exception> {
        let is = |whom: Whom| match whom {
            Whom::Listed(at) => device.inventory == Some(at),
            Whom::Mac(mac) => device.mac() == Some(mac),
            Whom::Ip(ip) => device.key == Key::Ip(ip) || self.devices.owner(ip) == Some(id),
        };
        let at = self.live.as_ref().map_or(self.counters.last, |live| live.latest());
        self.policy.exception(is, kind.name(), peer_zone, at)
    }

    /// As the user set it; a warning where only an expired conduit is missing.
    pub(super) fn severity(&self, kind: Kind, reach: Reach, expired: bool) -> Severity {
        match self.policy.severity.get(kind.name()) {
            Some(&set) => set,
            None if expired => Severity::Warning,
            None => kind.severity(reach),
        }
    }

    pub(super) fn peer_zone_name(&self, peer_zone: PeerZone) -> String {
        match peer_zone {
            PeerZone::Zone(at) => self.policy.zone(ZoneId(at)).map_or("none".to_owned(), |zone| zone.name.clone()),
            PeerZone::Internet => "internet".to_owned(),
            PeerZone::Internal => "internal".to_owned(),
            PeerZone::None => "none".to_owned(),
        }
    }

    /// Hash of site, device, kind and peer zone.
    pub(super) fn finding_id(&self, device: &Device, kind: Kind, peer_zone: &str) -> String {
        let key = match device.key {
            Key::Mac(mac) => mac.to_string(),
            Key::Ip(ip) => ip.to_string(),
        };
        short_hash(&[&self.policy.site, &key, kind.name(), peer_zone])
    }

    fn sentence(&self, kind: Kind, device: &Device, finding: &Finding, zone: &str, peer_zone: &str) -> String {
        let who = self.device_label(device);
        let place = match peer_zone {
            "internet" => "the internet".to_owned(),
            "internal" => "an internal network that is in no zone".to_owned(),
            zone => format!("zone {zone}"),
        };
        let peers = match finding.peers_total {
            1 => "1 peer".to_owned(),
            n => format!("{n} peers"),
        };
        let reach = finding.reach.name();
        match kind {
            Kind::InternetEgress | Kind::CrossZoneEgress => {
                format!("{who} opened flows to {place} ({peers}): {reach}.")
            }
            Kind::InternetIngress | Kind::CrossZoneIngress => {
                format!("{place} opened flows to {who} ({peers}): {reach}.")
            }
            Kind::WrongVlan => {
                let home = match zone {
                    "none" => Vec::new(),
                    name => {
                        self.policy.zones.iter().find(|z| z.name == name).map(|z| z.vlans.clone()).unwrap_or_default()
                    }
                };
                let wrong: Vec<String> = device
                    .vlans
                    .iter()
                    .map(|v| v.vlan)
                    .filter(|vlan| !home.contains(vlan))
                    .map(|v| v.to_string())
                    .collect();
                format!("{who} sent frames in VLAN {}, which is not its home's.", wrong.join(", "))
            }
            Kind::Drill => "A drill: no device did anything.".to_owned(),
            Kind::Tunnel => {
                let spoken: BTreeSet<&str> = finding
                    .peers
                    .values()
                    .flat_map(|peer| &peer.names)
                    .filter(|name| !name.starts_with("inside: "))
                    .map(String::as_str)
                    .collect();
                let spoken = spoken.into_iter().collect::<Vec<_>>().join(", ");
                format!("{who} spoke a tunnel ({spoken}) with {place} ({peers}): {reach}.")
            }
            Kind::VlanHopping => format!("{who} {}.", joined(finding)),
            Kind::RogueService => {
                format!("{who} acts in camera zone {zone} as {}, which the zone does not declare.", joined(finding))
            }
            Kind::PortMapping if finding.reach == Reach::Established => {
                format!("{who} asked {peers} to open a port, and was answered.")
            }
            Kind::PortMapping => format!("{who} asked {peers} to open a port, and nothing answered."),
            Kind::ForeignAddress if finding.peers.is_empty() => {
                let ip = finding.device_ip.map(|ip| ip.to_string()).unwrap_or_default();
                format!("{who} uses {ip}, an address outside the prefixes of {zone}.")
            }
            Kind::ForeignAddress => {
                format!("{who} talks on its link with addresses outside the prefixes of {zone} ({peers}).")
            }
            Kind::CloudLookup => {
                let names = self.told_names(finding.peers.values().flat_map(|peer| &peer.names));
                format!("{who} resolved names outside the site: {names}.")
            }
            Kind::ExploitAttempt => format!("{who} was attacked from {place} ({peers}): {}.", told(finding)),
            Kind::UnknownDevice if device.is_certain() => {
                format!("{who} is of a watched vendor and not in the inventory.")
            }
            Kind::UnknownDevice => {
                format!("{who} lives in camera zone {zone} and nothing known says that it belongs there.")
            }
        }
    }

    /// Name, else MAC, else address.
    fn device_label(&self, device: &Device) -> String {
        match (self.listed(device), device.key) {
            (Some(entry), _) if !entry.name.is_empty() => entry.name.clone(),
            (_, Key::Mac(mac)) => mac.to_string(),
            (_, Key::Ip(ip)) => ip.to_string(),
        }
    }

    pub(super) fn listed(&self, device: &Device) -> Option<&InventoryDevice> {
        device.inventory.and_then(|at| self.policy.inventory.get(at as usize))
    }

    fn window(&self) -> Option<Window> {
        let (first, last): (Timestamp, Timestamp) = (self.counters.first, self.counters.last);
        (self.counters.packets > 0).then(|| Window { first, last, seconds: last.since(first) as f64 / 1e9 })
    }
}

/// A hint that needs no packet.
fn known_before(source: &'static str, says: &'static str, value: String) -> Hint {
    Hint { source, says, value, confidence: "high", first_seen: None, last_seen: None }
}

/// Since when a device is known for what it is, where its MAC does not tell: what it did before is judged too, as far
/// as its flows were still held.
fn known_since(device: &Device) -> String {
    let by_itself = device.watched_vendor || device.inventory.is_some() || device.camera_zone.is_some();
    match device.identity.as_ref().filter(|identity| identity.watched && !by_itself) {
        Some(identity) => format!(" Known as {} since {} by {}.", identity.vendor, identity.at, identity.source),
        None => String::new(),
    }
}

/// 64 bits of SHA-256 in hexadecimal.
pub(super) fn short_hash(words: &[&str]) -> String {
    let digest = Sha256::digest(words.join("\n"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn joined(finding: &Finding) -> String {
    finding.remarks.iter().map(String::as_str).collect::<Vec<_>>().join("; ")
}

/// The worst first: by severity, then breaches, then the internet before other zones.
fn severity_rank(finding: &FindingStatus) -> (u8, Option<Reach>, std::cmp::Reverse<(Class, Kind)>) {
    (finding.rank(), finding.reach, std::cmp::Reverse((finding.class, finding.kind)))
}

fn reason(code: ReasonCode, detail: &str) -> Reason {
    Reason { code, detail: detail.to_owned() }
}
