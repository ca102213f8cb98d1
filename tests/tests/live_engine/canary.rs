//! Canaries: traffic that must be seen again and again, live and in captures.

use segwatch::engine::CanaryStatus;

use super::*;

/// The standard site with a time server that its cameras must be seen to ask.
fn with_canary(interval: &str) -> Policy {
    policy(|text| {
        format!(
            "{text}  - {{ name: clock, from: {{ zone: cctv }}, to: {{ hosts: [10.40.0.7] }}, services: [udp/123], {interval} \
             owner: a, reason: b, expires: 2027-01-01 }}\n"
        )
    })
}

fn site() -> Site {
    let mut site = Site::stopped(with_canary("canary: 60s,"));
    site.up();
    site.tick(1);
    site
}

impl Site {
    fn poll(&mut self) {
        let (a, b) = (addr("10.110.0.11:123"), addr("10.40.0.7:123"));
        self.send(Packet::udp(a, b).payload([0x23; 48]), CAMERA, ROUTER, &[110]);
    }

    fn canary(&self) -> CanaryStatus {
        let published = self.published();
        let zone = published.snapshot.zones.iter().find(|zone| zone.name == "cctv").expect("the zone");
        zone.canaries.first().cloned().expect("a canary")
    }

    /// What was told of it: whether it is missing.
    fn told(&self) -> Vec<bool> {
        let told = self.events.iter().filter_map(|event| match event {
            Event::Canary { zone, canary, silent, .. } => {
                assert_eq!((zone.as_str(), canary.as_str()), ("cctv", "clock"));
                Some(*silent)
            }
            _ => None,
        });
        told.collect()
    }
}

#[test]
fn one_that_is_seen_in_time_says_nothing() {
    let mut site = site();
    for _ in 0..10 {
        site.poll();
        site.clean(55);
    }
    assert_eq!((site.verdict(), site.told()), (Verdict::Isolated, vec![]));
    let CanaryStatus { name, interval_seconds, last_seen, silent } = site.canary();
    assert_eq!((name.as_str(), interval_seconds, silent), ("clock", 60, false));
    assert!(site.wall().since(last_seen.expect("seen")) < 60 * SECOND);
}

#[test]
fn one_that_is_missing_makes_its_zone_unverified_until_it_is_back() {
    let mut site = site();
    site.poll();
    site.clean(58);
    assert_eq!(site.verdict(), Verdict::Isolated);
    site.clean(5);
    assert_eq!((site.verdict(), site.reasons()), (Verdict::Unverified, vec![ReasonCode::Silent]));
    let reasons = site.published().snapshot.reasons.clone();
    assert_eq!(reasons[0].detail, "canary clock was not seen in zone cctv for more than 60 s");
    assert!(site.canary().silent);
    site.poll();
    site.clean(2);
    assert_eq!((site.verdict(), site.told()), (Verdict::Isolated, vec![true, false]));
    // Nor does it hide what was seen.
    site.egress(50_000);
    site.clean(65);
    assert!(site.canary().silent);
    assert_eq!(site.verdict(), Verdict::Violated);
}

#[test]
fn one_that_was_never_seen_counts_from_the_start() {
    let mut site = site();
    site.clean(55);
    assert_eq!((site.verdict(), site.canary().last_seen), (Verdict::Isolated, None));
    site.clean(10);
    assert_eq!((site.verdict(), site.canary().last_seen, site.told()), (Verdict::Unverified, None, vec![true]));
}

#[test]
fn it_counts_from_the_policy_that_brings_it_and_another_policy_forgets_nothing() {
    let mut site = Site::new();
    site.clean(200);
    site.engine.handle(Input::Policy(Box::new(with_canary("canary: 60s,"))));
    site.clean(55);
    assert_eq!(site.verdict(), Verdict::Isolated);
    site.engine.handle(Input::Policy(Box::new(with_canary("canary: 60s,"))));
    site.clean(10);
    assert_eq!((site.verdict(), site.told()), (Verdict::Unverified, vec![true]));
    site.engine.handle(Input::Policy(Box::new(with_canary(""))));
    site.clean(1);
    assert_eq!(site.verdict(), Verdict::Isolated);
}

#[test]
fn what_is_seen_elsewhere_shows_nothing_of_its_zone() {
    let mut site = site();
    let (a, b) = (addr("10.110.0.11:123"), addr("10.40.0.7:123"));
    for _ in 0..7 {
        // Behind the router, in the server's VLAN.
        site.send(Packet::udp(a, b).payload([0x23; 48]).ttl(63), ROUTER, Mac([2, 0, 0, 0, 0, 9]), &[900]);
        site.clean(10);
    }
    assert_eq!((site.canary().last_seen, site.verdict()), (None, Verdict::Unverified));
}

fn restarted(before: &Site) -> Site {
    let saved = serde_json::to_string(&before.engine.save()).expect("JSON");
    let saved = serde_json::from_str(&saved).expect("what was saved");
    let mut after = Site::stopped(with_canary("canary: 60s,"));
    after.elapsed = before.elapsed + 30 * SECOND;
    let (wall, mono) = (after.wall(), after.elapsed);
    after.engine.handle(Input::Restore { saved: &saved, wall, mono });
    after.up();
    after.tick(1);
    after
}

#[test]
fn a_restart_makes_no_missing_one_seen_and_tells_it_once() {
    let mut before = site();
    before.poll();
    before.clean(50);
    let seen = before.canary().last_seen;
    // It was not missing: it counts from the start of the agent.
    let mut after = restarted(&before);
    assert_eq!(after.canary().last_seen, seen);
    after.clean(50);
    assert_eq!(after.verdict(), Verdict::Isolated);
    after.clean(15);
    assert_eq!((after.verdict(), after.told()), (Verdict::Unverified, vec![true]));

    let mut again = restarted(&after);
    again.clean(5);
    assert_eq!((again.verdict(), again.told()), (Verdict::Unverified, vec![]));
    again.poll();
    again.clean(1);
    assert_eq!((again.verdict(), again.told()), (Verdict::Isolated, vec![false]));
}

#[test]
fn what_a_restart_must_know_of_it_is_among_the_changes() {
    let mut site = site();
    site.clean(70);
    let mut saved = Site::stopped(with_canary("canary: 60s,")).engine.save();
    let changes = site.engine.save_changes(&site.events);
    assert!(!changes.is_empty());
    saved.apply(serde_json::from_value(serde_json::to_value(&changes).expect("JSON")).expect("changes"));
    assert_eq!(serde_json::to_value(&saved).expect("JSON")["canaries"][0]["silent"], true);
}

#[test]
fn a_clock_that_is_set_back_or_ahead_changes_nothing() {
    for step in [-3600, 90_000] {
        let mut site = site();
        site.poll();
        site.clean(50);
        // From here on the wall clock says something else than the monotonic one.
        let tick = |site: &mut Site, mono: i64| {
            let wall = Timestamp(START + mono + step * SECOND);
            site.engine.handle(Input::Tick { wall, mono });
            site.events.extend(site.engine.take_events());
            site.elapsed = mono + step * SECOND;
        };
        let mut mono = site.elapsed;
        for second in 0..100 {
            if second % 50 == 0 {
                site.poll();
            }
            site.talk(&[110]);
            mono += SECOND;
            tick(&mut site, mono);
        }
        assert_eq!((site.canary().silent, site.told()), (false, vec![]), "{step}");
        assert!(site.canary().last_seen.is_some_and(|last| last <= site.wall()), "{step}");
        for _ in 0..20 {
            site.talk(&[110]);
            mono += SECOND;
            tick(&mut site, mono);
        }
        assert_eq!((site.canary().silent, site.told()), (true, vec![true]), "{step}");
    }
}

/// The verdict of a capture in which the canary was seen at these seconds, and its reasons.
fn capture(seconds: i64, polls: impl Fn(i64) -> bool) -> (Verdict, Vec<ReasonCode>) {
    let mut site = Site::stopped(with_canary("canary: 60s,"));
    for second in 0..seconds {
        site.elapsed = second * SECOND;
        site.talk(&[110]);
        if polls(second) {
            site.poll();
        }
    }
    let snapshot = site.engine.snapshot();
    (snapshot.verdict, snapshot.reasons.iter().map(|reason| reason.code).collect())
}

#[test]
fn a_capture_is_held_against_it_once_it_is_long_enough() {
    assert_eq!(capture(55, |_| false).0, Verdict::Isolated, "too short to tell");
    assert_eq!(capture(300, |second| second % 50 == 0).0, Verdict::Isolated);
    let missing = (Verdict::Unverified, vec![ReasonCode::Silent]);
    assert_eq!(capture(70, |_| false), missing);
    assert_eq!(capture(300, |second| second >= 70 && second % 50 == 0), missing, "at the beginning");
    assert_eq!(capture(300, |second| !(100..180).contains(&second) && second % 20 == 0), missing, "in the middle");
    assert_eq!(capture(300, |second| second < 200 && second % 50 == 0), missing, "at the end");
}

#[test]
fn a_capture_that_shows_nothing_for_a_while_shows_no_canary() {
    let mut site = Site::stopped(with_canary("canary: 60s,"));
    for start in [0, 1000] {
        site.elapsed = start * SECOND;
        site.talk(&[110]);
        site.poll();
    }
    assert_eq!(site.engine.snapshot().verdict, Verdict::Unverified);
}
