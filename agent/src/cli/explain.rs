//! `segwatch explain`.

use std::io::{self, BufWriter};
use std::ops::ControlFlow;

use super::args::{ExplainArgs, ListFormat};
use super::backend::Backend;
use super::exit::Exit;
use super::read::{complain_of_damage, metered, outcome_or_complaints};
use super::terminal::Terminal;
use crate::engine::{Explanation, FlowVerdict};
use crate::report::{ExplainWriter, Style, explain_text};

/// Flows explained as text, unless `--limit` says otherwise: a page of them.
const FLOWS_AS_TEXT: usize = 10;

pub(super) fn explain(args: &ExplainArgs, style: &Style, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    match args.format {
        ListFormat::Text => as_text(args, style, backend, terminal),
        ListFormat::Json => as_json(args, backend, terminal),
    }
}

fn as_text(args: &ExplainArgs, style: &Style, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let limit = args.limit.map_or(FLOWS_AS_TEXT, usize::from);
    // The worst first, whatever came first.
    let (mut violations, mut others) = (Vec::new(), Vec::new());
    let mut sink = |flow: &Explanation| {
        let kept = if flow.flow.verdict == FlowVerdict::Violation { &mut violations } else { &mut others };
        if kept.len() < limit {
            kept.push(flow.clone());
        }
        ControlFlow::Continue(())
    };
    let err = terminal.err_is_terminal.then_some(&mut *terminal.err);
    let result = metered(err, |progress| backend.explain(&args.request(), &mut sink, progress));
    let Some(outcome) = outcome_or_complaints(result, terminal) else { return Exit::Trouble };
    violations.append(&mut others);
    violations.truncate(limit);
    let mut trouble = false;
    // Without its finding there is nothing to say, and that is said already.
    if outcome.problems.is_empty() {
        trouble |= !terminal.print(&explain_text(&violations, &outcome.explained, style));
    }
    outcome.problems.iter().for_each(|problem| terminal.complain(problem));
    complain_of_damage(&outcome.files, terminal);
    Exit::of_listing(trouble || !outcome.problems.is_empty() || !outcome.files.damage.is_empty())
}

/// Writes flows as they end, so that none of them is kept.
fn as_json(args: &ExplainArgs, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let limit = args.limit.map_or(u64::MAX, u64::from);
    let mut left = limit;
    let mut failed: Option<io::Error> = None;
    // What is asked wrongly prints nothing, so the first flow begins the document.
    let mut writer: Option<ExplainWriter<BufWriter<&mut (dyn io::Write + '_)>>> = None;
    let mut out = Some(BufWriter::new(&mut *terminal.out));
    let mut sink = |flow: &Explanation| {
        if left == 0 {
            return ControlFlow::Continue(());
        }
        left -= 1;
        let written = match (&mut writer, out.take()) {
            (Some(writer), _) => writer.write(flow),
            (None, Some(out)) => ExplainWriter::new(out).and_then(|begun| writer.insert(begun).write(flow)),
            (None, None) => Ok(()),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed.get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    };
    // A progress line would stand between flows that go to the same terminal.
    let err = (terminal.err_is_terminal && !terminal.out_is_terminal).then_some(&mut *terminal.err);
    let result = metered(err, |progress| backend.explain(&args.request(), &mut sink, progress));
    let finished = match (&result, failed, writer, out) {
        (_, Some(error), ..) => Err(error),
        (Ok(outcome), None, Some(writer), _) => writer.finish(&outcome.explained),
        (Ok(outcome), None, None, Some(out)) => {
            ExplainWriter::new(out).and_then(|writer| writer.finish(&outcome.explained))
        }
        _ => Ok(()),
    };
    let written = terminal.is_written(finished);
    let Some(outcome) = outcome_or_complaints(result, terminal) else { return Exit::Trouble };
    outcome.problems.iter().for_each(|problem| terminal.complain(problem));
    complain_of_damage(&outcome.files, terminal);
    Exit::of_listing(!written || !outcome.problems.is_empty() || !outcome.files.damage.is_empty())
}
