//! `segwatch interfaces`.

use std::time::Duration;

use serde::Serialize;

use super::args::{InterfacesArgs, InterfacesFormat};
use super::backend::Backend;
use super::exit::Exit;
use super::read::outcome_or_complaints;
use super::terminal::Terminal;
use crate::capture::live::{Link, Sample, Surveyed};
use crate::report::escape;

/// VLANs named in a line of text; the JSON has all.
const VLANS_SHOWN: usize = 8;

pub(super) fn interfaces(args: &InterfacesArgs, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let sample = args.seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let Some(surveyed) = outcome_or_complaints(backend.interfaces(sample), terminal) else { return Exit::Trouble };
    let printed = match args.format {
        InterfacesFormat::Text => terminal.print(&text(&surveyed)),
        InterfacesFormat::Json => terminal.print_json(json(&surveyed)),
    };
    let mut trouble = !printed;
    for surveyed in &surveyed {
        if let Some(Err(reason)) = &surveyed.sample {
            terminal.complain(&format!("{}: {reason}", surveyed.link.name));
            trouble = true;
        }
    }
    Exit::of_listing(trouble)
}

fn state(link: &Link) -> &'static str {
    match (link.up, link.running) {
        (false, _) => "down",
        (true, false) => "no carrier",
        (true, true) => "up",
    }
}

fn text(surveyed: &[Surveyed]) -> String {
    let mut titles = vec!["interface", "state", "kind", "mtu", "packets/s"];
    let looked_at = surveyed.iter().any(|surveyed| surveyed.sample.is_some());
    if looked_at {
        titles.extend(["captured", "lost", "tagged", "directions", "VLANs"]);
    }
    let mut rows: Vec<Vec<String>> = vec![titles.into_iter().map(str::to_owned).collect()];
    for Surveyed { link, seconds, received, sample } in surveyed {
        let rate = if *seconds > 0.0 { *received as f64 / seconds } else { 0.0 };
        let kind = if link.loopback {
            "loopback"
        } else if link.kind.is_empty() {
            "-"
        } else {
            &link.kind
        };
        let mut row = vec![
            escape(&link.name).into_owned(),
            state(link).to_owned(),
            escape(kind).into_owned(),
            link.mtu.to_string(),
            format!("{rate:.0}"),
        ];
        match sample {
            Some(Ok(sample)) => row.extend(shown(sample)),
            Some(Err(_)) => row.push("failed".to_owned()),
            None => {}
        }
        rows.push(row);
    }
    aligned(&rows)
}

fn shown(sample: &Sample) -> [String; 5] {
    let share = if sample.packets == 0 { 0.0 } else { 100.0 * sample.tagged as f64 / sample.packets as f64 };
    let mut vlans: Vec<String> = sample.vlans.keys().take(VLANS_SHOWN).map(u16::to_string).collect();
    if sample.vlans.len() > VLANS_SHOWN {
        vlans.push(format!("and {} more", sample.vlans.len() - VLANS_SHOWN));
    }
    [
        sample.packets.to_string(),
        sample.dropped.to_string(),
        format!("{share:.0} %"),
        sample.directions.name().to_owned(),
        if vlans.is_empty() { "-".to_owned() } else { vlans.join(" ") },
    ]
}

/// Columns two spaces apart.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[derive(Serialize)]
struct Page {
    schema: &'static str,
    interfaces: Vec<InterfaceJson>,
}

#[derive(Serialize)]
struct InterfaceJson {
    name: String,
    index: i32,
    kind: String,
    state: &'static str,
    mtu: u32,
    seconds: f64,
    received: u64,
    sample: Option<SampleJson>,
    error: Option<String>,
}

#[derive(Serialize)]
struct SampleJson {
    packets: u64,
    bytes: u64,
    dropped: u64,
    tagged: u64,
    vlans: Vec<VlanJson>,
    oversized: u64,
    directions: &'static str,
}

#[derive(Serialize)]
struct VlanJson {
    vlan: u16,
    packets: u64,
}

fn json(surveyed: &[Surveyed]) -> serde_json::Result<String> {
    let interfaces = surveyed.iter().map(|Surveyed { link, seconds, received, sample }| InterfaceJson {
        name: escape(&link.name).into_owned(),
        index: link.index,
        kind: escape(&link.kind).into_owned(),
        state: state(link),
        mtu: link.mtu,
        seconds: (seconds * 1000.0).round() / 1000.0,
        received: *received,
        sample: sample.as_ref().and_then(|sample| sample.as_ref().ok()).map(|sample| SampleJson {
            packets: sample.packets,
            bytes: sample.bytes,
            dropped: sample.dropped,
            tagged: sample.tagged,
            vlans: sample.vlans.iter().map(|(&vlan, &packets)| VlanJson { vlan, packets }).collect(),
            oversized: sample.oversized,
            directions: sample.directions.name(),
        }),
        error: sample.as_ref().and_then(|sample| sample.clone().err()),
    });
    let page = Page { schema: "segwatch/interfaces/1", interfaces: interfaces.collect() };
    serde_json::to_string_pretty(&page).map(|json| json + "\n")
}
