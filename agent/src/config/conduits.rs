//! Conduits: allowed paths.

use std::collections::HashMap;

use ipnet::IpNet;

use super::fields::{Field, item_of};
use super::problem::quoted;
use super::settings::between;
use super::source::{Source, Span, Spanned};
use super::value::{self, Wrong, nearest, one_of};
use super::words::{BUILTIN_RULES, CONDUIT, PERMITTED, SIDE};
use super::zones::{ZoneNames, references, values};
use crate::base::Timestamp;
use crate::policy::{Conduit, MAX_CANARIES, Place, Policy, Service, Side, ZoneId};

/// Conduits of one policy.
const MAX_CONDUITS: usize = 1000;
/// Hosts of one side: more is a prefix or a zone.
const MAX_HOSTS: usize = 1024;
const SECOND: i64 = 1_000_000_000;

/// A conduit as it is written, with the places of its parts.
#[derive(Debug)]
pub(super) struct ConduitDraft {
    pub(super) name: String,
    pub(super) at: Span,
    pub(super) from: SideDraft,
    pub(super) to: SideDraft,
    pub(super) services: Vec<Spanned<Service>>,
    pub(super) permits: Vec<Spanned<String>>,
    pub(super) owner: Option<Spanned<String>>,
    pub(super) reason: Option<Spanned<String>>,
    pub(super) expires: Option<Spanned<Timestamp>>,
    pub(super) canary: Option<Spanned<i64>>,
}

/// One side as it is written.
#[derive(Debug, Default)]
pub(super) struct SideDraft {
    pub(super) at: Span,
    pub(super) zones: Vec<Spanned<ZoneId>>,
    pub(super) hosts: Vec<Spanned<IpNet>>,
}

impl ConduitDraft {
    pub(super) fn to_conduit(&self, file: &str) -> Conduit {
        let side = |side: &SideDraft| Side { zones: values(&side.zones), hosts: values(&side.hosts) };
        Conduit {
            name: self.name.clone(),
            from: side(&self.from),
            to: side(&self.to),
            services: values(&self.services),
            permits: values(&self.permits),
            owner: self.owner.as_ref().map(|owner| owner.value.clone()),
            reason: self.reason.as_ref().map(|reason| reason.value.clone()),
            expires: self.expires.as_ref().map(|end| end.value),
            canary: self.canary.as_ref().map(|canary| canary.value),
            place: Place { file: file.to_owned(), line: self.at.line },
        }
    }
}

/// Reads `conduits`. `[]` is a way to say that nothing is allowed; nothing at all is not.
pub(super) fn read(source: &mut Source, field: Field<'_>, zones: &ZoneNames) -> Vec<ConduitDraft> {
    let mut drafts: Vec<ConduitDraft> = Vec::new();
    let mut lines: HashMap<String, u32> = HashMap::new();
    for node in source.list_or_none(field).unwrap_or_default() {
        if drafts.len() == MAX_CONDUITS {
            source.error(node.at, format!("more than {MAX_CONDUITS} conduits"));
            break;
        }
        let Some(draft) = read_conduit(source, Field { key: "conduit", ..item_of(field, node) }, zones) else {
            continue;
        };
        if let Some(first) = lines.insert(draft.name.clone(), draft.at.line) {
            source
                .error(draft.at, format!("a conduit {} is in line {first} already", quoted(&draft.name)))
                .help("findings and metrics name a conduit: choose another name");
        }
        drafts.push(draft);
    }
    drafts
}

/// `None` if it is refused.
fn read_conduit(source: &mut Source, item: Field<'_>, zones: &ZoneNames) -> Option<ConduitDraft> {
    let fields = source.fields(item, &CONDUIT)?;
    let mut required = |key: &str, hint: &str| {
        let field = fields.get(key);
        if field.is_none() && !fields.has_nearly(key, &CONDUIT) {
            source.error(item.at, format!("this conduit has no `{key}`")).help(hint);
        }
        field
    };
    let name = required("name", "findings and metrics name a conduit");
    let from = required("from", "say who may open: `from: { zone: recording }`");
    let to = required("to", "say to whom: `to: { zone: cctv }`");
    let services = required("services", "say which: `services: [tcp/554]`; `any` allows everything");
    let name = name.and_then(|field| source.value(field, conduit_name));
    let from = from.and_then(|field| read_side(source, field, zones));
    let to = to.and_then(|field| read_side(source, field, zones));
    let services = services.map(|field| source.items(field, value::service)).unwrap_or_default();
    let owner = fields.get("owner").and_then(|field| source.value(field, value::word));
    let reason = fields.get("reason").and_then(|field| source.value(field, value::word));
    let expires = fields.get("expires").and_then(|field| source.value(field, value::date));
    let permits = fields.get("permits").map(|field| source.items(field, permitted)).unwrap_or_default();
    let canary = fields.get("canary").and_then(|field| source.value(field, canary));
    let name = name?.value;
    let (from, to, at) = (from?, to?, item.at);
    let draft = ConduitDraft { name, at, from, to, services, permits, owner, reason, expires, canary };
    (!draft.services.is_empty()).then_some(draft)
}

/// Longer than a mirror can be blind unnoticed, it would be no canary; more often than flows are looked at, no flow is.
fn canary(text: &str) -> Result<i64, Wrong> {
    between(text, 10 * SECOND, 1800 * SECOND, "10s and 30m")
}

/// Canaries that no camera zone could show.
pub(super) fn check_canaries(source: &mut Source, drafts: &[ConduitDraft], policy: &Policy) {
    let mut all = 0;
    for (draft, conduit) in drafts.iter().zip(&policy.conduits) {
        let Some(canary) = &draft.canary else { continue };
        let zones = policy.camera_zones(conduit).len();
        if zones == 0 {
            source
                .error(canary.at, format!("conduit {} concerns no camera zone", quoted(&draft.name)))
                .help("a canary shows that the mirror sees a camera zone: name one in `from` or `to`");
        }
        if all <= MAX_CANARIES && all + zones > MAX_CANARIES {
            source
                .error(canary.at, format!("more than {MAX_CANARIES} canaries"))
                .help("each camera zone of a conduit counts: one for a zone is enough");
        }
        all += zones;
    }
}

fn read_side(source: &mut Source, field: Field<'_>, zones: &ZoneNames) -> Option<SideDraft> {
    use super::tree::Kind;
    if let Kind::Scalar { text, .. } = &field.node.kind {
        let key = if zones.find(text).is_ok() { "zone" } else { "hosts" };
        let value = if key == "zone" { text.clone() } else { format!("[{text}]") };
        source
            .error(field.node.at, format!("`{}` must say whether a zone or hosts are meant", field.key))
            .help(format!("did you mean {}?", quoted(&format!("{}: {{ {key}: {value} }}", field.key))));
        return None;
    }
    let fields = source.fields(field, &SIDE)?;
    let mut side = SideDraft { at: field.at, ..SideDraft::default() };
    if let Some(zone) = fields.get("zone") {
        side.zones = references(source, zone, zones);
        if side.zones.is_empty() {
            return None;
        }
    }
    if let Some(hosts) = fields.get("hosts") {
        side.hosts = source.items(hosts, value::host_or_prefix);
        if side.hosts.len() > MAX_HOSTS {
            source.error(hosts.at, format!("more than {MAX_HOSTS} hosts")).help("name a prefix or a zone instead");
        }
        if side.hosts.is_empty() {
            return None;
        }
    }
    // Unknown keys alone were reported as such, and a side that names nothing is never "everyone".
    (!side.zones.is_empty() || !side.hosts.is_empty()).then_some(side)
}

fn conduit_name(text: &str) -> Result<String, Wrong> {
    let name = value::word(text)?;
    if BUILTIN_RULES.contains(&&*name) {
        return Err(Wrong {
            message: format!("{} is the name of a built-in rule", quoted(text)),
            hint: Some("choose another name".to_owned()),
        });
    }
    Ok(name)
}

fn permitted(text: &str) -> Result<String, Wrong> {
    if PERMITTED.contains(&text) {
        return Ok(text.to_owned());
    }
    let hint = match nearest(text, PERMITTED) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("a conduit may permit {}", one_of(PERMITTED)),
    };
    Err(Wrong { message: format!("a conduit cannot permit {}", quoted(text)), hint: Some(hint) })
}
