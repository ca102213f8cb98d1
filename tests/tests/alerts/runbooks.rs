//! Every alert has its runbook, every runbook its alert, and what a runbook tells to type exists.

use std::collections::BTreeSet;
use std::fs;

use crate::rules;

const SECTIONS: &[&str] = &["## Meaning", "## Impact", "## Diagnosis", "## Mitigation", "## Who acts"];

/// The commands of segwatch.
const COMMANDS: &[&str] = &[
    "check",
    "completions",
    "config check",
    "config schema",
    "config show",
    "devices",
    "diff",
    "drill",
    "explain",
    "findings",
    "findings ack",
    "findings close",
    "flows",
    "interfaces",
    "learn",
    "man",
    "report",
    "run",
    "zones",
];

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let alerts: BTreeSet<String> = rules::rules().into_iter().map(|rule| rule.alert + ".md").collect();
    let books: BTreeSet<String> = runbooks().into_iter().map(|(name, _)| name).collect();
    assert_eq!(books, alerts);
}

#[test]
fn each_has_its_sections_in_order_and_fits_a_screen() {
    for (name, text) in runbooks() {
        assert!(text.starts_with(&format!("# {}\n", name.trim_end_matches(".md"))), "{name}");
        let sections: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(sections, SECTIONS, "{name}");
        assert!(text.lines().count() <= 50, "{name} is too long for a person woken at night");
    }
}

#[test]
fn commands_and_links_exist() {
    let mut found = 0;
    for (name, text) in runbooks() {
        for command in text.split(['\n', '`', ';', '|']).filter_map(|text| text.trim().strip_prefix("segwatch ")) {
            let words: Vec<&str> = command.split_whitespace().take(2).collect();
            let is_word = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
            let typed = words.iter().take_while(is_word).copied().collect::<Vec<_>>().join(" ");
            assert!(COMMANDS.contains(&typed.as_str()), "{name}: segwatch {command}");
            found += 1;
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(rules::folder().join("runbooks").join(link).is_file(), "{name}: no {link}");
        }
    }
    assert!(found > 20, "only {found} commands were found");
}

fn runbooks() -> Vec<(String, String)> {
    let entries = fs::read_dir(rules::folder().join("runbooks")).expect("runbooks");
    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("a runbook");
        (entry.file_name().into_string().expect("a plain name"), text)
    };
    entries.map(|entry| read(entry.expect("an entry"))).collect()
}
