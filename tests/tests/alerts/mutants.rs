//! The promtool tests can fail: each small change of a rule makes one of them fail.

use std::fs;
use std::path::Path;

use segwatch_tests::tool;

use crate::rules;

/// What is replaced in expressions and labels, one place at a time. The result is still a rule.
const REPLACEMENTS: &[(&str, &str)] = &[
    (" == 0", " == 2"),
    (" == 1", " == 0"),
    (" > 0", " >= 0"),
    (" > 0", " > 99"),
    (" > 900", " > 9000"),
    (" > 900", " > 60"),
    (" > 1800", " > 18000"),
    (" > 1800", " > 60"),
    (" < 0.7", " < 0.2"),
    (" < 0.7", " < 0.99"),
    (" < 14 ", " < 1 "),
    (" < 14 ", " < 99 "),
    ("0 < ", "-1e9 < "),
    (" <= 0", " <= -600"),
    (" unless ", " and "),
    ("unless\n", "and\n"),
    (" and on (site) ", " and on () "),
    ("!~\"", "=~\""),
    ("=~\"", "!~\""),
    ("!=\"", "=\""),
    ("=\"", "!=\""),
    ("[5m]", "[1m]"),
    ("[10m]", "[1m]"),
    ("[15m]", "[1m]"),
    ("[15m]", "[3h]"),
    ("[30m]", "[1m]"),
    ("[30m]", "[3h]"),
    ("[1d]", "[1m]"),
    ("offset 15m", "offset 1m"),
    ("offset 30m", "offset 1m"),
    ("max by (site, zone, kind, id, device, peer_zone) (", "max without () ("),
    ("vector(1)", "vector(1) > 1"),
    ("severity: critical", "severity: warning"),
    ("severity: warning", "severity: critical"),
    ("severity: none", "severity: info"),
    (": 2m\n", ": 3m\n"),
    (": 5m\n", ": 6m\n"),
    (": 10m\n", ": 9m\n"),
    (": 15m\n", ": 16m\n"),
    (": 30m\n", ": 31m\n"),
    (": 2h\n", ": 121m\n"),
];

#[test]
fn each_change_of_a_rule_fails_a_test() {
    if !tool::installed(&["promtool"]) {
        return;
    }
    let mutants: Vec<(&str, String, String)> = rules::FILES.iter().flat_map(|file| mutants(file)).collect();
    assert!(mutants.len() > 100, "only {} changes", mutants.len());
    // Each takes a second: all of them where time is no matter.
    let step = if std::env::var_os("SEGWATCH_LONG").is_some() { 1 } else { 9 };
    let mutants: Vec<_> = mutants.into_iter().step_by(step).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let survivors: Vec<String> = std::thread::scope(|scope| {
        let run = |(worker, share): (usize, &[_])| {
            let folder = tool::empty_folder(&format!("rule-mutants-{worker}"));
            share.iter().filter_map(|mutant| survives(&folder, mutant)).collect::<Vec<String>>()
        };
        let shares = mutants.chunks(mutants.len().div_ceil(workers)).enumerate();
        let threads: Vec<_> = shares.map(|share| scope.spawn(move || run(share))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(survivors.is_empty(), "{} changes went unnoticed:\n{}", survivors.len(), survivors.join("\n"));
}

/// File, what was changed, and the whole text with the change.
fn mutants(file: &'static str) -> Vec<(&'static str, String, String)> {
    let text = fs::read_to_string(rules::folder().join(file)).expect("rules");
    let mut mutants = Vec::new();
    for (at, line) in lines(&text) {
        let mut push = |from: usize, to: usize, new: &str| {
            let what = format!("{file}: {:?} in place of {:?} in `{}`", new, &text[from..to], line.trim());
            mutants.push((file, what, [&text[..from], new, &text[to..]].concat()));
        };
        let word = line.trim_start();
        if word.starts_with('#') {
            continue;
        }
        let is_time = word.starts_with("for:") || word.starts_with("keep_firing_for:");
        if is_time {
            push(at, at + line.len(), "");
        }
        let is_annotation = ["summary:", "description:", "runbook_url:", "dashboard_url:"];
        if is_annotation.iter().any(|name| word.starts_with(name)) || word.contains("$labels") {
            continue;
        }
        for (old, new) in REPLACEMENTS {
            for (place, _) in line.match_indices(old).filter(|(place, _)| !is_part_of_not(&line[..*place], old)) {
                push(at + place, at + place + old.len(), new);
            }
        }
    }
    mutants
}

/// The end of `!=` is not `=`.
fn is_part_of_not(before: &str, old: &str) -> bool {
    old.starts_with('=') && before.ends_with('!')
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

/// Its description, if the tests pass all the same.
fn survives(folder: &Path, (file, what, text): &(&str, String, String)) -> Option<String> {
    fs::create_dir_all(folder.join("tests")).expect("a folder of our own");
    fs::write(folder.join(file), text).expect("a file of our own");
    fs::copy(rules::folder().join("tests").join(file), folder.join("tests").join(file)).expect("a copy");
    let checked = tool::run("promtool", folder, ["check", "rules", file]);
    if !checked.success {
        return Some(format!("{what} is no rule: {}", checked.text));
    }
    tool::run("promtool", &folder.join("tests"), ["test", "rules", file]).success.then(|| what.clone())
}
