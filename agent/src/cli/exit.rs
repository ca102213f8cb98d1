//! Exit codes, all of them (DESIGN, section 4).

use crate::coverage::Verdict;
use crate::engine::Snapshot;
use crate::finding::Class;
use crate::report::FailOn;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// 0: done, and nothing found that `--fail-on` names.
    Fine,
    /// 1: found what `--fail-on` names.
    Found,
    /// 2: trouble: usage, configuration, unreadable or damaged capture, output that could not be written.
    Trouble,
    /// 3: nobody knows.
    Unverified,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::Found => 1,
            Exit::Trouble => 2,
            Exit::Unverified => 3,
        }
    }

    /// Of `check`: the first that holds of trouble, violated, unverified, contained, notice.
    pub(super) fn of_check(trouble: bool, snapshot: &Snapshot, fail_on: FailOn) -> Exit {
        let noticed = snapshot.findings.iter().any(|f| f.class == Class::Notice);
        decide(trouble, snapshot.verdict, noticed, fail_on)
    }

    /// Of `diff`: whether the new policy makes a violation of something that was none.
    pub(super) fn of_diff(trouble: bool, violates_newly: bool) -> Exit {
        match (trouble, violates_newly) {
            (true, _) => Exit::Trouble,
            (false, true) => Exit::Found,
            (false, false) => Exit::Fine,
        }
    }

    /// Of every other command.
    pub(super) fn of_listing(trouble: bool) -> Exit {
        if trouble { Exit::Trouble } else { Exit::Fine }
    }
}

fn decide(trouble: bool, verdict: Verdict, noticed: bool, fail_on: FailOn) -> Exit {
    match verdict {
        _ if trouble => Exit::Trouble,
        Verdict::Violated => Exit::Found,
        Verdict::Unverified => Exit::Unverified,
        Verdict::Contained if fail_on <= FailOn::Contained => Exit::Found,
        _ if noticed && fail_on == FailOn::Notice => Exit::Found,
        Verdict::Contained | Verdict::Isolated => Exit::Fine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination: rows by verdict and notice, columns by `--fail-on`.
    #[test]
    fn every_combination() {
        const FAIL_ON: [FailOn; 3] = [FailOn::Notice, FailOn::Contained, FailOn::Violated];
        for (verdict, noticed, codes) in [
            (Verdict::Isolated, false, [0, 0, 0]),
            (Verdict::Isolated, true, [1, 0, 0]),
            (Verdict::Contained, false, [1, 1, 0]),
            (Verdict::Contained, true, [1, 1, 0]),
            (Verdict::Unverified, false, [3, 3, 3]),
            (Verdict::Unverified, true, [3, 3, 3]),
            (Verdict::Violated, false, [1, 1, 1]),
            (Verdict::Violated, true, [1, 1, 1]),
        ] {
            let sound = FAIL_ON.map(|f| decide(false, verdict, noticed, f).code());
            assert_eq!(sound, codes, "{verdict:?}, notice: {noticed}");
            let troubled = FAIL_ON.map(|f| decide(true, verdict, noticed, f).code());
            assert_eq!(troubled, [2, 2, 2], "{verdict:?}, notice: {noticed}");
        }
    }

    #[test]
    fn a_comparison_fails_on_new_violations() {
        let codes =
            [(false, false), (false, true), (true, false), (true, true)].map(|(t, v)| Exit::of_diff(t, v).code());
        assert_eq!(codes, [0, 1, 2, 2]);
    }

    #[test]
    fn listings_know_trouble_only() {
        assert_eq!([false, true].map(|t| Exit::of_listing(t).code()), [0, 2]);
    }
}
