//! `segwatch run`.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::args::{LogFormat, RunArgs};
use super::backend::Backend;
use super::exit::Exit;
use super::read::outcome_or_complaints;
use super::terminal::Terminal;
use crate::base::escape;

pub(super) fn run(args: &RunArgs, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let Some(filter) = filter(&args.log_level) else {
        let what = "is none of error, warn, info, debug or trace, nor directives as `info,hyper=debug`";
        terminal.complain(&format!("--log.level: `{}` {what}", escape(&args.log_level)));
        return Exit::Trouble;
    };
    // A log that nobody can write to is no reason to end: to complain of that on the same stream would be a panic.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
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

/// A word that is no level would pass for a target, and nothing else would be logged.
fn filter(text: &str) -> Option<EnvFilter> {
    let mut levels = text.split(',').map(|directive| directive.rsplit('=').next().unwrap_or_default());
    let is_level = |word: &str| word.eq_ignore_ascii_case("off") || word.parse::<tracing::Level>().is_ok();
    if levels.all(is_level) { text.parse().ok() } else { None }
}
