//! Exceptions: findings that neither page nor make a ticket for a while.

use super::devices::DeviceDraft;
use super::fields::{Field, Fields, item_of};
use super::problem::quoted;
use super::source::{Source, Span, Spanned};
use super::value::{self, Wrong, nearest, one_of};
use super::words::{EXCEPTION, KINDS, RESERVED_ZONES};
use super::zones::ZoneNames;
use crate::base::Timestamp;
use crate::policy::{Exception, Place, Whom};

/// Exceptions of one policy.
const MAX_EXCEPTIONS: usize = 1000;
/// Names of devices that are listed where one is not known.
const MAX_NAMED: usize = 12;

/// An exception and where its parts stand.
#[derive(Debug)]
pub(super) struct ExceptionDraft {
    pub(super) exception: Exception,
    pub(super) at: Span,
    pub(super) device_at: Span,
    pub(super) expires_at: Span,
}

/// Reads `exceptions`. An exception says all that a person must know of it, or is refused.
pub(super) fn read(
    source: &mut Source,
    field: Field<'_>,
    zones: &ZoneNames,
    inventory: &[DeviceDraft],
) -> Vec<ExceptionDraft> {
    let mut drafts = Vec::new();
    for node in source.list_or_none(field).unwrap_or_default() {
        if drafts.len() == MAX_EXCEPTIONS {
            source.error(node.at, format!("more than {MAX_EXCEPTIONS} exceptions"));
            break;
        }
        let item = Field { key: "exception", ..item_of(field, node) };
        drafts.extend(read_exception(source, item, zones, inventory));
    }
    drafts
}

/// `None` if it is refused.
fn read_exception(
    source: &mut Source,
    item: Field<'_>,
    zones: &ZoneNames,
    inventory: &[DeviceDraft],
) -> Option<ExceptionDraft> {
    let fields = source.fields(item, &EXCEPTION)?;
    let device = required(source, item, &fields, "device", "a name of the inventory, a MAC or an address");
    let kind = required(source, item, &fields, "kind", "the kind of finding, as in `kind: internet-egress`");
    let owner = required(source, item, &fields, "owner", "who answers for it");
    let reason = required(source, item, &fields, "reason", "why it may be for a while");
    let expires = required(source, item, &fields, "expires", "the last day on which it holds");
    let device = device.and_then(|field| source.value(field, |text| whom(text, inventory)));
    let kind = kind.and_then(|field| source.value(field, kind_of_finding));
    let peer_zone = match fields.get("peer_zone") {
        Some(field) => Some(source.value(field, |text| peer_zone(text, zones))?.value),
        None => None,
    };
    let owner = owner.and_then(|field| source.value(field, value::word));
    let reason = reason.and_then(|field| source.value(field, value::word));
    let expires: Spanned<Timestamp> = expires.and_then(|field| source.value(field, value::date))?;
    let device = device?;
    let exception = Exception {
        device: device.value,
        kind: kind?.value,
        peer_zone,
        owner: owner?.value,
        reason: reason?.value,
        expires: expires.value,
        place: Place { file: source.name.clone(), line: item.at.line },
    };
    Some(ExceptionDraft { exception, at: item.at, device_at: device.at, expires_at: expires.at })
}

fn required<'n>(source: &mut Source, item: Field<'_>, fields: &Fields<'n>, key: &str, hint: &str) -> Option<Field<'n>> {
    let field = fields.get(key);
    if field.is_none() && !fields.has_nearly(key, &EXCEPTION) {
        source.error(item.at, format!("this exception has no `{key}`")).help(hint);
    }
    field
}

/// A device of the inventory, by whatever it is called; else one that is known by its MAC or address alone.
fn whom(text: &str, inventory: &[DeviceDraft]) -> Result<Whom, Wrong> {
    let listed = |is: &dyn Fn(&DeviceDraft) -> bool| {
        inventory.iter().zip(0u32..).find(|(draft, _)| is(draft)).map(|(_, at)| Whom::Listed(at))
    };
    if let Some(whom) = listed(&|draft| draft.device.name == text && !text.is_empty()) {
        return Ok(whom);
    }
    if let Ok(mac) = value::mac(text) {
        return Ok(listed(&|draft| draft.device.mac == Some(mac)).unwrap_or(Whom::Mac(mac)));
    }
    if let Ok(ip) = value::host(text) {
        return Ok(listed(&|draft| draft.device.ip == Some(ip)).unwrap_or(Whom::Ip(ip)));
    }
    let names = || inventory.iter().map(|draft| draft.device.name.as_str()).filter(|name| !name.is_empty());
    let hint = match nearest(text, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if (1..=MAX_NAMED).contains(&names().count()) => format!("the devices are {}", listed_names(names())),
        None => "write a name of the inventory, a MAC or an address".to_owned(),
    };
    Err(Wrong { message: format!("there is no device {}", quoted(text)), hint: Some(hint) })
}

fn listed_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    one_of(names).replace(" or ", " and ")
}

fn kind_of_finding(text: &str) -> Result<String, Wrong> {
    if KINDS.contains(&text) {
        return Ok(text.to_owned());
    }
    let hint = match nearest(text, KINDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the kinds are {}", listed_names(KINDS.into_iter())),
    };
    Err(Wrong { message: format!("{} is no kind of finding", quoted(text)), hint: Some(hint) })
}

/// A zone of the policy, or one of the words that findings use for the rest.
fn peer_zone(text: &str, zones: &ZoneNames) -> Result<String, Wrong> {
    if RESERVED_ZONES.contains(&text) {
        return Ok(text.to_owned());
    }
    let found = zones.find(text).map(|_| text.to_owned());
    found.map_err(|wrong| match nearest(text, RESERVED_ZONES) {
        Some(near) if !wrong.hint.as_ref().is_some_and(|hint| hint.starts_with("did")) => {
            Wrong { hint: Some(format!("did you mean `{near}`?")), ..wrong }
        }
        _ => wrong,
    })
}

/// Exceptions that mute nothing, or the same twice.
pub(super) fn lint(source: &mut Source, drafts: &[ExceptionDraft], has_inventory: bool, today: Timestamp) {
    for (at, draft) in drafts.iter().enumerate() {
        let ExceptionDraft { exception, at: place, device_at, expires_at } = draft;
        if exception.expires <= today {
            source
                .lint(*expires_at, "this exception has expired")
                .help("it mutes nothing any more: renew it, or remove it");
        }
        let earlier = drafts.iter().take(at).find(|other| other.exception.overlaps(exception));
        if let Some(earlier) = earlier {
            source
                .lint(*place, format!("this exception overlaps the one in line {}", earlier.at.line))
                .help("the one that holds longer decides: keep one");
        }
        // Who is not listed, and what nobody should serve, is about hosts that no inventory has.
        let is_about_strangers = matches!(exception.kind.as_str(), "unknown-device" | "rogue-service");
        if has_inventory && !matches!(exception.device, Whom::Listed(_)) && !is_about_strangers {
            source
                .lint(*device_at, "the inventory lists no such device")
                .help("list it: an exception is for a device that is known");
        }
    }
}
