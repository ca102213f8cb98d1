//! From an agent's metrics to the person on call: a real Prometheus on the shipped rules, a real Alertmanager, webhooks.

use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use segwatch_tests::http;
use segwatch_tests::tool::{self, Daemon};
use serde_json::Value;

use crate::alertmanager::{Alertmanager, wait};

const QUIET: &str = "\
segwatch_build_info{version=\"0.1.0\"} 1
segwatch_config_last_reload_successful 1
segwatch_finding_info_suppressed 0
segwatch_coverage_ratio{zone=\"cctv\"} 1
";

/// What the agent of the test shows; nothing while it is down.
type Metrics = Arc<Mutex<Option<String>>>;

#[test]
fn one_finding_is_one_page() {
    if !tool::installed(&["prometheus", "prometheus-alertmanager"]) {
        return;
    }
    let manager = Alertmanager::start("alert-chain", |text| text);
    let metrics: Metrics = Arc::default();
    let shown = Arc::clone(&metrics);
    let agent = http::serve(Arc::new(move |_| shown.lock().expect("no panic").clone()));
    let show = |findings: &[String]| *metrics.lock().expect("no panic") = Some(QUIET.to_owned() + &findings.concat());
    let [notice, first, second] = [
        finding("f0", "cloud-lookup", "warning", "lobby"),
        finding("f1", "internet-egress", "critical", "entrance-1"),
        finding("f2", "internet-egress", "critical", "entrance-2"),
    ];
    let pages = || manager.firing("/page", "cctv");

    // The finding is there at the first scrape.
    show(&[notice.clone(), first.clone()]);
    let _prometheus = prometheus(agent, manager.port);
    wait("the first finding paged", 20, || !pages().is_empty());
    wait("the notice is a ticket", 10, || !manager.firing("/ticket", "cctv").is_empty());
    wait("the watchdog arrives", 10, || !manager.firing("/alive", "").is_empty());
    let began = begin_of(&manager, "f1");

    // The agent is down for some scrapes.
    *metrics.lock().expect("no panic") = None;
    thread::sleep(Duration::from_secs(4));
    show(&[notice.clone(), first.clone()]);
    thread::sleep(Duration::from_secs(6));
    assert_eq!(pages(), [["SegwatchViolation/f1"]]);
    assert_eq!(begin_of(&manager, "f1"), began);

    // A second camera.
    show(&[notice, first, second]);
    wait("the second finding paged", 20, || pages().len() > 1);
    thread::sleep(Duration::from_secs(3));
    assert_eq!(pages(), [vec!["SegwatchViolation/f1"], vec!["SegwatchViolation/f1", "SegwatchViolation/f2"]]);
    assert_eq!(manager.firing("/page", "").len(), 2, "nothing else paged");
    assert_eq!(manager.firing("/ticket", ""), [["SegwatchAttempt/f0"]]);
    let alive = manager.firing("/alive", "");
    assert!(alive.len() > 5 && alive.iter().all(|alerts| alerts == &["SegwatchWatchdog/"]), "{alive:?}");
}

fn finding(id: &str, kind: &str, severity: &str, device: &str) -> String {
    format!(
        "segwatch_finding_info{{id=\"{id}\",zone=\"cctv\",kind=\"{kind}\",severity=\"{severity}\",device=\"{device}\",\
         peer_zone=\"internet\",peer=\"198.51.100.7\"}} 1\n"
    )
}

/// The shipped example and rules, on other ports and faster.
fn prometheus(agent: u16, alertmanager: u16) -> Daemon {
    let folder = tool::empty_folder("alert-chain-prometheus");
    let example = tool::repository().join("config/prometheus/prometheus.yml");
    let rules = tool::repository().join("config/alerts").display().to_string();
    let changes = [
        ("interval: 15s", "interval: 1s".to_owned()),
        ("127.0.0.1:10420", format!("127.0.0.1:{agent}")),
        ("127.0.0.1:9093", format!("127.0.0.1:{alertmanager}")),
        ("../alerts", rules),
    ];
    let text = changes.iter().fold(fs::read_to_string(example).expect("the example"), |text, (old, new)| {
        assert!(text.contains(old), "the example has no `{old}`");
        text.replace(old, new)
    });
    let file = folder.join("prometheus.yml");
    fs::write(&file, text).expect("a file of our own");
    let args = [
        format!("--config.file={}", file.display()),
        format!("--storage.tsdb.path={}", folder.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{}", tool::free_port()),
        // What fires before Alertmanager is known would else be sent again only after a minute.
        "--rules.alert.resend-delay=5s".to_owned(),
    ];
    Daemon::start("prometheus", folder.join("log"), args)
}

/// When Alertmanager says that the alert of this finding began.
fn begin_of(manager: &Alertmanager, id: &str) -> String {
    let alerts = http::ask(manager.port, "GET", "/api/v2/alerts", "").expect("Alertmanager lists alerts");
    let alerts: Vec<Value> = serde_json::from_str(&alerts).expect("JSON");
    let alert = alerts.iter().find(|alert| alert["labels"]["id"] == id).expect("the alert is there");
    assert_eq!(alert["status"]["state"], "active");
    assert_eq!((&alert["labels"]["site"], &alert["labels"]["zone"]), (&"herlev".into(), &"cctv".into()));
    assert_eq!(alert["annotations"]["description"].as_str().map(|text| text.contains("entrance-1")), Some(true));
    alert["startsAt"].to_string()
}
