//! The answer to "what if": frames of a flow that nobody sent go through an engine of their own, and the judge tells why it
//! decides as it does. Besides, which flows of a capture are asked about.

mod ends;
mod frames;
#[cfg(test)]
mod tests;
mod wanted;

use std::net::IpAddr;

use self::ends::{Meaning, meaning};
use self::frames::{ICMP, ICMPV6, SCTP, TCP, UDP, announcement, exchange, group_mac};
use crate::base::{Mac, Timestamp};
use crate::engine::{Engine, Explanation, FindingStatus, Input, Options, Step};
use crate::finding::Kind;
use crate::hint::VendorTable;
use crate::packet::LinkType;
use crate::policy::{Policy, Scope, Service, ZoneId};

pub use wanted::{Wanted, Who};

/// The first dynamic port (RFC 6335, section 6).
const DYNAMIC_PORTS: u16 = 49_152;
/// Locally administered, so that no maker's prefix applies.
const MADE_UP: [Mac; 3] = [Mac([2, 0, 0, 0, 0, 0xfe]), Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])];

/// A flow that may be.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who opens it: address, MAC, device or zone.
    pub from: String,
    /// To whom.
    pub to: String,
    /// To which service; one port.
    pub service: Service,
    /// The VLAN that who opens it is seen in.
    pub vlan: Option<u16>,
    /// When.
    pub at: Timestamp,
}

/// What would come of it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The flow, and why it is judged so.
    pub explanation: Explanation,
    /// What was assumed, a clause each.
    pub assumptions: Vec<String>,
    /// Findings that its frames raise besides.
    pub besides: Vec<FindingStatus>,
}

/// One end of the flow.
#[derive(Clone, Debug)]
struct Host {
    ip: IpAddr,
    mac: Mac,
    /// Its own link is seen, with this tag.
    link: Option<Option<u16>>,
    zone: Option<ZoneId>,
}

/// Answers a question.
///
/// # Errors
/// All that the question does not say.
pub fn suppose(policy: &Policy, vendors: &VendorTable, question: &Question) -> Result<Answer, Vec<String>> {
    let mut assumptions = Vec::new();
    let (from, to) = match (meaning(policy, &question.from), meaning(policy, &question.to)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return Err([from.err(), to.err()].into_iter().flatten().collect()),
    };
    let (from_ip, to_ip) = addresses(policy, question, from, to, &mut assumptions).map_err(|problem| vec![problem])?;
    let (proto, port) = proto_and_port(question.service, from_ip).map_err(|problem| vec![problem])?;
    let [from, to] = hosts(policy, vendors, question, [(from, from_ip), (to, to_ip)], &mut assumptions);
    let source = source_port(policy, proto, port);
    assumptions.push(as_if_seen(proto, source));
    assumptions
        .push(format!("as if it was {} UTC", question.at.to_string().get(..16).unwrap_or("?").replace('T', " ")));

    let mut engine = Engine::new(policy.clone(), vendors.clone(), Options::default());
    for (at, frame) in (question.at.0..).step_by(1_000_000).zip(frames(policy, proto, (&from, source), (&to, port))) {
        let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        engine.handle(Input::Frame {
            source: 0,
            at: Timestamp(at),
            link_type: LinkType::Ethernet,
            wire_len,
            data: &frame,
        });
    }
    let is_it = |e: &Explanation| {
        let flow = &e.flow;
        let ends = [flow.initiator.ip, flow.responder.ip];
        flow.layer == 0 && flow.ip_proto == proto && (ends == [from.ip, to.ip] || ends == [to.ip, from.ip])
    };
    let Some(mut explanation) = engine.open_explained().find(is_it) else {
        return Err(vec![format!("{} and {} cannot be the ends of a flow", from.ip, to.ip)]);
    };
    let own: Vec<String> = explanation.violations.iter().filter_map(|v| v.id.clone()).collect();
    let mut besides: Vec<FindingStatus> =
        engine.snapshot().findings.into_iter().filter(|finding| !own.contains(&finding.id)).collect();
    for host in [&from, &to] {
        if is_made_up(vendors, policy, host.mac) {
            // That nobody knows it says nothing about the host that is meant.
            besides.retain(|finding| finding.kind != Kind::UnknownDevice || finding.device.mac != Some(host.mac));
            forget(host, &mut explanation, &mut besides);
        }
    }
    Ok(Answer { explanation, assumptions, besides })
}

/// One address each, of the same family.
fn addresses(
    policy: &Policy,
    question: &Question,
    from: Meaning,
    to: Meaning,
    assumptions: &mut Vec<String>,
) -> Result<(IpAddr, IpAddr), String> {
    let froms = from.addresses(policy, question.vlan, None);
    let none = |word: &str| format!("no address is known for `{word}`: say one");
    if froms.is_empty() {
        return Err(none(&question.from));
    }
    if to.addresses(policy, None, None).is_empty() {
        return Err(none(&question.to));
    }
    let pair = froms.iter().find_map(|&(a, a_stands)| {
        let tos = to.addresses(policy, None, Some(a));
        tos.into_iter().find(|&(b, _)| b.is_ipv4() == a.is_ipv4()).map(|b| ((a, a_stands), b))
    });
    let Some(((a, a_stands), (b, b_stands))) = pair else {
        return Err(format!("`{}` and `{}` have no address of the same IP version", question.from, question.to));
    };
    if a == b {
        return Err(format!("{a} is both ends: a host needs nobody's permission to speak to itself"));
    }
    for (stands, ip, meant, word) in [(a_stands, a, from, &question.from), (b_stands, b, to, &question.to)] {
        if stands {
            assumptions.push(match meant {
                Meaning::Zone(_) => format!("as if {ip} stood for zone {word}: a conduit may name other hosts of it"),
                Meaning::Internet => format!("as if {ip} stood for the internet"),
                _ => format!("as if {word} had the address {ip}"),
            });
        }
    }
    Ok((a, b))
}

fn proto_and_port(service: Service, ip: IpAddr) -> Result<(u8, u16), String> {
    match service {
        Service::Any => Err("`any` is no single service: say one, as in tcp/443".to_owned()),
        Service::Icmp => Ok((if ip.is_ipv4() { ICMP } else { ICMPV6 }, 0)),
        Service::Ip { proto: proto @ (TCP | UDP | SCTP), first, last } if first == last => Ok((proto, first)),
        Service::Ip { proto: TCP | UDP | SCTP, .. } => {
            Err(format!("`{service}` is more than one port: say one of them"))
        }
        Service::Ip { proto, .. } => Ok((proto, 0)),
    }
}

/// Where both are, and with which MAC.
fn hosts(
    policy: &Policy,
    vendors: &VendorTable,
    question: &Question,
    ends: [(Meaning, IpAddr); 2],
    assumptions: &mut Vec<String>,
) -> [Host; 2] {
    let outside = |ip: IpAddr| policy.scope(ip) == Scope::Internet;
    let mut camera = if policy.builtin { ends.iter().position(|&(_, ip)| !outside(ip)) } else { None };
    let mut at = 0..;
    ends.map(|(meaning, ip)| {
        let at = at.next().unwrap_or_default();
        let zone = meaning.zone(policy).or(match policy.scope(ip) {
            Scope::Zone(zone) => Some(zone),
            _ => None,
        });
        let made_up = MADE_UP.get(at + 1).copied().unwrap_or_default();
        let mut mac = match meaning {
            Meaning::Mac(mac) => mac,
            Meaning::Device(at) => policy.inventory.get(at).and_then(|entry| entry.mac).unwrap_or(made_up),
            _ => made_up,
        };
        let said = if at == 0 { question.vlan } else { None };
        let mut link = match (said, zone.and_then(|zone| policy.zone(zone))) {
            _ if outside(ip) => None,
            (Some(vlan), _) => Some(Some(vlan)),
            (None, Some(zone)) => Some(zone.vlans.first().copied()),
            (None, None) => None,
        };
        if camera.take_if(|camera| *camera == at).is_some() {
            link = Some(said);
            let vendor = policy.watch_vendors.first();
            if mac == made_up
                && let Some((vendor, example)) = vendor.and_then(|vendor| Some((vendor, vendors.example(vendor)?)))
            {
                mac = example;
                assumptions.push(format!("as if {ip} were a camera of a watched vendor ({vendor})"));
            }
        }
        match link {
            Some(Some(vlan)) => assumptions.push(format!("as if {ip} were seen in VLAN {vlan}")),
            Some(None) => assumptions.push(format!("as if {ip} were seen on its own link, without a VLAN tag")),
            None if policy.scope(ip) != Scope::Local => {
                assumptions.push(format!("as if {ip} were seen only behind a router"));
            }
            None => {}
        }
        Host { ip, mac, link, zone }
    })
}

/// A port that no conduit names, so that it decides nothing; for DHCP the client's.
fn source_port(policy: &Policy, proto: u8, port: u16) -> u16 {
    let named = |port: u16| {
        let services = policy.conduits.iter().flat_map(|conduit| &conduit.services);
        services.into_iter().any(|service| match *service {
            Service::Ip { proto: own, first, last } => {
                own == proto && (first, last) != (0, u16::MAX) && (first..=last).contains(&port)
            }
            _ => false,
        })
    };
    match (proto, port) {
        (UDP, 67) => 68,
        (UDP, 547) => 546,
        (TCP | UDP | SCTP, _) => {
            (DYNAMIC_PORTS..=u16::MAX).find(|&own| own != port && !named(own)).unwrap_or(DYNAMIC_PORTS)
        }
        _ => 0,
    }
}

fn as_if_seen(proto: u8, source: u16) -> String {
    match proto {
        TCP | SCTP => {
            format!("as if the handshake was seen, from port {source}, and answered; else it would only be attempted")
        }
        UDP => {
            format!("as if a datagram was seen each way, from port {source}; unanswered, it would only be attempted")
        }
        ICMP | ICMPV6 => "as if an echo request was seen, and answered".to_owned(),
        _ => "as if a packet was seen each way".to_owned(),
    }
}

/// What a mirror of both links shows, in order.
fn frames(policy: &Policy, proto: u8, (from, source): (&Host, u16), (to, port): (&Host, u16)) -> Vec<Vec<u8>> {
    let router = MADE_UP.first().copied().unwrap_or_default();
    let is_group = |ip: IpAddr| policy.scope(ip) == Scope::Local && (ip.is_multicast() || !is_link_local(ip));
    let local = [from, to].iter().any(|host| policy.scope(host.ip) == Scope::Local);
    let together = local || from.link.is_some() && from.link == to.link || from.zone.is_some() && from.zone == to.zone;
    let mut frames: Vec<Option<Vec<u8>>> = Vec::new();
    for host in [from, to] {
        if let Some(vlan) = host.link.filter(|_| policy.scope(host.ip) != Scope::Local) {
            frames.push(announcement(host.mac, host.ip, vlan));
        }
    }
    for packet in exchange(proto, (from.ip, source), (to.ip, port)) {
        let (sender, receiver) = if packet.src.0 == from.ip { (from, to) } else { (to, from) };
        if is_group(sender.ip) {
            continue;
        }
        if together {
            let target = if is_group(receiver.ip) { group_mac(receiver.ip) } else { receiver.mac };
            let vlan = sender.link.or(receiver.link).flatten();
            frames.push(packet.frame(sender.mac, target, vlan));
            continue;
        }
        if let Some(vlan) = sender.link {
            frames.push(packet.frame(sender.mac, router, vlan));
        }
        if let Some(vlan) = receiver.link {
            frames.push(packet.routed().frame(router, receiver.mac, vlan));
        }
        if sender.link.is_none() && receiver.link.is_none() {
            frames.push(packet.frame(router, Mac([2, 0, 0, 0, 0, 0xfd]), None));
        }
    }
    frames.into_iter().flatten().collect()
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn is_made_up(vendors: &VendorTable, policy: &Policy, mac: Mac) -> bool {
    let example = policy.watch_vendors.first().and_then(|vendor| vendors.example(vendor));
    MADE_UP.contains(&mac) || example == Some(mac) && !policy.inventory.iter().any(|entry| entry.mac == Some(mac))
}

/// Takes a MAC that nobody has out of the answer.
fn forget(host: &Host, explanation: &mut Explanation, besides: &mut [FindingStatus]) {
    let made_up = Some(host.mac);
    let clear = |mac: &mut Option<Mac>| {
        let was = *mac == made_up;
        mac.take_if(|_| was);
        was
    };
    clear(&mut explanation.flow.initiator.mac);
    clear(&mut explanation.flow.responder.mac);
    for step in &mut explanation.steps {
        if let Step::End(end) = step {
            clear(&mut end.mac);
        }
    }
    for violation in &mut explanation.violations {
        if clear(&mut violation.device.mac) {
            violation.id = None;
        }
    }
    for finding in besides {
        if clear(&mut finding.device.mac) {
            finding.id = String::new();
        }
        finding.summary = finding.summary.replace(&host.mac.to_string(), &host.ip.to_string());
    }
}
