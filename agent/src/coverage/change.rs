//! What another rule set makes of devices, told by trying all that can be known of one.

use std::collections::BTreeMap;

use super::Verdict;
use super::disposition::{Disposition, Facts, Rule, decide};
use crate::hint::State;

/// Devices that are decided otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DispositionChange {
    /// By the old rules.
    pub was: Disposition,
    /// By the new ones.
    pub is: Disposition,
    /// One such device: what is known of it.
    pub example: String,
}

/// Words of rules beyond which pairs of them in one use are not tried.
const MAX_PAIRED: usize = 16;
/// A use that no rule names, most likely.
const OTHER: &str = "some other use";

/// Every pair of different answers once, with the first example. `None` where the rules differ and there are too many
/// words to try them all.
pub fn changed_dispositions(old: &[Rule], new: &[Rule]) -> Option<Vec<DispositionChange>> {
    if old == new {
        return Some(Vec::new());
    }
    let mut found: BTreeMap<(Disposition, Disposition), String> = BTreeMap::new();
    let (uses, all_tried) = uses(old, new);
    for use_ in &uses {
        for verdict in Verdict::ALL {
            for (firmware, fix) in firmwares() {
                let facts = Facts { use_, firmware, fix, verdict };
                let (was, is) = (decide(old, &facts).disposition, decide(new, &facts).disposition);
                if was != is {
                    found.entry((was, is)).or_insert_with(|| example(&facts));
                }
            }
        }
    }
    let changes = found.into_iter().map(|((was, is), example)| DispositionChange { was, is, example });
    all_tried.then(|| changes.collect())
}

fn firmwares() -> impl Iterator<Item = (State, Option<bool>)> {
    State::ALL.into_iter().flat_map(|state| [None, Some(false), Some(true)].map(|fix| (state, fix)))
}

/// Uses that rules may tell apart, and whether all combinations of two are among them.
fn uses(old: &[Rule], new: &[Rule]) -> (Vec<String>, bool) {
    let patterns = old.iter().chain(new).flat_map(|rule| rule.uses.iter().chain(&rule.not_use));
    let mut words: Vec<String> = patterns.map(|pattern| pattern.replace('*', "")).collect();
    words.sort();
    words.dedup();
    let mut uses = vec![OTHER.to_owned(), String::new()];
    uses.extend(words.iter().cloned());
    let is_few = words.len() <= MAX_PAIRED;
    if is_few {
        let pairs =
            words.iter().enumerate().flat_map(|(at, a)| words.iter().skip(at + 1).map(move |b| format!("{a}, {b}")));
        uses.extend(pairs.collect::<Vec<_>>());
    }
    (uses, is_few)
}

fn example(facts: &Facts<'_>) -> String {
    let use_ = match facts.use_ {
        "" => "of unknown use".to_owned(),
        OTHER => format!("of {OTHER}"),
        use_ => format!("used as `{use_}`"),
    };
    let fix = match facts.fix {
        _ if facts.firmware != State::Vulnerable => "",
        Some(true) => " with a fix",
        Some(false) => " without a fix",
        None => " with no known fix",
    };
    format!("{use_}, firmware {}{fix}, {}", facts.firmware.name(), facts.verdict.name())
}

#[cfg(test)]
mod tests {
    use super::super::default_rules;
    use super::*;

    #[test]
    fn the_same_rules_change_nothing_and_neither_does_their_order_where_it_does_not_matter() {
        assert_eq!(changed_dispositions(&default_rules(), &default_rules()), Some(vec![]));
        let mut swapped = default_rules();
        swapped.swap(1, 2);
        assert_eq!(changed_dispositions(&default_rules(), &swapped), Some(vec![]));
    }

    #[test]
    fn a_milder_rule_is_told_with_an_example() {
        let mut milder = default_rules();
        milder[3].verdict.push(Verdict::Contained);
        let changes = changed_dispositions(&default_rules(), &milder).unwrap();
        let example = "of some other use, firmware patched, contained".to_owned();
        let change = DispositionChange { was: Disposition::CannotTell, is: Disposition::MayRemain, example };
        assert_eq!(changes, [change]);
    }

    #[test]
    fn two_words_in_one_use_are_tried() {
        let rule = |word: &str, then| Rule { uses: vec![word.to_owned()], ..Rule::always(then) };
        let rules = [rule("ward", Disposition::Discontinue), rule("car park", Disposition::Patch)];
        let swapped = [rules[1].clone(), rules[0].clone()];
        let changes = changed_dispositions(&rules, &swapped).unwrap();
        assert_eq!(changes[0].example, "used as `car park, ward`, firmware patched, isolated");
        let many: Vec<Rule> = (0..20).map(|n| rule(&format!("use {n}"), Disposition::Patch)).collect();
        assert_eq!(changed_dispositions(&rules, &many), None);
    }
}
