//! `segwatch config check`, `show` and `schema`.

use std::path::Path;

use super::args::ConfigCommand;
use super::backend::Backend;
use super::exit::Exit;
use super::read::outcome_or_complaints;
use super::terminal::Terminal;

pub(super) fn config(command: &ConfigCommand, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let printed = match command {
        ConfigCommand::Check { strict, file } => return check(file.path(), *strict, backend, terminal),
        ConfigCommand::Show { file } => {
            outcome_or_complaints(backend.config_show(file.path()), terminal).is_some_and(|text| terminal.print(&text))
        }
        ConfigCommand::Schema => terminal.print(&backend.config_schema()),
    };
    Exit::of_listing(!printed)
}

fn check(file: &Path, strict: bool, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let Some(summary) = outcome_or_complaints(backend.config_check(file), terminal) else { return Exit::Trouble };
    summary.lints.iter().for_each(|lint| terminal.complain_at_length(lint));
    if strict && !summary.lints.is_empty() {
        return Exit::Trouble;
    }
    let printed = terminal.print(&format!(
        "{}: sound; zones: {}, conduits: {}, devices: {}, metric series: {}, lints: {}\n",
        crate::report::escape(&file.to_string_lossy()),
        summary.zones,
        summary.conduits,
        summary.devices,
        summary.series,
        summary.lints.len()
    ));
    Exit::of_listing(!printed)
}
