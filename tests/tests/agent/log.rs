//! The log: whole lines, nothing that a stranger could write into it, and not too many.

use std::process::Command;

use segwatch::base::Mac;
use segwatch_tests::frames::{Packet, ethertype, tagged};
use segwatch_tests::lab::Sender;
use serde_json::Value;

use crate::cameras::Cameras;
use crate::client::request;
use crate::site::{Site, shown};
use crate::{eventually, lab};

/// Ends a line, begins another, and clears the screen.
const HOSTILE: &str = "cam\r\n2026-01-01T00:00:00Z ERROR finding id=\"forged\"\x1b[2J\u{202e}";
const CAMERA: Mac = Mac([0x44, 0x19, 0xb6, 9, 9, 9]);

/// A camera says hostile things in every way that it has, and a person in every way that the API has.
fn attack(site: &Site) {
    let mut sender = Sender::open("far");
    let home = |port| ([10, 110, 9, 9], port).into();
    for packet in [
        Packet::udp(home(68), ([255, 255, 255, 255], 67).into()).payload(dhcp(HOSTILE.as_bytes())),
        Packet::udp(home(5_000), ([10, 30, 0, 9], 53).into()).payload(dns(HOSTILE.as_bytes())),
        Packet::udp(home(37_020), ([239, 255, 255, 250], 37_020).into()).payload(sadp(HOSTILE)),
        Packet::tcp(home(80), ([203, 0, 113, 9], 40_000).into(), 0x18)
            .payload(format!("HTTP/1.1 200 OK\r\nServer: {HOSTILE}\r\n\r\n")),
    ] {
        sender.send(&packet.frame(CAMERA, Mac([0, 0, 0x5e, 0, 0x53, 1]), &[110]));
    }
    sender.send(&tagged(CAMERA, Mac::BROADCAST, &[(ethertype::VLAN, 110)], 0x88cc, HOSTILE.as_bytes()));
    let body = serde_json::json!({ "by": HOSTILE, "reason": HOSTILE }).to_string();
    for path in ["/api/v1/findings/x/close", "/-/reload?x=%0d%0aERROR", "/%0a%1b[2J"] {
        let _ = request("POST", path, &["X-Name: \x1b[2J"], &body);
    }
    // Line breaks and spaces are more than the kernel takes in a name.
    let name = "n\x1b[2J\u{202e}";
    let renamed = Command::new("ip").args(["link", "set", "near", "name", name]).output().expect("ip is there");
    assert!(renamed.status.success(), "{renamed:?}");
    eventually("the rename is on record", || site.log().contains("renamed").then_some(()));
}

fn dhcp(name: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 236];
    message[..4].copy_from_slice(&[1, 1, 6, 0]);
    message[28..34].copy_from_slice(&CAMERA.0);
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 3, 12, name.len() as u8]);
    message.extend(name);
    message.push(255);
    message
}

fn dns(label: &[u8]) -> Vec<u8> {
    let label = &label[..label.len().min(63)];
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.len() as u8];
    message.extend(label);
    message.extend([3, b'c', b'o', b'm', 0, 0, 1, 0, 1]);
    message
}

fn sadp(name: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\"?><ProbeMatch><DeviceDescription>{name}</DeviceDescription></ProbeMatch>")
        .into_bytes()
}

fn is_clean(line: &str) -> bool {
    !line.chars().any(|c| c.is_control() || c == '\u{202e}')
}

#[test]
fn text_lines_are_whole_and_nobody_forges_one() {
    lab("log-text", |mut site| {
        site.start();
        attack(&site);
        Cameras::new().break_out(0);
        eventually("a finding is logged", || site.log().contains("44:19:b6:01:00:00").then_some(()));
        site.stop();
        let levels = ["TRACE", "DEBUG", " INFO", " WARN", "ERROR"];
        for line in site.log().lines() {
            assert!(is_clean(line), "{line:?}");
            let (time, rest) = line.split_once(' ').expect("a time");
            assert!(time.ends_with('Z') && time.contains('T'), "{line:?}");
            assert!(levels.iter().any(|level| rest.starts_with(level)), "{line:?}");
            assert!(!rest.starts_with("ERROR finding id=\"forged\""), "{line:?}");
        }
    });
}

#[test]
fn json_lines_are_json() {
    lab("log-json", |mut site| {
        site.arguments = vec!["--log.format".into(), "json".into()];
        site.start();
        attack(&site);
        Cameras::new().break_out(0);
        eventually("a finding is logged", || site.log().contains("44:19:b6:01:00:00").then_some(()));
        site.stop();
        let log = site.log();
        let mut critical = 0;
        for line in log.lines() {
            assert!(is_clean(line), "{line:?}");
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            for key in ["timestamp", "level", "message"] {
                assert!(line[key].is_string(), "{line}");
            }
            critical += u32::from(
                line["message"] == "finding" && line["kind"] == "internet-egress" && line["level"] == "ERROR",
            );
        }
        assert!(critical >= 1, "{log}");
    });
}

#[test]
fn a_flood_of_findings_and_of_wrong_passwords_is_cut_and_counted() {
    lab("log-flood", |mut site| {
        let users = site.write("users.yaml", &format!("basic_auth_users: {{ ann: {} }}\n", crate::remarks::HASH));
        site.arguments = vec!["--web.config.file".into(), users.display().to_string()];
        site.start();
        let mut cameras = Cameras::new();
        (0..500).for_each(|camera| cameras.break_out(camera));
        for _ in 0..60 {
            let wrong = "Authorization: Basic YW5uOndyb25n";
            assert_eq!(request("GET", "/metrics", &[wrong], "").expect("an answer").status, 401);
        }
        let page = site.until("findings", |page| shown(page).len() == 200);
        assert!(page.value("segwatch_finding_info_suppressed", &[]) >= Some(1.0));
        let lines = |what: &str| site.log().lines().filter(|line| line.contains(what)).count();
        let (logins, findings) = (lines("a wrong user or password"), lines("internet-egress"));
        assert!((1..60).contains(&logins), "{logins}");
        assert!((1..500).contains(&findings), "{findings}");
        // Windows of 20 lines in 10 s: the next one says how many it held back.
        eventually("what was held back is told", || {
            let _ = request("GET", "/metrics", &["Authorization: Basic YW5uOndyb25n"], "");
            let log = site.log();
            let mut told = log.lines().filter(|line| line.contains("a wrong user or password"));
            told.any(|line| !line.ends_with("held_back=0")).then_some(())
        });
    });
}
