//! Findings in, requests out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use super::{Alert, MAX_ALERTS, MAX_ANNOTATION_CHARS, MAX_BATCH, Origin, Outbox, Request, Times};
use crate::base::Timestamp;
use crate::coverage::Verdict;
use crate::engine::{
    DeviceRef, EpisodeStatus, FindingStatus, PeerStatus, PolicyRef, Published, RuleRef, Snapshot, Subject, Totals,
};
use crate::finding::{Class, Kind};
use crate::flow::Reach;

const MINUTE: i64 = 60;
/// 2026-11-24.
const START: i64 = 1_795_478_400;

/// A finding that was opened so many seconds after the start.
fn finding(id: &str, opened: i64, severity: &'static str) -> (FindingStatus, EpisodeStatus) {
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
        first_seen: at(opened),
        last_seen: at(opened),
        names: vec!["p2p.example".into()],
    };
    let finding = FindingStatus {
        id: id.into(),
        kind: Kind::InternetEgress,
        class: Class::Reach,
        severity,
        exception: None,
        reach: Some(Reach::Established),
        device: DeviceRef {
            mac: "44:19:b6:01:02:03".parse().ok(),
            ip: Some(IpAddr::from([10, 110, 0, 11])),
            name: Some("entrance-1".into()),
        },
        zone: "cctv".into(),
        peer_zone: "internet".into(),
        peers: vec![peer],
        peers_total: 3,
        first_seen: at(opened),
        last_seen: at(opened),
        rule: RuleRef { name: "default-deny".into(), file: None, line: None },
        summary: "entrance-1 opened a connection.".into(),
    };
    let subject = Subject::of(&finding);
    (finding, EpisodeStatus { opened: at(opened), subject, acked: None })
}

fn published(findings: impl IntoIterator<Item = (FindingStatus, EpisodeStatus)>) -> Published {
    let mut episodes = BTreeMap::new();
    let mut open = Vec::new();
    for (finding, episode) in findings {
        episodes.insert(finding.id.clone(), episode);
        open.push(finding);
    }
    let snapshot = Snapshot {
        verdict: Verdict::Violated,
        findings: open,
        ..Snapshot::unseen(PolicyRef { file: None, hash: String::new() })
    };
    let (interfaces, totals, hours) = (Vec::new(), Totals::default(), Arc::default());
    Published { snapshot: Arc::new(snapshot), episodes, interfaces, totals, hours }
}

fn origin() -> Origin {
    Origin { site: "herlev".into(), sensor: "idf3".into(), external_url: Some("https://segwatch.example".into()) }
}

fn at(second: i64) -> Timestamp {
    Timestamp::new(START + second, 0)
}

fn outbox() -> Outbox {
    Outbox::new(Times::of(MINUTE * 1_000_000_000), 1)
}

/// How Alertmanager answers.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Takes,
    IsAway,
    Refuses,
}
use Answer::{IsAway, Refuses, Takes};

/// Everything that is due: `firing ID`, or `over ID start..end` in seconds since the start.
fn send(outbox: &mut Outbox, second: i64, answer: Answer) -> Vec<String> {
    let mut sent = Vec::new();
    while let Some(request) = outbox.next(at(second)) {
        sent.extend(alerts(&request).iter().map(|alert| tell(alert, second)));
        match answer {
            Takes => outbox.delivered(at(second), &request),
            IsAway => outbox.failed(at(second), &request),
            Refuses => outbox.refused(&request),
        }
    }
    sent
}

fn alerts(request: &Request) -> Vec<Value> {
    serde_json::from_str(&request.body).expect("JSON")
}

fn tell(alert: &Value, second: i64) -> String {
    let time = |name: &str| {
        let text = alert[name].as_str().expect("a time");
        text.parse::<jiff::Timestamp>().expect("RFC 3339").as_second() - START
    };
    let id = alert["labels"]["id"].as_str().expect("an id");
    match (time("startsAt"), time("endsAt")) {
        (starts, ends) if ends > second => {
            assert_eq!(ends, second + 15 * MINUTE, "{alert}");
            format!("firing {id} {starts}")
        }
        (starts, ends) => format!("over {id} {starts}..{ends}"),
    }
}

/// The findings of one second, and what is sent.
fn step(outbox: &mut Outbox, second: i64, open: &[(FindingStatus, EpisodeStatus)], answer: Answer) -> Vec<String> {
    outbox.handle(at(second), &origin(), &published(open.to_vec()));
    send(outbox, second, answer)
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_alert_has_the_labels_of_the_prometheus_rule_and_says_what_happened() {
    let (finding, episode) = finding("f1", 0, "critical");
    let Alert { labels, annotations, source } = Alert::of(&origin(), &finding, &episode);
    let text = |pairs: &BTreeMap<String, String>| {
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        text(&labels),
        "alertname=SegwatchViolation\ndevice=entrance-1\nid=f1\nkind=internet-egress\npath=direct\npeer_zone=internet\n\
         sensor=idf3\nseverity=critical\nsite=herlev\nzone=cctv"
    );
    assert_eq!(
        text(&annotations),
        "description=entrance-1 opened a connection.\ndevice=entrance-1 44:19:b6:01:02:03 10.110.0.11\n\
         evidence=finding f1: https://segwatch.example/api/v1/findings/f1/evidence\nopened=2026-11-24T00:00:00.000000Z\n\
         peer=198.51.100.7 (p2p.example), and 2 more\nreach=established\nrunbook_url=runbooks/SegwatchViolation.md\n\
         service=tcp/443\nsummary=A camera is not isolated."
    );
    assert_eq!(source.as_deref(), Some("https://segwatch.example/api/v1/findings"));
}

#[test]
fn what_a_device_says_is_escaped_and_cut() {
    let (mut finding, mut episode) = finding("f1", 0, "critical");
    finding.device.name = Some("\u{1b}[2J\u{202e}".to_owned() + &"x".repeat(5000));
    episode.subject = Subject::of(&finding);
    finding.summary = "y\n".repeat(5000);
    finding.peers[0].names = vec!["a\r\nb".repeat(5000)];
    let Alert { labels, annotations, .. } = Alert::of(&origin(), &finding, &episode);
    assert!(labels["device"].starts_with("\\x1b[2J\\u{202e}xxx"), "{labels:?}");
    assert!(labels.values().all(|label| label.chars().count() <= crate::metrics::MAX_LABEL_CHARS));
    for text in annotations.values() {
        assert!(text.chars().count() <= MAX_ANNOTATION_CHARS && !text.chars().any(char::is_control), "{text:?}");
    }
}

#[test]
fn only_open_findings_that_are_no_info_alert() {
    let mut outbox = outbox();
    let mut state = published([finding("a", 0, "critical"), finding("b", 0, "warning"), finding("c", 0, "info")]);
    outbox.handle(at(0), &origin(), &state);
    assert_eq!(send(&mut outbox, 0, Takes), ["firing a 0", "firing b 0"]);
    // Closed by a person since the snapshot.
    state.episodes.remove("a");
    outbox.handle(at(1), &origin(), &state);
    assert_eq!(send(&mut outbox, 1, Takes), ["over a 0..1"]);
}

#[test]
fn an_alert_is_sent_again_until_it_is_over_and_then_for_five_minutes() {
    let (mut outbox, open) = (outbox(), [finding("f1", 0, "critical")]);
    let mut sent = Vec::new();
    for second in 0..20 * MINUTE {
        let open = if second < 150 { &open[..] } else { &[] };
        let told = step(&mut outbox, second, open, Takes);
        sent.extend(told.iter().map(|told| format!("{second}: {told}")));
    }
    assert_eq!(
        sent,
        [
            "0: firing f1 0",
            "60: firing f1 0",
            // Alertmanager keeps the begin, unless it was restarted; then it must wait for Prometheus anew.
            "120: firing f1 120",
            "150: over f1 0..150",
            "210: over f1 0..150",
            "270: over f1 0..150",
            "330: over f1 0..150",
            "390: over f1 0..150",
        ]
    );
    assert_eq!(outbox.lost(), 0);
}

#[test]
fn a_finding_that_got_worse_is_another_alert_and_the_first_is_over() {
    let mut outbox = outbox();
    assert_eq!(step(&mut outbox, 0, &[finding("f1", 0, "warning")], Takes), ["firing f1 0"]);
    let (mut worse, episode) = finding("f1", 0, "critical");
    worse.device.name = Some("renamed".into());
    outbox.handle(at(30), &origin(), &published([(worse, episode)]));
    let request = outbox.next(at(30)).expect("both are due");
    let labels: Vec<_> = alerts(&request)
        .iter()
        .map(|alert| ["alertname", "device"].map(|name| alert["labels"][name].as_str().unwrap_or("").to_owned()))
        .collect();
    // The labels of an episode stay.
    assert_eq!(labels, [["SegwatchViolation", "entrance-1"], ["SegwatchAttempt", "entrance-1"]]);
    assert_eq!(send(&mut outbox, 30, Takes), ["firing f1 0", "over f1 0..30"]);
}

#[test]
fn an_excepted_finding_ends_its_alert_and_alerts_anew_once_it_rearms() {
    let mut outbox = outbox();
    assert_eq!(step(&mut outbox, 0, &[finding("f1", 0, "critical")], Takes), ["firing f1 0"]);
    assert_eq!(step(&mut outbox, 600, &[finding("f1", 0, "info")], Takes), ["over f1 0..600"]);
    assert_eq!(step(&mut outbox, 3600, &[finding("f1", 0, "info")], Takes), NOTHING);
    assert_eq!(step(&mut outbox, 7200, &[finding("f1", 0, "critical")], Takes), ["firing f1 7200"]);
}

#[test]
fn what_came_and_went_while_alertmanager_was_away_fires_and_is_then_over() {
    let mut outbox = outbox();
    let (gone, stays) = (finding("gone", 10, "critical"), finding("stays", 20, "critical"));
    step(&mut outbox, 20, &[gone, stays.clone()], IsAway);
    for second in 21..3600 {
        step(&mut outbox, second, if second < 600 { &[][..] } else { std::slice::from_ref(&stays) }, IsAway);
    }
    let mut sent = Vec::new();
    // Back; within a minute it is tried.
    for second in 3600..5000 {
        let told = step(&mut outbox, second, std::slice::from_ref(&stays), Takes);
        sent.extend(told.into_iter().filter(|told| told.contains("gone")).map(|told| (second, told)));
    }
    let first = sent.first().expect("it is told").0;
    assert!(first < 3660, "{first}");
    let texts: Vec<&str> = sent.iter().map(|(_, told)| told.as_str()).collect();
    // It begins when Alertmanager hears of it, which would not notify of what is over.
    let firing = [0, 1, 2, 3, 4, 5].map(|minute| format!("firing gone {}", first + minute * MINUTE));
    assert_eq!(texts[..6], firing);
    assert_eq!(texts[6..], ["over gone 10..21"; 6][..texts.len() - 6], "{sent:#?}");
    assert!(texts.len() >= 11, "{sent:#?}");
    assert_eq!(outbox.lost(), 0);
}

#[test]
fn what_alertmanager_lost_before_it_told_anybody_is_told_after_all() {
    let (mut outbox, open) = (outbox(), [finding("f1", 0, "critical")]);
    assert_eq!(step(&mut outbox, 0, &open, Takes), ["firing f1 0"]);
    // It dies; another finding shows it. Then the first one ends.
    step(&mut outbox, 10, &[open[0].clone(), finding("f2", 10, "critical")], IsAway);
    step(&mut outbox, 20, &[finding("f2", 10, "critical")], IsAway);
    assert_eq!(step(&mut outbox, 90, &[finding("f2", 10, "critical")], Takes), ["firing f1 90", "firing f2 90"]);
}

#[test]
fn what_alertmanager_surely_told_is_only_said_to_be_over() {
    let (mut outbox, open) = (outbox(), [finding("f1", 0, "critical")]);
    for minute in 0..=5 {
        step(&mut outbox, minute * MINUTE, &open, Takes);
    }
    step(&mut outbox, 330, &[], IsAway);
    assert_eq!(step(&mut outbox, 4000, &[], Takes), ["over f1 0..330"]);
}

#[test]
fn failures_are_repeated_after_a_growing_wait() {
    let (mut outbox, open) = (outbox(), [finding("f1", 0, "critical")]);
    let tried: Vec<i64> = (0..300).filter(|&second| !step(&mut outbox, second, &open, IsAway).is_empty()).collect();
    assert_eq!(tried, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    // Once it answers, what comes is sent at once.
    assert_eq!(step(&mut outbox, 303, &open, Takes), ["firing f1 303"]);
    assert_eq!(step(&mut outbox, 304, &[open[0].clone(), finding("f2", 304, "critical")], Takes), ["firing f2 304"]);
}

#[test]
fn a_dead_member_of_a_cluster_holds_nobody_up() {
    let mut outbox = Outbox::new(Times::of(MINUTE * 1_000_000_000), 2);
    let mut told = Vec::new();
    for second in 0..400 {
        let open = if second < 100 { vec![finding("f1", 0, "critical")] } else { Vec::new() };
        outbox.handle(at(second), &origin(), &published(open));
        while let Some(request) = outbox.next(at(second)) {
            if request.target == 0 {
                outbox.failed(at(second), &request);
            } else {
                outbox.delivered(at(second), &request);
                told.extend(alerts(&request).iter().map(|alert| format!("{second}: {}", tell(alert, second))));
            }
        }
    }
    let over = [100, 160, 220, 280, 340].map(|second| format!("{second}: over f1 0..100"));
    assert_eq!(told[..2], ["0: firing f1 0", "60: firing f1 0"]);
    assert_eq!(told[2..], over);
}

#[test]
fn what_is_refused_is_found_alone_and_counted_once() {
    let (mut outbox, open) = (outbox(), [finding("a", 0, "critical"), finding("bad", 0, "critical")]);
    outbox.handle(at(0), &origin(), &published(open.to_vec()));
    let mut requests = Vec::new();
    while let Some(request) = outbox.next(at(0)) {
        let body = request.body.clone();
        if body.contains("\"bad\"") {
            outbox.refused(&request)
        } else {
            outbox.delivered(at(0), &request)
        }
        requests.push(alerts(&request).len());
    }
    assert_eq!((requests, outbox.lost()), (vec![2, 1, 1], 1));
    assert_eq!(step(&mut outbox, 60, &open, Refuses), ["firing a 0"]);
    assert_eq!(outbox.lost(), 2);
    assert_eq!(step(&mut outbox, 120, &[], Takes), NOTHING);
}

#[test]
fn a_restart_neither_loses_nor_repeats() {
    let (mut old, stays) = (outbox(), finding("stays", 0, "critical"));
    step(&mut old, 0, &[stays.clone(), finding("ends", 0, "critical"), finding("told", 0, "warning")], Takes);
    for second in [60, 120, 180, 240, 300] {
        let open = [stays.clone(), finding("ends", 0, "critical"), finding("told", 0, "warning")];
        step(&mut old, second, &open, Takes);
    }
    step(&mut old, 310, &[stays.clone(), finding("ends", 0, "critical")], Takes);
    step(&mut old, 311, &[stays.clone(), finding("late", 311, "critical")], IsAway);
    step(&mut old, 312, std::slice::from_ref(&stays), IsAway);
    assert!(old.take_changed() && !old.take_changed());
    let saved = old.save();

    let mut new = outbox();
    assert_eq!(new.restore(&saved), Ok(()));
    assert_eq!(new.save(), saved);
    let sent = step(&mut new, 400, std::slice::from_ref(&stays), Takes);
    assert_eq!(sent, ["over ends 0..311", "firing stays 400", "firing late 400", "over told 0..310"]);
    // A name that is learnt after the restart does not make another alert.
    let (mut renamed, episode) = stays;
    renamed.device.name = Some("other".into());
    renamed.last_seen = at(410);
    new.handle(at(460), &origin(), &published([(renamed, episode)]));
    let request = new.next(at(460)).expect("it is due");
    let alerts = alerts(&request);
    let stays = alerts.iter().find(|alert| alert["labels"]["id"] == "stays").expect("it goes on");
    assert_eq!(stays["labels"]["device"], "entrance-1");
    assert_eq!(stays["annotations"]["device"], "other 44:19:b6:01:02:03 10.110.0.11");
}

#[test]
fn half_a_file_is_refused() {
    for text in ["", "{", "[]", r#"{"version":2,"alerts":[]}"#] {
        assert!(outbox().restore(text).is_err(), "{text}");
    }
}

#[test]
fn an_episode_after_another_is_not_said_to_be_over() {
    let mut outbox = outbox();
    step(&mut outbox, 0, &[finding("f1", 0, "critical")], Takes);
    assert_eq!(step(&mut outbox, 10, &[], Takes), ["over f1 0..10"]);
    assert_eq!(step(&mut outbox, 20, &[finding("f1", 20, "critical")], Takes), ["firing f1 20"]);
    assert_eq!(step(&mut outbox, 80, &[finding("f1", 20, "critical")], Takes), ["firing f1 20"]);
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let (mut outbox, open) = (outbox(), [finding("f1", 0, "critical")]);
    step(&mut outbox, 10_000, &open, IsAway);
    assert_eq!(step(&mut outbox, 0, &open, Takes), ["firing f1 0"]);
    step(&mut outbox, 10_000, &open, Takes);
    assert_eq!(step(&mut outbox, 1, &open, Takes), ["firing f1 0"]);
}

#[test]
fn the_outbox_has_a_limit_and_counts_what_it_cannot_hold() {
    let mut outbox = outbox();
    let many = |severity, from: usize, count: usize| {
        (from..from + count).map(move |n| finding(&format!("{severity}-{n:05}"), n as i64, severity))
    };
    // Old ones that are over make room first.
    step(&mut outbox, 0, &many("warning", 0, 10).collect::<Vec<_>>(), Takes);
    step(&mut outbox, 1, &[], Takes);
    outbox.handle(at(2), &origin(), &published(many("warning", 100, MAX_ALERTS)));
    assert_eq!((outbox.lost(), send(&mut outbox, 2, Takes).len()), (0, MAX_ALERTS));
    // A critical one makes room for itself; the newest warning has none, and is counted once.
    for second in [3, 4] {
        let open = many("warning", 100, MAX_ALERTS).chain(many("critical", 9000, 1));
        outbox.handle(at(second), &origin(), &published(open));
    }
    assert_eq!(outbox.lost(), 1);
    let request = outbox.next(at(4)).expect("the critical one is due");
    assert_eq!(alerts(&request).len(), 1);
    outbox.handle(at(70), &origin(), &published(many("critical", 0, 3 * MAX_ALERTS)));
    assert_eq!(alerts(&outbox.next(at(70)).expect("all are due")).len(), MAX_BATCH);
    // Those that went were not said to be over, either.
    assert_eq!(outbox.lost(), 1 + MAX_ALERTS as u64 + 2 * MAX_ALERTS as u64);
}

#[test]
fn times_are_those_of_the_clock_that_reads_them() {
    let mut outbox = outbox();
    outbox.handle(at(0), &origin(), &published(vec![finding("a", 0, "critical")]));
    let ends = |outbox: &mut Outbox, second: i64| {
        let request = outbox.next(at(second))?;
        let ends = alerts(&request)[0]["endsAt"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
        outbox.delivered(at(second), &request);
        Some(ends.as_second() - START - second)
    };
    let ours = ends(&mut outbox, 0).expect("it is new");
    outbox.compare_clocks(at(1), 0, at(3));
    assert_eq!(ends(&mut outbox, 2), None, "the same but for seconds");
    // Ours was set back by an hour: by it, what fires now would have been over long ago.
    outbox.compare_clocks(at(-3_600), 0, at(3));
    assert_eq!(ends(&mut outbox, -3_599), Some(ours + 3_603), "at once");
    outbox.compare_clocks(at(-3_598), 0, at(5));
    assert_eq!(ends(&mut outbox, -3_597), None);
    outbox.compare_clocks(at(10), 0, at(10));
    assert_eq!(ends(&mut outbox, 11), Some(ours), "set right again");
}
