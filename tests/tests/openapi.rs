//! What segwatch says of all the scenarios is as the API's description says: the same code writes both.

use std::fs;
use std::path::{Path, PathBuf};

use segwatch_tests::program::segwatch;
use segwatch_tests::schema::faults;
use segwatch_tests::tool::repository;
use serde_json::{Value, json};

/// Of the groups of scenarios, those that show every kind of finding, alarm and hint.
const GROUPS: [&str; 7] = ["builtin", "exploit", "kinds", "mirrors", "rogue", "site", "tunnel"];

#[test]
fn answers_of_scenarios_are_as_described() {
    let description = fs::read_to_string(repository().join("agent/docs/openapi.json")).expect("the description");
    let description: Value = serde_json::from_str(&description).expect("JSON");
    let (mut wrong, mut findings) = (Vec::new(), 0);
    for folder in GROUPS.into_iter().flat_map(|group| folders(&repository().join("tests/scenarios").join(group))) {
        let Some(check) = answer("check", "json", &folder) else { continue };
        let check: Value = serde_json::from_str(&check).expect("JSON");
        findings += check["findings"].as_array().map_or(0, Vec::len);
        for (part, schema) in [("zones", "Zone"), ("devices", "Device"), ("findings", "Finding"), ("health", "Alarm")] {
            let schema = json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{schema}") } });
            wrong.extend(told(&folder, faults(&description, &schema, &check[part])));
        }
        let rows = answer("flows", "jsonl", &folder).unwrap_or_default();
        for row in rows.lines() {
            let row = serde_json::from_str(row).expect("JSON");
            let schema = json!({ "$ref": "#/components/schemas/Flow" });
            wrong.extend(told(&folder, faults(&description, &schema, &row)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(findings > 100, "only {findings} findings were looked at");
}

fn told(folder: &Path, faults: Vec<String>) -> impl Iterator<Item = String> {
    let folder = folder.display().to_string();
    faults.into_iter().map(move |fault| format!("{folder}: {fault}"))
}

/// What a command says of a scenario; `None` where the scenario is about a policy that cannot be read.
fn answer(command: &str, format: &str, folder: &Path) -> Option<String> {
    let expected = fs::read_to_string(folder.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let mut args = vec![command.to_owned(), "--format".to_owned(), format.to_owned()];
    if let Some(policy) = expected["policy"].as_str() {
        args.extend(["--config".to_owned(), folder.join(policy).display().to_string()]);
    }
    let captures = expected["captures"].as_array().expect("captures");
    args.extend(captures.iter().map(|it| folder.join(it.as_str().expect("a name")).display().to_string()));
    let out = segwatch(args).out;
    (!out.is_empty()).then_some(out)
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).expect("a group").flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.join("expected.json").exists()).collect();
    folders.sort();
    folders
}
