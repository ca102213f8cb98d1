//! Reads captures with a line of progress, and says on standard error what went wrong.

use std::io::Write;
use std::time::Instant;

use super::backend::{Backend, FlowSink, Outcome, Progress, Request};
use super::progress::Meter;
use super::terminal::Terminal;
use crate::report::CaptureFiles;

/// Replays the captures. `None` if configuration or vendor table are bad, which was said then.
pub(super) fn replay(request: &Request, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Option<Outcome> {
    let metered = terminal.err_is_terminal;
    let result = metered_replay(request, backend, None, metered.then_some(&mut *terminal.err));
    outcome_or_complaints(result, terminal)
}

/// Replays the captures, with progress on `err` where it is given.
pub(super) fn metered_replay(
    request: &Request,
    backend: &dyn Backend,
    flows: Option<&mut FlowSink<'_>>,
    err: Option<&mut (dyn Write + '_)>,
) -> Result<Outcome, Vec<String>> {
    metered(err, |progress| backend.replay(request, flows, progress))
}

/// Does something that tells how far it is, which is shown on `err` where it is given.
pub(super) fn metered<T>(err: Option<&mut (dyn Write + '_)>, work: impl FnOnce(&mut Progress<'_>) -> T) -> T {
    let Some(err) = err else { return work(&mut |_, _| {}) };
    let mut meter = Meter::default();
    let result = work(&mut |read, total| {
        if let Some(line) = meter.line(read, total, Instant::now()) {
            rewrite(err, &format!("segwatch: {line}"));
        }
    });
    if meter.is_shown() {
        rewrite(err, "");
    }
    result
}

/// Unwraps a result of the backend; all its problems go to standard error.
pub(super) fn outcome_or_complaints<T>(result: Result<T, Vec<String>>, terminal: &mut Terminal<'_>) -> Option<T> {
    match result {
        Ok(outcome) => Some(outcome),
        Err(problems) => {
            problems.iter().for_each(|problem| terminal.complain_at_length(problem));
            None
        }
    }
}

/// Says where captures could not be read.
pub(super) fn complain_of_damage(files: &CaptureFiles, terminal: &mut Terminal<'_>) {
    for damage in &files.damage {
        terminal.complain(&format!("damaged: {damage}"));
    }
}

/// Replaces the progress line. Where standard error is closed there is nobody to tell.
fn rewrite(err: &mut dyn Write, line: &str) {
    let _ = write!(err, "\r\x1b[K{line}").and_then(|()| err.flush());
}
