//! The dashboards: what generate.py makes, of metrics that exist, in the ways that Grafana's own linter asks for. Their
//! queries run in a real Prometheus in the live lab (tests/lab/boards.py).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use segwatch_tests::tool;
use serde_json::Value;

fn folder() -> PathBuf {
    tool::repository().join("dashboards")
}

fn dashboards() -> Vec<(String, Value)> {
    let entries = fs::read_dir(folder()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let boards = entries.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    boards
        .map(|path| {
            let text = fs::read_to_string(&path).expect("readable");
            (path.display().to_string(), serde_json::from_str(&text).expect("JSON"))
        })
        .collect()
}

fn panels(board: &Value) -> Vec<&Value> {
    board["panels"].as_array().expect("panels").iter().collect()
}

/// The words of an expression that name metrics.
fn metrics(expression: &str) -> BTreeSet<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = expression.split(|c| !word(c));
    words.filter(|word| word.starts_with("segwatch_") || word.starts_with("process_") || *word == "up").collect()
}

#[test]
fn the_files_are_what_the_generator_makes() {
    let checked = match Command::new("python3").arg(folder().join("generate.py")).arg("--check").output() {
        Ok(checked) => checked,
        Err(error) => return eprintln!("skipped: the generator of dashboards (python3): {error}"),
    };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn every_metric_that_a_panel_names_exists() {
    let golden = fs::read_to_string("golden/metrics.txt").expect("the golden page");
    let known: BTreeSet<&str> =
        golden.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let mut shown = BTreeSet::new();
    for (file, board) in dashboards() {
        for panel in panels(&board) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expression = target["expr"].as_str().expect("an expression");
                for metric in metrics(expression) {
                    let is_process =
                        ["process_cpu_seconds_total", "process_resident_memory_bytes", "up"].contains(&metric);
                    assert!(known.contains(metric) || is_process, "{file}: no metric {metric}");
                    shown.insert(metric.to_owned());
                }
            }
        }
    }
    // Canaries are off unless the policy has some, and the time of the latest reload says little.
    let hidden: BTreeSet<&str> = known.iter().copied().filter(|metric| !shown.contains(*metric)).collect();
    let expected = [
        "segwatch_canary_last_seen_timestamp_seconds",
        "segwatch_canary_silent",
        "segwatch_config_last_reload_success_timestamp_seconds",
        "segwatch_coverage_unrecorded_devices",
        "segwatch_finding_info_suppressed",
    ];
    assert_eq!(hidden, expected.into(), "metrics that no panel shows");
}

#[test]
fn panels_are_complete_and_do_not_overlap() {
    for (file, board) in dashboards() {
        assert_eq!(
            (&board["id"], &board["editable"], &board["schemaVersion"]),
            (&Value::Null, &false.into(), &41.into())
        );
        let names: BTreeSet<&str> = board["templating"]["list"]
            .as_array()
            .expect("variables")
            .iter()
            .filter_map(|v| v["name"].as_str())
            .collect();
        assert!(["datasource", "job", "instance", "site", "sensor"].iter().all(|name| names.contains(name)), "{file}");
        let mut taken = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in panels(&board) {
            let title = panel["title"].as_str().expect("a title");
            assert!(ids.insert(panel["id"].as_u64()), "{file}, {title}: its id is there twice");
            let place = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
            assert!(place("x") + place("w") <= 24, "{file}, {title}: it is too wide");
            for x in place("x")..place("x") + place("w") {
                for y in place("y")..place("y") + place("h") {
                    assert!(taken.insert((x, y)), "{file}, {title}: it lies on another panel");
                }
            }
            if panel["type"] == "row" {
                continue;
            }
            assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{file}, {title}");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{file}, {title}: no unit");
            let targets = panel["targets"].as_array().expect("targets");
            assert!(!targets.is_empty(), "{file}, {title}: no query");
            for target in targets {
                let expression = target["expr"].as_str().expect("an expression");
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{file}, {title}");
                assert!(expression.contains("job=~\"$job\",instance=~\"$instance\""), "{file}, {title}");
                for metric in metrics(expression).iter().filter(|metric| metric.ends_with("_total")) {
                    let bare = format!("{metric}{{");
                    let before = expression.split(&bare).next().expect("the metric is in it");
                    assert!(
                        before.ends_with("rate(") || before.ends_with("increase("),
                        "{file}, {title}: {metric} is a counter"
                    );
                }
            }
            // A colour never stands alone.
            if let Some(steps) = panel["fieldConfig"]["defaults"]["mappings"].as_array() {
                let words = steps.iter().flat_map(|step| step["options"].as_object().into_iter().flatten());
                assert!(words.into_iter().all(|(_, option)| option["text"].is_string()), "{file}, {title}");
            }
            if let Some(link) = panel["links"][0]["url"].as_str() {
                let runbook = link.rsplit('/').next().expect("a name");
                assert!(
                    tool::repository().join("config/alerts/runbooks").join(runbook).exists(),
                    "{file}: no {runbook}"
                );
            }
        }
    }
}
