//! `segwatch devices`, `findings` and `zones`.

use super::args::{ListArgs, ListFormat};
use super::backend::{Backend, Outcome};
use super::exit::Exit;
use super::read::{complain_of_damage, replay};
use super::terminal::Terminal;
use crate::engine::Snapshot;
use crate::report::Style;

/// How one of the lists is written.
pub(super) struct List {
    pub(super) text: fn(&Snapshot, &Style) -> String,
    pub(super) json: fn(&Snapshot) -> serde_json::Result<String>,
}

pub(super) fn list(
    list: &List,
    args: &ListArgs,
    style: &Style,
    backend: &dyn Backend,
    terminal: &mut Terminal<'_>,
) -> Exit {
    let request = args.reading.request();
    let Some(Outcome { snapshot, files }) = replay(&request, backend, terminal) else { return Exit::Trouble };
    let printed = match args.format {
        ListFormat::Text => terminal.print(&(list.text)(&snapshot, style)),
        ListFormat::Json => terminal.print_json((list.json)(&snapshot)),
    };
    complain_of_damage(&files, terminal);
    Exit::of_listing(!printed || !files.damage.is_empty())
}
