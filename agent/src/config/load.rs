//! From bytes to a policy.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::devices::DeviceDraft;
use super::fields::{Field, Fields};
use super::problem::{Level, Problem, quoted};
use super::settings::Settings;
use super::source::Source;
use super::tree::Kind;
use super::zones::ZoneNames;
use super::{Config, DEFAULT_LISTEN, DEFAULT_STATE_DIR, Loaded, MAX_BYTES, MAX_SERIES, SERIES_PER_INTERFACE};
use super::{
    alertmanager, capture, conduits, devices, dispositions, evidence, exceptions, lint, series_count, settings, sinks,
    tree, value, words, zones,
};
use crate::base::Timestamp;
use crate::policy::{Policy, Untagged, sha256_hex};

/// Reads a configuration file, and its `devices_file` beside it.
///
/// # Errors
/// Everything that is wrong with it, in the order of the places.
pub fn load(path: &Path) -> Result<Loaded, Vec<Problem>> {
    let name = path.display().to_string();
    let bytes =
        read_bounded(path).map_err(|error| vec![Problem::whole_file(&name, format!("cannot be read: {error}"))])?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let today = Timestamp(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX));
    load_bytes(&name, &bytes, today, &mut |file| read_bounded(&directory.join(file)))
}

/// Reads a configuration from its text. `today` decides what is expired; `devices` reads a `devices_file` by its name.
///
/// # Errors
/// Everything that is wrong with it, in the order of the places.
pub fn load_str(
    name: &str,
    text: &str,
    today: Timestamp,
    devices: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
) -> Result<Loaded, Vec<Problem>> {
    load_bytes(name, text.as_bytes(), today, devices)
}

fn load_bytes(
    name: &str,
    bytes: &[u8],
    today: Timestamp,
    devices: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
) -> Result<Loaded, Vec<Problem>> {
    let text = decode(name, bytes).map_err(|problem| vec![problem])?;
    let mut source = Source::new(name, text);
    let mut beside = Vec::new();
    let loaded = read(&mut source, &mut beside, bytes, text, today, devices);
    let mut problems = source.into_problems();
    problems.append(&mut beside);
    if has_errors(&problems) {
        problems.retain(|problem| problem.level == Level::Error);
        return Err(problems);
    }
    match loaded {
        Some(mut loaded) => {
            loaded.lints = problems;
            Ok(loaded)
        }
        // What yields no policy has said why; nothing unexplained may load.
        None => Err(vec![Problem::whole_file(name, "holds no policy")]),
    }
}

pub(super) fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.level == Level::Error)
}

/// At most one byte more than is allowed, so that a device file or a pipe cannot fill the memory.
pub(super) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn decode<'t>(name: &str, bytes: &'t [u8]) -> Result<&'t str, Problem> {
    if bytes.len() > MAX_BYTES {
        return Err(Problem::whole_file(name, format!("is larger than {} MiB", MAX_BYTES >> 20)));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let mut problem = Problem::whole_file(name, format!("line {line} is not UTF-8"));
        problem.help("save the file as UTF-8");
        problem
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// `None` only after an error was reported.
fn read(
    source: &mut Source,
    beside: &mut Vec<Problem>,
    bytes: &[u8],
    text: &str,
    today: Timestamp,
    devices: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
) -> Option<Loaded> {
    let root = tree::read(source, text);
    let root = root.filter(|root| root.kind != Kind::Null);
    let Some(root) = root else {
        if source.problems.is_empty() {
            source
                .problems
                .push(Problem::whole_file(&source.name, "is empty: a policy names at least one camera zone"));
        }
        return None;
    };
    if !matches!(root.kind, Kind::Map(_) | Kind::Broken) {
        source.error(root.at, "this is no policy").help("a policy begins with keys, such as `zones:`");
        return None;
    }
    let top = source.fields(Field { key: "the policy", at: root.at, node: &root }, &words::TOP)?;
    let settings = settings::read(source, &top);
    let drafts = zones::read(source, &top);
    let names = ZoneNames::new(drafts.as_deref());
    let zones = drafts.unwrap_or_default();
    let internal = settings.internal();
    zones::check_servers(source, &zones, &internal);
    let captures = top.get("capture").map(|field| capture::read(source, field)).unwrap_or_default();
    let alertmanager = top.get("alertmanager").and_then(|field| alertmanager::read(source, field));
    let dispositions = top.get("dispositions").and_then(|field| dispositions::read(source, field));
    let evidence = top.get("evidence").and_then(|field| evidence::read(source, field)).unwrap_or_default();
    let sinks = top.get("sinks").and_then(|field| sinks::read(source, field)).unwrap_or_default();
    let conduits = top.get("conduits").map(|field| conduits::read(source, field, &names)).unwrap_or_default();

    let list = devices_file(source, beside, &top, devices);
    let list_text = list.as_ref().map(|list| list.text.as_str());
    let mut list_source = list.as_ref().map(|list| Source::new(&list.name, &list.text));
    let inventory = match (&mut list_source, list_text, top.get("devices")) {
        (Some(csv), Some(text), _) => devices::read_csv(csv, text, &names),
        (_, _, Some(field)) => devices::read(source, field, &names),
        _ => Vec::new(),
    };
    let exceptions =
        top.get("exceptions").map(|field| exceptions::read(source, field, &names, &inventory)).unwrap_or_default();
    check_homes(list_source.as_mut().unwrap_or(source), &inventory, &zones, &settings);

    let mut policy = Policy::build(zones.iter().map(|zone| zone.to_zone(&source.name)).collect(), internal);
    capture::check(source, &captures, |vlan| {
        policy.zone_of_vlan(vlan).and_then(|id| policy.zone(id)).map(|zone| zone.name.clone())
    });
    policy.conduits = conduits.iter().map(|conduit| conduit.to_conduit(&source.name)).collect();
    conduits::check_canaries(source, &conduits, &policy);
    policy.inventory = inventory.iter().map(|draft| draft.device.clone()).collect();
    policy.exceptions = exceptions.iter().map(|draft| draft.exception.clone()).collect();
    set(&mut policy, &settings, &captures);
    policy.file = Some(source.name.clone());
    policy.hash = sha256_hex(&[bytes, list.as_ref().map_or(&[], |list| &list.bytes)]);

    let series = series_count(&policy) + captures.len() * SERIES_PER_INTERFACE;
    if let (true, Some(field)) = (series > MAX_SERIES, top.get("zones")) {
        source
            .error(field.at, format!("this policy makes {series} metric series; {MAX_SERIES} are allowed"))
            .help("fewer camera zones, watched vendors or conduits: split the site between agents");
    }
    if !has_errors(&source.problems) {
        let facts = lint::Facts {
            policy: &policy,
            zones: &zones,
            conduits: &conduits,
            captures: &captures,
            settings: &settings,
            today,
        };
        lint::file(source, &facts);
        exceptions::lint(source, &exceptions, !inventory.is_empty(), today);
        lint::inventory(list_source.as_mut().unwrap_or(source), &facts, &inventory);
    }
    beside.extend(list_source.map(Source::into_problems).unwrap_or_default());

    let decided_at = dispositions.as_ref().and_then(|rules| rules.first()).map(|rule| rule.at.line);
    let config = Config {
        policy,
        captures: captures.iter().map(|capture| capture.to_config(&source.name)).collect(),
        listen: settings.listen.as_ref().map_or(DEFAULT_LISTEN.to_owned(), |listen| listen.value.clone()),
        state_dir: settings.state_dir.as_ref().map_or(PathBuf::from(DEFAULT_STATE_DIR), |dir| dir.value.clone()),
        alertmanager,
        dispositions: dispositions.as_deref().map_or_else(crate::coverage::default_rules, zones::values),
        evidence,
        sinks,
    };
    let mut origins = origins(&settings, &captures);
    origins.extend(decided_at.map(|line| ("dispositions".to_owned(), line)));
    Some(Loaded { config, lints: Vec::new(), series, origins })
}

fn set(policy: &mut Policy, settings: &Settings, captures: &[capture::CaptureDraft]) {
    let text =
        |text: &Option<super::source::Spanned<String>>| text.as_ref().map_or(String::new(), |text| text.value.clone());
    policy.site = text(&settings.site);
    policy.sensor = text(&settings.sensor);
    policy.watch_vendors = match &settings.vendors {
        Some(vendors) => zones::values(vendors),
        None => vec![DEFAULT_VENDOR.to_owned()],
    };
    policy.domains = zones::values(&settings.domains);
    policy.coverage = settings.coverage();
    policy.hold = settings.hold.as_ref().map_or(policy.hold, |hold| hold.value);
    policy.edge_hops = settings.edge_hops.as_ref().map_or(0, |hops| hops.value);
    policy.severity = settings.severity.iter().map(|(kind, severity)| (kind.clone(), severity.value)).collect();
    // Where interfaces differ, the policy claims what is true of all of them.
    policy.untagged =
        common(captures, |capture| capture.untagged.as_ref().map_or(Untagged::Reject, |u| u.value)).unwrap_or_default();
    policy.rspan_vlan = common(captures, |capture| capture.rspan_vlan.as_ref().map(|vlan| vlan.value)).flatten();
}

/// Watched without a word about it, as with no file at all.
const DEFAULT_VENDOR: &str = "hikvision";

/// What all of them have; `None` if they differ or there are none.
pub(super) fn common<T: PartialEq>(
    captures: &[capture::CaptureDraft],
    of: impl Fn(&capture::CaptureDraft) -> T,
) -> Option<T> {
    let mut values = captures.iter().map(of);
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// A `devices_file` as it was read.
struct DeviceList {
    name: String,
    bytes: Vec<u8>,
    text: String,
}

fn devices_file(
    source: &mut Source,
    beside: &mut Vec<Problem>,
    top: &Fields<'_>,
    devices: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
) -> Option<DeviceList> {
    let field = top.get("devices_file")?;
    if top.get("devices").is_some() {
        source.error(field.at, "`devices` and `devices_file` are both there").help("keep one of the two");
    }
    let file = source.value(field, value::word)?;
    let name = Path::new(&source.name).with_file_name("").join(&file.value).display().to_string();
    let bytes = match devices(&file.value) {
        Ok(bytes) => bytes,
        Err(error) => {
            source.error(file.at, format!("{} cannot be read: {error}", quoted(&name)));
            return None;
        }
    };
    match decode(&name, &bytes) {
        Ok(text) => {
            let text = text.to_owned();
            Some(DeviceList { name, bytes, text })
        }
        Err(problem) => {
            beside.push(problem);
            None
        }
    }
}

/// Homes that can be a home, and sensors that can be this one.
fn check_homes(source: &mut Source, inventory: &[DeviceDraft], zones: &[zones::ZoneDraft], settings: &Settings) {
    for draft in inventory {
        let home = draft.device.zone.and_then(|id| zones.get(usize::from(id.0)));
        if let Some(home) = home.filter(|home| home.transit || home.onboarding) {
            let role = if home.transit { "transit" } else { "onboarding" };
            source
                .error(draft.at, format!("the home of this device is the {role} zone {}", quoted(&home.name)))
                .help("a copy there proves nothing: name the zone where it belongs");
        }
    }
    // Without a name of its own this sensor would expect none of them, and miss none.
    let named = inventory.iter().find(|draft| !draft.device.sensor.is_empty());
    if let (Some(draft), None) = (named, &settings.sensor) {
        source
            .error(
                draft.sensor_at,
                "this device is expected at a sensor, but the policy does not say which sensor this is",
            )
            .help("add `sensor: NAME` to the policy");
    }
}

fn origins(settings: &Settings, captures: &[capture::CaptureDraft]) -> BTreeMap<String, u32> {
    let mut lines = BTreeMap::new();
    let mut note = |path: &str, line: Option<u32>| {
        if let Some(line) = line {
            lines.insert(path.to_owned(), line);
        }
    };
    note("site", settings.site.as_ref().map(|s| s.at.line));
    note("sensor", settings.sensor.as_ref().map(|s| s.at.line));
    note("watch.vendors", settings.vendors.as_ref().and_then(|v| v.first()).map(|v| v.at.line));
    note("internal", settings.internal.as_ref().and_then(|i| i.first()).map(|i| i.at.line));
    note("domains", settings.domains.first().map(|d| d.at.line));
    note("edge_hops", settings.edge_hops.as_ref().map(|e| e.at.line));
    note("hold", settings.hold.as_ref().map(|h| h.at.line));
    note("coverage.silence", settings.silence.as_ref().map(|s| s.at.line));
    note("coverage.loss", settings.loss.as_ref().map(|l| l.at.line));
    note("listen", settings.listen.as_ref().map(|l| l.at.line));
    note("state_dir", settings.state_dir.as_ref().map(|s| s.at.line));
    for (capture, at) in captures.iter().zip(0_usize..) {
        let mut of_capture = |key: &str, line| note(&format!("capture.{at}.{key}"), line);
        of_capture("untagged", capture.untagged.as_ref().map(|u| u.at.line));
        of_capture("buffer", capture.buffer.as_ref().map(|b| b.at.line));
        of_capture("snap_length", capture.snap_length.as_ref().map(|s| s.at.line));
        of_capture("promiscuous", capture.promiscuous.map(|(at, _)| at.line));
    }
    for (kind, severity) in &settings.severity {
        note(&format!("severity.{kind}"), Some(severity.at.line));
    }
    lines
}
