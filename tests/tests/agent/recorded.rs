//! What an agent recorded, read by the commands: hours of coverage over a kill, and flows under another policy.

use std::process::Command;

use serde_json::Value;

use crate::cameras::Cameras;
use crate::client::get;
use crate::lab;
use crate::site::{PROGRAM, Site, total};

fn answer(site: &Site, arguments: &[&str]) -> (Option<i32>, Value) {
    let path = |name: &str| site.folder.join(name).display().to_string();
    let known = |word: &&str| match *word {
        "OLD" => path("policy.yaml"),
        "NEW" => path("new.yaml"),
        "STATE" => path("state"),
        other => other.to_owned(),
    };
    let run = Command::new(PROGRAM).args(arguments.iter().map(known)).output().expect("it runs");
    let out = String::from_utf8(run.stdout).expect("UTF-8");
    let err = String::from_utf8_lossy(&run.stderr);
    (run.status.code(), serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}")))
}

#[test]
fn what_was_recorded_outlives_a_kill_and_is_judged_by_another_policy() {
    lab("recorded", |mut site| {
        let mut cameras = Cameras::new();
        site.start();
        (0..10).for_each(|pair| cameras.talk(2 * pair));
        cameras.break_out(3);
        site.until_counted(cameras.sent);
        site.until("time was covered", |page| total(page, "segwatch_covered_seconds_total") >= 2.0);
        let coverage: Value = serde_json::from_str(&get("/api/v1/coverage").expect("an answer")).expect("JSON");
        let devices = coverage["devices"].as_array().expect("devices");
        assert_eq!(devices.len(), 20, "{coverage:#}");
        for device in devices {
            let (all, observed) = (device["seconds"].as_f64().unwrap(), device["observed_seconds"].as_f64().unwrap());
            let gaps =
                device["periods"].as_array().unwrap().iter().flat_map(|period| period["gaps"].as_array().unwrap());
            assert!(all >= observed && (all == observed) == (gaps.count() == 0), "{device:#}");
        }
        site.stop();
        site.start();
        // Covered or not, it is on record that nobody looked.
        let missed = site.until("a gap", |page| total(page, "segwatch_uncovered_seconds_total") >= 0.0);
        assert_eq!(total(&missed, "segwatch_sink_lost_total"), 0.0);
        cameras.talk(2);
        site.until("it was seen again", |page| total(page, "segwatch_capture_packets_total") >= 2.0);
        site.kill();
        site.start();
        site.stop();

        let (code, report) = answer(&site, &["report", "--config", "OLD", "--journal", "STATE", "--format", "json"]);
        assert_eq!(
            (code, report["verdict"].as_str(), report["site"].as_str()),
            (Some(0), Some("violated"), Some("test"))
        );
        let list = report["cameras"].as_array().expect("cameras");
        assert_eq!(list.len(), 20);
        let was_away = |camera: &&Value| {
            let gaps = camera["coverage"]["gaps"].as_array().expect("gaps");
            gaps.iter().any(|gap| gap["detail"] == "segwatch was not running")
        };
        assert_eq!(list.iter().filter(was_away).count(), 20, "{report:#}");
        assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));

        let outside = report["findings"][0]["peers"][0].clone();
        let (ip, port) = (outside["ip"].as_str().expect("an address"), outside["port"].as_u64().expect("a port"));
        let conduit = format!(
            "conduits:\n  - {{ name: a cloud, from: {{ zone: cctv }}, to: {{ hosts: [{ip}] }}, services: [tcp/{port}] }}\n"
        );
        let policy = std::fs::read_to_string(site.folder.join("policy.yaml")).expect("a policy");
        site.write("new.yaml", &(policy + &conduit));
        let (code, diff) = answer(&site, &["diff", "OLD", "NEW", "--journal", "STATE", "--format", "json"]);
        let counts = &diff["flows"]["counts"];
        assert_eq!((code, counts["newly_allowed"].as_u64()), (Some(0), Some(1)), "{counts}");
        let (code, diff) = answer(&site, &["diff", "NEW", "OLD", "--journal", "STATE", "--format", "json"]);
        let counts = &diff["flows"]["counts"];
        assert_eq!((code, counts["newly_violating"].as_u64()), (Some(1), Some(1)), "{counts}");
        assert!(counts["unchanged"].as_u64() >= Some(10), "{counts}");
    });
}
