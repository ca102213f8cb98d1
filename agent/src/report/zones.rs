//! The table of zones.

use super::page::Page;
use super::style::Paint;
use super::table::{Cell, Column, Fit, Table, cell};
use super::words::{count, word};
use crate::coverage::Reason;
use crate::engine::{Snapshot, ZoneStatus};

pub(super) fn write(page: &mut Page<'_>, snapshot: &Snapshot) {
    if snapshot.zones.is_empty() {
        page.heading("Zones", "");
        page.space(2).put(Paint::Plain, "none").end();
        return;
    }
    let left = |title, least, fit| Column { title, right: false, least, fit };
    let right = |title| Column { title, right: true, least: None, fit: Fit::Stay };
    let columns = vec![
        left("verdict", None, Fit::Stay),
        left("zone", Some(12), Fit::Stay),
        right("devices"),
        right("findings"),
        left("why", Some(16), Fit::Below),
    ];
    let row = |zone: &ZoneStatus| -> Vec<Cell> {
        let verdict = match zone.verdict {
            Some(verdict) => cell(Paint::of(verdict), verdict.name()),
            None => cell(Paint::Faint, "not judged"),
        };
        vec![
            verdict,
            cell(Paint::Plain, &zone.name),
            cell(Paint::Plain, count(zone.devices)),
            cell(Paint::Plain, count(zone.findings)),
            cell(Paint::Plain, codes(&zone.reasons)),
        ]
    };
    let mut zones: Vec<&ZoneStatus> = snapshot.zones.iter().collect();
    zones.sort_by_key(|z| std::cmp::Reverse(z.verdict));
    let table = Table { columns, rows: zones.into_iter().map(row).collect() };
    let layout = table.layout(page.style.width, 2);
    page.heading("Zones", &layout.remark());
    table.write(page, &layout);
}

/// The codes of some reasons, each once.
pub(super) fn codes(reasons: &[Reason]) -> String {
    let mut codes: Vec<String> = reasons.iter().map(|r| word(&r.code)).collect();
    codes.dedup();
    codes.join(", ")
}
