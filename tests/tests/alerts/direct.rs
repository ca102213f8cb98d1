//! Direct paging from the agent to a real Alertmanager: each finding pages once, and is over once, whoever is restarted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use segwatch::alert::{Origin, Settings, Sink, Times};
use segwatch::base::Timestamp;
use segwatch::config::AlertmanagerConfig;
use segwatch::coverage::Verdict;
use segwatch::engine::{
    DeviceRef, EpisodeStatus, FindingStatus, PeerStatus, PolicyRef, Published, RuleRef, Snapshot, Subject, Totals,
};
use segwatch::finding::{Class, Kind};
use segwatch::flow::Reach;
use segwatch::journal::{read_checkpoint, write_checkpoint};
use segwatch_tests::{http, tool};
use serde_json::{Value, json};

use crate::alertmanager::{Alertmanager, wait};

const PROGRAMS: &[&str] = &["prometheus-alertmanager"];
const SECOND: i64 = 1_000_000_000;
/// A minute, fifteen and five of them, all shorter.
const TIMES: Times = Times { resend: SECOND, ends: 60 * SECOND, tells: 8 * SECOND };

#[test]
fn a_finding_pages_once_and_is_over_once_whoever_is_restarted() {
    if !tool::installed(PROGRAMS) {
        return;
    }
    let mut manager = Alertmanager::start("direct-restarts", |text| text);
    let folder = tool::empty_folder("direct-restarts-outbox");
    let open = published(&[finding("f1", "cctv")]);
    let sink = sink(&manager, &folder);
    sink.offer(Arc::clone(&open));
    let once = [["SegwatchViolation/f1"]];
    wait("it paged", 20, || manager.firing("/page", "cctv") == once);
    let alert = active(&manager, "f1").expect("it is there");
    assert_eq!(alert["annotations"]["device"], "entrance-1 44:19:b6:01:02:03 10.110.0.11");
    assert_eq!(alert["annotations"]["service"], "tcp/443");

    // Alertmanager forgets its alerts, and is told again.
    manager.stop();
    thread::sleep(Duration::from_secs(2));
    manager.run();
    wait("it is told again", 10, || active(&manager, "f1").is_some());
    // The agent is restarted.
    drop(sink);
    let sink = self::sink(&manager, &folder);
    sink.offer(open);
    thread::sleep(Duration::from_secs(8));
    assert_eq!(manager.firing("/page", "cctv"), once);
    assert_eq!(manager.resolved("/page", "f1"), 0);

    sink.offer(published(&[]));
    wait("it is over", 10, || manager.resolved("/page", "f1") == 1);
    thread::sleep(Duration::from_secs(3));
    assert_eq!((manager.firing("/page", "cctv").len(), manager.resolved("/page", "f1")), (1, 1));
    assert_eq!((manager.firing("/ticket", "").len(), sink.lost()), (0, 0));
}

#[test]
fn what_happened_while_alertmanager_was_away_arrives() {
    if !tool::installed(PROGRAMS) {
        return;
    }
    let mut manager = Alertmanager::start("direct-away", |text| text);
    let folder = tool::empty_folder("direct-away-outbox");
    manager.stop();
    let sink = sink(&manager, &folder);
    let (gone, stays) = (finding("gone", "gone"), finding("stays", "stays"));
    sink.offer(published(&[gone, stays.clone()]));
    sink.offer(published(std::slice::from_ref(&stays)));
    thread::sleep(Duration::from_secs(2));
    // Away for longer than the agent runs.
    drop(sink);
    let sink = self::sink(&manager, &folder);
    sink.offer(published(&[stays]));
    thread::sleep(Duration::from_secs(2));
    manager.run();
    wait("both paged", 30, || {
        ["gone", "stays"].iter().all(|id| manager.firing("/page", id) == [[format!("SegwatchViolation/{id}")]])
    });
    wait("the one that went is over", 30, || manager.resolved("/page", "gone") == 1);
    thread::sleep(Duration::from_secs(3));
    assert_eq!((manager.firing("/page", "").len(), manager.resolved("/page", "stays"), sink.lost()), (2, 0, 0));
}

#[test]
fn with_prometheus_beside_it_a_finding_pages_once() {
    if !tool::installed(PROGRAMS) {
        return;
    }
    let mut manager = Alertmanager::start("direct-beside", |text| text);
    let folder = tool::empty_folder("direct-beside-outbox");
    let sink = sink(&manager, &folder);
    sink.offer(published(&[finding("f1", "cctv")]));
    wait("the direct alert is there", 10, || active(&manager, "f1").is_some());
    // Prometheus scrapes later.
    thread::sleep(Duration::from_secs(2));
    tell_as_prometheus(&manager);
    wait("it paged", 10, || !manager.firing("/page", "cctv").is_empty());
    thread::sleep(Duration::from_secs(8));
    assert_eq!(manager.firing("/page", "cctv"), [["SegwatchViolation/f1"]]);
    assert_eq!(paths_of_pages(&manager), [""], "Prometheus' alert speaks, the direct one is mute");

    // After a restart of Alertmanager the agent is the first to tell it again.
    manager.stop();
    manager.run();
    wait("the direct alert is there again", 10, || active(&manager, "f1").is_some());
    thread::sleep(Duration::from_secs(2));
    tell_as_prometheus(&manager);
    thread::sleep(Duration::from_secs(9));
    assert_eq!(paths_of_pages(&manager), [""]);
}

/// The label `path` of each firing alert in each page.
fn paths_of_pages(manager: &Alertmanager) -> Vec<String> {
    let alerts = manager.notifications("/page").into_iter().flat_map(|it| it["alerts"].as_array().cloned());
    let firing = alerts.flatten().filter(|alert| alert["status"] == "firing");
    firing.map(|alert| alert["labels"]["path"].as_str().unwrap_or_default().to_owned()).collect()
}

/// As the rule of `config/alerts/findings.yml` makes it.
fn tell_as_prometheus(manager: &Alertmanager) {
    let labels = json!({
        "alertname": "SegwatchViolation", "severity": "critical", "site": "herlev", "zone": "cctv",
        "kind": "internet-egress", "id": "f1", "device": "entrance-1", "peer_zone": "internet",
    });
    let starts = Timestamp(now().0 - 5 * SECOND);
    manager.post(&json!([{"labels": labels, "startsAt": starts, "endsAt": "2999-01-01T00:00:00Z"}]));
}

/// A sink with the outbox in a folder.
fn sink(manager: &Alertmanager, folder: &Path) -> Sink {
    let config = AlertmanagerConfig {
        urls: vec![format!("http://127.0.0.1:{}", manager.port)],
        username: None,
        password_file: None,
        ca_file: None,
        resend: TIMES.resend,
        external_url: None,
        line: 1,
    };
    let origin = Origin { site: "herlev".into(), sensor: "idf3".into(), external_url: None };
    let folder: PathBuf = folder.to_owned();
    let saved = read_checkpoint(&folder).map(|(_, text)| text);
    let store = Box::new(move |text: &str| write_checkpoint(&folder, 0, text));
    Sink::start(Settings { config, origin, times: TIMES }, saved.as_deref(), store, |_| ()).expect("threads")
}

/// What Alertmanager says of the alert of a finding.
fn active(manager: &Alertmanager, id: &str) -> Option<Value> {
    let alerts = http::ask(manager.port, "GET", "/api/v2/alerts", "").ok()?;
    let alerts: Vec<Value> = serde_json::from_str(&alerts).expect("JSON");
    alerts.into_iter().find(|alert| alert["labels"]["id"] == id)
}

/// A critical finding that opens now.
pub fn finding(id: &str, zone: &str) -> FindingStatus {
    let peer = PeerStatus {
        ip: IpAddr::from([198, 51, 100, 7]),
        port: 443,
        proto: "tcp".into(),
        initiator: "device",
        reach: Reach::Established,
        packets_out: 1,
        packets_in: 1,
        bytes_out: 40,
        bytes_in: 40,
        first_seen: now(),
        last_seen: now(),
        names: Vec::new(),
    };
    FindingStatus {
        id: id.into(),
        kind: Kind::InternetEgress,
        class: Class::Reach,
        severity: "critical",
        exception: None,
        reach: Some(Reach::Established),
        device: DeviceRef {
            mac: "44:19:b6:01:02:03".parse().ok(),
            ip: Some(IpAddr::from([10, 110, 0, 11])),
            name: Some("entrance-1".into()),
        },
        zone: zone.into(),
        peer_zone: "internet".into(),
        peers: vec![peer],
        peers_total: 1,
        first_seen: now(),
        last_seen: now(),
        rule: RuleRef { name: "default-deny".into(), file: None, line: None },
        summary: "entrance-1 opened a connection.".into(),
    }
}

/// What an engine with these findings publishes.
pub fn published(findings: &[FindingStatus]) -> Arc<Published> {
    let episode = |it: &FindingStatus| EpisodeStatus { opened: it.first_seen, subject: Subject::of(it), acked: None };
    let episodes: BTreeMap<_, _> = findings.iter().map(|it| (it.id.clone(), episode(it))).collect();
    let snapshot = Snapshot {
        verdict: Verdict::Violated,
        findings: findings.to_vec(),
        ..Snapshot::unseen(PolicyRef { file: None, hash: String::new() })
    };
    let snapshot = Arc::new(snapshot);
    Arc::new(Published { snapshot, episodes, interfaces: Vec::new(), totals: Totals::default(), hours: Arc::default() })
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::new(since_1970.as_secs().cast_signed(), since_1970.subsec_nanos())
}
