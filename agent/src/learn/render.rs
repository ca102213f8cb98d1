//! The draft as a commented file. What devices and file names say goes only into comments and quoted texts, escaped.

use std::fmt::{Display, Write};
use std::net::IpAddr;

use super::draft::{ConduitDraft, DeviceDraft, Draft, PrefixDraft, Role, SideDraft, Whence, ZoneDraft};
use crate::base::{Timestamp, escape};
use crate::engine::{Snapshot, proto_name};
use crate::policy::Service;

/// Lines about what is left out; then it says how many more there are.
const MAX_OMITTED: usize = 200;
/// Characters of a comment that a device may fill.
const MAX_COMMENT: usize = 400;
/// Characters that the configuration takes in a text.
const MAX_TEXT: usize = 200;
/// Days for which a conduit is proposed.
const DAYS: i64 = 90;
const DAY: i64 = 86_400_000_000_000;

/// What the file says of itself.
#[derive(Clone, Debug)]
pub struct Heading<'a> {
    /// The captures, as the user named them.
    pub files: &'a [String],
    /// What the proposal makes of them; `None` while that is not known yet.
    pub verdict: Option<&'a Snapshot>,
    /// First and last packet.
    pub window: Option<(Timestamp, Timestamp)>,
}

/// The file.
pub fn render(draft: &Draft, heading: &Heading<'_>) -> String {
    let mut out = String::new();
    head(&mut out, heading);
    blank(&mut out, "Segments. A prefix marked as a guess was made round addresses that were seen: put the real one.");
    line(&mut out, "zones:");
    draft.zones.iter().for_each(|zone| write_zone(&mut out, zone));
    blank(&mut out, "Makers whose devices are watched wherever they are.");
    line(&mut out, "watch:");
    let vendors: Vec<String> = draft.vendors.iter().map(|vendor| quote(vendor)).collect();
    line(&mut out, &format!("  vendors: [{}]", vendors.join(", ")));
    blank(
        &mut out,
        "Internal traffic that was seen to be answered, and nothing else. Each conduit opens a path: strike what is not meant.",
    );
    comment(
        &mut out,
        "",
        "Who answers for it and why cannot be seen: fill in `owner` and `reason`; `config check` names those without.",
    );
    if draft.conduits.is_empty() {
        line(&mut out, "conduits: []");
    } else {
        line(&mut out, "conduits:");
        let until = heading.window.and_then(|window| date(window.1.0.saturating_add(DAYS * DAY)));
        draft.conduits.iter().for_each(|conduit| write_conduit(&mut out, conduit, until.as_deref()));
    }
    blank(&mut out, "The cameras that were seen. Give them names, and add those that were off.");
    line(&mut out, "devices:");
    draft.devices.iter().for_each(|device| write_device(&mut out, device));
    if !draft.omitted.is_empty() {
        out.push('\n');
        draft.omitted.iter().take(MAX_OMITTED).for_each(|what| comment(&mut out, "", &format!("not proposed: {what}")));
        let more = draft.omitted.len().saturating_sub(MAX_OMITTED);
        if more > 0 {
            comment(&mut out, "", &format!("not proposed: {more} more"));
        }
    }
    out
}

fn head(out: &mut String, heading: &Heading<'_>) {
    comment(out, "", &format!("Proposed by segwatch {} learn from", env!("CARGO_PKG_VERSION")));
    heading.files.iter().for_each(|file| comment(out, "", &format!("  {file}")));
    if let Some((first, last)) = heading.window {
        comment(out, "", &format!("with packets from {} to {}.", second(first), second(last)));
    }
    comment(out, "", "Review each line: what is here was seen, not approved.");
    if let Some(snapshot) = heading.verdict {
        let count = snapshot.findings.len();
        let found = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
        comment(out, "", &format!("By this policy these captures are {}, with {found}.", snapshot.verdict.name()));
        let reasons = snapshot.reasons.iter().map(|reason| format!("  {}: {}", reason.code.name(), reason.detail));
        reasons.for_each(|reason| comment(out, "", &reason));
    }
    out.push('\n');
    comment(out, "", "site: NAME      # the same on all sensors of a site");
    comment(out, "", "sensor: NAME    # this one");
}

fn write_zone(out: &mut String, zone: &ZoneDraft) {
    zone.remarks.iter().for_each(|remark| comment(out, "  ", remark));
    line(out, &format!("  {}:", zone.name));
    match zone.role {
        Role::Cameras => line(out, "    cameras: true"),
        Role::Onboarding => {
            line(out, "    onboarding: true   # a guess: cameras only booted here before they came home")
        }
        Role::Peers => {}
    }
    match zone.vlan {
        Some(vlan) => line(out, &format!("    vlans: [{vlan}]")),
        None if zone.role == Role::Peers => {
            comment(out, "    ", "its VLAN was not seen: the prefix alone says who lives here")
        }
        None => comment(out, "    ", "its frames have no tag: the prefix alone says who lives here"),
    }
    if !zone.prefixes.is_empty() {
        line(out, "    prefixes:");
        for PrefixDraft { net, whence } in &zone.prefixes {
            let note = match whence {
                Whence::Lease => "from a DHCP lease",
                Whence::Guess => "a guess",
            };
            line(out, &format!("      - {}   # {note}", scalar(net)));
        }
    }
    list(out, "    gateways", zone.gateways.iter());
    list(out, "    dhcp", zone.dhcp.iter());
}

fn write_conduit(out: &mut String, conduit: &ConduitDraft, until: Option<&str>) {
    comment(
        out,
        "  ",
        &format!("{} packets from {} to {}", conduit.packets, second(conduit.first), second(conduit.last)),
    );
    conduit.remarks.iter().for_each(|remark| comment(out, "  ", remark));
    line(out, &format!("  - name: {}", quote(&conduit.name)));
    line(out, &format!("    from: {}", side(&conduit.from)));
    line(out, &format!("    to: {}", side(&conduit.to)));
    let services: Vec<String> = conduit.services.iter().map(service).collect();
    line(out, &format!("    services: [{}]", services.join(", ")));
    comment(out, "    ", "owner:");
    comment(out, "    ", "reason:");
    if let Some(until) = until {
        line(
            out,
            &format!("    expires: {until}   # {DAYS} days after the last packet, unless someone answers for more"),
        );
    }
}

fn write_device(out: &mut String, device: &DeviceDraft) {
    comment(out, "  ", &device.remark);
    let mut fields = vec![format!("name: {}", quote(&device.name)), format!("mac: \"{}\"", device.mac)];
    fields.extend(device.ip.map(|ip| format!("ip: {}", scalar(&ip))));
    fields.push(format!("zone: {}", device.zone));
    fields.extend(device.model.as_deref().map(|model| format!("model: {}", quote(model))));
    fields.extend(device.firmware.as_deref().map(|firmware| format!("firmware: {}", quote(firmware))));
    line(out, &format!("  - {{ {} }}", fields.join(", ")));
}

fn side(side: &SideDraft) -> String {
    let mut fields: Vec<String> = side.zone.iter().map(|zone| format!("zone: {zone}")).collect();
    if !side.hosts.is_empty() {
        let hosts: Vec<String> = side.hosts.iter().map(scalar).collect();
        fields.push(format!("hosts: [{}]", hosts.join(", ")));
    }
    format!("{{ {} }}", fields.join(", "))
}

fn service(service: &Service) -> String {
    match *service {
        Service::Any => "any".to_owned(),
        Service::Icmp => "icmp".to_owned(),
        Service::Ip { proto, first, last } if first == last => format!("{}/{first}", proto_name(proto)),
        Service::Ip { proto, first, last } => format!("{}/{first}-{last}", proto_name(proto)),
    }
}

fn list<'a>(out: &mut String, key: &str, items: impl Iterator<Item = &'a IpAddr>) {
    let items: Vec<String> = items.map(scalar).collect();
    if !items.is_empty() {
        line(out, &format!("{key}: [{}]", items.join(", ")));
    }
}

/// An address or a prefix; those with colons in quotes.
fn scalar(value: &impl Display) -> String {
    let text = value.to_string();
    if text.contains(':') { format!("\"{text}\"") } else { text }
}

/// Any text as one double-quoted YAML scalar of one line.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in escape(text).chars().take(MAX_TEXT) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Any text as one comment of one line.
fn comment(out: &mut String, indent: &str, text: &str) {
    let text: String = escape(text).chars().take(MAX_COMMENT).collect();
    let _ = writeln!(out, "{indent}# {text}");
}

fn blank(out: &mut String, text: &str) {
    out.push('\n');
    comment(out, "", text);
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}

fn second(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).map_or(text.clone(), |text| format!("{text}Z"))
}

fn date(nanoseconds: i64) -> Option<String> {
    Timestamp(nanoseconds).to_string().get(..10).map(str::to_owned)
}
