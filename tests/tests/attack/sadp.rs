//! Changes of cameras through SADP, over UDP and in raw frames, and who may make them.

use std::net::SocketAddr;

use segwatch::base::Mac;
use segwatch_tests::frames::{Packet, ethernet};
use segwatch_tests::tunnels::erspan_ii;

use super::lab::{CAMERA, Lab, ROUTER, attacks, policy, rows};

const MANAGER: Mac = Mac([0, 0, 0x5e, 0, 0x53, 0x50]);
const OTHER: Mac = Mac([0, 0, 0x5e, 0, 0x53, 0x51]);
const GROUP: Mac = Mac([1, 0, 0x5e, 0x7f, 0xff, 0xfa]);
const PERMIT: &str = "conduits:\n  - name: manager\n    from: { hosts: [10.110.0.50] }\n    to: { zone: cctv }\n    services: \
    [udp/37020]\n    permits: [exploit-attempt]\n";

fn message(root: &str, types: &str, mac: Mac) -> Vec<u8> {
    let mac = mac.to_string().replace(':', "-");
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<{root}><Uuid>A1</Uuid><Types>{types}</Types><MAC>{mac}</MAC></{root}>")
        .into_bytes()
}

fn seen() -> Lab {
    with("")
}

fn with(besides: &str) -> Lab {
    let mut lab = Lab::with(policy(besides), CAMERA.0);
    lab.arp();
    lab
}

fn tell(lab: &mut Lab, from: (Mac, &str), to: (Mac, &str), payload: Vec<u8>) {
    let end = |ip: &str| SocketAddr::new(ip.parse().expect("an address"), 37_020);
    lab.send(from.0, to.0, Packet::udp(end(from.1), end(to.1)).payload(payload));
}

fn raw(op: u8, from: Mac, target: Mac) -> Vec<u8> {
    let mut frame = vec![0x21, 2, 1, 0x42, 0, 0, 0, 1, 6, 4, op, 0, 0, 0];
    frame.extend(from.0);
    frame.extend([10, 110, 0, 50]);
    frame.extend(target.0);
    frame.extend([10, 110, 0, 11, 255, 255, 255, 0]);
    frame.extend([0; 28]);
    frame
}

#[test]
fn whoever_changes_a_camera_is_told() {
    let group = (GROUP, "239.255.255.250");
    for types in [
        "activate",
        "update",
        "reboot",
        "restore",
        "resetPassword",
        "securityCode",
        "exchangecode",
        "SETMAILBOX",
        "ezvizUnbind",
    ] {
        for to in [group, (Mac::BROADCAST, "255.255.255.255"), (CAMERA.0, "10.110.0.11")] {
            let mut lab = seen();
            tell(&mut lab, (MANAGER, "10.110.0.50"), to, message("Probe", types, CAMERA.0));
            assert_eq!(attacks(&lab.answer()), ["SADP change"], "{types}");
            assert!(lab.summary().contains("no answer was seen"));
            tell(&mut lab, (CAMERA.0, "10.110.0.11"), group, message("ProbeMatch", types, CAMERA.0));
            assert!(lab.summary().contains("answered with"), "{}", lab.summary());
        }
    }
}

#[test]
fn an_overlong_word_counts_for_whom_it_is_sent_to() {
    let row = rows().into_iter().find(|row| row.id == "CVE-2025-66177").expect("a signature");
    let mut lab = seen();
    tell(&mut lab, (MANAGER, "10.110.0.50"), (CAMERA.0, "10.110.0.11"), row.example);
    assert_eq!(attacks(&lab.answer()), ["CVE-2025-66177"]);
}

#[test]
fn what_is_normal_is_told_nobody() {
    let group = (GROUP, "239.255.255.250");
    let mut lab = seen();
    tell(&mut lab, (MANAGER, "10.110.0.50"), group, message("Probe", "inquiry", CAMERA.0));
    tell(&mut lab, (MANAGER, "10.110.0.50"), group, message("Probe", "inquiry_v32", CAMERA.0));
    tell(&mut lab, (CAMERA.0, "10.110.0.11"), group, message("ProbeMatch", "update", CAMERA.0));
    // Itself, a MAC that nobody watches, and one that is none.
    tell(&mut lab, (CAMERA.0, "10.110.0.11"), group, message("Probe", "update", CAMERA.0));
    tell(&mut lab, (MANAGER, "10.110.0.50"), group, message("Probe", "update", ROUTER));
    tell(&mut lab, (MANAGER, "10.110.0.50"), group, b"<Probe><Types>update</Types></Probe>".to_vec());
    lab.frame(ethernet(MANAGER, Mac::BROADCAST, &[110], 0x8033, &raw(3, MANAGER, CAMERA.0)));
    lab.frame(ethernet(CAMERA.0, MANAGER, &[110], 0x8033, &raw(7, CAMERA.0, MANAGER)));
    assert_eq!(attacks(&lab.answer()), Vec::<String>::new());
}

#[test]
fn raw_frames_change_cameras_too() {
    for op in [6, 0x0a, 0x10] {
        let frame = ethernet(MANAGER, Mac::BROADCAST, &[110], 0x8033, &raw(op, MANAGER, CAMERA.0));
        let mut lab = seen();
        lab.frame(frame.clone());
        assert_eq!(attacks(&lab.answer()), ["SADP change"], "operation {op}");
        assert!(
            lab.summary().contains(&format!("“operation {op:#04x}” in raw frames of {MANAGER}")),
            "{}",
            lab.summary()
        );
        lab.frame(ethernet(CAMERA.0, MANAGER, &[110], 0x8033, &raw(op + 1, CAMERA.0, MANAGER)));
        assert!(lab.summary().contains("answered with"));
        let mut lab = seen();
        lab.frame(erspan_ii([192, 0, 2, 1].into(), [192, 0, 2, 2].into(), 1, 0, 7, &frame).frame(ROUTER, MANAGER, &[]));
        assert_eq!(attacks(&lab.answer()), ["SADP change"], "in ERSPAN");
    }
}

#[test]
fn a_manager_may() {
    let mut lab = with(PERMIT);
    tell(&mut lab, (MANAGER, "10.110.0.50"), (GROUP, "239.255.255.250"), message("Probe", "update", CAMERA.0));
    lab.frame(ethernet(MANAGER, Mac::BROADCAST, &[110], 0x8033, &raw(6, MANAGER, CAMERA.0)));
    assert!(attacks(&lab.answer()).is_empty());
    tell(&mut lab, (OTHER, "10.110.0.51"), (GROUP, "239.255.255.250"), message("Probe", "update", CAMERA.0));
    assert_eq!(attacks(&lab.answer()), ["SADP change"], "another host");
}

#[test]
fn a_camera_that_is_known_late_was_changed_before() {
    let mut lab = Lab::unknown();
    tell(
        &mut lab,
        (MANAGER, "10.110.0.50"),
        (GROUP, "239.255.255.250"),
        message("Probe", "activate", super::lab::UNKNOWN),
    );
    assert!(attacks(&lab.answer()).is_empty());
    lab.says_hello();
    assert_eq!(attacks(&lab.answer()), ["SADP change"]);
}

#[test]
fn a_camera_in_factory_state_is_vulnerable_whatever_its_firmware() {
    let mut lab = seen();
    lab.says_hello();
    let device = lab.answer().devices.remove(0);
    assert_eq!(device.posture.state, segwatch::hint::State::Vulnerable);
    assert!(device.posture.detail.starts_with("factory state: no password is set"), "{}", device.posture.detail);
    assert!(device.hints.iter().any(|hint| hint.says == "activated" && hint.value == "false"));
    assert!(lab.answer().findings.iter().all(|finding| finding.kind.name() != "exploit-attempt"));
}
