//! What a person should do next, concretely, from what was found.

use std::net::IpAddr;

use super::CaptureFiles;
use super::findings::service;
use super::words::{device_label, ref_label, some_of};
use crate::coverage::{ReasonCode, Verdict};
use crate::engine::{DeviceStatus, FindingStatus, Snapshot};
use crate::finding::Kind;
use crate::flow::Reach;

/// Pieces of advice that are given at once; the rest comes once these are done.
const MOST: usize = 8;

/// One or two sentences, and perhaps lines to copy.
pub(super) struct Advice {
    pub(super) text: String,
    pub(super) snippet: Option<String>,
}

impl From<String> for Advice {
    fn from(text: String) -> Self {
        Advice { text, snippet: None }
    }
}

/// The advice, the most urgent first.
pub(super) fn advice(snapshot: &Snapshot, files: &CaptureFiles) -> Vec<Advice> {
    let mut lines = Vec::new();
    about_damage(&mut lines, files);
    about_findings(&mut lines, snapshot);
    about_coverage(&mut lines, snapshot);
    if snapshot.policy.file.is_none() && snapshot.verdict != Verdict::Isolated {
        lines.push(
            "The built-in policy knows neither your zones nor what is meant to be allowed: describe them in a file \
             (config/segwatch.yaml is an example) and pass it with --config."
                .to_owned()
                .into(),
        );
    }
    lines.truncate(MOST);
    lines
}

fn about_damage(lines: &mut Vec<Advice>, files: &CaptureFiles) {
    if !files.damage.is_empty() {
        let damaged = some_of(files.damage.iter().map(|d| d.file.clone()));
        lines.push(format!("Get {damaged} whole, or capture again: what follows the damage was not judged.").into());
    }
}

/// One piece of advice for all findings of a kind between two zones, in the order of the worst of each.
fn about_findings(lines: &mut Vec<Advice>, snapshot: &Snapshot) {
    let group = |f: &FindingStatus| (f.kind, f.zone.clone(), f.peer_zone.clone(), got_through(f));
    let mut done = Vec::new();
    for finding in &snapshot.findings {
        let key = group(finding);
        if !done.contains(&key) {
            let alike: Vec<&FindingStatus> = snapshot.findings.iter().filter(|f| group(f) == key).collect();
            lines.push(Advice { text: about(&alike, finding, snapshot), snippet: conduit(finding, snapshot) });
            done.push(key);
        }
    }
}

fn got_through(finding: &FindingStatus) -> bool {
    finding.reach.is_some_and(|r| r >= Reach::Forwarded)
}

fn about(alike: &[&FindingStatus], worst: &FindingStatus, snapshot: &Snapshot) -> String {
    let devices = some_of(alike.iter().map(|f| ref_label(&f.device)));
    let (zone, peer_zone) = (&worst.zone, &worst.peer_zone);
    let example = worst.peers.first().map(|p| format!(" ({} {})", service(p), p.ip)).unwrap_or_default();
    match (worst.kind, got_through(worst)) {
        (Kind::InternetEgress, true) => format!(
            "Block {zone} → internet at the gateway or firewall: {devices} got out{example}. Then see on the device \
             why it tries: cloud and P2P services, NTP, DNS."
        ),
        (Kind::InternetIngress, true) => format!(
            "Close the way in from the internet to {devices}{example}: remove the port forwarding or NAT rule, and \
             switch UPnP off on the router and on the device."
        ),
        (Kind::CrossZoneEgress | Kind::CrossZoneIngress, true) => {
            format!("Block {} at the gateway for {devices}{example}, {}", path(worst), or_conduit(worst, snapshot))
        }
        (Kind::InternetEgress, false) => format!(
            "Keep the block that stops {devices} on the way to the internet{example}, and end the attempts on the \
             device: cloud and P2P services, NTP, DNS."
        ),
        (Kind::InternetIngress, false) => {
            format!(
                "Keep the block in front of {devices}, and see why the internet can try{example}: a port forwarding or NAT rule."
            )
        }
        (Kind::CrossZoneEgress | Kind::CrossZoneIngress, false) => format!(
            "{} was tried by or at {devices} and stopped{example}: find out who needs it, {}",
            path(worst),
            or_conduit(worst, snapshot)
        ),
        (Kind::Tunnel, true) => format!(
            "Close the tunnel of {devices}{example}: nobody can say what passes through it. Block it at the gateway and \
             see on the device who set it up; one that is meant to be needs a conduit with `permits: [tunnel]`."
        ),
        (Kind::Tunnel, false) => {
            format!("Keep the block that stops the tunnel of {devices}{example}, and see on the device who set it up.")
        }
        (Kind::VlanHopping, _) => format!(
            "Look at the switch port of {devices}: make it an access port of {zone} without tags, give trunks a native \
             VLAN that nothing else uses, and find out who else uses its address."
        ),
        (Kind::RogueService, _) => format!(
            "Find {devices} in {zone} and unplug it, or declare it under `gateways` or `dhcp` of that zone; DHCP snooping \
             and RA guard on the switch stop the next one."
        ),
        (Kind::PortMapping, _) => format!(
            "Switch UPnP and port mapping off on {devices} and on the router{example}, and remove what was opened."
        ),
        (Kind::ExploitAttempt, _) => format!(
            "Find out who attacked {devices}{example} and take that host off the network; take a device that answered 200 for \
             compromised until it is known to be patched and reset. A scanner that may do so needs a conduit with \
             `permits: [exploit-attempt]`."
        ),
        (Kind::ForeignAddress, _) => {
            format!("Give {devices} an address of {zone}, or add the prefix in use to that zone.")
        }
        (Kind::CloudLookup, _) => format!(
            "Switch cloud, P2P and time services of {devices} off or point them inside; names that are yours belong under \
             `domains`."
        ),
        (Kind::WrongVlan, _) => format!(
            "Move the switch port of {devices} to the VLAN of {zone}, or correct the inventory's zone: seen {}.",
            if peer_zone == "none" { "in a VLAN of no zone".to_owned() } else { format!("in {peer_zone}") }
        ),
        (Kind::Drill, _) => "Nothing: this is a drill. Close it with `segwatch findings close`.".to_owned(),
        (Kind::UnknownDevice, _) => {
            let (is, it) = if alike.len() == 1 { ("is", "it") } else { ("are", "them") };
            format!("Find out what {devices} {is}, and add {it} to the inventory or unplug {it}.")
        }
    }
}

/// `cctv → recording`, from who opens to who answers.
fn path(finding: &FindingStatus) -> String {
    match finding.kind {
        Kind::CrossZoneIngress | Kind::InternetIngress => format!("{} → {}", finding.peer_zone, finding.zone),
        _ => format!("{} → {}", finding.zone, finding.peer_zone),
    }
}

/// The other way: to allow it.
fn or_conduit(finding: &FindingStatus, snapshot: &Snapshot) -> String {
    match (&snapshot.policy.file, conduit(finding, snapshot)) {
        (Some(file), Some(_)) => format!("or, if it is meant to be, add a conduit to {file}:"),
        _ => "or, if it is meant to be, allow it with a conduit.".to_owned(),
    }
}

/// A conduit to fill in, where there is a file to put it in. The internet is never proposed.
fn conduit(finding: &FindingStatus, snapshot: &Snapshot) -> Option<String> {
    let cross_zone = matches!(finding.kind, Kind::CrossZoneEgress | Kind::CrossZoneIngress);
    let (peer, ip) = (finding.peers.first()?, finding.device.ip?);
    snapshot.policy.file.as_ref().filter(|_| cross_zone)?;
    let (from, to) = if peer.initiator == "device" { (ip, peer.ip) } else { (peer.ip, ip) };
    let service = match peer.proto.as_str() {
        "tcp" | "udp" | "sctp" => format!("{}/{}", peer.proto, peer.port),
        "icmp" | "icmpv6" => "icmp".to_owned(),
        other => other.parse::<u8>().map_or_else(|_| other.to_owned(), |number| format!("ip/{number}")),
    };
    // YAML: the colons of an IPv6 address need quotes.
    let host = |ip: IpAddr| if ip.is_ipv4() { ip.to_string() } else { format!("\"{ip}\"") };
    let (from, to) = (host(from), host(to));
    Some(format!(
        "- {{ name: …, from: {{ hosts: [{from}] }}, to: {{ hosts: [{to}] }}, services: [{service}], owner: …, reason: …, expires: … }}"
    ))
}

/// One piece of advice for each reason, naming the devices that have it.
fn about_coverage(lines: &mut Vec<Advice>, snapshot: &Snapshot) {
    if snapshot.devices.is_empty() && snapshot.verdict == Verdict::Unverified {
        lines.push(
            "Capture where the cameras are: mirror the VLAN or the switch ports of the cameras (rx and tx). If they \
             are in the capture, name them: a zone with `cameras: true`, an inventory, or their maker under `watch`."
                .to_owned()
                .into(),
        );
    }
    // Without a device, the advice above says it already.
    let mut done = if snapshot.devices.is_empty() { vec![ReasonCode::NeverSeen] } else { Vec::new() };
    let everywhere = snapshot.devices.iter().flat_map(|d| &d.reasons);
    for code in everywhere.chain(&snapshot.reasons).map(|r| r.code) {
        if !done.contains(&code) {
            done.push(code);
            let having: Vec<&DeviceStatus> =
                snapshot.devices.iter().filter(|d| d.reasons.iter().any(|r| r.code == code)).collect();
            lines.push(about_reason(code, &having).into());
        }
    }
}

fn about_reason(code: ReasonCode, devices: &[&DeviceStatus]) -> String {
    let names = match devices {
        [] => "the cameras".to_owned(),
        some => some_of(some.iter().map(|d| device_label(d))),
    };
    match code {
        ReasonCode::NeverSeen => format!(
            "Check the mirror for {names}: the right switch and port, powered, at this address? What is gone belongs \
             out of the inventory, or under `out_of_service`."
        ),
        ReasonCode::Silent => {
            format!("Capture for longer, or check power and cable of {names}: nothing was heard for too long.")
        }
        ReasonCode::OneDirection => one_direction(devices, &names),
        ReasonCode::Untagged => format!(
            "Keep the tags on the mirror, so that the VLAN of {names} can be seen (Cisco: `encapsulation replicate` \
             at the SPAN destination). If this is the SPAN of an access port, say which with --untagged VLAN."
        ),
        ReasonCode::Loss => format!(
            "Capture without loss: mirror fewer ports, to a faster one, or with a larger buffer (tcpdump -B). Too \
             many packets of {names} are missing."
        ),
        ReasonCode::Gap => {
            "Close the hole in the capture: a whole file, no table overflow, frames that decode (see Capture above)."
                .to_owned()
        }
        ReasonCode::BehindRouter => {
            format!("Mirror the link that {names} is on: behind a router only what the router forwards can be seen.")
        }
        ReasonCode::OneWayEgress => format!(
            "Block the unanswered datagrams that {names} sends outside, or show that they are stopped: mirror the \
             far side of the firewall too."
        ),
        ReasonCode::HomeUnknown => {
            format!(
                "Say which prefixes are the home of {names}: a zone with `vlans` and `prefixes`, passed with --config."
            )
        }
    }
}

/// Says which direction is missing, if it is the same for all.
fn one_direction(devices: &[&DeviceStatus], names: &str) -> String {
    let all = |unseen: fn(&DeviceStatus) -> bool| !devices.is_empty() && devices.iter().all(|d| unseen(d));
    let it = if devices.len() == 1 { "it" } else { "them" };
    let seen = if all(|d| d.coverage.sent == 0) {
        format!("frames from {it} are missing")
    } else if all(|d| d.coverage.received == 0) {
        format!("frames to {it} are missing")
    } else {
        format!("frames from {it} or to {it} are missing")
    };
    format!("Mirror both directions (rx and tx) of the switch port of {names}, or of the VLAN: {seen}.")
}
