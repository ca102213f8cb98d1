//! The text of `check` and of its parts, for a person: the verdict, why, the worst first, what to do next.

use super::CaptureFiles;
use super::advice::advice;
use super::page::Page;
use super::style::{Paint, Style};
use super::{devices, findings, headline, ledger, zones};
use crate::engine::Snapshot;

/// How much of the long lists is shown.
pub(super) struct Limits {
    /// Findings with all they have to say.
    pub(super) findings_in_full: usize,
    /// Findings after these, a line each.
    pub(super) findings_in_brief: usize,
    pub(super) peers: usize,
    pub(super) devices: usize,
    pub(super) names: usize,
}

impl Limits {
    /// For `check`: what a person reads at once.
    const CHECK: Limits = Limits { findings_in_full: 8, findings_in_brief: 24, peers: 4, devices: 24, names: 12 };
    /// For a command that lists one thing.
    const ALL: Limits = Limits {
        findings_in_full: usize::MAX,
        findings_in_brief: 0,
        peers: usize::MAX,
        devices: usize::MAX,
        names: usize::MAX,
    };
}

/// The text of `check`.
pub fn check_text(snapshot: &Snapshot, files: &CaptureFiles, style: &Style) -> String {
    let mut page = Page::new(style);
    headline::write(&mut page, snapshot, files);
    findings::write(&mut page, snapshot, &Limits::CHECK);
    zones::write(&mut page, snapshot);
    devices::write(&mut page, snapshot, &Limits::CHECK);
    ledger::write(&mut page, snapshot, files);
    write_advice(&mut page, snapshot, files);
    page.finish()
}

/// All findings.
pub fn findings_text(snapshot: &Snapshot, style: &Style) -> String {
    part(style, |page| findings::write(page, snapshot, &Limits::ALL))
}

/// All devices.
pub fn devices_text(snapshot: &Snapshot, style: &Style) -> String {
    part(style, |page| devices::write(page, snapshot, &Limits::ALL))
}

/// All zones.
pub fn zones_text(snapshot: &Snapshot, style: &Style) -> String {
    part(style, |page| zones::write(page, snapshot))
}

/// One section alone, without the empty line that parts it from the one before.
fn part(style: &Style, write: impl FnOnce(&mut Page<'_>)) -> String {
    let mut page = Page::new(style);
    write(&mut page);
    page.finish().trim_start_matches('\n').to_owned()
}

fn write_advice(page: &mut Page<'_>, snapshot: &Snapshot, files: &CaptureFiles) {
    let advice = advice(snapshot, files);
    if advice.is_empty() {
        return;
    }
    page.heading("What to do next", "");
    for (number, advice) in (1..).zip(&advice) {
        let mark = format!("{number}. ");
        page.space(2).put(Paint::Strong, &mark);
        page.wrap(2 + mark.len(), 2 + mark.len(), Paint::Plain, &advice.text);
        // To be copied, so never broken.
        if let Some(snippet) = &advice.snippet {
            page.space(2 + mark.len()).put(Paint::Minor, snippet).end();
        }
    }
}
