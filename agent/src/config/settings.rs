//! What is neither zone nor conduit nor device: vendors, limits, times, places.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipnet::IpNet;

use super::fields::{Field, Fields};
use super::problem::quoted;
use super::source::{Source, Spanned};
use super::value::{self, Wrong, nearest, one_of};
use super::words::{COVERAGE, KINDS, SEVERITIES, WATCH};
use super::zones::values;
use crate::policy::{Coverage, Severity};

/// Hops to the firewall. With more, a device behind the firewall could pass for it.
const MAX_EDGE_HOPS: u64 = 16;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
/// More would make the table a list of everything.
const MAX_ENTRIES: usize = 256;

/// Settings as they are written; what is absent has its default.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) site: Option<Spanned<String>>,
    pub(super) sensor: Option<Spanned<String>>,
    pub(super) vendors: Option<Vec<Spanned<String>>>,
    pub(super) internal: Option<Vec<Spanned<IpNet>>>,
    pub(super) domains: Vec<Spanned<String>>,
    pub(super) edge_hops: Option<Spanned<u8>>,
    pub(super) hold: Option<Spanned<i64>>,
    pub(super) silence: Option<Spanned<i64>>,
    pub(super) loss: Option<Spanned<f64>>,
    pub(super) severity: BTreeMap<String, Spanned<Severity>>,
    pub(super) listen: Option<Spanned<String>>,
    pub(super) state_dir: Option<Spanned<PathBuf>>,
}

impl Settings {
    pub(super) fn coverage(&self) -> Coverage {
        let default = Coverage::default();
        Coverage {
            silence: self.silence.as_ref().map_or(default.silence, |silence| silence.value),
            loss: self.loss.as_ref().map_or(default.loss, |loss| loss.value),
        }
    }

    pub(super) fn internal(&self) -> Vec<IpNet> {
        self.internal.as_deref().map_or_else(crate::policy::default_internal, values)
    }
}

pub(super) fn read(source: &mut Source, top: &Fields<'_>) -> Settings {
    let mut settings = Settings::default();
    for field in top.all() {
        match field.key {
            "site" => settings.site = source.value(field, value::word),
            "sensor" => settings.sensor = source.value(field, value::word),
            "watch" => settings.vendors = read_vendors(source, field),
            "internal" => settings.internal = Some(bounded(source, field, value::prefix)),
            "domains" => settings.domains = bounded(source, field, domain),
            "edge_hops" => settings.edge_hops = source.value(field, edge_hops),
            "hold" => settings.hold = source.value(field, |text| between(text, SECOND, 366 * DAY, "1s and 366d")),
            "coverage" => read_coverage(source, field, &mut settings),
            "severity" => settings.severity = read_severity(source, field),
            "listen" => settings.listen = source.value(field, listen),
            "state_dir" => settings.state_dir = source.value(field, state_dir),
            _ => {}
        }
    }
    settings
}

fn bounded<T>(source: &mut Source, field: Field<'_>, parse: impl Fn(&str) -> Result<T, Wrong>) -> Vec<Spanned<T>> {
    let items = source.items(field, parse);
    if items.len() > MAX_ENTRIES {
        source.error(field.at, format!("`{}` has more than {MAX_ENTRIES} entries", field.key));
    }
    items
}

fn read_vendors(source: &mut Source, field: Field<'_>) -> Option<Vec<Spanned<String>>> {
    let fields = source.fields(field, &WATCH)?;
    let vendors = bounded(source, fields.get("vendors")?, value::word);
    for (index, vendor) in vendors.iter().enumerate() {
        if vendors.iter().take(index).any(|other| other.value == vendor.value) {
            source.error(vendor.at, format!("vendor {} is there twice", quoted(&vendor.value)));
        }
    }
    Some(vendors)
}

fn read_coverage(source: &mut Source, field: Field<'_>, settings: &mut Settings) {
    let Some(fields) = source.fields(field, &COVERAGE) else { return };
    if let Some(silence) = fields.get("silence") {
        settings.silence = source.value(silence, |text| between(text, 60 * SECOND, 7 * DAY, "1m and 7d"));
    }
    if let Some(loss) = fields.get("loss") {
        settings.loss = source.value(loss, value::share);
    }
}

fn read_severity(source: &mut Source, field: Field<'_>) -> BTreeMap<String, Spanned<Severity>> {
    let fields: Vec<Field<'_>> = source.fields(field, &KINDS).map(|fields| fields.all().collect()).unwrap_or_default();
    let known = fields.into_iter().filter(|field| KINDS.contains(&field.key));
    known.filter_map(|field| Some((field.key.to_owned(), source.value(field, severity)?))).collect()
}

fn severity(text: &str) -> Result<Severity, Wrong> {
    match text {
        "info" => Ok(Severity::Info),
        "warning" => Ok(Severity::Warning),
        "critical" => Ok(Severity::Critical),
        _ => Err(Wrong {
            message: format!("{} is no severity", quoted(text)),
            hint: Some(match nearest(text, SEVERITIES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write {}", one_of(SEVERITIES)),
            }),
        }),
    }
}

fn edge_hops(text: &str) -> Result<u8, Wrong> {
    let hops = value::count(text)?;
    u8::try_from(hops).ok().filter(|&hops| u64::from(hops) <= MAX_EDGE_HOPS).ok_or_else(|| Wrong {
        message: format!("{hops} hops are too many"),
        hint: Some(format!("0 to {MAX_EDGE_HOPS}: beyond, an answer from outside would pass for the firewall's")),
    })
}

pub(super) fn between(text: &str, min: i64, max: i64, range: &str) -> Result<i64, Wrong> {
    let time = value::duration(text)?;
    if (min..=max).contains(&time) {
        return Ok(time);
    }
    Err(Wrong {
        message: format!("{} is out of range", quoted(text)),
        hint: Some(format!("write a time between {range}")),
    })
}

/// A DNS domain, in lower case and without the dots at its ends.
fn domain(text: &str) -> Result<String, Wrong> {
    let wrong = |hint: Option<String>| Err(Wrong { message: format!("{} is no DNS domain", quoted(text)), hint });
    if let Some(rest) = text.strip_prefix("*.") {
        return wrong(Some(format!("names below a domain are meant always: write {}", quoted(rest))));
    }
    let name = text.trim_matches('.').to_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            && !label.starts_with('-')
    };
    if name.is_empty() || name.len() > 253 || !name.split('.').all(label) {
        return wrong(None);
    }
    Ok(name)
}

/// Host and port.
fn listen(text: &str) -> Result<String, Wrong> {
    let wrong = |hint: &str| {
        Err(Wrong { message: format!("{} is no address to listen on", quoted(text)), hint: Some(hint.to_owned()) })
    };
    let Some((host, port)) = text.rsplit_once(':') else {
        return wrong("write an address and a port, as in `127.0.0.1:10420`");
    };
    if !value::count(port).is_ok_and(|port| (1..=65535).contains(&port)) {
        return wrong("the port is 1 to 65535");
    }
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(ip) if ip.parse::<std::net::Ipv6Addr>().is_ok() => Ok(text.to_owned()),
        None if host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok() => Ok(text.to_owned()),
        None if host.contains(':') => wrong("put an IPv6 address in brackets, as in `\"[::1]:10420\"`"),
        _ => wrong("write an address, as in `127.0.0.1:10420`; `0.0.0.0` listens on all"),
    }
}

fn state_dir(text: &str) -> Result<PathBuf, Wrong> {
    let path = PathBuf::from(value::word(text)?);
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Wrong { message: format!("{} is no absolute path", quoted(text)), hint: Some("begin it with `/`".to_owned()) })
}
