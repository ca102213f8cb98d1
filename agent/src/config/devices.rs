//! The inventory, from the file itself or from a CSV file beside it.

use std::collections::HashMap;
use std::hash::Hash;

use super::fields::{Field, item_of};
use super::problem::quoted;
use super::source::{Source, Span, Spanned};
use super::tree::Kind;
use super::value::{self, Wrong};
use super::words::DEVICE;
use super::zones::ZoneNames;
use crate::policy::{InventoryDevice, Place};

/// Devices of one inventory.
const MAX_DEVICES: usize = 20_000;

/// A device and where it is written.
#[derive(Debug)]
pub(super) struct DeviceDraft {
    pub(super) device: InventoryDevice,
    pub(super) at: Span,
    /// Place of its address.
    pub(super) ip_at: Span,
    pub(super) sensor_at: Span,
}

/// Texts of one device by column; an empty text is an absent one.
struct Row {
    at: Span,
    texts: HashMap<&'static str, Spanned<String>>,
}

/// Reads `devices`.
pub(super) fn read(source: &mut Source, field: Field<'_>, zones: &ZoneNames) -> Vec<DeviceDraft> {
    let mut inventory = Inventory::default();
    for node in source.list(field).unwrap_or_default() {
        let Some(fields) = source.fields(Field { key: "device", ..item_of(field, node) }, &DEVICE) else { continue };
        let mut row = Row { at: node.at, texts: HashMap::new() };
        for field in fields.all() {
            let Some(&column) = DEVICE.iter().find(|&&column| column == field.key) else { continue };
            // An empty text is fine here, as it is in CSV; nothing at all is not.
            let value = match &field.node.kind {
                Kind::Scalar { text, .. } if text.is_empty() => continue,
                _ => source.value(field, value::text),
            };
            if let Some(value) = value {
                row.texts.insert(column, value);
            }
        }
        if !inventory.add(source, &row, zones) {
            break;
        }
    }
    inventory.drafts
}

/// Reads the CSV of `devices_file`: a header line with any of the columns, then a line per device.
pub(super) fn read_csv(source: &mut Source, text: &str, zones: &ZoneNames) -> Vec<DeviceDraft> {
    let mut inventory = Inventory::default();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut columns: Option<Vec<Option<&'static str>>> = None;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                source.error(at_line(line), format!("this is not CSV: {error}"));
                break;
            }
        };
        let line = source.not_blank(record.position().map_or(1, csv::Position::line));
        let places = source.cells(line, delimiter(text) as char, record.len());
        let Some(columns) = &columns else {
            let header = header(source, &record, &places);
            if !header.contains(&Some("mac")) && !header.contains(&Some("ip")) {
                source
                    .error(at_line(line), "there is neither a column `mac` nor a column `ip`")
                    .help(format!("the columns are {}", DEVICE.join(",")));
                break;
            }
            columns = Some(header);
            continue;
        };
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if record.len() != columns.len() {
            source
                .error(at_line(line), format!("this line has {} columns, the header {}", record.len(), columns.len()))
                .help("put quotes round a text that contains a comma");
            continue;
        }
        let mut row = Row { at: at_line(line), texts: HashMap::new() };
        for ((cell, column), &at) in record.iter().zip(columns).zip(&places) {
            let (Some(column), false) = (*column, cell.trim().is_empty()) else { continue };
            match value::text(cell.trim()) {
                Ok(value) => {
                    row.texts.insert(column, Spanned { value, at });
                }
                Err(wrong) => source.error(at, wrong.message).hint = wrong.hint,
            }
        }
        if !inventory.add(source, &row, zones) {
            break;
        }
    }
    if inventory.drafts.is_empty() && source.problems.is_empty() {
        source
            .error(at_line(1), "this inventory lists no device")
            .help(format!("the first line is `{}`, then a line per device", DEVICE.join(",")));
    }
    inventory.drafts
}

/// Spreadsheets of half of Europe write `;`.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or("");
    if header.contains(';') && !header.contains(',') { b';' } else { b',' }
}

fn at_line(line: u64) -> Span {
    Span { line: u32::try_from(line).unwrap_or(u32::MAX), column: 1, width: 1 }
}

fn header(source: &mut Source, record: &csv::StringRecord, places: &[Span]) -> Vec<Option<&'static str>> {
    let mut columns: Vec<Option<&'static str>> = Vec::new();
    for (name, &at) in record.iter().zip(places) {
        let name = name.trim();
        let known = DEVICE.iter().copied().find(|&column| column == name);
        match known {
            Some(column) if columns.contains(&Some(column)) => {
                source.error(at, format!("column `{column}` is there twice"));
            }
            Some(_) => {}
            None => {
                let problem = source.error(at, format!("unknown column {}", quoted(name)));
                match value::nearest(name, DEVICE) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem.help(format!("the columns are {}", DEVICE.join(","))),
                };
            }
        }
        columns.push(known);
    }
    columns
}

impl Source {
    /// The first line from `line` on that is not blank: the CSV reader skips the others, and counts from before.
    fn not_blank(&self, line: u64) -> u64 {
        (line..).find(|&line| self.line(line).is_none_or(|text| !text.is_empty())).unwrap_or(line)
    }

    /// Where the cells of a line stand; the line as a whole where quotes make that hard to say.
    fn cells(&self, line: u64, delimiter: char, count: usize) -> Vec<Span> {
        let text = self.line(line).unwrap_or("");
        let whole = at_line(line);
        if text.contains('"') {
            return vec![whole; count];
        }
        let mut column = 1;
        let mut places = Vec::new();
        for cell in text.split(delimiter) {
            let width = u32::try_from(cell.chars().count()).unwrap_or(1);
            let indent = u32::try_from(cell.chars().take_while(|c| c.is_whitespace()).count()).unwrap_or(0);
            places.push(Span { line: whole.line, column: column + indent, width: width.saturating_sub(indent).max(1) });
            column += width + 1;
        }
        places.resize(count, whole);
        places
    }
}

/// Devices, and what each of them has for itself.
#[derive(Default)]
struct Inventory {
    drafts: Vec<DeviceDraft>,
    names: HashMap<String, u32>,
    macs: HashMap<crate::base::Mac, u32>,
    ips: HashMap<std::net::IpAddr, u32>,
}

impl Inventory {
    /// Reads one device; false to stop.
    fn add(&mut self, source: &mut Source, row: &Row, zones: &ZoneNames) -> bool {
        if self.drafts.len() == MAX_DEVICES {
            source.error(row.at, format!("more than {MAX_DEVICES} devices"));
            return false;
        }
        let before = source.problems.len();
        let mac = row.read(source, "mac", value::mac);
        let ip = row.read(source, "ip", value::host);
        let zone = row
            .read(source, "zone", |name| zones.find(name))
            .and_then(|zone| Some(Spanned { value: zone.value?, at: zone.at }));
        let out_of_service = row.read(source, "out_of_service", value::date);
        if source.problems.len() == before && mac.is_none() && ip.is_none() {
            source
                .error(row.at, "this device has neither `mac` nor `ip`")
                .help("nothing else tells which device is meant");
        }
        let name = row.texts.get("name");
        once(source, &mut self.names, "name", name);
        once(source, &mut self.macs, "MAC", mac.as_ref());
        once(source, &mut self.ips, "address", ip.as_ref());
        let text = |column| row.texts.get(column).map_or(String::new(), |text| text.value.clone());
        let device = InventoryDevice {
            name: text("name"),
            mac: mac.map(|mac| mac.value),
            ip: ip.as_ref().map(|ip| ip.value),
            zone: zone.map(|zone| zone.value),
            use_: text("use"),
            model: text("model"),
            firmware: text("firmware"),
            sensor: text("sensor"),
            out_of_service: out_of_service.map(|end| end.value),
            place: Place { file: source.name.clone(), line: row.at.line },
        };
        let ip_at = ip.map_or(row.at, |ip| ip.at);
        let sensor_at = row.texts.get("sensor").map_or(row.at, |sensor| sensor.at);
        self.drafts.push(DeviceDraft { device, at: row.at, ip_at, sensor_at });
        true
    }
}

impl Row {
    fn read<T>(
        &self,
        source: &mut Source,
        column: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<Spanned<T>> {
        let text = self.texts.get(column)?;
        match parse(&text.value) {
            Ok(value) => Some(Spanned { value, at: text.at }),
            Err(wrong) => {
                source.error(text.at, wrong.message).hint = wrong.hint;
                None
            }
        }
    }
}

/// Reports what another device has already.
fn once<T: Clone + Eq + Hash + ToString>(
    source: &mut Source,
    seen: &mut HashMap<T, u32>,
    what: &str,
    value: Option<&Spanned<T>>,
) {
    let Some(value) = value else { return };
    if let Some(first) = seen.insert(value.value.clone(), value.at.line) {
        let text = quoted(&value.value.to_string());
        source.error(value.at, format!("the device in line {first} has the {what} {text} already"));
    }
}
