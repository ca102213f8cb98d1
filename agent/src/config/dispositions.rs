//! Which devices may remain: rules over use, firmware and verdict, of which the first that holds decides.

use super::fields::{Field, item_of};
use super::problem::quoted;
use super::source::{Source, Spanned};
use super::value::{self, Wrong, nearest, one_of};
use super::words::DISPOSITION;
use crate::coverage::{Disposition, Rule, Verdict};
use crate::hint::State;
use crate::policy::is_use_pattern;

/// Rules of one policy.
const MAX_RULES: usize = 64;
/// Words of one condition.
const MAX_WORDS: usize = 64;

/// Reads `dispositions`. `None` if nothing of it can be used.
pub(super) fn read(source: &mut Source, field: Field<'_>) -> Option<Vec<Spanned<Rule>>> {
    let mut rules: Vec<Spanned<Rule>> = Vec::new();
    for node in source.list(field)? {
        if rules.len() == MAX_RULES {
            source.error(node.at, format!("more than {MAX_RULES} rules"));
            break;
        }
        let item = Field { key: "rule", ..item_of(field, node) };
        rules.extend(read_rule(source, item).map(|value| Spanned { value, at: node.at }));
    }
    lint(source, &rules);
    Some(rules)
}

/// `None` if it is refused.
fn read_rule(source: &mut Source, item: Field<'_>) -> Option<Rule> {
    let fields = source.fields(item, &DISPOSITION)?;
    let Some(then) = fields.get("then") else {
        if !fields.has_nearly("then", &DISPOSITION) {
            source.error(item.at, "this rule has no `then`").help(format!("say what follows: {}", one_of(names())));
        }
        return None;
    };
    let mut words = |key: &str| fields.get(key).map(|field| list(source, field, use_)).unwrap_or_default();
    let (uses, not_use) = (words("use"), words("not_use"));
    let firmware = fields.get("firmware").map(|field| list(source, field, state)).unwrap_or_default();
    let verdict = fields.get("verdict").map(|field| list(source, field, verdict)).unwrap_or_default();
    let fix = fields.get("fix").and_then(|field| source.flag(field));
    let then = source.value(then, disposition)?.value;
    Some(Rule { then, uses, not_use, firmware, fix, verdict })
}

fn list<T: PartialEq>(source: &mut Source, field: Field<'_>, parse: fn(&str) -> Result<T, Wrong>) -> Vec<T> {
    let items = source.items(field, parse);
    if let Some(extra) = items.get(MAX_WORDS) {
        source.error(extra.at, format!("`{}` has more than {MAX_WORDS} entries", field.key));
    }
    for (index, one) in items.iter().enumerate() {
        if items.iter().take(index).any(|other| other.value == one.value) {
            source.error(one.at, format!("this is there twice in `{}`", field.key));
        }
    }
    items.into_iter().map(|item| item.value).collect()
}

/// What loads but would let a device remain that nobody vouches for, or is never reached.
fn lint(source: &mut Source, rules: &[Spanned<Rule>]) {
    for (at, rule) in (1..).zip(rules) {
        let open = open_ends(&rule.value);
        if rule.value.then == Disposition::MayRemain && !open.is_empty() {
            source
                .lint(rule.at, format!("this rule lets devices remain {}", open.join(" and ")))
                .help("the decision names `not_use: [clinical]`, `firmware: [patched]` and `verdict: [isolated]`");
        }
        if rule.value == Rule::always(rule.value.then) && at < rules.len() {
            source.lint(rule.at, "this rule holds for every device, so that none of the following ever decides");
        }
    }
}

fn open_ends(rule: &Rule) -> Vec<&'static str> {
    let is_open = |named: bool, fits: bool| !named || !fits;
    let firmware = rule.firmware.iter().all(|state| *state == State::Patched);
    let verdict = rule.verdict.iter().all(|verdict| matches!(verdict, Verdict::Isolated | Verdict::Contained));
    [
        (rule.uses.is_empty() && rule.not_use.is_empty(), "whatever they are used for"),
        (is_open(!rule.firmware.is_empty(), firmware), "whose firmware is not known to be patched"),
        (is_open(!rule.verdict.is_empty(), verdict), "that nobody saw isolated"),
    ]
    .into_iter()
    .filter_map(|(open, words)| open.then_some(words))
    .collect()
}

fn names() -> [&'static str; 4] {
    Disposition::ALL.map(Disposition::name)
}

fn disposition(text: &str) -> Result<Disposition, Wrong> {
    one(text, "disposition", Disposition::ALL.map(|one| (one.name(), one)))
}

fn state(text: &str) -> Result<State, Wrong> {
    one(text, "posture of firmware", State::ALL.map(|one| (one.name(), one)))
}

fn verdict(text: &str) -> Result<Verdict, Wrong> {
    one(text, "verdict", Verdict::ALL.map(|one| (one.name(), one)))
}

fn one<T, const N: usize>(text: &str, what: &str, known: [(&'static str, T); N]) -> Result<T, Wrong> {
    let names = known.each_ref().map(|(name, _)| *name);
    known.into_iter().find(|(name, _)| *name == text).map(|(_, value)| value).ok_or_else(|| Wrong {
        message: format!("{} is no {what}", quoted(text)),
        hint: Some(match nearest(text, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write {}", one_of(names)),
        }),
    })
}

fn use_(text: &str) -> Result<String, Wrong> {
    let word = value::word(text)?;
    if is_use_pattern(&word) {
        return Ok(word);
    }
    Err(Wrong {
        message: format!("{} names no use", quoted(text)),
        hint: Some("write a word of the inventory's `use`, as in `clinical` or `clinic*`".to_owned()),
    })
}
