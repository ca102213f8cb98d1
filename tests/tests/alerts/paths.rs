//! A finding comes by two paths, from Prometheus and straight from the agent: in whatever order, it pages once, and
//! neither path can silence the other when it is the only one left.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use segwatch::base::Timestamp;
use segwatch_tests::tool;
use serde_json::{Value, json};

use crate::alertmanager::{Alertmanager, wait};

const PROGRAMS: &[&str] = &["prometheus-alertmanager"];

#[test]
fn whatever_the_order_a_finding_pages_once() {
    if !tool::installed(PROGRAMS) {
        return;
    }
    let manager = Alertmanager::start("alert-paths", |text| text);
    let prometheus = |id: &str| alert("SegwatchViolation", id, "critical", false);
    let direct = |id: &str| alert("SegwatchDirect", id, "critical", true);
    // Each finding has a zone of its own name, so each has its groups.
    manager.post(&json!([prometheus("first"), direct("after"), direct("alone"), prometheus("both"), direct("both")]));
    manager.post(&json!([prometheus("dies"), direct("dies")]));
    // An attempt that got through, by both paths.
    manager.post(&json!([
        alert("SegwatchAttempt", "worse", "warning", false),
        alert("SegwatchDirect", "worse", "warning", true),
        prometheus("worse"),
        direct("worse"),
    ]));
    // The agent knows that it got through; Prometheus does not yet.
    manager.post(&json!([alert("SegwatchAttempt", "rises", "warning", false), direct("rises")]));
    thread::sleep(Duration::from_secs(2));
    manager.post(&json!([direct("first"), prometheus("after")]));
    wait("Prometheus' alert paged", 10, || !manager.firing("/page", "dies").is_empty());
    // Prometheus is gone, and its alert ends.
    manager.post(&json!([resolved(prometheus("dies"))]));
    // Closed: the direct path says so at once, the alert of Prometheus goes on for ten minutes.
    manager.post(&json!([resolved(direct("first"))]));
    thread::sleep(Duration::from_secs(9));

    let pages = |zone| manager.firing("/page", zone);
    for zone in ["first", "after", "both", "worse"] {
        assert_eq!(pages(zone), [[format!("SegwatchViolation/{zone}")]]);
    }
    assert_eq!(pages("alone"), [["SegwatchDirect/alone"]]);
    assert_eq!(pages("dies"), [["SegwatchViolation/dies"], ["SegwatchDirect/dies"]]);
    assert_eq!(pages("rises"), [["SegwatchDirect/rises"]]);
    assert_eq!(manager.firing("/ticket", "worse"), Vec::<Vec<String>>::new());
}

/// Why the example has the rule in one direction only.
#[test]
fn alerts_that_mute_each_other_are_both_lost() {
    if !tool::installed(PROGRAMS) {
        return;
    }
    let manager = Alertmanager::start("alert-paths-mutual", |text| {
        let rule = "inhibit_rules:\n  - source_matchers: ['path=\"direct\"']\n    target_matchers: ['path!=\"direct\"']\n    equal: [id]\n";
        text.replace("inhibit_rules:\n", rule)
    });
    let both = [("SegwatchViolation", false), ("SegwatchDirect", true)];
    manager.post(&json!(both.map(|(name, is_direct)| alert(name, "both", "critical", is_direct))));
    thread::sleep(Duration::from_secs(9));
    assert_eq!(manager.firing("/page", "both"), Vec::<Vec<String>>::new());
}

#[test]
fn the_cause_mutes_what_follows_from_it() {
    if !tool::installed(PROGRAMS) {
        return;
    }
    let manager = Alertmanager::start("alert-causes", |text| text);
    let of = |name: &str, severity: &str, instance: &str, zone: &str| json!({"labels": {"alertname": name, "severity": severity, "instance": instance, "site": "herlev", "zone": zone, "interface": "eth1"}});
    manager.post(&json!([
        of("SegwatchAgentDown", "critical", "down:1", "down"),
        of("SegwatchReloadFailed", "warning", "down:1", "down"),
        of("SegwatchAttempt", "warning", "", "down"),
        of("SegwatchMirrorBlind", "critical", "blind:1", "blind"),
        of("SegwatchDeviceUncovered", "warning", "blind:1", "blind"),
        of("SegwatchCaptureStalled", "critical", "blind:1", "blind"),
        of("SegwatchReloadFailed", "warning", "blind:1", "blind"),
        of("SegwatchZoneUncovered", "critical", "", "uncovered"),
        of("SegwatchDeviceUncovered", "warning", "up:1", "uncovered"),
        of("SegwatchDeviceUncovered", "warning", "up:1", "covered"),
    ]));
    thread::sleep(Duration::from_secs(3));
    assert_eq!(manager.firing("/page", "down"), [["SegwatchAgentDown/"]]);
    assert_eq!(manager.firing("/ticket", "down"), [["SegwatchAttempt/"]]);
    assert_eq!(manager.firing("/page", "blind"), [["SegwatchMirrorBlind/"]]);
    assert_eq!(manager.firing("/ticket", "blind"), [["SegwatchReloadFailed/"]]);
    assert_eq!(manager.firing("/page", "uncovered"), [["SegwatchZoneUncovered/"]]);
    assert_eq!(manager.firing("/ticket", "uncovered"), Vec::<Vec<String>>::new());
    assert_eq!(manager.firing("/ticket", "covered"), [["SegwatchDeviceUncovered/"]]);
}

fn alert(name: &str, id: &str, severity: &str, is_direct: bool) -> Value {
    let mut labels = json!({"alertname": name, "id": id, "severity": severity, "site": "herlev", "zone": id});
    if is_direct {
        labels["path"] = json!("direct");
    }
    json!({"labels": labels, "endsAt": "2999-01-01T00:00:00Z", "startsAt": now()})
}

/// The same alert, over.
fn resolved(mut alert: Value) -> Value {
    alert["endsAt"] = json!(now());
    alert
}

fn now() -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::new(since_1970.as_secs().cast_signed(), since_1970.subsec_nanos()).to_string()
}
