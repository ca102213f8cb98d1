//! What each rule says, and what promtool and amtool say to it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use segwatch_tests::tool;
use serde::Deserialize;

/// The rule files, each with a file of the same name in `tests/`.
pub const FILES: &[&str] = &["agent.yml", "findings.yml", "mirror.yml"];

/// All that the agent exports, and what Prometheus adds. A rule on anything else would be silent for ever.
const METRICS: &[&str] = &[
    "segwatch_build_info",
    "segwatch_canary_last_seen_timestamp_seconds",
    "segwatch_canary_silent",
    "segwatch_capture_bytes_total",
    "segwatch_capture_dropped_packets_total",
    "segwatch_capture_last_packet_timestamp_seconds",
    "segwatch_capture_packets_total",
    "segwatch_conduit_expiry_timestamp_seconds",
    "segwatch_conduit_flows_total",
    "segwatch_config_last_reload_success_timestamp_seconds",
    "segwatch_config_last_reload_successful",
    "segwatch_coverage_ratio",
    "segwatch_decode_errors_total",
    "segwatch_devices",
    "segwatch_devices_unverified",
    "segwatch_finding_info",
    "segwatch_finding_info_suppressed",
    "segwatch_findings_open",
    "segwatch_findings_total",
    "segwatch_flows_active",
    "segwatch_flows_evicted_total",
    "segwatch_flows_total",
    "segwatch_journal_failing",
    "segwatch_mirror_health",
    "segwatch_policy_info",
    "segwatch_sink_lost_total",
    "segwatch_site_verdict",
    "segwatch_verdict",
];

const SEVERITIES: &[&str] = &["critical", "warning", "info", "none"];
const ANNOTATIONS: &[&str] = &["dashboard_url", "description", "runbook_url", "summary"];

#[derive(Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// An alert as its file has it.
#[derive(Deserialize)]
pub struct Rule {
    /// Its name.
    pub alert: String,
    expr: String,
    labels: std::collections::BTreeMap<String, String>,
    annotations: std::collections::BTreeMap<String, String>,
}

/// The folder of rules, tests and runbooks.
pub fn folder() -> PathBuf {
    tool::repository().join("config/alerts")
}

/// All alerts of all files.
pub fn rules() -> Vec<Rule> {
    let text = |name: &&str| fs::read_to_string(folder().join(name)).expect("a rule file");
    let parse = |text: String| serde_yaml::from_str::<File>(&text).expect("rules");
    FILES.iter().map(text).map(parse).flat_map(|file| file.groups).flat_map(|group| group.rules).collect()
}

#[test]
fn promtool_accepts_rules_and_configuration() {
    if tool::installed(&["promtool"]) {
        let check = ["check", "rules", "--lint=all", "--lint-fatal"];
        let checked = tool::run("promtool", &folder(), check.iter().chain(FILES));
        assert!(checked.success, "{}", checked.text);
        let configuration = tool::repository().join("config/prometheus");
        let checked = tool::run("promtool", &configuration, ["check", "config", "prometheus.yml"]);
        assert!(checked.success, "{}", checked.text);
    }
}

#[test]
fn promtool_tests_pass() {
    if tool::installed(&["promtool"]) {
        let run = tool::run("promtool", &folder().join("tests"), ["test", "rules"].iter().chain(FILES));
        assert!(run.success, "{}", run.text);
    }
}

#[test]
fn every_file_is_listed_here() {
    for folder in [folder(), folder().join("tests")] {
        let names = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let files: BTreeSet<String> = names.filter_map(|name| name.into_string().ok()).collect();
        let files: Vec<&String> = files.iter().filter(|name| name.ends_with(".yml")).collect();
        assert_eq!(files, FILES, "{}", folder.display());
    }
}

#[test]
fn names_labels_and_annotations_follow_the_convention() {
    for Rule { alert, labels, annotations, .. } in rules() {
        assert!(alert.starts_with("Segwatch") && alert.chars().all(char::is_alphanumeric), "{alert}");
        let severity = labels.get("severity").unwrap_or_else(|| panic!("{alert} has no severity"));
        assert!(SEVERITIES.contains(&severity.as_str()), "{alert}: {severity}");
        assert_eq!(annotations.keys().collect::<Vec<_>>(), ANNOTATIONS, "{alert}");
        assert_eq!(annotations["runbook_url"], format!("runbooks/{alert}.md"));
        assert!(annotations["dashboard_url"].starts_with("d/segwatch-"), "{alert}");
        let summary = &annotations["summary"];
        assert!(summary.ends_with('.') && !summary.contains("{{"), "{alert}: the summary is one fixed sentence");
    }
}

#[test]
fn alerts_have_one_name_each() {
    let names: Vec<String> = rules().into_iter().map(|rule| rule.alert).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

#[test]
fn rules_name_only_metrics_that_exist() {
    for Rule { alert, expr, annotations, .. } in rules() {
        let texts = [&expr, &annotations["description"]];
        let words = texts.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        for metric in words.filter(|word| word.starts_with("segwatch_")) {
            assert!(METRICS.contains(&metric), "{alert}: there is no {metric}");
        }
    }
}
