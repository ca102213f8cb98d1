//! What stands in the repository's Markdown leads somewhere, and every kind of finding has its page.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use segwatch::finding::Kind;
use segwatch_tests::tool::repository;

const HEADINGS: [&str; 4] = ["## What was seen", "## Evidence", "## What else it could be", "## What to do"];
/// What is not ours: what cargo makes, and what git keeps.
const NOT_OURS: [&str; 2] = ["target", ".git"];

#[test]
fn every_kind_of_finding_has_its_page_and_every_page_its_kind() {
    let folder = repository().join("agent/docs/findings");
    let pages: BTreeSet<String> = markdown(&folder).iter().map(|page| stem(page)).filter(|it| it != "README").collect();
    let kinds: BTreeSet<String> = Kind::ALL.into_iter().map(|kind| kind.name().to_owned()).collect();
    assert_eq!(pages, kinds, "left: pages, right: kinds");
    let index = fs::read_to_string(folder.join("README.md")).expect("the index");
    for kind in kinds {
        let page = fs::read_to_string(folder.join(format!("{kind}.md"))).expect("a page");
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, HEADINGS, "{kind}");
        assert!(page.starts_with(&format!("# {kind}\n")), "{kind}");
        assert!(page.contains("alerts/runbooks/Segwatch"), "{kind} names no runbook");
        assert!(index.contains(&format!("]({kind}.md)")), "{kind} is not in the index");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for page in markdown(&repository()) {
        let text = fs::read_to_string(&page).expect("a page");
        for link in links(&text) {
            followed += 1;
            if !leads_somewhere(&page, &text, &link) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert!(followed > 50, "only {followed} links were found");
}

#[test]
fn a_broken_link_would_be_found() {
    let page = repository().join("README.md");
    let text =
        "# One\n## Two: `three`, four\n[a](LICENSE) ![b](missing.svg) [c](#two-three-four) [d](#five)\n    [e](code)\n";
    let found = links(text);
    assert_eq!(found, ["LICENSE", "missing.svg", "#two-three-four", "#five"]);
    let leads: Vec<bool> = found.iter().map(|link| leads_somewhere(&page, text, link)).collect();
    assert_eq!(leads, [true, false, true, false]);
    assert!(!leads_somewhere(&page, text, "LICENSE/"), "a file is no folder");
    assert!(!leads_somewhere(&page, text, "../outside.md"));
}

fn leads_somewhere(page: &Path, text: &str, link: &str) -> bool {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { page.to_owned() } else { page.parent().expect("a folder").join(file) };
    if !target.exists() || (file.ends_with('/') && !target.is_dir()) {
        return false;
    }
    match (anchor, file) {
        ("", _) => true,
        (anchor, "") => anchors(text).contains(anchor),
        (anchor, _) => fs::read_to_string(target).is_ok_and(|text| anchors(&text).contains(anchor)),
    }
}

/// Relative links and pictures, code aside. What leads out of the repository is for people to try.
fn links(text: &str) -> Vec<String> {
    let lines = prose(text);
    let after_bracket = lines.iter().flat_map(|line| line.split("](").skip(1));
    let targets = after_bracket.filter_map(|rest| rest.split_once(')')).map(|(link, _)| link.to_owned());
    targets.filter(|link| !link.contains("://") && !link.starts_with("mailto:")).collect()
}

/// Lines that are no code block, without code spans.
fn prose(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut kept = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && !line.starts_with("    ") {
            kept.push(line.split('`').step_by(2).collect());
        }
    }
    kept
}

/// The anchors of its headings, as code hosts make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings.map(|it| it.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

fn stem(page: &Path) -> String {
    page.file_stem().expect("a name").to_string_lossy().into_owned()
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            found.extend(markdown(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}
