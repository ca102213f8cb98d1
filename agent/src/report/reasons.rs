//! Sentences for the steps of a judgement.

use super::words::{counted, rule};
use crate::engine::{
    Difference, End, EndStep, Explanation, FindingExplanation, LineRef, Local, Step, Together, Trial, Watched, Whence,
    ZoneRef,
};
use crate::flow::{Direction, Proof};
use crate::policy::Tried;

/// `segwatch.yaml:12`.
pub(super) fn line(at: &LineRef) -> String {
    format!("{}:{}", at.file, at.line)
}

/// The lines of the policy on which the decision stands, and what stands there.
pub(super) fn lines(explanation: &Explanation) -> Vec<(String, LineRef)> {
    let flow = &explanation.flow;
    let mut found: Vec<(String, LineRef)> = Vec::new();
    let mut add = |what: String, at: Option<&LineRef>| {
        if let Some(at) = at.filter(|at| !found.iter().any(|known| known.1 == **at)) {
            found.push((what, at.clone()));
        }
    };
    if let (Some(file), Some(line)) = (&flow.rule.file, flow.rule.line) {
        add(format!("conduit {}", flow.rule.name), Some(&LineRef { file: file.clone(), line }));
    }
    for step in &explanation.steps {
        match step {
            Step::End(end) if matches!(flow.rule.name.as_str(), "home" | "default-deny") && end.place != "local" => {
                if let Some(zone) = &end.zone {
                    add(format!("zone {}", zone.name), zone.line.as_ref());
                }
                if end.because == Whence::Inventory {
                    let who = end.name.clone().unwrap_or_else(|| end.ip.to_string());
                    add(format!("device {who}"), end.listed.as_ref());
                }
            }
            Step::Leak { zone: Some(zone) } | Step::Dhcp { zone: Some(zone) } => {
                add(format!("zone {}", zone.name), zone.line.as_ref());
            }
            _ => {}
        }
    }
    found
}

/// What came of a step, in a sentence.
pub(super) fn step_text(step: &Step, explanation: &Explanation) -> String {
    match step {
        Step::End(end) => end_text(end),
        Step::Reach { proof, reach } if proof.reach() < *reach => {
            format!("{}: it came to the watched device on its own link", reach.name())
        }
        Step::Reach { proof, reach } => format!("{}: {}", reach.name(), proof_text(*proof)),
        Step::LocalScope { because: None } => {
            "no: it is unicast, and both addresses are such as routers pass on".to_owned()
        }
        Step::LocalScope { because: Some(why) } => match why {
            Local::IcmpError => "yes: an ICMP error belongs to the flow that it quotes and raises nothing itself",
            Local::Address => "yes: multicast, broadcast and link-local traffic stays in its VLAN by nature",
            Local::Broadcast => "yes: all of it was link-layer broadcast, which no router passes on",
        }
        .to_owned(),
        Step::Leak { zone } => {
            let zone = zone.as_ref().map(zone_text).unwrap_or_default();
            format!("but a copy was seen in {zone}, and that is another zone: default-deny")
        }
        Step::Home { because: None } => {
            format!("no: {} is not {}", place_of(explanation, End::Responder), place_of(explanation, End::Initiator))
        }
        Step::Home { because: Some(why) } => match why {
            Together::SameZone => format!("yes: both ends are in {}", place_of(explanation, End::Initiator)),
            Together::SameLink => format!("yes: both ends are on {}", place_of(explanation, End::Initiator)),
            Together::OnLink => {
                "yes: the peer answers ARP or neighbour discovery on the device's link, and is no router".to_owned()
            }
            Together::ShownPrefix => {
                "yes: the peer is inside the subnet that the device's DHCP lease showed".to_owned()
            }
        },
        Step::InsideTunnel => "inside a tunnel that is a finding itself, which speaks for it".to_owned(),
        Step::Tunnel { name, hides: true } => {
            format!(
                "{name}, with a peer that nobody judges: it counts at home too, and only a conduit for it allows it"
            )
        }
        Step::Tunnel { name, hides: false } => format!("{name}: only a conduit for it allows it out of the home"),
        Step::Dhcp { zone: None } => "no: it is no unicast DHCP with a server that the zone declares".to_owned(),
        Step::Dhcp { zone: Some(zone) } => format!("yes: unicast DHCP with a server of {}", zone_text(zone)),
        Step::Conduits { direction, seen, tried, declared, allowed } => {
            conduits_text(explanation, *direction, *seen, (*tried, *declared), *allowed)
        }
        Step::HomeUnknown => {
            "the peer is neither on the device's link nor evidently behind a router, so nobody can tell \
                              whether this is its home: name the zones in a policy"
                .to_owned()
        }
    }
}

fn end_text(end: &EndStep) -> String {
    let who = match (&end.name, end.mac) {
        (Some(name), Some(mac)) => format!("{} is {name} ({mac})", end.ip),
        (Some(name), None) => format!("{} is {name}", end.ip),
        (None, Some(mac)) => format!("{} is {mac}", end.ip),
        (None, None) => format!("{}", end.ip),
    };
    let listed = end.listed.as_ref().map(|at| format!(" ({})", line(at))).unwrap_or_default();
    let watched = match (end.watched, &end.vendor) {
        (Some(Watched::Inventory), _) => format!("watched, because the inventory lists it{listed}"),
        (Some(Watched::Vendor), Some(vendor)) => format!("watched, because its MAC is of {vendor}"),
        (Some(Watched::Vendor), None) => "watched, because of its maker".to_owned(),
        (Some(Watched::CameraZone), _) => "watched, because it lives in a camera zone".to_owned(),
        (None, _) if end.gateway => "not watched, because it carries traffic of others: a gateway".to_owned(),
        (None, _) => "not watched".to_owned(),
    };
    let place = match (&end.zone, end.because) {
        (Some(zone), Whence::Inventory) => format!("at home in {}, which the inventory says", zone_text(zone)),
        (Some(zone), Whence::CameraZone) => format!("at home in {}, where it was seen first", zone_text(zone)),
        (Some(zone), Whence::Vlan) => format!("in {}, by the VLAN that it was first seen in", zone_text(zone)),
        (Some(zone), _) => match &end.prefix {
            Some(prefix) => format!("in {}, by its prefix {prefix}", zone_text(zone)),
            None => format!("in {}", zone_text(zone)),
        },
        (None, Whence::Link) => format!("at home on {}, the link where it was seen first", place(end)),
        (None, _) => match (end.place.as_str(), &end.prefix) {
            ("internal", Some(prefix)) => format!("internal ({prefix}), and in no zone"),
            ("internal", None) => "internal, and in no zone".to_owned(),
            ("internet", _) => "in the internet: outside `internal` and outside every zone".to_owned(),
            _ => "an address that stays on its link".to_owned(),
        },
    };
    format!("{who}: {watched}; {place}")
}

fn proof_text(proof: Proof) -> String {
    match proof {
        Proof::Answered => "the responder answered".to_owned(),
        Proof::Acknowledged => "the initiator acknowledged what the responder sent".to_owned(),
        Proof::RefusedBeyond(vlan) => format!("it was refused in VLAN {vlan}, so it got there"),
        Proof::ErrorFromOutside => "an ICMP error from outside speaks of it, so it got out".to_owned(),
        Proof::RoutedCopy => "a copy with a lower TTL behind another MAC was seen".to_owned(),
        Proof::SeenIn(vlan) => format!("a packet of it was seen in VLAN {vlan}"),
        Proof::ManyVlans => "packets of it were seen in more VLANs than are told apart".to_owned(),
        Proof::Refused => "a router or firewall on the way refused it".to_owned(),
        Proof::Unanswered => "nothing came back, and no packet of it was seen elsewhere".to_owned(),
    }
}

fn conduits_text(
    explanation: &Explanation,
    direction: Direction,
    seen: bool,
    (tried, declared): (u64, u64),
    allowed: bool,
) -> String {
    let how = match (direction, seen) {
        (Direction::Syn, true) => "it was seen to be opened, so the direction of a conduit binds",
        (Direction::Answer, true) => "the answer to its opening was seen, so the direction of a conduit binds",
        (Direction::Syn | Direction::Answer, false) => "its protocol has no handshake, so either end may be `from`",
        (Direction::Port, _) => "who opened it is a guess (by the ports), so either end may be `from`",
        (Direction::FirstSeen, _) => "who opened it is a guess (by the first packet), so either end may be `from`",
    };
    let what = match (declared, allowed) {
        (0, _) => "no: the policy declares none".to_owned(),
        (_, true) => format!("yes: {} allows it", rule(&explanation.flow.rule)),
        (_, false) if explanation.flow.rule.file.is_some() => {
            format!("no: of {} only an expired one would allow it", counted(tried, "conduit"))
        }
        (1, false) => "no: the only one does not allow it".to_owned(),
        (_, false) => format!("no: none of {} allows it", counted(tried, "conduit")),
    };
    format!("{what}; {how}")
}

/// What a conduit made of a flow.
pub(super) fn trial_text(trial: &Trial) -> String {
    let at = trial.line.as_ref().map(|at| format!(" ({})", line(at))).unwrap_or_default();
    let differs: Vec<String> = trial
        .differs
        .iter()
        .map(|d| match d.key {
            "direction" => "it is opened from the other end".to_owned(),
            "expires" => format!("it held {}", d.conduit),
            "services" => format!("services: {} is not among {}", d.flow, d.conduit),
            key => format!("{key}: {} is not {}", d.flow, d.conduit),
        })
        .collect();
    match trial.result {
        Tried::Allows => format!("allows it{at}"),
        Tried::Expired => format!("would, but has expired: {}{at}", differs.join("; ")),
        Tried::Unpermitted => format!("covers it, but names no tunnel: add `permits: [tunnel]`{at}"),
        Tried::Differs => format!("no: {}{at}", differs.join("; ")),
    }
}

/// What would have to change so that a conduit allows the flow.
pub(super) fn unmet_text(difference: &Difference, explanation: &Explanation) -> String {
    let Difference { key, flow, conduit } = difference;
    match *key {
        "direction" => format!(
            "it lets the other end open flows, and {} opened this one: that needs a conduit of its own",
            explanation.flow.initiator.ip
        ),
        "expires" => format!("it held {conduit}: extend it"),
        "services" => format!("add {flow} to {conduit}"),
        "from.zone" | "to.zone" if matches!(flow.as_str(), "internet" | "in no zone") => {
            let where_ = if flow == "internet" { "in the internet" } else { "in no zone" };
            format!(
                "asks for {conduit}, and that end is {where_}: it would have to be named under `hosts`, without `zone`"
            )
        }
        _ => format!("add {flow} to {conduit}"),
    }
}

/// What is known of a finding's device.
pub(super) fn device_facts(explained: &FindingExplanation) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let listed = explained.listed.as_ref().map(|at| format!(" ({})", line(at))).unwrap_or_default();
    facts.push((
        "watched",
        match explained.watched {
            Some(Watched::Inventory) => format!("the inventory lists it{listed}"),
            Some(Watched::Vendor) => "its MAC is of a watched vendor; the inventory does not list it".to_owned(),
            Some(Watched::CameraZone) => "it lives in a camera zone; the inventory does not list it".to_owned(),
            None => "no".to_owned(),
        },
    ));
    let because = match explained.because {
        Some(Whence::Inventory) => ", which the inventory says",
        Some(_) => ", where it was seen first",
        None => "",
    };
    let home = match &explained.home {
        Some(zone) => format!("{}{because}", zone_text(zone)),
        None => format!("none; findings call it {}", explained.finding.zone),
    };
    facts.push(("home", home));
    facts
}

/// `zone cctv (segwatch.yaml:8)`.
fn zone_text(zone: &ZoneRef) -> String {
    match &zone.line {
        Some(at) => format!("zone {} ({})", zone.name, line(at)),
        None => format!("zone {}", zone.name),
    }
}

fn place_of(explanation: &Explanation, end: End) -> String {
    explanation
        .steps
        .iter()
        .find_map(|step| match step {
            Step::End(known) if known.end == end => Some(place(known)),
            _ => None,
        })
        .unwrap_or_default()
}

fn place(end: &EndStep) -> String {
    match (&end.zone, end.place.as_str()) {
        (Some(zone), _) => format!("zone {}", zone.name),
        (None, "internet") => "the internet".to_owned(),
        (None, "internal") => "an internal network in no zone".to_owned(),
        (None, "untagged") => "an untagged link".to_owned(),
        (None, link) => link.replacen("vlan", "VLAN ", 1),
    }
}
