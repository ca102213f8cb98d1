//! Reloads under traffic.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use segwatch_tests::exposition::{Exposition, Series};
use serde_json::Value;

use crate::cameras::Cameras;
use crate::client::request;
use crate::site::{Site, check_episodes, shown, total};
use crate::{eventually, lab, rounds};

/// Allows what [`Cameras::break_out`] does.
const CONDUIT: &str = "conduits:
  - name: updates
    from: { zone: cctv }
    to: { hosts: [203.0.113.9] }
    services: [tcp/443]
    owner: netops@region.example
    reason: test
    expires: 2099-12-31
";
/// Changes nothing that a finding rests on.
const OTHER: &str = "domains: [region.example]\n";

fn reload() -> (u16, String) {
    let answer = request("POST", "/-/reload", &[], "").expect("an answer");
    (answer.status, answer.body)
}

/// Policy that decides, by what the metrics say.
fn policy(page: &Exposition) -> String {
    page.of("segwatch_policy_info")[0].0["hash"].clone()
}

fn succeeded(page: &Exposition) -> bool {
    page.value("segwatch_config_last_reload_successful", &[]) == Some(1.0)
}

fn counters(page: &Exposition) -> BTreeMap<Series, f64> {
    let is_counter = |name: &str| page.families.get(name).is_some_and(|family| family.kind == "counter");
    page.series
        .iter()
        .filter(|((name, _), _)| is_counter(name))
        .map(|(series, &value)| (series.clone(), value))
        .collect()
}

#[test]
fn reloads_lose_no_packet_no_counter_and_no_finding() {
    lab("reloads", |mut site| {
        let rounds = rounds(50, 1_000);
        let mut cameras = Cameras::new();
        site.start();
        (0..5).for_each(|camera| cameras.break_out(camera));
        let before = shown(&site.until("findings", |page| shown(page).len() == 5));
        let mut counted = counters(&site.scrape());
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0;
                while !stop.load(Ordering::Acquire) {
                    (0..20).for_each(|camera| cameras.talk(10 + 2 * camera));
                    // The same flow again and again, and now and then a new one that is a violation of a known finding.
                    cameras.break_out(number % 5);
                    number += 1;
                    thread::sleep(Duration::from_millis(10));
                }
            });
            for round in 0..rounds {
                site.write_policy(if round % 2 == 0 { OTHER } else { "" });
                if round % 4 < 2 {
                    assert_eq!(reload().0, 200);
                } else {
                    site.signal("HUP");
                }
                if round % 5 == 0 {
                    let page = site.scrape();
                    assert_eq!(shown(&page), before, "round {round}");
                    let now = counters(&page);
                    for (series, value) in &counted {
                        assert!(now.get(series) >= Some(value), "round {round}: {series:?} went back from {value}");
                    }
                    counted = now;
                }
            }
            stop.store(true, Ordering::Release);
        });
        let page = site.until_counted(cameras.sent);
        assert_eq!(total(&page, "segwatch_capture_packets_total"), cameras.sent as f64);
        assert_eq!(total(&page, "segwatch_capture_dropped_packets_total"), 0.0);
        assert!(succeeded(&page));
        println!("{rounds} reloads, {} packets sent and counted, none dropped", cameras.sent);
        site.stop();
        check_episodes(&site.journal());
        assert_eq!(events(&site, "finding-closed"), 0);
    });
}

fn events(site: &Site, event: &str) -> usize {
    site.journal().iter().filter(|record| record["event"] == event).count()
}

#[test]
fn a_bad_policy_changes_nothing_and_says_why() {
    lab("bad-policy", |mut site| {
        site.start();
        Cameras::new().break_out(0);
        let before = site.until("a finding", |page| shown(page).len() == 1);
        site.write_policy("conduit: []\n");
        let (status, said) = reload();
        assert_eq!(status, 500, "{said}");
        assert!(said.contains("policy.yaml:") && said.contains("did you mean `conduits`"), "{said}");
        let page = site.until("the failure shows", |page| !succeeded(page));
        assert_eq!((shown(&page), policy(&page)), (shown(&before), policy(&before)));
        assert!(site.log().contains("did you mean `conduits`"), "{}", site.log());
        // By signal too.
        site.write_policy(OTHER);
        site.signal("HUP");
        let page = site.until("it takes the good one", succeeded);
        let other = policy(&page);
        assert_ne!(other, policy(&before));
        std::fs::remove_file(site.folder.join("policy.yaml")).expect("removed");
        site.signal("HUP");
        let page = site.until("the failure shows", |page| !succeeded(page));
        assert_eq!(policy(&page), other);
    });
}

#[test]
fn a_policy_that_allows_it_closes_a_finding() {
    lab("allowing", |mut site| {
        site.start();
        Cameras::new().break_out(0);
        let id = shown(&site.until("a finding", |page| shown(page).len() == 1)).into_keys().next().expect("an id");
        site.write_policy(CONDUIT);
        assert_eq!(reload().0, 200);
        site.until("it closes", |page| shown(page).is_empty());
        let closed: Value = eventually("the journal says so", || {
            site.journal().into_iter().find(|record| record["event"] == "finding-closed")
        });
        assert_eq!((closed["id"].as_str(), closed["why"].as_str()), (Some(id.as_str()), Some("policy")));
        site.kill();
        site.start();
        assert!(shown(&site.scrape()).is_empty());
    });
}
