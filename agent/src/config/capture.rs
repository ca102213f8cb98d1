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
    /// Size of the kernel's ring for it, in bytes.
    pub buffer: u32,
    /// Bytes kept of a frame.
    pub snap_length: u32,
    /// Take frames for other hosts too.
    pub promiscuous: bool,
    /// A capture filter of libpcap. What it hides cannot be vouched for.
    pub filter: Option<String>,
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
    pub(super) buffer: Option<Spanned<u32>>,
    pub(super) snap_length: Option<Spanned<u32>>,
    pub(super) promiscuous: Option<(Span, bool)>,
    pub(super) filter: Option<Spanned<String>>,
}

impl CaptureDraft {
    pub(super) fn to_config(&self, file: &str) -> CaptureConfig {
        CaptureConfig {
            interface: self.interface.clone(),
            untagged: self.untagged.as_ref().map(|untagged| untagged.value).unwrap_or_default(),
            rspan_vlan: self.rspan_vlan.as_ref().map(|vlan| vlan.value),
            decapsulate: self.decapsulate.clone(),
            buffer: self.buffer.as_ref().map_or(DEFAULT_BUFFER, |buffer| buffer.value),
            snap_length: self.snap_length.as_ref().map_or(MAX_SNAP_LENGTH, |length| length.value),
            promiscuous: self.promiscuous.is_none_or(|(_, on)| on),
            filter: self.filter.as_ref().map(|filter| filter.value.clone()),
            place: Place { file: file.to_owned(), line: self.at.line },
        }
    }
}

/// Of the kernel's ring: what loses nothing where `tcpdump` with the same loses nothing.
const DEFAULT_BUFFER: u32 = 64 << 20;
const MIN_BUFFER: u64 = 1 << 20;
const MAX_BUFFER: u64 = 1 << 30;

/// Of a frame: headers of any tunnel that is read, and all of any frame that there is (`MAXIMUM_SNAPLEN` of libpcap).
const MIN_SNAP_LENGTH: u64 = 256;
const MAX_SNAP_LENGTH: u32 = 262_144;

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
            buffer: fields.get("buffer").and_then(|field| source.value(field, buffer)),
            snap_length: fields.get("snap_length").and_then(|field| source.value(field, snap_length)),
            promiscuous: fields.get("promiscuous").and_then(|field| Some((field.node.at, source.flag(field)?))),
            filter: fields.get("filter").and_then(|field| source.value(field, value::word)),
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

fn buffer(text: &str) -> Result<u32, Wrong> {
    within(value::size(text)?, MIN_BUFFER, MAX_BUFFER, "a buffer is 1MiB to 1GiB")
}

fn snap_length(text: &str) -> Result<u32, Wrong> {
    within(value::count(text)?, MIN_SNAP_LENGTH, MAX_SNAP_LENGTH.into(), "256 to 262144 bytes are kept of a frame")
}

fn within(number: u64, least: u64, most: u64, hint: &str) -> Result<u32, Wrong> {
    u32::try_from(number).ok().filter(|_| (least..=most).contains(&number)).ok_or_else(|| Wrong {
        message: format!("{number} bytes are too {}", if number < least { "few" } else { "many" }),
        hint: Some(hint.to_owned()),
    })
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
