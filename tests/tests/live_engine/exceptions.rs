//! Exceptions of the policy: what is muted, and that it pages once they end.

use segwatch_tests::frames::arp;

use super::*;

/// From the start to the end of its day, UTC.
const TO_MIDNIGHT: i64 = 16 * 3600 * SECOND;
const UNTIL_TODAY: &str = "device: entrance, kind: internet-egress, owner: a, reason: update, expires: 2026-03-02";

/// The standard site with a listed camera, and these exceptions.
fn excepting(exceptions: &[&str]) -> Policy {
    let mut policy = policy(|text| {
        let listed: String = exceptions.iter().map(|exception| format!("  - {{ {exception} }}\n")).collect();
        let exceptions = if listed.is_empty() { String::new() } else { format!("exceptions:\n{listed}") };
        format!(
            "{text}devices:\n  - {{ name: entrance, mac: \"{CAMERA}\", ip: 10.110.0.11, zone: cctv }}\n{exceptions}"
        )
    });
    policy.hold = 48 * 3600 * SECOND;
    policy
}

fn site(policy: Policy, elapsed: i64) -> Site {
    let mut site = Site::stopped(policy);
    site.elapsed = elapsed;
    site.up();
    site.clean(5);
    site
}

/// Severity and who answers for it, of the finding with this kind.
fn finding(site: &Site, kind: &str) -> (&'static str, Option<String>) {
    let published = site.published();
    let finding = published.snapshot.findings.iter().find(|finding| finding.kind.name() == kind).expect("a finding");
    (finding.severity, finding.exception.as_ref().map(|exception| exception.owner.clone()))
}

/// The page is what `finding_info` and Alertmanager get.
fn egress(site: &Site) -> (&'static str, Option<String>) {
    finding(site, "internet-egress")
}

#[test]
fn what_is_excepted_is_info_and_the_verdict_stays_until_it_rearms() {
    let mut site = site(excepting(&[UNTIL_TODAY]), TO_MIDNIGHT - 20 * SECOND);
    site.egress(50_000);
    site.clean(1);
    assert_eq!((site.verdict(), egress(&site)), (Verdict::Violated, ("info", Some("a".to_owned()))));
    assert_eq!(site.story(), ["opened unknown-device", "opened internet-egress"]);
    let totals: u64 = site.published().totals.findings.values().sum();
    assert_eq!(totals, 2, "it is counted");
    let json = serde_json::to_value(&site.published().snapshot.findings).expect("JSON");
    let told = serde_json::json!({ "owner": "a", "reason": "update", "expires": "2026-03-02" });
    assert!(json.as_array().is_some_and(|all| all.iter().any(|finding| finding["exception"] == told)), "{json}");

    site.events.clear();
    site.clean(20);
    assert_eq!((site.verdict(), egress(&site)), (Verdict::Violated, ("critical", None)));
    assert_eq!(site.story(), ["rearmed after 2026-03-02", "raised internet-egress"]);
    assert_eq!(site.published().totals.findings.values().sum::<u64>(), totals, "no second finding");
}

#[test]
fn others_are_not_muted_by_it() {
    let others = [
        "device: 10.110.0.99, kind: internet-egress, owner: a, reason: b, expires: 2027-01-01",
        "device: entrance, kind: internet-ingress, owner: a, reason: b, expires: 2027-01-01",
        "device: entrance, kind: internet-egress, peer_zone: internal, owner: a, reason: b, expires: 2027-01-01",
        "device: entrance, kind: internet-egress, owner: a, reason: b, expires: 2026-03-01",
    ];
    let mut site = site(excepting(&others), 0);
    site.egress(50_000);
    site.clean(1);
    assert_eq!(egress(&site), ("critical", None));
    site.engine.handle(Input::Policy(Box::new(excepting(&[&others[2].replace("internal", "internet")]))));
    site.clean(1);
    assert_eq!(egress(&site), ("info", Some("a".to_owned())));
}

#[test]
fn a_device_that_is_not_listed_is_known_by_mac_and_address() {
    for device in [NEIGHBOUR.to_string(), "10.110.0.12".to_owned()] {
        let about = format!("device: \"{device}\", kind: unknown-device, owner: a, reason: b, expires: 2027-01-01");
        let mut site = site(excepting(&[&about]), 0);
        site.frame(&arp((NEIGHBOUR, [10, 110, 0, 12].into()), [10, 110, 0, 1].into(), None, &[110]));
        site.clean(1);
        assert_eq!(finding(&site, "unknown-device"), ("info", Some("a".to_owned())), "{device}");
    }
}

#[test]
fn a_reload_mutes_and_rearms() {
    let mut site = site(excepting(&[]), 0);
    site.egress(50_000);
    site.clean(1);
    assert_eq!(egress(&site), ("critical", None));
    site.events.clear();
    site.engine.handle(Input::Policy(Box::new(excepting(&[UNTIL_TODAY]))));
    site.clean(1);
    assert_eq!((site.verdict(), egress(&site)), (Verdict::Violated, ("info", Some("a".to_owned()))));
    site.engine.handle(Input::Policy(Box::new(excepting(&[]))));
    site.clean(1);
    assert_eq!(egress(&site), ("critical", None));
    assert_eq!(site.story(), ["muted by a", "rearmed after 2026-03-02", "raised internet-egress"]);
}

/// The site after a restart, `away` nanoseconds later, and its clock then.
fn restarted(before: &Site, policy: Policy, away: i64, wall: Timestamp) -> Site {
    let saved = serde_json::to_string(&before.engine.save()).expect("JSON");
    let saved = serde_json::from_str(&saved).expect("what was saved");
    let mut after = Site::stopped(policy);
    after.elapsed = before.elapsed + away;
    let mono = after.elapsed;
    after.engine.handle(Input::Restore { saved: &saved, wall, mono });
    after.up();
    after.engine.handle(Input::Tick { wall, mono });
    after.events.extend(after.engine.take_events());
    after
}

#[test]
fn a_restart_forgets_neither_that_it_is_muted_nor_that_it_was() {
    let mut before = site(excepting(&[UNTIL_TODAY]), TO_MIDNIGHT - 60 * SECOND);
    before.egress(50_000);
    before.clean(1);
    let (soon, late) = (before.elapsed + 10 * SECOND, before.elapsed + 600 * SECOND);
    let wall = |elapsed: i64| Timestamp(START + elapsed);
    let after = restarted(&before, excepting(&[UNTIL_TODAY]), 10 * SECOND, wall(soon));
    assert_eq!((egress(&after), after.story()), (("info", Some("a".to_owned())), vec![]));
    // It expired meanwhile.
    let after = restarted(&before, excepting(&[UNTIL_TODAY]), 600 * SECOND, wall(late));
    assert_eq!(egress(&after), ("critical", None));
    assert_eq!(after.story(), ["rearmed after 2026-03-02", "raised internet-egress"]);
    // Once more, with a clock that has forgotten what day it is.
    let again = restarted(&after, excepting(&[UNTIL_TODAY]), 10 * SECOND, Timestamp(0));
    assert_eq!((egress(&again), again.story()), (("critical", None), vec![]));
}

#[test]
fn a_clock_that_is_set_back_mutes_nothing_anew() {
    let mut site = site(excepting(&[UNTIL_TODAY]), TO_MIDNIGHT - 10 * SECOND);
    site.egress(50_000);
    site.clean(10);
    assert_eq!(egress(&site), ("critical", None));
    site.events.clear();
    let (wall, mono) = (Timestamp(START), site.elapsed + SECOND);
    site.engine.handle(Input::Tick { wall, mono });
    site.events.extend(site.engine.take_events());
    assert_eq!((egress(&site), site.story()), (("critical", None), vec![]));
    // A policy that is read anew is held against the clock as it is.
    site.engine.handle(Input::Policy(Box::new(excepting(&[UNTIL_TODAY]))));
    site.engine.handle(Input::Tick { wall, mono: mono + SECOND });
    assert_eq!(egress(&site), ("info", Some("a".to_owned())));
}
