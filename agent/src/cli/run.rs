//! `segwatch run`.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::args::{LogFormat, RunArgs};
use super::backend::Backend;
use super::exit::Exit;
use super::read::outcome_or_complaints;
use super::terminal::Terminal;

pub(super) fn run(args: &RunArgs, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let filter = match args.log_level.parse::<EnvFilter>() {
        Ok(filter) => filter,
        Err(error) => {
            terminal.complain(&format!("--log.level: {error}"));
            return Exit::Trouble;
        }
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Only one log can be set in a process; the first stays.
    let _ = match args.log_format {
        LogFormat::Text => log.with_target(false).with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    match outcome_or_complaints(backend.run(&args.options()), terminal) {
        Some(()) => Exit::Fine,
        None => Exit::Trouble,
    }
}
