//! Small changes of good policies: each is refused, or `diff` says what it opens or closes, or it means the same. What a
//! policy means is asked of the judge, and of the policy's own fields; `diff` is not asked about itself.

mod meaning;
mod mutate;
mod traffic;

use std::collections::BTreeMap;

use segwatch::base::Timestamp;
use segwatch::config::{self, Loaded};
use segwatch::policy::diff::PolicyDiff;
use segwatch::replay::compare_configs;

use self::meaning::meaning;
use self::mutate::Mutator;
use self::traffic::{Judged, Traffic};

const EXAMPLE: &str = include_str!("../../../config/segwatch.yaml");
const RICH: &str = include_str!("rich.yaml");
/// Of each policy.
const MUTATIONS: usize = 5_000;
/// 2026-11-24.
const TODAY: Timestamp = Timestamp(1_795_478_400_000_000_000);

#[test]
fn small_changes_of_the_example_are_refused_or_told() {
    check(EXAMPLE, 1);
}

#[test]
fn small_changes_of_a_rich_policy_are_refused_or_told() {
    check(RICH, 2);
}

fn check(text: &str, seed: u64) {
    let good = load(text).expect("a good policy");
    let traffic = Traffic::new();
    let judged = traffic.judge(&good.config.policy);
    let meant = meaning(&good.config);
    let mut mutator = Mutator::new(text, seed);
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    let (mut refused, mut told, mut same) = (0, 0, 0);
    let mut silent = Vec::new();
    let mutations = MUTATIONS * more();
    for _ in 0..mutations {
        let (what, mutant) = mutator.next();
        let Some(loaded) = load(&mutant) else {
            refused += 1;
            continue;
        };
        let diff = compare_configs(&good.config, &loaded.config);
        let means = meaning(&loaded.config);
        if diff.is_empty() {
            same += 1
        } else {
            told += 1
        }
        if seen.insert(means.clone(), ()).is_some() {
            continue;
        }
        let found = faults(&diff, (&judged, &traffic.judge(&loaded.config.policy)), meant == means);
        silent.extend(found.into_iter().map(|fault| format!("{what}\n  {fault}")));
    }
    assert!(silent.is_empty(), "{} of {mutations}:\n{}", silent.len(), silent.join("\n"));
    assert!(refused > mutations / 4 && told > mutations / 8 && same > 0, "{refused} refused, {told} told, {same} same");
}

/// `SEGWATCH_MUTATIONS=20` tries twenty times as many.
fn more() -> usize {
    std::env::var("SEGWATCH_MUTATIONS").ok().and_then(|more| more.parse().ok()).unwrap_or(1)
}

fn load(text: &str) -> Option<Loaded> {
    let mut none = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    config::load_str("mutant.yaml", text, TODAY, &mut none).ok()
}

/// What `diff` does not say, and should.
fn faults(diff: &PolicyDiff, (old, new): (&Judged, &Judged), means_the_same: bool) -> Vec<String> {
    let mut faults = Vec::new();
    if diff.is_empty() && !means_the_same {
        faults.push("the policies differ in a field, and nothing is told".to_owned());
    }
    if diff.opens.is_empty() {
        faults.extend(old.stricter_than(new).map(|what| format!("silently wider: {what}")));
    }
    if diff.closes.is_empty() {
        faults.extend(new.stricter_than(old).map(|what| format!("silently narrower: {what}")));
    }
    faults
}
