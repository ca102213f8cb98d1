//! `segwatch learn`: what it proposes loads, keeps what is a violation one, and makes a clean capture `isolated`.
//!
//! What belongs here: the command as its users run it, over scenarios, made-up sites and real captures.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use segwatch::base::{Mac, Timestamp};
use segwatch_tests::frames::{Packet, flags};
use segwatch_tests::mirror::{Host, Mirror};
use segwatch_tests::program::{Run, segwatch};
use segwatch_tests::{corpus, demo, load, pcap};
use serde_json::Value;

/// A file of this test alone.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("segwatch-learn-test-{}-{name}", std::process::id())))
    }

    fn text(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs `learn` twice: the same bytes each time, a file that loads or nothing at all.
fn learn(name: &str, options: &[&str], captures: &[String]) -> (Run, Option<Scratch>) {
    let once = || {
        let args = ["learn"].iter().chain(options).map(|arg| arg.to_string()).chain(captures.iter().cloned());
        segwatch(args)
    };
    let (run, again) = (once(), once());
    assert_eq!((run.exit, &run.out), (again.exit, &again.out), "{name}");
    match run.exit {
        0 => {
            let file = Scratch::new(&format!("{}.yaml", name.replace(['/', '.'], "-")));
            fs::write(&file.0, &run.out).expect("the policy");
            let checked = segwatch(["config", "check", &file.text()]);
            assert_eq!(checked.exit, 0, "{name}: {}\n{}", checked.err, run.out);
            (run, Some(file))
        }
        2 | 3 => {
            assert_eq!(run.out, "", "{name}");
            assert!(run.err.contains("nothing is proposed"), "{name}: {}", run.err);
            (run, None)
        }
        other => panic!("{name}: exit {other}: {}", run.err),
    }
}

fn check(policy: Option<&Scratch>, captures: &[String]) -> Value {
    let mut args = vec!["check".to_owned(), "--format".to_owned(), "json".to_owned()];
    args.extend(policy.into_iter().flat_map(|policy| ["--config".to_owned(), policy.text()]));
    args.extend(captures.iter().cloned());
    serde_json::from_str(&segwatch(args).out).expect("the JSON of check")
}

/// Peers of the findings of these kinds.
fn peers(answer: &Value, kinds: &[&str]) -> BTreeSet<String> {
    let findings = answer["findings"].as_array().expect("findings").iter();
    let wanted = findings.filter(|finding| kinds.iter().any(|kind| finding["kind"] == **kind));
    wanted
        .flat_map(|finding| finding["peers"].as_array().expect("peers"))
        .map(|peer| format!("{} {} {}", peer["ip"], peer["proto"], peer["port"]))
        .collect()
}

fn write(name: &str, frames: &[(Timestamp, Vec<u8>)]) -> (Scratch, Vec<String>) {
    let file = Scratch::new(name);
    fs::write(&file.0, pcap::pcap(frames)).expect("the capture");
    let captures = vec![file.text()];
    (file, captures)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn host(mac: [u8; 6], address: &str, vlan: u16) -> Host {
    Host { mac: Mac(mac), ip: ip(address), vlan, ttl: 64 }
}

fn camera(number: u8) -> Host {
    host([0x44, 0x19, 0xb6, 0, 0, number], &format!("10.110.0.{}", 10 + number), 110)
}

/// Two cameras, a recorder that pulls from both, in a mirror of all VLANs.
fn site() -> Mirror {
    let mut mirror = Mirror::new(Timestamp::new(1_772_438_400, 0), Mac([0, 0, 0x5e, 0, 0x53, 1]));
    let recorder = host([0, 0, 0x5e, 0, 0x53, 0x10], "10.200.0.10", 200);
    for camera in [camera(1), camera(2)] {
        mirror.resolve_router(&camera, ip("10.110.0.1"));
        mirror.resolve_router(&recorder, ip("10.200.0.1"));
        let mut http = mirror.connect(&recorder, 40_000 + u16::from(camera.mac.0[5]), &camera, 80);
        http.ask(&mut mirror, b"GET / HTTP/1.1\r\n\r\n");
        http.answer(&mut mirror, b"HTTP/1.1 200 OK\r\n\r\n");
        http.close(&mut mirror);
    }
    mirror
}

#[test]
fn a_clean_site_is_isolated_under_what_is_learnt() {
    let (_file, captures) = write("clean.pcap", &site().frames);
    let (run, policy) = learn("clean", &[], &captures);
    let answer = check(policy.as_ref(), &captures);
    assert_eq!(answer["verdict"], "isolated", "{}\n{answer}", run.out);
    for line in [
        "  cameras-110:",
        "      - 10.110.0.0/24   # a guess",
        "    gateways: [10.110.0.1]",
        "    from: { zone: vlan-200, hosts: [10.200.0.10] }",
        "    to: { zone: cameras-110 }",
        "    services: [tcp/80]",
        "    # owner:",
        "  - { name: \"camera-000001\", mac: \"44:19:b6:00:00:01\", ip: 10.110.0.11, zone: cameras-110 }",
        "# By this policy these captures are isolated, with 0 findings.",
    ] {
        assert!(run.out.lines().any(|found| found == line), "{line}\n{}", run.out);
    }
}

#[test]
fn egress_stays_a_violation() {
    let (_file, captures) = write("demo.pcap", &demo::frames());
    let (run, policy) = learn("demo", &[], &captures);
    let answer = check(policy.as_ref(), &captures);
    let stays =
        BTreeSet::from(["\"198.51.100.20\" \"tcp\" 8800".to_owned(), "\"203.0.113.50\" \"tcp\" 443".to_owned()]);
    assert_eq!(peers(&answer, &["internet-egress"]), stays, "{}", run.out);
    assert_eq!(answer["findings"].as_array().map(Vec::len), Some(2), "the rest is allowed");
    assert!(run.out.contains("# not proposed: internet-egress: "), "{}", run.out);
}

#[test]
fn a_scan_an_attempt_and_a_shell_are_never_proposed() {
    let mut mirror = site();
    let (scanner, admin) = (host([2, 0, 0, 0, 0, 7], "10.30.0.7", 300), host([2, 0, 0, 0, 0, 8], "10.30.0.8", 300));
    for (at, port) in (0..).zip([21, 22, 23, 80, 443, 554, 8000, 8080, 8443, 9000]) {
        let (from, to) = (scanner.port(50_000 + at), camera(1).port(port));
        mirror.send(&scanner, &camera(1), Packet::tcp(from, to, flags::SYN).numbers(1, 0));
        let answer = if port == 80 { flags::SYN | flags::ACK } else { flags::RST | flags::ACK };
        mirror.send(&camera(1), &scanner, Packet::tcp(to, from, answer).numbers(0, 2));
    }
    let mut telnet = mirror.connect(&admin, 51_000, &camera(2), 23);
    telnet.answer(&mut mirror, b"login: ");
    let refused = Packet::tcp(camera(1).port(52_000), "10.40.0.9:25".parse().expect("an end"), flags::SYN);
    mirror.send_dropped(&camera(1), refused.numbers(1, 0));
    let (_file, captures) = write("scan.pcap", &mirror.frames);
    let (run, policy) = learn("scan", &[], &captures);
    let conduits = run.out.split("conduits:").nth(1).and_then(|text| text.split("devices:").next()).expect("conduits");
    assert!(!conduits.contains("10.30.0.") && !conduits.contains("10.40.0."), "{}", run.out);
    for reason in ["it looks like a scan", "remote control", "nobody answered"] {
        assert!(run.out.contains(reason), "{reason}\n{}", run.out);
    }
    let answer = check(policy.as_ref(), &captures);
    assert_eq!(peers(&answer, &["cross-zone-ingress"]).len(), 11, "{answer}");
    assert_eq!(answer["verdict"], "violated");
}

/// A camera that gives itself an address of the internet does not make the internet its home.
#[test]
fn an_address_of_the_internet_is_no_prefix() {
    let mut mirror = site();
    let cloud = host([0, 0, 0x5e, 0, 0x53, 2], "203.0.113.50", 900);
    let claim =
        segwatch_tests::frames::arp((camera(1).mac, [203, 0, 113, 9].into()), [203, 0, 113, 1].into(), None, &[110]);
    mirror.frames.push((Timestamp::new(1_772_438_410, 0), claim));
    mirror.pause(20_000);
    let mut tls = mirror.connect(&camera(1), 41_000, &cloud, 443);
    tls.ask(&mut mirror, &[0x16, 3, 1]);
    let (_file, captures) = write("spoofed.pcap", &mirror.frames);
    let (run, policy) = learn("spoofed", &[], &captures);
    let answer = check(policy.as_ref(), &captures);
    assert_eq!(answer["verdict"], "violated", "{}", run.out);
    assert_eq!(peers(&answer, &["internet-egress"]), BTreeSet::from(["\"203.0.113.50\" \"tcp\" 443".to_owned()]));
}

#[test]
fn too_little_is_refused_with_the_reason() {
    let from_cameras: Vec<_> =
        site().frames.into_iter().filter(|(_, frame)| frame[6..9] == [0x44, 0x19, 0xb6]).collect();
    let untagged = |(at, frame): (Timestamp, Vec<u8>)| {
        let mac = &frame[..12];
        let of_camera = mac.windows(3).any(|bytes| bytes == [0x44, 0x19, 0xb6]);
        (at, if of_camera { [mac, &frame[16..]].concat() } else { frame })
    };
    for (name, frames, reason) in [
        ("nothing", Vec::new(), "no camera was seen"),
        ("one-way", from_cameras, "one-direction"),
        ("untagged", site().frames.into_iter().map(untagged).collect(), "untagged"),
    ] {
        let (_file, captures) = write(&format!("{name}.pcap"), &frames);
        let (run, policy) = learn(name, &[], &captures);
        assert!(run.exit == 3 && policy.is_none() && run.err.contains(reason), "{name}: {} {}", run.exit, run.err);
    }
    let mut cut = pcap::pcap(&site().frames);
    cut.truncate(cut.len() - 3);
    let file = Scratch::new("cut.pcap");
    fs::write(&file.0, cut).expect("the capture");
    assert_eq!(learn("cut", &[], &[file.text()]).0.exit, 2);
    assert_eq!(segwatch(["learn", "--vendor", "hikvison", &file.text()]).exit, 2);
}

#[test]
fn a_camera_of_another_maker_is_named() {
    let mut mirror = site();
    let other = host([2, 0, 0, 0, 0, 9], "10.120.0.9", 120);
    mirror.resolve_router(&other, ip("10.120.0.1"));
    mirror.connect(&camera(1), 42_000, &other, 80).ask(&mut mirror, b"GET / HTTP/1.1\r\n\r\n");
    let (_file, captures) = write("named.pcap", &mirror.frames);
    for camera in ["02:00:00:00:00:09", "10.120.0.9"] {
        let (run, _policy) = learn("named", &["--camera", camera], &captures);
        assert!(run.out.contains("mac: \"02:00:00:00:00:09\", ip: 10.120.0.9, zone: cameras-120 }"), "{}", run.out);
    }
    let run = learn("absent", &["--camera", "02:00:00:00:00:0a"], &captures).0;
    assert!(run.exit == 3 && run.err.contains("02:00:00:00:00:0a: it was not seen"), "{}", run.err);
}

#[test]
fn the_site_of_the_benchmarks_is_isolated() {
    let mut frames = Vec::new();
    let mut take = |at: Timestamp, frame: &[u8]| {
        frames.push((at, frame.to_vec()));
        Ok(())
    };
    load::small(&mut take, 60_000).expect("frames");
    let (_file, captures) = write("small.pcap", &frames);
    let (run, policy) = learn("small", &[], &captures);
    let answer = check(policy.as_ref(), &captures);
    assert_eq!(answer["verdict"], "isolated", "{}", &run.out[..run.out.len().min(6_000)]);
}

/// Every scenario: a policy that loads, or none; and what goes to the internet stays a finding.
#[test]
fn scenarios_keep_their_internet_traffic() {
    let mut proposed = 0;
    for group in folders(Path::new("scenarios")) {
        for folder in folders(&group) {
            let expected: Value =
                serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).expect("expected.json"))
                    .expect("JSON");
            let names = expected["captures"].as_array().expect("captures").iter().filter_map(Value::as_str);
            let captures: Vec<String> = names.map(|name| folder.join(name).display().to_string()).collect();
            let name = folder.display().to_string();
            let (run, Some(policy)) = learn(&name, &[], &captures) else { continue };
            proposed += 1;
            let kinds = ["internet-egress", "internet-ingress", "tunnel"];
            let (before, after) =
                (peers(&check(None, &captures), &kinds), peers(&check(Some(&policy), &captures), &kinds));
            assert!(before.is_subset(&after), "{name}: {before:?}, {after:?}\n{}", run.out);
        }
    }
    assert!(proposed > 500, "{proposed}");
}

#[test]
fn real_captures_give_a_policy_that_loads_or_none() {
    let Some(folder) = corpus::folder() else { return };
    for name in corpus::names(&folder) {
        let capture = folder.join(&name).display().to_string();
        learn(&name, &["--vendor", "hikvision", "--vendor", "dahua"], &[capture]);
    }
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).expect("a folder");
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}
