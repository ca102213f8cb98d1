//! Which alert goes to whom, as amtool reads the example.

use segwatch_tests::tool;

/// Labels, receiver.
const ROUTES: &[(&[&str], &str)] = &[
    (&["alertname=SegwatchViolation", "severity=critical", "site=herlev", "zone=cctv", "id=f1"], "pages"),
    (&["alertname=SegwatchDrill", "severity=critical", "id=f1"], "pages"),
    (&["alertname=SegwatchMirrorBlind", "severity=critical"], "pages"),
    (&["alertname=SegwatchAgentAbsent", "severity=critical"], "pages"),
    (&["severity=critical", "path=direct", "id=f1"], "pages"),
    (&["alertname=SegwatchAttempt", "severity=warning", "id=f1"], "tickets"),
    (&["severity=warning", "path=direct", "id=f1"], "tickets"),
    (&["severity=of-tomorrow"], "tickets"),
    (&["alertname=Anything"], "tickets"),
    (&["alertname=Anything", "severity=info"], "nobody"),
    (&["severity=info", "path=direct", "id=f1"], "nobody"),
    (&["alertname=SegwatchWatchdog", "severity=none"], "dead-mans-switch"),
];

#[test]
fn each_alert_goes_to_its_receiver() {
    if !tool::installed(&["amtool"]) {
        return;
    }
    let folder = tool::repository().join("config/alertmanager");
    let checked = tool::run("amtool", &folder, ["check-config", "alertmanager.yml"]);
    assert!(checked.success, "{}", checked.text);
    for (labels, receiver) in ROUTES {
        let ask = ["config", "routes", "test", "--config.file=alertmanager.yml"];
        let routed = tool::run("amtool", &folder, ask.iter().chain(*labels));
        assert_eq!(routed.text.lines().next(), Some(*receiver), "{labels:?}: {}", routed.text);
    }
}
