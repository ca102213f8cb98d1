//! The mirror ports to listen on.

use super::fields::{Field, item_of};
use super::problem::quoted;
use super::source::{Source, Span, Spanned};
use super::value::{self, Wrong, nearest, one_of};
use super::words::{CAPTURE, TRANSPORTS};
use super::zones::values;
use crate::policy::{Place, Untagged};

/// One mirror port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaptureConfig {
    /// Its network interface.
    pub interface: String,
    /// What an untagged frame means there.
    pub untagged: Untagged,
    /// The mirror's own tag, removed before a VLAN is judged.
    pub rspan_vlan: Option<u16>,
    /// Transports of the mirror that are taken off.
    pub decapsulate: Vec<Transport>,
    /// Where it is declared.
    pub place: Place,
}

/// How a mirror carries frames to a sensor elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transport {
    /// Cisco's encapsulated remote SPAN in GRE, types I, II and III.
    Erspan,
    /// The TaZmen Sniffer Protocol over UDP.
    Tzsp,
}

impl Transport {
    /// The word of the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Erspan => "erspan",
            Transport::Tzsp => "tzsp",
        }
    }
}

/// A mirror port as it is written.
#[derive(Debug)]
pub(super) struct CaptureDraft {
    pub(super) at: Span,
    pub(super) interface: String,
    pub(super) untagged: Option<Spanned<Untagged>>,
    pub(super) rspan_vlan: Option<Spanned<u16>>,
    pub(super) decapsulate: Vec<Transport>,
}

impl CaptureDraft {
    pub(super) fn to_config(&self, file: &str) -> CaptureConfig {
        CaptureConfig {
            interface: self.interface.clone(),
            untagged: self.untagged.as_ref().map(|untagged| untagged.value).unwrap_or_default(),
            rspan_vlan: self.rspan_vlan.as_ref().map(|vlan| vlan.value),
            decapsulate: self.decapsulate.clone(),
            place: Place { file: file.to_owned(), line: self.at.line },
        }
    }
}

/// Mirror ports of one agent.
const MAX_CAPTURES: usize = 32;

/// Reads `capture`.
pub(super) fn read(source: &mut Source, field: Field<'_>) -> Vec<CaptureDraft> {
    let mut drafts: Vec<CaptureDraft> = Vec::new();
    for node in source.list(field).unwrap_or_default() {
        if drafts.len() == MAX_CAPTURES {
            source.error(node.at, format!("more than {MAX_CAPTURES} interfaces"));
            break;
        }
        let item = Field { key: "capture item", ..item_of(field, node) };
        let Some(fields) = source.fields(item, &CAPTURE) else { continue };
        let Some(interface) = fields.get("interface") else {
            source
                .error(node.at, "this capture has no `interface`")
                .help("name the network interface on the mirror port");
            continue;
        };
        let interface = source.value(interface, interface_name);
        let draft = CaptureDraft {
            at: node.at,
            interface: interface.as_ref().map_or(String::new(), |interface| interface.value.clone()),
            untagged: fields.get("untagged").and_then(|field| source.value(field, untagged)),
            rspan_vlan: fields.get("rspan_vlan").and_then(|field| source.value(field, value::vlan)),
            decapsulate: fields
                .get("decapsulate")
                .map(|field| values(&source.items(field, transport)))
                .unwrap_or_default(),
        };
        if let (Some(interface), true) = (interface, drafts.iter().any(|other| other.interface == draft.interface)) {
            source.error(interface.at, format!("interface {} is there twice", quoted(&interface.value)));
        }
        drafts.push(draft);
    }
    drafts
}

/// A Linux interface name: at most 15 bytes, no `/` and no white space (`dev_valid_name` in the kernel).
fn interface_name(text: &str) -> Result<String, Wrong> {
    let usable = !text.is_empty()
        && text.len() <= 15
        && !matches!(text, "." | "..")
        && !text.chars().any(|c| c == '/' || c == ':' || c.is_whitespace() || c.is_control());
    if usable {
        return Ok(text.to_owned());
    }
    Err(Wrong { message: format!("{} cannot be an interface's name", quoted(text)), hint: None })
}

fn untagged(text: &str) -> Result<Untagged, Wrong> {
    const WORDS: [&str; 2] = ["reject", "unknown"];
    match text {
        "reject" => Ok(Untagged::Reject),
        "unknown" => Ok(Untagged::Unknown),
        _ if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() => value::vlan(text).map(Untagged::Vlan),
        _ => Err(Wrong {
            message: format!("{} is nothing that untagged frames can mean", quoted(text)),
            hint: Some(match nearest(text, WORDS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write `reject` (not verified), the VLAN id of the mirrored access port, or `unknown` (prefixes decide)".to_owned(),
            }),
        }),
    }
}

fn transport(text: &str) -> Result<Transport, Wrong> {
    match text {
        "erspan" => Ok(Transport::Erspan),
        "tzsp" => Ok(Transport::Tzsp),
        _ => Err(Wrong {
            message: format!("{} is no transport of a mirror", quoted(text)),
            hint: Some(match nearest(text, TRANSPORTS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "the transports are {}; other tunnels are traffic",
                    one_of(TRANSPORTS).replace(" or ", " and ")
                ),
            }),
        }),
    }
}

/// The mirror's own tag is no segment's.
pub(super) fn check(source: &mut Source, captures: &[CaptureDraft], zone_of_vlan: impl Fn(u16) -> Option<String>) {
    for capture in captures {
        if let Some(vlan) = &capture.rspan_vlan
            && let Some(zone) = zone_of_vlan(vlan.value)
        {
            source
                .error(
                    vlan.at,
                    format!("VLAN {} is the mirror's own and also one of zone {}", vlan.value, quoted(&zone)),
                )
                .help("its tag is removed, so frames of that zone would look untagged");
        }
    }
}
