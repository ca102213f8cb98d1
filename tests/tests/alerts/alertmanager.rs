//! A real Alertmanager on the shipped example, with its times shortened, and the receivers that it calls.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use segwatch_tests::http::{self, Request};
use segwatch_tests::tool::{self, Daemon};
use serde_json::Value;

/// The example's times, and those of the tests.
const TIMES: &[(&str, &str)] = &[
    ("group_wait: 2m", "group_wait: 6s"),
    ("group_wait: 10s", "group_wait: 1s"),
    ("group_wait: 30s", "group_wait: 1s"),
    ("group_interval: 5m", "group_interval: 1s"),
    ("group_interval: 1m", "group_interval: 1s"),
    ("repeat_interval: 50s", "repeat_interval: 1s"),
    ("http://127.0.0.1:9094", "http://127.0.0.1:RECEIVERS"),
];

/// An Alertmanager and what its receivers got.
pub struct Alertmanager {
    /// Where it listens.
    pub port: u16,
    got: Arc<Mutex<Vec<Request>>>,
    folder: PathBuf,
    daemon: Option<Daemon>,
}

impl Alertmanager {
    /// Starts one and waits until it is ready; `change` may alter the configuration.
    pub fn start(name: &str, change: impl Fn(String) -> String) -> Alertmanager {
        let got = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&got);
        let receivers = http::serve(Arc::new(move |request| {
            all.lock().expect("no panic").push(request);
            Some(String::new())
        }));
        let folder = tool::empty_folder(name);
        let example = tool::repository().join("config/alertmanager/alertmanager.yml");
        let text = TIMES.iter().fold(fs::read_to_string(example).expect("the example"), |text, (old, new)| {
            assert!(text.contains(old), "the example has no `{old}`");
            text.replace(old, new)
        });
        let file = folder.join("alertmanager.yml");
        fs::write(&file, change(text.replace("RECEIVERS", &receivers.to_string()))).expect("a file of our own");
        let mut manager = Alertmanager { port: tool::free_port(), got, folder, daemon: None };
        manager.run();
        manager
    }

    /// Starts it, again after [`Alertmanager::stop`].
    pub fn run(&mut self) {
        let args = [
            format!("--config.file={}", self.folder.join("alertmanager.yml").display()),
            format!("--storage.path={}", self.folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{}", self.port),
            "--cluster.listen-address=".to_owned(),
        ];
        self.daemon = Some(Daemon::start("prometheus-alertmanager", self.folder.join("log"), args));
        wait("Alertmanager is ready", 20, || http::ask(self.port, "GET", "/-/ready", "").is_ok());
    }

    /// Ends it as systemd does: it forgets its alerts, and keeps what it has notified of.
    pub fn stop(&mut self) {
        self.daemon.take().expect("it runs").end();
    }

    /// Gives it alerts, as Prometheus and the agent do.
    pub fn post(&self, alerts: &Value) {
        http::ask(self.port, "POST", "/api/v2/alerts", &alerts.to_string()).expect("Alertmanager takes alerts");
    }

    /// The `alertname/id` of the alerts that fire in each notification to a receiver, in order; those with a firing
    /// alert only, and only of one zone unless it is empty.
    pub fn firing(&self, path: &str, zone: &str) -> Vec<Vec<String>> {
        let of_zone =
            self.notifications(path).into_iter().filter(|it| zone.is_empty() || it["groupLabels"]["zone"] == zone);
        of_zone.map(|it| firing_alerts(&it)).filter(|alerts| !alerts.is_empty()).collect()
    }

    /// How many notifications to a receiver say that this finding is over.
    pub fn resolved(&self, path: &str, id: &str) -> usize {
        let is_over = |alert: &Value| alert["status"] == "resolved" && alert["labels"]["id"] == id;
        let notifications = self.notifications(path).into_iter();
        notifications.filter(|it| it["alerts"].as_array().expect("alerts").iter().any(is_over)).count()
    }

    /// All that a receiver got, in order.
    pub fn notifications(&self, path: &str) -> Vec<Value> {
        let got = self.got.lock().expect("no panic").clone();
        let bodies = got.iter().filter(|request| request.path == path);
        bodies.map(|request| serde_json::from_str(&request.body).expect("JSON")).collect()
    }
}

fn firing_alerts(notification: &Value) -> Vec<String> {
    let alerts = notification["alerts"].as_array().expect("alerts").iter();
    let name = |label: &Value| label.as_str().unwrap_or_default().to_owned();
    let mut names: Vec<String> = alerts
        .filter(|alert| alert["status"] == "firing")
        .map(|alert| format!("{}/{}", name(&alert["labels"]["alertname"]), name(&alert["labels"]["id"])))
        .collect();
    names.sort();
    names
}

/// Waits until it holds.
pub fn wait(what: &str, seconds: u64, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !holds() {
        assert!(Instant::now() < end, "after {seconds} s it is still not so that {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
