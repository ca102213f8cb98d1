//! `segwatch flows`.

use std::io::{self, BufWriter};
use std::ops::ControlFlow;

use super::args::{FlowsArgs, FlowsFormat, Only};
use super::backend::{Backend, Outcome};
use super::exit::Exit;
use super::read::{complain_of_damage, metered_replay, outcome_or_complaints};
use super::terminal::Terminal;
use crate::engine::{FlowRow, FlowVerdict};
use crate::report::{FlowFormat, FlowWriter, Style};

pub(super) fn flows(args: &FlowsArgs, style: Style, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let format = match args.format {
        // What a program or a pager reads is not cut.
        FlowsFormat::Text if !terminal.out_is_terminal => FlowFormat::Text(Style { width: usize::MAX, ..style }),
        FlowsFormat::Text => FlowFormat::Text(style),
        FlowsFormat::Jsonl => FlowFormat::Jsonl,
        FlowsFormat::Csv => FlowFormat::Csv,
    };
    let (written, result) = stream(args, format, backend, terminal);
    let written = terminal.is_written(written);
    let Some(outcome) = outcome_or_complaints(result, terminal) else { return Exit::Trouble };
    complain_of_damage(&outcome.files, terminal);
    Exit::of_listing(!written || !outcome.files.damage.is_empty())
}

/// Writes flows as they end, so that none of them is kept, and stops reading once they cannot be written.
fn stream(
    args: &FlowsArgs,
    format: FlowFormat,
    backend: &dyn Backend,
    terminal: &mut Terminal<'_>,
) -> (io::Result<()>, Result<Outcome, Vec<String>>) {
    // A progress line would stand between flows that go to the same terminal.
    let metered = terminal.err_is_terminal && !terminal.out_is_terminal;
    let mut writer = FlowWriter::new(BufWriter::new(&mut *terminal.out), format);
    let mut failed = None;
    let mut sink = |flow: &FlowRow| {
        let wanted = args.only != Some(Only::Violations) || flow.verdict == FlowVerdict::Violation;
        let written = match &mut writer {
            Ok(writer) if wanted => writer.write(flow),
            Ok(_) => Ok(()),
            Err(_) => return ControlFlow::Break(()),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed.get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    };
    let err = metered.then_some(&mut *terminal.err);
    let result = metered_replay(&args.reading.request(), backend, Some(&mut sink), err);
    let flushed = writer.and_then(FlowWriter::finish);
    (failed.map_or(flushed, Err), result)
}
