//! One agent: its folder, its policy, its process, what it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use segwatch::journal;
use segwatch_tests::exposition::{self, Exposition};
use segwatch_tests::tool::empty_folder;
use serde_json::Value;

use crate::client;
use crate::eventually;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_segwatch-under-test");
/// A policy but for its last keys.
pub(crate) const POLICY: &str = "site: test
sensor: s1
capture: [{ interface: near, buffer: 16MiB }]
zones:
  cctv: { cameras: true, vlans: [110], prefixes: [10.110.0.0/16], gateways: [10.110.0.1] }
  clinical: { vlans: [300], prefixes: [10.30.0.0/16] }
watch: { vendors: [hikvision] }
listen: 127.0.0.1:10420
";

/// The agent of one test. It ends with this.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) child: Option<Child>,
    /// Variables of its environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Arguments behind `run --config F`.
    pub(crate) arguments: Vec<String>,
    starts: u32,
}

impl Site {
    pub(crate) fn new(name: &str) -> Site {
        let folder = empty_folder(&format!("agent-{name}"));
        let state = folder.join("state");
        fs::create_dir(&state).expect("a folder");
        let (environment, arguments) = (Vec::new(), Vec::new());
        let site = Site { folder, state, child: None, environment, arguments, starts: 0 };
        site.write_policy("");
        site
    }

    /// Writes the policy, with more keys.
    pub(crate) fn write_policy(&self, more: &str) {
        self.write("policy.yaml", &format!("{POLICY}state_dir: {}\n{more}", self.state.display()));
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, new) = (self.folder.join(name), self.folder.join("new"));
        fs::write(&new, text).expect("written");
        fs::rename(&new, &path).expect("renamed");
        path
    }

    /// The command that starts it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("run").arg("--config").arg(self.folder.join("policy.yaml")).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// Starts it. Returns how long it took until it showed something.
    pub(crate) fn start(&mut self) -> Duration {
        self.starts += 1;
        let log = File::create(self.log_file()).expect("a log");
        let began = Instant::now();
        self.child = Some(self.command().stderr(log).stdout(Stdio::null()).spawn().expect("it starts"));
        eventually("it shows something", || {
            assert!(self.ended().is_none(), "it ended: {}", self.log());
            client::get("/metrics").is_some_and(|page| page.contains("segwatch_site_verdict")).then_some(())
        });
        began.elapsed()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join(format!("log-{}", self.starts))
    }

    /// What the process that runs, or ran last, has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).expect("a log")
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().expect("a child"))
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// SIGTERM. Returns its exit code, and how long it took.
    pub(crate) fn stop(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.signal("TERM");
        let status = eventually("it ends", || self.ended());
        self.child = None;
        (status.code(), began.elapsed())
    }

    /// One good scrape.
    pub(crate) fn scrape(&self) -> Exposition {
        eventually("a scrape", try_scrape)
    }

    /// Waits until a scrape shows something.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Exposition) -> bool) -> Exposition {
        eventually(what, || try_scrape().filter(&holds))
    }

    /// Whether what was sent is all counted, and how.
    pub(crate) fn until_counted(&self, sent: u64) -> Exposition {
        self.until("all packets are counted", |page| total(page, "segwatch_capture_packets_total") >= sent as f64)
    }

    /// What the journal holds, oldest first.
    pub(crate) fn journal(&self) -> Vec<Value> {
        records(&self.state.join("journal"))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() && self.starts > 0 {
            println!("the log of {}:\n{}", self.folder.display(), self.log());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

pub(crate) fn try_scrape() -> Option<Exposition> {
    let page = exposition::parse(&client::get("/metrics")?).expect("sound metrics");
    let (judged, dropped) = ("segwatch_capture_packets_total", "segwatch_capture_dropped_packets_total");
    assert!(total(&page, judged) >= total(&page, dropped), "more was dropped than seen");
    Some(page)
}

/// All series of a metric together.
pub(crate) fn total(page: &Exposition, metric: &str) -> f64 {
    page.of(metric).iter().map(|(_, value)| value).sum()
}

/// Labels of the findings that are shown, by id; without the severity, which may rise.
pub(crate) fn shown(page: &Exposition) -> BTreeMap<String, BTreeMap<String, String>> {
    let series = page.of("segwatch_finding_info").into_iter().map(|(labels, _)| labels.clone());
    series
        .map(|mut labels| {
            labels.remove("severity");
            (labels["id"].clone(), labels)
        })
        .collect()
}

/// Ids of all findings.
pub(crate) fn finding_ids() -> Option<BTreeSet<String>> {
    let page: Value = serde_json::from_str(&client::get("/api/v1/findings")?).expect("JSON");
    let findings = page["findings"].as_array().expect("a list");
    Some(findings.iter().map(|finding| finding["id"].as_str().expect("an id").to_owned()).collect())
}

pub(crate) fn records(directory: &Path) -> Vec<Value> {
    let records = journal::read(directory).expect("a journal");
    records.map(|record| serde_json::from_str(&record.expect("readable").text).expect("JSON")).collect()
}

/// Holds a journal against the rule that an episode has one opening and one time of it. Returns the ids ever opened.
pub(crate) fn check_episodes(journal: &[Value]) -> BTreeSet<String> {
    let (mut ever, mut open) = (BTreeSet::new(), BTreeMap::new());
    for record in journal {
        match record["event"].as_str().expect("an event") {
            "finding-opened" => {
                let id = record["finding"]["id"].as_str().expect("an id");
                assert!(open.insert(id.to_owned(), None).is_none(), "{id} was opened twice: {record}");
                ever.insert(id.to_owned());
            }
            "finding-closed" => {
                let id = record["id"].as_str().expect("an id");
                assert!(open.remove(id).is_some(), "{id} was closed without having been open: {record}");
            }
            "state" => {
                for finding in record["changes"]["findings"].as_array().expect("a list") {
                    let id = finding["id"].as_str().expect("an id");
                    if let Some(known) = open.get_mut(id) {
                        let opened = finding["opened"].clone();
                        assert_eq!(*known.get_or_insert(opened.clone()), opened, "{id} was opened at two times");
                    }
                }
            }
            _ => {}
        }
    }
    ever
}
