//! `segwatch diff`.

use super::args::{DiffArgs, DiffFormat};
use super::backend::{Backend, DiffOutcome};
use super::exit::Exit;
use super::read::{complain_of_damage, metered, outcome_or_complaints};
use super::terminal::Terminal;
use crate::report::{Style, diff_json, diff_text};

pub(super) fn diff(args: &DiffArgs, style: &Style, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let err = terminal.err_is_terminal.then_some(&mut *terminal.err);
    let result = metered(err, |progress| backend.diff(&args.request(), progress));
    let Some(DiffOutcome { compared, files }) = outcome_or_complaints(result, terminal) else { return Exit::Trouble };
    let printed = match args.format {
        DiffFormat::Text => terminal.print(&diff_text(&compared, &files, style)),
        DiffFormat::Json => terminal.print_json(diff_json(&compared, &files)),
    };
    complain_of_damage(&files, terminal);
    Exit::of_diff(!printed || !files.damage.is_empty(), compared.violates_newly())
}
