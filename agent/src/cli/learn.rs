//! `segwatch learn`.

use super::args::LearnArgs;
use super::backend::Backend;
use super::exit::Exit;
use super::read::{complain_of_damage, metered, outcome_or_complaints};
use super::terminal::Terminal;

pub(super) fn learn(args: &LearnArgs, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let err = terminal.err_is_terminal.then_some(&mut *terminal.err);
    let result = metered(err, |progress| backend.learn(&args.request(), progress));
    let Some(outcome) = outcome_or_complaints(result, terminal) else { return Exit::Trouble };
    complain_of_damage(&outcome.files, terminal);
    let damaged = !outcome.files.damage.is_empty();
    match outcome.proposal {
        Ok(text) => Exit::of_listing(!terminal.print(&text) || damaged),
        Err(why) => {
            terminal.complain("nothing is proposed:");
            why.iter().for_each(|reason| terminal.complain(reason));
            if damaged { Exit::Trouble } else { Exit::Unverified }
        }
    }
}
