//! Half a view of clean traffic is never green: what the mirror did not show is `unverified`, with the reason, exit 3.

use std::fs;
use std::path::Path;

use segwatch::base::Timestamp;
use segwatch_tests::program::segwatch;
use segwatch_tests::{demo, pcap};
use serde_json::Value;

const CAMERA_VLAN: u16 = 110;
const MAKER: [u8; 3] = [0x44, 0x19, 0xb6];
/// Addresses of the internet that the demo capture shows, and one camera that it does not.
const NOT_CLEAN: [[u8; 4]; 2] = [[203, 0, 113, 50], [198, 51, 100, 20]];
const UNSEEN_CAMERA: &str = "lobby";

#[test]
fn the_whole_view_is_isolated() {
    check("whole", |frame| Some(frame.to_vec()), "isolated", None);
}

#[test]
fn what_cameras_send_alone() {
    check("sent", |frame| keep(frame, !is_to_camera(frame)), "unverified", Some("one-direction"));
}

#[test]
fn what_cameras_receive_alone() {
    check("received", |frame| keep(frame, !is_from_camera(frame)), "unverified", Some("one-direction"));
}

#[test]
fn tags_stripped() {
    check("untagged", |frame| Some(untagged(frame)), "unverified", Some("untagged"));
}

#[test]
fn broadcast_alone() {
    check("broadcast", |frame| keep(frame, frame[0] & 1 == 1), "unverified", Some("silent"));
}

#[test]
fn camera_vlan_not_mirrored() {
    check("no-camera-vlan", |frame| keep(frame, vlan(frame) != CAMERA_VLAN), "unverified", Some("behind-router"));
}

#[test]
fn nothing_at_all() {
    check("nothing", |_| None, "unverified", Some("never-seen"));
}

/// Judges what the view leaves of each clean frame. A reason must hold for the site and for every camera.
fn check(name: &str, view: impl Fn(&[u8]) -> Option<Vec<u8>>, verdict: &str, reason: Option<&str>) {
    let frames: Vec<(Timestamp, Vec<u8>)> =
        clean().into_iter().filter_map(|(at, frame)| Some((at, view(&frame)?))).collect();
    let file = |extension: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("view-{name}.{extension}"));
    let (capture, policy) = (file("pcap"), file("yaml"));
    fs::write(&capture, pcap::pcap(&frames)).expect("a file of our own");
    fs::write(&policy, policy_of_seen_cameras()).expect("a file of our own");
    let args = ["check", "--format", "json", "--config"].map(Into::into).into_iter().chain([policy, capture]);
    let run = segwatch(args);
    let answer: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(answer["verdict"], verdict, "{}", run.out);
    assert_eq!(run.exit, if verdict == "isolated" { 0 } else { 3 });
    assert_eq!(answer["findings"], Value::Array(Vec::new()));
    let devices = answer["devices"].as_array().expect("devices");
    assert_eq!(devices.len(), 4);
    for judged in devices.iter().chain([&answer]) {
        assert_eq!(judged["verdict"], verdict, "{judged}");
        let reasons = judged["reasons"].as_array().expect("reasons");
        let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason["code"].as_str()).collect();
        assert!(reason.is_none_or(|reason| codes.contains(&reason)), "{codes:?}");
        assert!(reason.is_some() || codes.is_empty(), "{codes:?}");
    }
}

/// The demo capture without what it was made to show.
fn clean() -> Vec<(Timestamp, Vec<u8>)> {
    let is_clean = |frame: &[u8]| !NOT_CLEAN.iter().any(|ip| frame.windows(4).any(|bytes| bytes == ip));
    demo::frames().into_iter().filter(|(_, frame)| is_clean(frame)).collect()
}

fn policy_of_seen_cameras() -> String {
    let policy = fs::read_to_string("captures/demo.yaml").expect("the policy of the demo capture");
    policy.lines().filter(|line| !line.contains(UNSEEN_CAMERA)).map(|line| format!("{line}\n")).collect()
}

fn keep(frame: &[u8], is_kept: bool) -> Option<Vec<u8>> {
    is_kept.then(|| frame.to_vec())
}

fn is_to_camera(frame: &[u8]) -> bool {
    frame.starts_with(&MAKER)
}

fn is_from_camera(frame: &[u8]) -> bool {
    frame[6..].starts_with(&MAKER)
}

/// All frames of the demo have one tag.
fn vlan(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[14], frame[15]]) & 0x0fff
}

fn untagged(frame: &[u8]) -> Vec<u8> {
    [&frame[..12], &frame[16..]].concat()
}
