//! Which devices may remain: a small rule set over what is known of each.

use super::Verdict;
use crate::hint::State;
use crate::policy::{CLINICAL, is_known_use, is_used_as};

/// What the policy makes of a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
pub enum Disposition {
    /// It has to go.
    #[serde(rename = "discontinue")]
    Discontinue,
    /// It needs newer firmware.
    #[serde(rename = "patch")]
    Patch,
    /// Something has to be known, or mended, first.
    #[serde(rename = "cannot tell")]
    CannotTell,
    /// It may stay as it is.
    #[serde(rename = "may remain")]
    MayRemain,
}

impl Disposition {
    /// Every one, in the order in which something has to be done.
    pub const ALL: [Disposition; 4] =
        [Disposition::Discontinue, Disposition::Patch, Disposition::CannotTell, Disposition::MayRemain];

    /// The words of configuration and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Disposition::MayRemain => "may remain",
            Disposition::Patch => "patch",
            Disposition::Discontinue => "discontinue",
            Disposition::CannotTell => "cannot tell",
        }
    }
}

/// All that is named has to hold; what is not named does not matter.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Rule {
    /// What follows.
    pub then: Disposition,
    /// Its use names one of these.
    #[serde(rename = "use", skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    /// Its use is known, and names none of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_use: Vec<String>,
    /// Posture of its firmware.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub firmware: Vec<State>,
    /// Whether there is firmware that mends it; what nobody knows is neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<bool>,
    /// Its verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdict: Vec<Verdict>,
}

/// What is known of a device.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What the inventory says; empty if nobody said.
    pub use_: &'a str,
    /// Of its firmware.
    pub firmware: State,
    /// Whether there is firmware that mends it; `None` if nobody knows.
    pub fix: Option<bool>,
    /// Its verdict.
    pub verdict: Verdict,
}

/// What keeps a device from remaining.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Nobody said what it is used for, or the use is not one that may be.
    Use,
    /// Its firmware is not known to be as it must be.
    Firmware,
    /// It is vulnerable, and whether there is firmware that mends it is not known.
    Fix,
    /// Its verdict is not what it must be.
    Verdict,
}

impl Missing {
    /// The word of JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Missing::Use => "use",
            Missing::Firmware => "firmware",
            Missing::Fix => "fix",
            Missing::Verdict => "verdict",
        }
    }
}

/// What was decided, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// What follows.
    pub disposition: Disposition,
    /// The rule that decided, from 0; `None` where none held.
    pub rule: Option<usize>,
    /// Where nobody can tell: what is missing to remain.
    pub missing: Vec<Missing>,
}

/// The region's decision of 2022: clinical use, or firmware that nobody mends, ends it; what can be patched is patched;
/// not clinical, patched and isolated may remain.
pub fn default_rules() -> Vec<Rule> {
    let clinical = || CLINICAL.map(str::to_owned).to_vec();
    let vulnerable = |then, fix| Rule { firmware: vec![State::Vulnerable], fix: Some(fix), ..Rule::always(then) };
    vec![
        Rule { uses: clinical(), ..Rule::always(Disposition::Discontinue) },
        vulnerable(Disposition::Discontinue, false),
        vulnerable(Disposition::Patch, true),
        Rule {
            not_use: clinical(),
            firmware: vec![State::Patched],
            verdict: vec![Verdict::Isolated],
            ..Rule::always(Disposition::MayRemain)
        },
    ]
}

/// The first rule that holds; without one nobody can tell, and what is missing to remain is said.
pub fn decide(rules: &[Rule], facts: &Facts<'_>) -> Decision {
    let held = rules.iter().position(|rule| rule.missing(facts).is_empty());
    let disposition = held.and_then(|at| rules.get(at)).map_or(Disposition::CannotTell, |rule| rule.then);
    let mut missing = Vec::new();
    if disposition == Disposition::CannotTell {
        let remain = rules.iter().filter(|rule| rule.then == Disposition::MayRemain).map(|rule| rule.missing(facts));
        missing = remain.min_by_key(Vec::len).unwrap_or_default();
    }
    if facts.firmware == State::Vulnerable && facts.fix.is_none() {
        missing.iter_mut().filter(|one| **one == Missing::Firmware).for_each(|one| *one = Missing::Fix);
    }
    Decision { disposition, rule: held, missing }
}

impl Rule {
    /// Holds for every device.
    pub fn always(then: Disposition) -> Rule {
        Rule { then, uses: Vec::new(), not_use: Vec::new(), firmware: Vec::new(), fix: None, verdict: Vec::new() }
    }

    /// Conditions that do not hold.
    fn missing(&self, facts: &Facts<'_>) -> Vec<Missing> {
        let is_used = self.uses.is_empty() || is_known_use(facts.use_) && is_used_as(&self.uses, facts.use_);
        let is_not_used = self.not_use.is_empty() || is_known_use(facts.use_) && !is_used_as(&self.not_use, facts.use_);
        let fits = (self.firmware.is_empty() || self.firmware.contains(&facts.firmware))
            && self.fix.is_none_or(|fix| facts.fix == Some(fix));
        let conditions = [
            (Missing::Use, is_used && is_not_used),
            (Missing::Firmware, fits),
            (Missing::Verdict, self.verdict.is_empty() || self.verdict.contains(&facts.verdict)),
        ];
        conditions.into_iter().filter(|(_, holds)| !holds).map(|(missing, _)| missing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decision_of_2022() {
        use Disposition::*;
        use State::*;
        for (use_, firmware, fix, verdict, expected, missing) in [
            ("street", Patched, None, Verdict::Isolated, MayRemain, vec![]),
            ("non-clinical", Patched, None, Verdict::Isolated, MayRemain, vec![]),
            ("street", Vulnerable, Some(true), Verdict::Isolated, Patch, vec![]),
            ("street", Vulnerable, Some(true), Verdict::Violated, Patch, vec![]),
            ("", Vulnerable, Some(true), Verdict::Violated, Patch, vec![]),
            ("street", Vulnerable, Some(false), Verdict::Isolated, Discontinue, vec![]),
            ("street", Vulnerable, None, Verdict::Isolated, CannotTell, vec![Missing::Fix]),
            ("Clinical ", Patched, None, Verdict::Isolated, Discontinue, vec![]),
            ("klinisk brug", Patched, None, Verdict::Isolated, Discontinue, vec![]),
            ("clinical", Unknown, None, Verdict::Unverified, Discontinue, vec![]),
            ("clinical", Vulnerable, Some(true), Verdict::Isolated, Discontinue, vec![]),
            ("street", Unknown, None, Verdict::Isolated, CannotTell, vec![Missing::Firmware]),
            ("street", Patched, None, Verdict::Unverified, CannotTell, vec![Missing::Verdict]),
            ("street", Patched, None, Verdict::Contained, CannotTell, vec![Missing::Verdict]),
            ("street", Patched, None, Verdict::Violated, CannotTell, vec![Missing::Verdict]),
            ("", Patched, None, Verdict::Isolated, CannotTell, vec![Missing::Use]),
            ("unknown", Patched, None, Verdict::Isolated, CannotTell, vec![Missing::Use]),
            (
                "",
                Unknown,
                None,
                Verdict::Contained,
                CannotTell,
                vec![Missing::Use, Missing::Firmware, Missing::Verdict],
            ),
        ] {
            let facts = Facts { use_, firmware, fix, verdict };
            let decision = decide(&default_rules(), &facts);
            assert_eq!((decision.disposition, decision.missing), (expected, missing), "{facts:?}");
        }
    }

    #[test]
    fn whatever_is_known_only_one_thing_lets_a_device_remain() {
        for use_ in ["", "street", "clinical", "?"] {
            for firmware in State::ALL {
                for fix in [None, Some(false), Some(true)] {
                    for verdict in Verdict::ALL {
                        let facts = Facts { use_, firmware, fix, verdict };
                        let remains = decide(&default_rules(), &facts).disposition == Disposition::MayRemain;
                        let may = use_ == "street" && firmware == State::Patched && verdict == Verdict::Isolated;
                        assert_eq!(remains, may, "{facts:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_rule_lets_nothing_remain() {
        let facts = Facts { use_: "street", firmware: State::Patched, fix: None, verdict: Verdict::Isolated };
        let nobody = Decision { disposition: Disposition::CannotTell, rule: None, missing: vec![] };
        assert_eq!(decide(&[], &facts), nobody);
        let rules = [Rule::always(Disposition::Patch), Rule::always(Disposition::MayRemain)];
        assert_eq!(decide(&rules, &facts).rule, Some(0), "the first that holds");
    }
}
