//! `segwatch explain` as its users run it: one flow of each rule, and the line that decides about it.

use std::fs;
use std::path::{Path, PathBuf};

use segwatch_tests::program::{Run, segwatch};
use serde_json::Value;

const POLICY: &str = "\
site: herlev
zones:
  cctv: { cameras: true, vlans: [110], prefixes: [10.110.0.0/24, \"fd00:110::/64\"], gateways: [10.110.0.1], dhcp: [10.40.0.5] }
  recording: { vlans: [200], prefixes: [10.200.0.0/24, \"fd00:200::/64\"] }
  clinical: { vlans: [300], prefixes: [10.30.0.0/16] }
conduits:
  - name: recorder pulls video
    from: { zone: recording, hosts: [10.200.0.10, \"fd00:200::10\"] }
    to: { zone: cctv }
    services: [tcp/554, \"udp/*\"]
    owner: netops@region.example
    reason: Milestone
    expires: 2027-06-30
  - name: old telnet
    from: { zone: recording }
    to: { zone: cctv }
    services: [tcp/23]
    owner: netops@region.example
    reason: before 2025
    expires: 2025-12-31
devices:
  - { name: entrance-1, mac: \"44:19:b6:01:02:03\", ip: 10.110.0.11, zone: cctv }
  - { name: yard, mac: \"44:19:b6:01:02:04\", zone: cctv }
";

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explain");
    fs::create_dir_all(&folder).expect("a folder for the test");
    let file = folder.join(name);
    fs::write(&file, POLICY).expect("the policy");
    file
}

fn explain(config: &Path, line: &str) -> Run {
    let args = ["explain", "--at", "2026-03-01", "--config"].into_iter().map(str::to_owned);
    segwatch(args.chain([config.display().to_string()]).chain(line.split(' ').map(str::to_owned)))
}

#[test]
fn one_flow_of_each_rule_names_the_line_that_decides() {
    let config = file("rules.yaml");
    for (question, verdict, kind, rule, lines) in [
        ("--from 10.200.0.10 --to entrance-1 --service tcp/554", "allowed", None, "recorder pulls video", vec![7]),
        ("--from fd00:200::10 --to cctv --service udp/5000", "allowed", None, "recorder pulls video", vec![7]),
        (
            "--from recording --to yard --service tcp/23",
            "violation",
            Some("cross-zone-ingress"),
            "old telnet",
            vec![14],
        ),
        ("--from entrance-1 --to yard --service tcp/80", "allowed", None, "home", vec![3, 22, 23]),
        ("--from entrance-1 --to 10.40.0.5 --service udp/67", "allowed", None, "home", vec![3, 22]),
        ("--from entrance-1 --to 239.255.255.250 --service udp/37020", "allowed", None, "local-scope", vec![]),
        (
            "--from entrance-1 --to internet --service tcp/443",
            "violation",
            Some("internet-egress"),
            "default-deny",
            vec![3, 22],
        ),
        (
            "--from internet --to entrance-1 --service tcp/80",
            "violation",
            Some("internet-ingress"),
            "default-deny",
            vec![3, 22],
        ),
        (
            "--from yard --to clinical --service icmp",
            "violation",
            Some("cross-zone-egress"),
            "default-deny",
            vec![3, 5, 23],
        ),
        (
            "--from clinical --to 10.110.0.11 --service tcp/80",
            "violation",
            Some("cross-zone-ingress"),
            "default-deny",
            vec![3, 5, 22],
        ),
        ("--from entrance-1 --to 10.99.0.1 --service ip/47", "violation", Some("tunnel"), "default-deny", vec![3, 22]),
        ("--from clinical --to internet --service tcp/443", "unwatched", None, "default-deny", vec![5]),
    ] {
        let run = explain(&config, &format!("{question} --format json"));
        assert_eq!((run.exit, run.err.as_str()), (0, ""), "{question}");
        let answer: Value = serde_json::from_str(&run.out).expect("JSON");
        let told = &answer["flows"][0];
        assert_eq!(told["flow"]["verdict"], verdict, "{question}");
        assert_eq!(told["flow"]["kind"].as_str(), kind, "{question}");
        assert_eq!(told["decided_by"]["rule"]["name"], rule, "{question}");
        let mut found: Vec<u64> = told["decided_by"]["lines"]
            .as_array()
            .expect("lines")
            .iter()
            .filter(|line| line["file"] == config.display().to_string())
            .filter_map(|line| line["line"].as_u64())
            .collect();
        found.sort_unstable();
        assert_eq!(found, lines, "{question}");
        let text = explain(&config, question).out;
        for line in lines {
            assert!(text.contains(&format!("rules.yaml:{line}")), "{question}: {line}\n{text}");
        }
    }
}

#[test]
fn the_answer_of_the_built_in_policy_needs_no_file() {
    let ask = |line: &str| segwatch(format!("explain {line}").split(' ')).out;
    let text = ask("--from 10.1.1.5 --to 203.0.113.9 --service tcp/443");
    assert!(
        text.starts_with("violation: internet-egress, established, decided by default-deny (built in)\n"),
        "{text}"
    );
    assert!(text.contains("no: the policy declares none"), "{text}");
    let text = ask("--from 44:19:b6:01:02:03 --to internet --service udp/123 --vlan 7");
    assert!(text.contains("as if 44:19:b6:01:02:03 had the address 10.0.0.1"), "{text}");
}

#[test]
fn an_engineer_reads_the_answer_first_and_the_change_last() {
    let config = file("text.yaml");
    let run = explain(&config, "--from 10.200.0.10 --to entrance-1 --service tcp/80");
    let name = config.display().to_string();
    let words: Vec<&str> = run.out.split_whitespace().collect();
    let text = words.join(" ").replace(&name, "text.yaml");
    let expected = "violation: cross-zone-ingress, established, decided by default-deny (built in) \
        tcp 10.200.0.10:49152 → 10.110.0.11:80, VLAN 200 \
        critical · entrance-1 of cctv, peer in recording · finding";
    assert!(text.starts_with(expected), "{text}");
    for part in [
        "zone recording stands in text.yaml:4 zone cctv stands in text.yaml:3 device entrance-1 stands in text.yaml:22 Assumed",
        "Steps initiator 10.200.0.10: not watched; in zone recording (text.yaml:4), by its prefix 10.200.0.0/24 responder",
        "home no: zone cctv is not zone recording dhcp no:",
        "conduits no: none of 2 conduits allows it; it was seen to be opened, so the direction of a conduit binds",
        "recorder pulls video no: services: tcp/80 is not among tcp/554, udp/* (text.yaml:7)",
        "old telnet no: services: tcp/80 is not among tcp/23 (text.yaml:14)",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let last = "Nearest conduit recorder pulls video (text.yaml:7) would have allowed it with these changes: \
        services add tcp/80 to tcp/554, udp/*";
    assert!(text.ends_with(last), "{text}");
}

#[test]
fn what_comes_from_the_file_is_escaped() {
    let config = file("hostile.yaml");
    let hostile = POLICY.replace("name: old telnet", "name: \"\\u202Eold\"");
    assert_ne!(hostile, POLICY);
    fs::write(&config, hostile).expect("the policy");
    for format in ["text", "json"] {
        let run = explain(&config, &format!("--from recording --to yard --service tcp/23 --format {format}"));
        assert!(!run.out.contains('\u{202e}'), "{}", run.out);
    }
}
