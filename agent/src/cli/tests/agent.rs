//! Commands that ask a running agent.

use super::*;
use crate::report;

fn access(url: &str) -> Access {
    Access { url: Some(url.to_owned()), ..Access::default() }
}

#[test]
fn an_agent_answers_as_a_capture_does() {
    let mut backend = Fake::new(Snapshot { not_judged: vec![], ..sample::site(6, 3) });
    for (command, json) in [
        ("devices", report::devices_json(&backend.snapshot)),
        ("findings", report::findings_json(&backend.snapshot)),
        ("zones", report::zones_json(&backend.snapshot)),
    ] {
        backend.answer = json.unwrap();
        for format in ["text", "json"] {
            let of_agent = segwatch(&backend, &format!("{command} --format {format} --url http://a"));
            let of_capture = segwatch(&backend, &format!("{command} --format {format} a.pcap"));
            assert_eq!(of_agent, of_capture, "{command} {format}");
            assert_eq!(of_agent.0, 0);
        }
    }
    let asked: Vec<Ask> = backend.told.take().into_iter().map(|(_, ask)| ask).collect();
    assert_eq!(asked, [Ask::Devices, Ask::Devices, Ask::Findings, Ask::Findings, Ask::Zones, Ask::Zones]);
}

#[test]
fn captures_come_before_the_environment() {
    let mut backend = Fake::new(sample::site(2, 0));
    backend.answer = report::zones_json(&backend.snapshot).unwrap();
    backend.environment =
        Access { user: Some("ann".to_owned()), password_file: Some("pw".into()), ..access("http://env") };
    assert_eq!(segwatch(&backend, "zones a.pcap").0, 0);
    assert_eq!(backend.told.take(), []);
    assert_eq!(segwatch(&backend, "zones").0, 0);
    assert_eq!(segwatch(&backend, "zones --url http://arg --user bob").0, 0);
    let said =
        Access { user: Some("bob".to_owned()), url: Some("http://arg".to_owned()), ..backend.environment.clone() };
    assert_eq!(backend.told.take(), [(backend.environment.clone(), Ask::Zones), (said, Ask::Zones)]);
}

#[test]
fn a_list_needs_one_source_and_has_no_two() {
    let mut backend = Fake::new(sample::site(2, 0));
    let refused = |backend: &Fake, line: &str| {
        let (code, out, err) = segwatch(backend, line);
        assert_eq!((code, out.as_str()), (2, ""), "{line}");
        assert_eq!(backend.told.take(), [], "{line}");
        err
    };
    for command in ["devices", "findings", "zones"] {
        let err = refused(&backend, command);
        assert!(err.contains("--url") && err.contains(&format!("Usage: segwatch {command}")), "{err}");
        refused(&backend, &format!("{command} --url http://a a.pcap"));
        refused(&backend, &format!("{command} --user ann a.pcap"));
        refused(&backend, &format!("{command} --url http://a --config p.yaml"));
    }
    // Not the agent of the environment when a policy is named.
    backend.environment = access("http://env");
    assert!(refused(&backend, "zones --config p.yaml").contains("--config"));
}

#[test]
fn findings_are_closed_and_acknowledged_and_drills_raised() {
    let mut backend = Fake::new(sample::empty());
    backend.answer = "closed\x1b[2J".to_owned();
    let (code, out, err) = segwatch(&backend, "findings close ab12 --by Ann --reason moved");
    assert_eq!((code, out.as_str(), err.as_str()), (0, "closed\\x1b[2J\n", ""));
    segwatch(&backend, "findings ack ab12 --by Ann --reason known --url https://h --ca-file ca.pem");
    segwatch(&backend, "drill --by Ann --user ann --password-file pw");
    let remark = |reason: &str| Remark { id: "ab12".to_owned(), by: "Ann".to_owned(), reason: reason.to_owned() };
    let user = Access { user: Some("ann".to_owned()), password_file: Some("pw".into()), ..Access::default() };
    assert_eq!(
        backend.told.take(),
        [
            (Access::default(), Ask::Close(remark("moved"))),
            (Access { ca_file: Some("ca.pem".into()), ..access("https://h") }, Ask::Acknowledge(remark("known"))),
            (user, Ask::Drill { by: "Ann".to_owned() }),
        ]
    );
    for line in [
        "findings close",
        "findings close ab12 --by Ann",
        "findings close ab12 --reason x",
        "findings close ../x --by Ann --reason x",
        "findings close ab12 --by Ann --reason x --password secret",
        "findings a.pcap --by Ann",
        "drill",
    ] {
        assert_eq!(segwatch(&backend, line).0, 2, "{line}");
    }
    assert_eq!(backend.told.take(), []);
    backend.problems = vec!["http://h: no \x1b[31m".to_owned()];
    let (code, out, err) = segwatch(&backend, "drill --by Ann");
    assert_eq!((code, out.as_str(), err.as_str()), (2, "", "segwatch: http://h: no \\x1b[31m\n"));
}

#[test]
fn what_is_no_list_prints_nothing() {
    let mut backend = Fake::new(sample::site(2, 1));
    let findings = report::findings_json(&backend.snapshot).unwrap();
    for answer in ["", "<html>", "{}", "[]", "null", &findings, &findings.replace("findings/1", "zones/1")] {
        backend.answer = answer.to_owned();
        for format in ["text", "json"] {
            let (code, out, err) = segwatch(&backend, &format!("zones --url http://a --format {format}"));
            assert_eq!((code, out.as_str()), (2, ""), "{answer}");
            assert!(err.contains("segwatch/zones/1"), "{err}");
        }
    }
}

#[test]
fn what_a_device_says_through_an_agent_is_escaped() {
    let mut backend = Fake::new(sample::site(2, 1));
    let json = report::zones_json(&backend.snapshot).unwrap();
    let name = backend.snapshot.zones[0].name.clone();
    backend.answer = json.replace(&format!("\"{name}\""), "\"\\u001b[2J\u{9b}\u{202e}x\"");
    assert_ne!(backend.answer, json);
    for format in ["text", "json"] {
        let (code, out, _) = segwatch(&backend, &format!("zones --url http://a --format {format}"));
        assert_eq!(code, 0);
        assert!(!out.contains(['\x1b', '\u{9b}', '\u{202e}']), "{out}");
    }
}
