//! `segwatch check`.

use super::args::{CheckArgs, CheckFormat};
use super::backend::{Backend, Outcome};
use super::exit::Exit;
use super::read::{complain_of_damage, replay};
use super::select::Selection;
use super::terminal::Terminal;
use crate::engine::Snapshot;
use crate::report::{Style, check_json, check_text, junit};

pub(super) fn check(args: &CheckArgs, style: &Style, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let request = args.request();
    let Some(Outcome { snapshot, files }) = replay(&request, backend, terminal) else { return Exit::Trouble };
    let printed = match args.format {
        CheckFormat::Text => terminal.print(&check_text(&snapshot, &files, style)),
        CheckFormat::Json => terminal.print_json(check_json(&snapshot, &files)),
        CheckFormat::Junit => terminal.print(&junit(&snapshot, &files, args.fail_on)),
    };
    // The text tells of it already.
    if args.format != CheckFormat::Text {
        complain_of_damage(&files, terminal);
    }
    let unknown = complain_of_unknown(&request.selection, &snapshot, terminal);
    Exit::of_check(!printed || unknown || !files.damage.is_empty(), &snapshot, args.fail_on)
}

/// A device that was asked for and is neither seen nor declared: an answer without it would be about others.
fn complain_of_unknown(selection: &Selection, snapshot: &Snapshot, terminal: &mut Terminal<'_>) -> bool {
    let Selection::Only(asked) = selection else { return false };
    let mut unknown = false;
    for selector in asked.iter().filter(|s| !snapshot.devices.iter().any(|d| s.matches(d))) {
        terminal.complain(&format!("--device {selector}: neither the capture nor the inventory has such a device"));
        unknown = true;
    }
    unknown
}
