//! Zones: read, then held against each other.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use super::fields::{Field, Fields, item_of};
use super::problem::quoted;
use super::source::{Source, Span, Spanned};
use super::value::{self, Wrong};
use super::words::{RESERVED_ZONES, TOP, ZONE};
use crate::policy::{Place, Zone, ZoneId};

/// Zones of one policy.
const MAX_ZONES: usize = 512;
/// Prefixes, gateways or servers of one zone.
const MAX_ADDRESSES: usize = 1024;
/// Characters of a zone's name, which is a label in metrics.
const MAX_NAME: usize = 64;

/// A zone as it is written, with the places of its parts.
#[derive(Debug, Default)]
pub(super) struct ZoneDraft {
    pub(super) name: String,
    pub(super) at: Span,
    pub(super) cameras: bool,
    pub(super) transit: bool,
    pub(super) onboarding: bool,
    /// First and last id of each range.
    pub(super) vlans: Vec<Spanned<(u16, u16)>>,
    pub(super) prefixes: Vec<Spanned<IpNet>>,
    pub(super) gateways: Vec<Spanned<IpAddr>>,
    pub(super) dhcp: Vec<Spanned<IpAddr>>,
    /// Something in it was refused, so that what seems to be missing may not be.
    broken: bool,
}

impl ZoneDraft {
    pub(super) fn holds(&self, ip: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.value.contains(&ip))
    }

    pub(super) fn to_zone(&self, file: &str) -> Zone {
        let mut vlans: Vec<u16> = self.vlans.iter().flat_map(|range| range.value.0..=range.value.1).collect();
        vlans.sort_unstable();
        vlans.dedup();
        Zone {
            name: self.name.clone(),
            cameras: self.cameras,
            transit: self.transit,
            onboarding: self.onboarding,
            vlans,
            prefixes: values(&self.prefixes),
            gateways: values(&self.gateways),
            dhcp: values(&self.dhcp),
            place: Place { file: file.to_owned(), line: self.at.line },
        }
    }
}

/// Names of zones, for what refers to them.
#[derive(Debug, Default)]
pub(super) struct ZoneNames {
    ids: HashMap<String, ZoneId>,
    /// The zones themselves could not be read: do not report what refers to them.
    unknown: bool,
}

impl ZoneNames {
    pub(super) fn new(zones: Option<&[ZoneDraft]>) -> Self {
        let ids = zones.unwrap_or_default().iter().zip(0..=u16::MAX).map(|(zone, id)| (zone.name.clone(), ZoneId(id)));
        ZoneNames { ids: ids.collect(), unknown: zones.is_none() }
    }

    /// The zone of this name; `None` inside `Ok` when zones could not be read at all.
    pub(super) fn find(&self, name: &str) -> Result<Option<ZoneId>, Wrong> {
        if let Some(&id) = self.ids.get(name) {
            return Ok(Some(id));
        }
        if self.unknown {
            return Ok(None);
        }
        let message = format!("there is no zone {}", quoted(name));
        let mut names: Vec<&str> = self.ids.keys().map(String::as_str).collect();
        names.sort_unstable();
        let hint = match value::nearest(name, names.iter().copied()) {
            _ if RESERVED_ZONES.contains(&name) => Some("name the addresses that are meant under `hosts`".to_owned()),
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if names.is_empty() || names.len() > 12 => None,
            None => Some(format!("the zones are {}", value::one_of(names).replace(" or ", " and "))),
        };
        Err(Wrong { message, hint })
    }
}

/// Reads `zones`. `None` if there is nothing to refer to.
pub(super) fn read(source: &mut Source, top: &Fields<'_>) -> Option<Vec<ZoneDraft>> {
    let Some(field) = top.get("zones") else {
        if top.has_nearly("zones", &TOP) {
            return None;
        }
        source.error(Span { line: 1, column: 1, width: 1 }, "there are no zones").help(
            "a policy has at least one: `zones: { cctv: { cameras: true, vlans: [110], prefixes: [10.110.0.0/24] } }`",
        );
        return None;
    };
    let all = source.map(field)?;
    let mut drafts: Vec<ZoneDraft> = Vec::new();
    for zone in all.all() {
        if drafts.len() == MAX_ZONES {
            source.error(zone.at, format!("more than {MAX_ZONES} zones"));
            break;
        }
        drafts.push(read_zone(source, zone));
    }
    if !drafts.iter().any(|zone| zone.cameras || zone.broken) {
        source
            .error(field.at, "no zone is a camera zone")
            .help("mark the zones where cameras live with `cameras: true`");
    }
    check_names(source, &drafts);
    check_vlans(source, &drafts);
    check_prefixes(source, &drafts);
    Some(drafts)
}

fn read_zone(source: &mut Source, zone: Field<'_>) -> ZoneDraft {
    let mut draft = ZoneDraft { name: zone.key.to_owned(), at: zone.at, ..ZoneDraft::default() };
    let problems_before = source.problems.len();
    let Some(fields) = source.fields(zone, &ZONE) else {
        draft.broken = true;
        return draft;
    };
    for field in fields.all() {
        match field.key {
            "cameras" => draft.cameras = source.flag(field).unwrap_or(false),
            "transit" => draft.transit = source.flag(field).unwrap_or(false),
            "onboarding" => draft.onboarding = source.flag(field).unwrap_or(false),
            "vlans" => draft.vlans = source.items(field, value::vlans),
            "prefixes" => draft.prefixes = bounded(source, field, zone_prefix),
            "gateways" => draft.gateways = bounded(source, field, value::host),
            "dhcp" => draft.dhcp = bounded(source, field, value::host),
            _ => {}
        }
    }
    let roles: Vec<&str> = [("cameras", draft.cameras), ("transit", draft.transit), ("onboarding", draft.onboarding)]
        .iter()
        .filter(|role| role.1)
        .map(|role| role.0)
        .collect();
    if let [first, second, ..] = roles.as_slice() {
        source.error(zone.at, format!("zone {} is both `{first}` and `{second}`", quoted(zone.key))).help(
            "a copy in a transit or onboarding zone proves nothing, so cameras cannot live there: make it two zones",
        );
    }
    draft.broken = source.problems.len() > problems_before || zone.node.is_broken();
    if !draft.broken && draft.vlans.is_empty() && draft.prefixes.is_empty() {
        source
            .error(zone.at, format!("zone {} has neither VLANs nor prefixes", quoted(zone.key)))
            .help("add `vlans`, `prefixes` or both");
    }
    draft
}

fn bounded<T>(source: &mut Source, field: Field<'_>, parse: impl Fn(&str) -> Result<T, Wrong>) -> Vec<Spanned<T>> {
    let items = source.items(field, parse);
    if items.len() > MAX_ADDRESSES {
        source.error(field.at, format!("`{}` has more than {MAX_ADDRESSES} entries", field.key));
    }
    items
}

/// A prefix that can be one segment: a wide one would make the internet a zone, and its traffic home.
fn zone_prefix(text: &str) -> Result<IpNet, Wrong> {
    let net = value::prefix(text)?;
    let (ip, too_wide) = match net {
        IpNet::V4(net) => (IpAddr::V4(net.network()), net.prefix_len() < 8),
        IpNet::V6(net) => (IpAddr::V6(net.network()), net.prefix_len() < 16 && !net.network().is_unique_local()),
    };
    let wrong = |message: String, hint: &str| Err(Wrong { message, hint: Some(hint.to_owned()) });
    if too_wide {
        return wrong(
            format!("{} is no segment: it covers a large part of the internet", quoted(text)),
            "name the segment's own prefix",
        );
    }
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    if ip.is_multicast() || ip.is_loopback() || link_local {
        return wrong(format!("{} never leaves its link, so it cannot be a zone's", quoted(text)), "remove it");
    }
    Ok(net)
}

fn check_names(source: &mut Source, zones: &[ZoneDraft]) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for zone in zones {
        let name = &zone.name;
        let lower = name.to_lowercase();
        if RESERVED_ZONES.contains(&&*lower) {
            source
                .error(zone.at, format!("{} is a reserved name", quoted(name)))
                .help("findings use `internet`, `internal` and `none` for what is in no zone: choose another name");
        }
        let usable = name.chars().next().is_some_and(char::is_alphanumeric)
            && name.chars().count() <= MAX_NAME
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !usable {
            source.error(zone.at, format!("{} cannot be a zone's name", quoted(name))).help(format!(
                "use letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most {MAX_NAME}"
            ));
        }
        if let Some(other) = seen.insert(lower, name) {
            source.error(zone.at, format!("zones {} and {} differ in case only", quoted(other), quoted(name)));
        }
    }
}

fn check_vlans(source: &mut Source, zones: &[ZoneDraft]) {
    let mut owners: BTreeMap<u16, &str> = BTreeMap::new();
    for zone in zones {
        for range in &zone.vlans {
            let (first, last) = range.value;
            let taken: Vec<(u16, &str)> = owners.range(first..=last).map(|(&vlan, &owner)| (vlan, owner)).collect();
            if let Some(&(vlan, owner)) = taken.first() {
                let message = if owner == zone.name {
                    format!("VLAN {vlan} is listed twice in zone {}", quoted(owner))
                } else {
                    format!("VLAN {vlan} is in zone {} and in zone {}", quoted(owner), quoted(&zone.name))
                };
                source.error(range.at, message).help("a VLAN belongs to one zone");
            }
            for vlan in first..=last {
                owners.entry(vlan).or_insert(&zone.name);
            }
        }
    }
}

fn check_prefixes(source: &mut Source, zones: &[ZoneDraft]) {
    let mut owners: HashMap<IpNet, &str> = HashMap::new();
    for zone in zones {
        for prefix in &zone.prefixes {
            let Some(owner) = owners.insert(prefix.value, &zone.name) else { continue };
            let message = if owner == zone.name {
                format!("{} is listed twice in zone {}", prefix.value, quoted(owner))
            } else {
                format!("{} is in zone {} and in zone {}", prefix.value, quoted(owner), quoted(&zone.name))
            };
            source
                .error(prefix.at, message)
                .help("a prefix belongs to one zone; a longer one inside it may belong to another");
        }
    }
}

/// Gateways and DHCP servers lie where a camera can reach them.
pub(super) fn check_servers(source: &mut Source, zones: &[ZoneDraft], internal: &[IpNet]) {
    let inside = |ip: IpAddr| internal.iter().any(|net| net.contains(&ip)) || zones.iter().any(|zone| zone.holds(ip));
    for zone in zones {
        for gateway in &zone.gateways {
            let ip = gateway.value;
            let link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
            if link_local || zone.holds(ip) {
                continue;
            }
            if !inside(ip) {
                source
                    .error(gateway.at, format!("gateway {ip} lies outside every zone and outside `internal`"))
                    .help("a gateway has an address on the zone's own link");
            } else if !zone.prefixes.is_empty() {
                source
                    .lint(gateway.at, format!("gateway {ip} lies outside the prefixes of zone {}", quoted(&zone.name)))
                    .help("a gateway has an address on the zone's own link");
            }
        }
        for server in zone.dhcp.iter().filter(|server| !inside(server.value)) {
            source
                .error(
                    server.at,
                    format!("DHCP server {} lies outside every zone and outside `internal`", server.value),
                )
                .help("a zone's DHCP server is inside");
        }
    }
}

/// A list or one name, each resolved.
pub(super) fn references(source: &mut Source, field: Field<'_>, names: &ZoneNames) -> Vec<Spanned<ZoneId>> {
    use super::tree::Kind;
    let found = match field.node.kind {
        Kind::List(_) => source.items(field, |name| names.find(name)),
        _ => source.value(item_of(field, field.node), |name| names.find(name)).into_iter().collect(),
    };
    found.into_iter().filter_map(|id| Some(Spanned { value: id.value?, at: id.at })).collect()
}

pub(super) fn values<T: Clone>(items: &[Spanned<T>]) -> Vec<T> {
    items.iter().map(|item| item.value.clone()).collect()
}
