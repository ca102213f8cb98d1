//! `segwatch report`.

use super::args::{Lang, ReportArgs, ReportFormat};
use super::backend::{Backend, Outcome, ReportOutcome};
use super::exit::Exit;
use super::read::{complain_of_damage, metered, outcome_or_complaints};
use super::terminal::Terminal;
use crate::report::{Language, SiteReport, report_csv, report_html, report_markdown};

pub(super) fn report(args: &ReportArgs, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let err = terminal.err_is_terminal.then_some(&mut *terminal.err);
    let result = metered(err, |progress| backend.report(&args.request(), progress));
    let Some(outcome) = outcome_or_complaints(result, terminal) else {
        return Exit::Trouble;
    };
    let ReportOutcome { outcome: Outcome { snapshot, files }, subject, hours, remarks } = outcome;
    remarks.iter().for_each(|remark| terminal.complain(remark));
    let report = SiteReport::new(&snapshot, &files, &subject, &*hours);
    let language = match args.lang {
        Lang::En => Language::English,
        Lang::Da => Language::Danish,
    };
    let printed = match args.format {
        ReportFormat::Html => terminal.print(&report_html(&report, language)),
        ReportFormat::Md => terminal.print(&report_markdown(&report, language)),
        ReportFormat::Json => terminal.print_json(report.json()),
        ReportFormat::Csv => match report_csv(&report) {
            Ok(text) => terminal.print(&text),
            Err(error) => {
                terminal.complain(&format!("cannot write CSV: {error}"));
                false
            }
        },
    };
    complain_of_damage(&files, terminal);
    Exit::of_listing(!printed || !files.damage.is_empty())
}
