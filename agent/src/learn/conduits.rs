//! From talks to conduits, each as narrow as what was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::draft::{ConduitDraft, Draft, Role, SideDraft};
use super::peers::zone_of;
use super::survey::Survey;
use super::suspects::Suspects;
use super::talks::{Talk, TalkKey, Talks};
use super::zones::named;
use crate::base::Timestamp;
use crate::engine::{FindingStatus, HostStatus, Snapshot, proto_name};
use crate::finding::Kind;
use crate::policy::Service;

/// Conduits proposed; more are too many to review, and are told as left out.
const MAX_CONDUITS: usize = 200;
/// Ports of video that are listed one by one; more become a range.
const MAX_MEDIA_PORTS: usize = 4;
const ICMP: u8 = 1;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

const MEDIA: &str = "video over UDP: the ports may change with each session, so that a wider range may be needed";
const ONE_WAY: &str = "one-way by nature: no answer was seen, nor is one expected";

/// What one host was seen to ask of another.
#[derive(Clone, Debug)]
struct Seen {
    packets: u64,
    first: Timestamp,
    last: Timestamp,
    remarks: BTreeSet<&'static str>,
}

/// Hosts and services.
type Tried = BTreeSet<(IpAddr, String)>;

/// Zones of both sides and what is asked for.
type Path = (Option<String>, Option<String>, Asked);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Asked {
    Service(u8, u16),
    /// Video of a session that this client asked for.
    Media(IpAddr),
}

#[derive(Debug, Default)]
struct Pairs {
    to_by_from: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
    ports: BTreeSet<u16>,
    seen: Option<Seen>,
}

/// Adds conduits, the zones of their other ends, and what is left out. `snapshot` and `talks` are by the draft's zones.
///
/// # Errors
/// There was more than can be looked through.
pub fn propose(
    draft: &mut Draft,
    survey: &Survey,
    talks: &Talks,
    snapshot: &Snapshot,
    hosts: &[HostStatus],
) -> Result<(), Vec<String>> {
    if talks.is_full {
        return Err(vec![
            "more talks across the border of camera zones than can be looked through: use a shorter capture".to_owned(),
        ]);
    }
    let suspects = Suspects::new(draft, talks, snapshot);
    let mut left_out: BTreeMap<(IpAddr, String), Tried> = BTreeMap::new();
    let mut paths: BTreeMap<Path, Pairs> = BTreeMap::new();
    for (key, talk) in talks.all.iter().filter(|(_, talk)| talk.is_denied) {
        match suspects.reason(key, talk).or_else(|| stranger(key, talk, draft)) {
            Some(why) => {
                left_out.entry((key.from, why)).or_default().insert((key.to, service_name(key.proto, key.port)));
            }
            None => add(&mut paths, key, talk, &suspects, draft, hosts),
        }
    }
    draft.omitted.extend(findings(snapshot));
    let mut alike: BTreeMap<(String, Tried), Vec<IpAddr>> = BTreeMap::new();
    for ((from, why), tried) in left_out {
        alike.entry((why, tried)).or_default().push(from);
    }
    draft.omitted.extend(alike.into_iter().map(|((why, tried), from)| {
        let from = named(from.iter().map(IpAddr::to_string));
        let peers: BTreeSet<IpAddr> = tried.iter().map(|(to, _)| *to).collect();
        let services: BTreeSet<String> = tried.into_iter().map(|(_, service)| service).collect();
        let (peers, services) = (named(peers.iter().map(IpAddr::to_string)), named(services.into_iter()));
        format!("{from} to {peers}, {services}: {why}")
    }));
    let mut conduits = joined(paths);
    for conduit in &mut conduits {
        widen(&mut conduit.from, draft);
        widen(&mut conduit.to, draft);
    }
    if conduits.len() > MAX_CONDUITS {
        draft.omitted.push(format!("{} further conduits: more than can be reviewed", conduits.len() - MAX_CONDUITS));
        conduits.truncate(MAX_CONDUITS);
    }
    name(&mut conduits);
    draft.conduits = conduits;
    unzoned(draft, survey);
    draft
        .zones
        .sort_by(|a, b| (a.role, a.vlan.is_none(), a.vlan, &a.name).cmp(&(b.role, b.vlan.is_none(), b.vlan, &b.name)));
    Ok(())
}

/// VLANs that the mirror shows and that no zone names: what leaks into them is not told.
fn unzoned(draft: &mut Draft, survey: &Survey) {
    let known = |vlan: &u16| draft.zones.iter().any(|zone| zone.vlan == Some(*vlan));
    let others: Vec<String> = survey.vlans.iter().filter(|vlan| !known(vlan)).map(u16::to_string).collect();
    if !others.is_empty() {
        draft.omitted.push(format!(
            "zones for VLANs {}: they were seen, and nobody who needs a conduit; name them so that what leaks into them is \
             noticed, and with `transit: true` those between router and firewall",
            named(others.into_iter())
        ));
    }
}

/// A camera with an address outside its zone is where it must not be, or not set up yet.
fn stranger(key: &TalkKey, talk: &Talk, draft: &Draft) -> Option<String> {
    let outside = |zone: &Option<String>, ip| {
        let zone = draft.zones.iter().find(|z| Some(&z.name) == zone.as_ref());
        zone.is_some_and(|zone| !zone.prefixes.is_empty() && !zone.holds(ip))
    };
    (outside(&talk.from_zone, key.from) || outside(&talk.to_zone, key.to))
        .then(|| "an address is outside the prefixes of its zone".to_owned())
}

fn add(
    paths: &mut BTreeMap<Path, Pairs>,
    key: &TalkKey,
    talk: &Talk,
    suspects: &Suspects,
    draft: &mut Draft,
    hosts: &[HostStatus],
) {
    let media = suspects.media(key);
    let turned = media.is_some_and(|media| media.client == key.to);
    let ends = [(key.from, talk.from_zone.clone()), (key.to, talk.to_zone.clone())];
    let [(from, from_zone), (to, to_zone)] = ends.map(|(ip, zone)| (ip, zone.or_else(|| zone_of(ip, draft, hosts))));
    let (from, from_zone, to, to_zone) =
        if turned { (to, to_zone, from, from_zone) } else { (from, from_zone, to, to_zone) };
    let asked = match media {
        Some(media) => Asked::Media(media.client),
        None if matches!(key.proto, ICMP | ICMPV6) => Asked::Service(ICMP, 0),
        None => Asked::Service(key.proto, key.port),
    };
    let pairs = paths.entry((from_zone, to_zone, asked)).or_default();
    pairs.to_by_from.entry(from).or_default().insert(to);
    pairs.ports.extend(media.map(|media| media.port));
    let remark = match media {
        Some(_) => Some(MEDIA),
        None if !talk.is_conversation => Some(ONE_WAY),
        None => None,
    };
    let seen =
        Seen { packets: talk.packets, first: talk.first, last: talk.last, remarks: remark.into_iter().collect() };
    pairs.seen = Some(match pairs.seen.take() {
        Some(known) => known.join(&seen),
        None => seen,
    });
}

/// One conduit for all services that the same hosts ask of the same hosts.
fn joined(paths: BTreeMap<Path, Pairs>) -> Vec<ConduitDraft> {
    type Ends = (SideDraft, SideDraft);
    let mut conduits: BTreeMap<Ends, (Vec<Service>, Seen)> = BTreeMap::new();
    for ((from_zone, to_zone, asked), pairs) in paths {
        let Some(seen) = pairs.seen else { continue };
        let services = services(asked, &pairs.ports);
        let mut by_to: BTreeMap<BTreeSet<IpAddr>, Vec<IpAddr>> = BTreeMap::new();
        for (from, to) in pairs.to_by_from {
            by_to.entry(to).or_default().push(from);
        }
        for (to, from) in by_to {
            let from = SideDraft { zone: from_zone.clone(), hosts: from };
            let to = SideDraft { zone: to_zone.clone(), hosts: to.into_iter().collect() };
            conduits
                .entry((from, to))
                .and_modify(|(all, known)| {
                    all.extend(&services);
                    *known = known.clone().join(&seen);
                })
                .or_insert_with(|| (services.clone(), seen.clone()));
        }
    }
    let draft = |((from, to), (services, seen)): (Ends, (Vec<Service>, Seen))| ConduitDraft {
        name: String::new(),
        from,
        to,
        services,
        packets: seen.packets,
        first: seen.first,
        last: seen.last,
        remarks: seen.remarks,
    };
    conduits.into_iter().map(draft).collect()
}

fn services(asked: Asked, ports: &BTreeSet<u16>) -> Vec<Service> {
    let udp = |first, last| Service::Ip { proto: UDP, first, last };
    match (asked, ports.first(), ports.last()) {
        (Asked::Service(ICMP, _), ..) => vec![Service::Icmp],
        (Asked::Service(proto, port), ..) => vec![Service::Ip { proto, first: port, last: port }],
        (Asked::Media(_), Some(&first), Some(&last)) if ports.len() > MAX_MEDIA_PORTS => vec![udp(first, last)],
        (Asked::Media(_), ..) => ports.iter().map(|&port| udp(port, port)).collect(),
    }
}

/// All cameras of a zone are the zone.
fn widen(side: &mut SideDraft, draft: &Draft) {
    let zone = draft.zones.iter().find(|zone| zone.role == Role::Cameras && Some(&zone.name) == side.zone.as_ref());
    let Some(zone) = zone else { return };
    let mut cameras = draft.devices.iter().filter(|device| device.zone == zone.name);
    if side.hosts.len() > 1 && cameras.all(|device| device.ip.is_some_and(|ip| side.hosts.contains(&ip))) {
        side.hosts.clear();
    }
}

fn name(conduits: &mut [ConduitDraft]) {
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for conduit in conduits {
        let end = |side: &SideDraft| match (side.hosts.as_slice(), &side.zone) {
            ([only], _) => only.to_string(),
            (_, Some(zone)) => zone.clone(),
            (hosts, None) => format!("{} hosts", hosts.len()),
        };
        let word = conduit.services.first().map(what).unwrap_or_default();
        let name = format!("{} to {} {word}", end(&conduit.from), end(&conduit.to));
        let count = taken.entry(name.clone()).or_default();
        *count += 1;
        conduit.name = if *count > 1 { format!("{name} {count}") } else { name };
    }
}

/// The usual name of a service.
fn what(service: &Service) -> String {
    match *service {
        Service::Any => "any".to_owned(),
        Service::Icmp => "ping".to_owned(),
        Service::Ip { proto, first, .. } => match (proto, first) {
            (_, 53) => "dns".to_owned(),
            (6, 80 | 8080) => "http".to_owned(),
            (UDP, 123) => "ntp".to_owned(),
            (UDP, 161) => "snmp".to_owned(),
            (UDP, 162) => "snmp-trap".to_owned(),
            (6, 443 | 8443) => "https".to_owned(),
            (UDP, 514) => "syslog".to_owned(),
            (6, 554 | 8554 | 10554) => "rtsp".to_owned(),
            _ => service_name(proto, first).replace('/', "-"),
        },
    }
}

/// As a conduit writes it.
fn service_name(proto: u8, port: u16) -> String {
    match proto {
        ICMP | ICMPV6 => "icmp".to_owned(),
        6 | 17 | 132 => format!("{}/{port}", proto_name(proto)),
        other => format!("ip/{other}"),
    }
}

/// Findings that no conduit is proposed for, whatever else is.
fn findings(snapshot: &Snapshot) -> Vec<String> {
    let told = |kind| !matches!(kind, Kind::CrossZoneEgress | Kind::CrossZoneIngress | Kind::UnknownDevice);
    let findings = snapshot.findings.iter().filter(|finding| told(finding.kind));
    let text = |finding: &FindingStatus| {
        let peers = finding.peers.iter().map(|peer| format!("{} {}/{}", peer.ip, peer.proto, peer.port));
        let peers = if finding.peers.is_empty() { String::new() } else { format!(" ({})", named(peers)) };
        format!("{}: {}{peers}", finding.kind.name(), finding.summary)
    };
    findings.map(text).collect()
}

impl Seen {
    fn join(mut self, other: &Seen) -> Seen {
        self.packets += other.packets;
        (self.first, self.last) = (self.first.min(other.first), self.last.max(other.last));
        self.remarks.extend(&other.remarks);
        self
    }
}
