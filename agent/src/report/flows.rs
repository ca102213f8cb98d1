//! Flows as they come: a line, a JSON object or a CSV record each.

use std::borrow::Cow;
use std::io::{self, Write};

use super::page::columns;
use super::style::{Paint, Style};
use super::words::{bytes, rule, short, socket, time, word};
use crate::base::Mac;
use crate::base::{escape, escape_json};
use crate::engine::{EndStatus, FlowRow, FlowVerdict};
use crate::finding::Kind;

/// How to write flows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlowFormat {
    /// For a person.
    Text(Style),
    /// One JSON object per line (DESIGN, section 4).
    Jsonl,
    /// RFC 4180 with a header; cells that a spreadsheet would compute start with an apostrophe.
    Csv,
}

/// Writes flows one by one.
pub struct FlowWriter<W: Write> {
    sink: Sink<W>,
    written: u64,
}

enum Sink<W: Write> {
    Text(W, Style),
    Jsonl(W),
    Csv(Box<csv::Writer<W>>),
}

/// The columns of the CSV.
const COLUMNS: [&str; 27] = [
    "first_seen",
    "last_seen",
    "verdict",
    "kind",
    "reach",
    "proto",
    "ip_proto",
    "direction",
    "initiator_ip",
    "initiator_port",
    "initiator_mac",
    "responder_ip",
    "responder_port",
    "responder_mac",
    "vlan",
    "vlans",
    "layer",
    "innermost",
    "packets_out",
    "packets_in",
    "bytes_out",
    "bytes_in",
    "duplicates",
    "routed_copies",
    "rule",
    "rule_file",
    "rule_line",
];

impl<W: Write> FlowWriter<W> {
    /// Writes the header, where the format has one.
    pub fn new(out: W, format: FlowFormat) -> io::Result<Self> {
        let mut sink = match format {
            FlowFormat::Text(style) => Sink::Text(out, style),
            FlowFormat::Jsonl => Sink::Jsonl(out),
            FlowFormat::Csv => Sink::Csv(Box::new(csv::Writer::from_writer(out))),
        };
        match &mut sink {
            Sink::Text(out, style) => out.write_all(text_header(style).as_bytes())?,
            Sink::Jsonl(_) => {}
            Sink::Csv(csv) => csv.write_record(COLUMNS)?,
        }
        Ok(FlowWriter { sink, written: 0 })
    }

    /// Writes one flow.
    pub fn write(&mut self, flow: &FlowRow) -> io::Result<()> {
        self.written += 1;
        match &mut self.sink {
            Sink::Text(out, style) => out.write_all(text(flow, style).as_bytes()),
            Sink::Jsonl(out) => {
                let mut line = escape_json(serde_json::to_string(flow)?);
                line.push('\n');
                out.write_all(line.as_bytes())
            }
            Sink::Csv(csv) => Ok(csv.write_record(record(flow).iter().map(|cell| guarded(cell).into_owned()))?),
        }
    }

    /// How many flows were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes what is still buffered.
    pub fn finish(self) -> io::Result<()> {
        match self.sink {
            Sink::Text(mut out, _) | Sink::Jsonl(mut out) => out.flush(),
            Sink::Csv(mut csv) => csv.flush(),
        }
    }
}

/// Keeps a spreadsheet from computing a cell (CWE-1236).
pub(super) fn guarded(cell: &str) -> Cow<'_, str> {
    let is_computed = |rest: &str| rest.starts_with(['=', '+', '-', '@', '\t', '\r']);
    // Where lists are separated by semicolons, as in Danish, a spreadsheet begins a cell behind each of them.
    if !cell.split(';').any(is_computed) {
        return Cow::Borrowed(cell);
    }
    let parts = cell.split(';').map(|part| if is_computed(part) { format!("'{part}") } else { part.to_owned() });
    Cow::Owned(parts.collect::<Vec<_>>().join(";"))
}

fn record(flow: &FlowRow) -> [String; 27] {
    let mac = |mac: Option<Mac>| mac.map(|m| m.to_string()).unwrap_or_default();
    [
        flow.first_seen.to_string(),
        flow.last_seen.to_string(),
        word(&flow.verdict),
        flow.kind.map_or("", Kind::name).to_owned(),
        flow.reach.name().to_owned(),
        flow.proto.clone(),
        flow.ip_proto.to_string(),
        word(&flow.direction),
        flow.initiator.ip.to_string(),
        flow.initiator.port.to_string(),
        mac(flow.initiator.mac),
        flow.responder.ip.to_string(),
        flow.responder.port.to_string(),
        mac(flow.responder.mac),
        flow.vlan.map(|v| v.to_string()).unwrap_or_default(),
        stacks(flow),
        flow.layer.to_string(),
        flow.innermost.to_string(),
        flow.packets_out.to_string(),
        flow.packets_in.to_string(),
        flow.bytes_out.to_string(),
        flow.bytes_in.to_string(),
        flow.duplicates.to_string(),
        flow.routed_copies.to_string(),
        flow.rule.name.clone(),
        flow.rule.file.clone().unwrap_or_default(),
        flow.rule.line.map(|l| l.to_string()).unwrap_or_default(),
    ]
}

/// `110:5 200.110:3`: tags, outermost first, and packets; no tag is `untagged`.
fn stacks(flow: &FlowRow) -> String {
    let one = |count: &crate::engine::VlanCount| {
        let vids: Vec<String> = count.stack.iter().map(u16::to_string).collect();
        let stack = if vids.is_empty() { "untagged".to_owned() } else { vids.join(".") };
        format!("{stack}:{}", count.packets)
    };
    flow.vlans.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// A column of the text: flows come one by one, so its width is fixed; a longer cell pushes its line, never the others.
struct Column {
    title: &'static str,
    width: usize,
    /// Columns that a terminal must have for this one to be shown.
    from: usize,
}

const fn column(title: &'static str, width: usize, from: usize) -> Column {
    Column { title, width, from }
}

const TEXT_COLUMNS: [Column; 9] = [
    column("first seen (UTC)", 19, 160),
    column("verdict", 9, 0),
    column("kind", 18, 0),
    column("proto", 5, 0),
    column("initiator → responder", 42, 0),
    column("VLAN", 4, 105),
    column("reach", 11, 115),
    column("packets", 13, 130),
    column("bytes", 17, 175),
];

fn text_header(style: &Style) -> String {
    let mut line = String::new();
    for column in TEXT_COLUMNS.iter().filter(|c| c.from <= style.width) {
        push(&mut line, style, Paint::Faint, column.title, column.width);
    }
    push(&mut line, style, Paint::Faint, "rule", 0);
    ended(line)
}

fn text(flow: &FlowRow, style: &Style) -> String {
    let end = |end: &EndStatus| socket(end.ip, end.port);
    let paint = match flow.verdict {
        FlowVerdict::Violation => Paint::Bad,
        FlowVerdict::Allowed => Paint::Good,
        FlowVerdict::Unwatched => Paint::Faint,
    };
    let cells = [
        (Paint::Plain, time(flow.first_seen)),
        (paint, word(&flow.verdict)),
        (Paint::Plain, flow.kind.map_or("", Kind::name).to_owned()),
        (Paint::Plain, flow.proto.clone()),
        (Paint::Plain, format!("{} → {}", end(&flow.initiator), end(&flow.responder))),
        (Paint::Plain, flow.vlan.map(|v| v.to_string()).unwrap_or_default()),
        (Paint::Plain, flow.reach.name().to_owned()),
        (Paint::Plain, format!("{} / {}", short(flow.packets_out), short(flow.packets_in))),
        (Paint::Plain, format!("{} / {}", bytes(flow.bytes_out), bytes(flow.bytes_in))),
    ];
    let mut line = String::new();
    for (column, (paint, text)) in TEXT_COLUMNS.iter().zip(&cells).filter(|(c, _)| c.from <= style.width) {
        push(&mut line, style, *paint, text, column.width);
    }
    push(&mut line, style, Paint::Plain, &rule(&flow.rule), 0);
    ended(line)
}

/// Puts one cell and the gap behind it.
fn push(line: &mut String, style: &Style, paint: Paint, text: &str, width: usize) {
    style.paint(line, paint, &escape(text));
    line.extend(std::iter::repeat_n(' ', width.saturating_sub(columns(text)) + 2));
}

fn ended(mut line: String) -> String {
    line.truncate(line.trim_end_matches(' ').len());
    line.push('\n');
    line
}
