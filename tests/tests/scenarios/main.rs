//! Scenarios: a capture, a policy, and what the design says of them (`scenarios/README.md`). One test per group of them.
//!
//! What belongs here: nothing but how a scenario is run. Another case is another folder, not another line of code.

mod answer;
mod expected;
mod explain;
mod flows;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use segwatch::finding::Kind;
use segwatch_tests::program::{Run, segwatch};
use serde_json::Value;

use self::expected::Expected;

/// Declares a test for each folder of `scenarios/`, and one that none is left out.
macro_rules! groups {
    ($($test:ident $folder:literal)*) => {
        $(#[test]
        fn $test() {
            check_group($folder);
        })*

        #[test]
        fn every_group_is_tested() {
            let tested = BTreeSet::from([$($folder.to_string()),*]);
            let folders: BTreeSet<String> = folders(Path::new("scenarios")).iter().map(|folder| name(folder)).collect();
            assert_eq!(tested, folders);
        }
    };
}

groups! {
    builtin "builtin"
    conduit "conduit"
    config "config"
    covered "covered"
    decoding "decoding"
    exception "exception"
    exploit "exploit"
    foreign "foreign"
    hopping "hopping"
    icmp "icmp"
    kinds "kinds"
    known_late "known-late"
    link_types "link-types"
    local_scope "local-scope"
    mirrors "mirrors"
    port_mapping "port-mapping"
    reach "reach"
    rogue "rogue"
    scope "scope"
    site "site"
    traps "traps"
    tunnel "tunnel"
    verdict "verdict"
    vlan "vlan"
    whose_frame "whose-frame"
}

fn check_group(group: &str) {
    let scenarios = folders(&Path::new("scenarios").join(group));
    assert!(!scenarios.is_empty(), "{group} is empty");
    let failures: Vec<String> = scenarios.iter().filter_map(|folder| check(folder).err()).collect();
    assert!(failures.is_empty(), "{} of {} fail\n\n{}", failures.len(), scenarios.len(), failures.join("\n"));
}

/// Runs one scenario through `check` and `flows`, and compares with what is expected.
fn check(folder: &Path) -> Result<(), String> {
    let text = fs::read_to_string(folder.join("expected.json")).expect("expected.json");
    let expected: Expected =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut problems = Vec::new();
    let run = run("check", "json", expected.args.clone(), folder, &expected);
    if !expected.exit.contains(&run.exit) {
        problems.push(format!("exit {}, expected {:?}: {}", run.exit, expected.exit, run.err.trim()));
    }
    for line in expected.error_lines.iter().filter(|line| !run.err.contains(&format!("policy.yaml:{line}:"))) {
        problems.push(format!("no error at line {line}: {}", run.err.trim()));
    }
    if !expected.verdict.is_empty() {
        let answer: Value = serde_json::from_str(&run.out).map_err(|error| format!("check prints no JSON: {error}"))?;
        answer::compare(&expected, &answer, &mut problems);
        let rows = rows(folder, &expected);
        flows::compare(&expected, &rows, &mut problems);
        explain::compare(&rows, &explained(folder, &expected, None), &mut problems);
    }
    if problems.is_empty() {
        return Ok(());
    }
    let problems: String = problems.iter().map(|problem| format!("  {problem}\n")).collect();
    Err(format!("{}\n{problems}  design: {}\n", folder.display(), expected.quote))
}

/// The first finding of each kind in each group: why it is one.
#[test]
fn findings_of_every_kind_are_explained() {
    let mut kinds = BTreeSet::new();
    let mut problems = Vec::new();
    for group in folders(Path::new("scenarios")) {
        let mut of_group = BTreeSet::new();
        for folder in folders(&group) {
            let text = fs::read_to_string(folder.join("expected.json")).expect("expected.json");
            let expected: Expected = serde_json::from_str(&text).expect("expected.json");
            let told = |f: &expected::Finding| f.kind.iter().any(|kind| !of_group.contains(kind));
            if expected.verdict.is_empty() || !expected.findings.iter().any(told) && expected.unknown_devices.is_none()
            {
                continue;
            }
            let listed = run("findings", "json", untagged(&expected), &folder, &expected).out;
            let listed: Value = serde_json::from_str(&listed).expect("findings are JSON");
            for finding in listed["findings"].as_array().expect("a list") {
                let kind = finding["kind"].as_str().expect("a kind").to_string();
                if of_group.insert(kind.clone()) {
                    let answer = explained(&folder, &expected, finding["id"].as_str());
                    let wrong = explain::compare_finding(finding, &answer);
                    problems.extend(wrong.into_iter().map(|wrong| format!("{}\n  {wrong}", folder.display())));
                    kinds.insert(kind);
                }
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    let all: BTreeSet<String> =
        Kind::ALL.iter().filter(|kind| **kind != Kind::Drill).map(|kind| kind.name().to_string()).collect();
    assert_eq!(kinds, all, "kinds that a scenario shows, and all kinds");
}

/// The rows of `flows`, which takes `--untagged` of the options that `check` has.
fn rows(folder: &Path, expected: &Expected) -> Vec<Value> {
    let rows = run("flows", "jsonl", untagged(expected), folder, expected).out;
    rows.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
}

/// Every flow explained, or those of a finding.
fn explained(folder: &Path, expected: &Expected, finding: Option<&str>) -> Value {
    let mut options = untagged(expected);
    options.extend(finding.iter().flat_map(|id| ["--finding".to_string(), (*id).to_string()]));
    let run = run("explain", "json", options, folder, expected);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{}: {error}\n{}", folder.display(), run.err))
}

fn untagged(expected: &Expected) -> Vec<String> {
    expected.args.windows(2).filter(|pair| pair[0] == "--untagged").flatten().cloned().collect()
}

fn run(command: &str, format: &str, options: Vec<String>, folder: &Path, expected: &Expected) -> Run {
    let mut args: Vec<String> = vec![command.into(), "--format".into(), format.into()];
    if let Some(policy) = &expected.policy {
        args.extend(["--config".into(), folder.join(policy).display().to_string()]);
    }
    args.extend(options);
    args.extend(expected.captures.iter().map(|capture| folder.join(capture).display().to_string()));
    segwatch(args)
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
