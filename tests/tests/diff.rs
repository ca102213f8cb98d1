//! `segwatch diff` as its users run it.

use std::fs;
use std::path::{Path, PathBuf};

use segwatch::base::Timestamp;
use segwatch_tests::program::{Run, segwatch};
use segwatch_tests::{demo, pcap};
use serde_json::Value;

/// The demo's site: the recorder may pull video.
const OLD: &str = "\
site: demo
zones:
  cctv: { cameras: true, vlans: [110], prefixes: [10.110.0.0/24], gateways: [10.110.0.1] }
  recording: { vlans: [200], prefixes: [10.200.0.0/24] }
  servers: { vlans: [400], prefixes: [10.40.0.0/24] }
  edge: { transit: true, vlans: [900] }
conduits:
  - name: recorder pulls video
    from: { zone: recording, hosts: [10.200.0.10] }
    to: { zone: cctv }
    services: [tcp/554, \"udp/*\"]
    expires: 2027-06-30
  - name: clocks
    from: { zone: cctv }
    to: { hosts: [10.40.0.5] }
    services: [udp/123]
    expires: 2027-06-30
";

struct Case {
    folder: PathBuf,
}

impl Case {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diff").join(name);
        fs::create_dir_all(&folder).expect("a folder for the test");
        let case = Case { folder };
        case.write("old.yaml", OLD);
        fs::write(case.path("a.pcap"), pcap::pcap(&demo::frames())).expect("a capture");
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a policy");
    }

    fn run(&self, args: &[&str]) -> Run {
        let is_file = |arg: &str| arg.ends_with(".yaml") || arg.ends_with(".pcap");
        let args = args
            .iter()
            .map(|arg| if is_file(arg) { self.path(arg).into_os_string() } else { std::ffi::OsString::from(arg) });
        segwatch(std::iter::once(std::ffi::OsString::from("diff")).chain(args))
    }

    /// The answer about a new policy, and the exit code.
    fn json(&self, new: &str, captures: &[&str]) -> (Value, u8) {
        self.write("new.yaml", new);
        let args: Vec<&str> =
            ["old.yaml", "new.yaml", "--format", "json"].into_iter().chain(captures.iter().copied()).collect();
        let run = self.run(&args);
        (serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err)), run.exit)
    }
}

fn count(answer: &Value, class: &str) -> u64 {
    answer["flows"]["counts"][class].as_u64().unwrap_or_else(|| panic!("{class} in {answer}"))
}

/// Texts of a list of changes.
fn texts(answer: &Value, list: &str) -> Vec<String> {
    let changes = answer["policy"][list].as_array().expect("a list").iter();
    changes
        .map(|change| {
            format!("{}: {}", change["subject"].as_str().expect("a subject"), change["text"].as_str().expect("a text"))
        })
        .collect()
}

#[test]
fn a_policy_is_the_same_as_itself() {
    let case = Case::new("same");
    let (answer, exit) = case.json(&OLD.replace("site: demo", "# a comment\nsite: demo\n"), &["a.pcap"]);
    assert_eq!(exit, 0);
    assert_eq!(answer["schema"], "segwatch/diff/1");
    for class in ["newly_violating", "worse", "newly_allowed", "changed", "unmatched"] {
        assert_eq!(count(&answer, class), 0, "{class}");
    }
    let rows = segwatch(
        ["flows", "--format", "jsonl", "--config"]
            .map(Into::into)
            .into_iter()
            .chain([case.path("old.yaml").into_os_string(), case.path("a.pcap").into_os_string()]),
    );
    assert_eq!(count(&answer, "unchanged"), rows.out.lines().count() as u64);
    for list in ["opens", "closes", "neither"] {
        assert_eq!(texts(&answer, list), Vec::<String>::new());
    }
    assert_eq!((&answer["findings"], &answer["devices"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(answer["verdict"]["old"], answer["verdict"]["new"]);
}

#[test]
fn without_its_conduit_traffic_violates_newly() {
    let case = Case::new("closed");
    // Four cameras ask for the time, once each.
    let new = OLD.split("  - name: clocks").next().expect("the part before");
    let (answer, exit) = case.json(new, &["a.pcap"]);
    assert_eq!((exit, count(&answer, "newly_violating"), count(&answer, "newly_allowed")), (1, 4, 0));
    for flow in answer["flows"]["newly_violating"].as_array().expect("flows") {
        assert_eq!(flow["old"]["rule"]["name"], "clocks");
        assert_eq!(flow["new"]["rule"]["name"], "default-deny");
        assert_eq!(
            (&flow["new"]["kind"], &flow["new"]["responder"]["port"]),
            (&"cross-zone-egress".into(), &123.into())
        );
    }
    assert_eq!(texts(&answer, "opens"), Vec::<String>::new());
    assert_eq!(
        texts(&answer, "closes"),
        ["clocks: 10.110.0.0/24 (256 IPv4 addresses) → 10.40.0.5: udp/123, until 2027-06-30"]
    );
    let closed = &answer["policy"]["closes"][0];
    assert_eq!(closed["rule"]["line"], 13);
    assert!(closed["rule"]["file"].as_str().is_some_and(|file| file.ends_with("old.yaml")));
    assert_eq!(closed["flows"]["from"]["ipv4_addresses"], 256);
    let new_findings =
        answer["findings"].as_array().expect("findings").iter().filter(|finding| finding["class"] == "new");
    assert_eq!(new_findings.count(), 4);
}

#[test]
fn what_a_conduit_opens_is_told_in_addresses_and_services() {
    let case = Case::new("opened");
    // Hosts .10 to .11 instead of .10 alone, and tcp/80 besides; nobody in the capture uses either.
    let new = OLD.replace("hosts: [10.200.0.10]", "hosts: [10.200.0.10/31]").replace("tcp/554,", "tcp/554, tcp/80,");
    let (answer, exit) = case.json(&new, &["a.pcap"]);
    assert_eq!((exit, count(&answer, "newly_violating"), count(&answer, "newly_allowed")), (0, 0, 0));
    assert_eq!(
        texts(&answer, "opens"),
        [
            "recorder pulls video: 10.200.0.11 → 10.110.0.0/24 (256 IPv4 addresses): tcp/80, tcp/554, udp/*, until 2027-06-30",
            "recorder pulls video: 10.200.0.10 → 10.110.0.0/24 (256 IPv4 addresses): tcp/80, until 2027-06-30",
        ]
    );
    assert_eq!(answer["policy"]["opens"][0]["rule"]["line"], 8);
    assert_eq!(texts(&answer, "closes"), Vec::<String>::new());
    let (answer, exit) = case.json(&OLD.replace("2027-06-30", "2028-06-30"), &[]);
    assert_eq!(exit, 0);
    assert_eq!(
        texts(&answer, "opens"),
        [
            "recorder pulls video: 10.200.0.10 → 10.110.0.0/24 (256 IPv4 addresses): tcp/554, udp/*, after 2027-06-30 until 2028-06-30",
            "clocks: 10.110.0.0/24 (256 IPv4 addresses) → 10.40.0.5: udp/123, after 2027-06-30 until 2028-06-30",
        ]
    );
    assert_eq!(answer["flows"], Value::Null);
}

#[test]
fn an_allowed_way_out_is_newly_allowed() {
    let case = Case::new("allowed");
    // The demo: one camera reaches 203.0.113.50:443, another tries 198.51.100.20:8800 in one flow.
    let new = format!(
        "{OLD}  - name: cloud\n    from: {{ zone: cctv }}\n    to: {{ hosts: [203.0.113.50] }}\n    services: [tcp/443]\n"
    );
    let (answer, exit) = case.json(&new, &["a.pcap"]);
    assert_eq!((exit, count(&answer, "newly_violating"), count(&answer, "newly_allowed")), (0, 0, 1));
    let flow = &answer["flows"]["newly_allowed"][0];
    assert_eq!((&flow["old"]["kind"], &flow["new"]["rule"]["name"]), (&"internet-egress".into(), &"cloud".into()));
    assert_eq!((&answer["verdict"]["old"], &answer["verdict"]["new"]), (&"violated".into(), &"contained".into()));
    assert_eq!(texts(&answer, "opens"), ["cloud: 10.110.0.0/24 (256 IPv4 addresses) → 203.0.113.50: tcp/443"]);
}

#[test]
fn whatever_makes_the_judge_milder_is_opened_and_back_again_closed() {
    let case = Case::new("milder");
    let settings = format!(
        "{OLD}watch: {{ vendors: [hikvision, dahua] }}\ncoverage: {{ silence: 1h, loss: 1% }}\nedge_hops: 0\nhold: 24h\n\
         exceptions: [{{ device: 10.110.0.11, kind: internet-egress, owner: a, reason: b, expires: 2026-12-31 }}]\n"
    );
    case.write("strict.yaml", &settings);
    for (name, from, to, subject) in [
        ("vendor", "[hikvision, dahua]", "[hikvision]", "dahua"),
        ("silence", "silence: 1h", "silence: 2h", "coverage.silence"),
        ("loss", "loss: 1%", "loss: 2%", "coverage.loss"),
        ("edge hops", "edge_hops: 0", "edge_hops: 2", "edge_hops"),
        ("hold", "hold: 24h", "hold: 12h", "hold"),
        ("severity", "hold: 24h", "hold: 24h\nseverity: { internet-egress: info }", "internet-egress"),
        ("longer exception", "2026-12-31", "2027-12-31", "10.110.0.11"),
        ("wider exception", "internet-egress, owner", "tunnel, owner", "10.110.0.11"),
        ("prefix", "10.110.0.0/24", "10.110.0.0/23", "cctv"),
        ("domain", "hold: 24h", "hold: 24h\ndomains: [vendor.example]", "vendor.example"),
        ("internal", "hold: 24h", "hold: 24h\ninternal: [0.0.0.0/0, \"fc00::/7\"]", "internal"),
        ("transit", "servers: {", "servers: { transit: true,", "servers"),
        ("untagged", "hold: 24h", "hold: 24h\ncapture: [{ interface: eth1, untagged: unknown }]", "untagged"),
        ("listen", "hold: 24h", "hold: 24h\nlisten: 0.0.0.0:10420", "listen"),
    ] {
        let loose = settings.replace(from, to);
        assert_ne!(loose, settings, "{name}");
        case.write("loose.yaml", &loose);
        for (files, list) in [(["strict.yaml", "loose.yaml"], "opens"), (["loose.yaml", "strict.yaml"], "closes")] {
            let run = case.run(&[files[0], files[1], "--format", "json"]);
            let answer: Value =
                serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{name}: {error}: {}", run.err));
            let subjects: Vec<&str> = answer["policy"][list]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(|change| change["subject"].as_str())
                .collect();
            assert!(subjects.contains(&subject), "{name}: {list} tells of {subjects:?}\n{}", run.out);
        }
    }
}

#[test]
fn names_owners_reasons_and_order_are_neither() {
    let case = Case::new("neither");
    let new = OLD
        .replace("recorder pulls video\n", "video\n    owner: netops@region.example\n    reason: recording\n")
        .replace("recording", "recorders");
    let (answer, exit) = case.json(&new, &["a.pcap"]);
    assert_eq!((exit, count(&answer, "newly_violating"), count(&answer, "newly_allowed")), (0, 0, 0));
    for list in ["opens", "closes"] {
        assert_eq!(texts(&answer, list), Vec::<String>::new(), "{list}");
    }
    let neither = texts(&answer, "neither").join("\n");
    for said in [
        "zone `recording` is now called `recorders`",
        "name was `recorder pulls video`, is `video`",
        "owner was not said",
    ] {
        assert!(neither.contains(said), "{said} in\n{neither}");
    }
    assert_eq!(answer["findings"], serde_json::json!([]));
}

#[test]
fn trouble_is_told_of_both_policies_and_of_captures() {
    let case = Case::new("trouble");
    case.write("bad.yaml", "zones: {}\n");
    case.write("worse.yaml", "zonen: {}\n");
    let run = case.run(&["bad.yaml", "worse.yaml", "a.pcap"]);
    assert_eq!((run.exit, run.out.as_str()), (2, ""));
    assert!(run.err.contains("bad.yaml") && run.err.contains("worse.yaml"), "{}", run.err);
    let whole = pcap::pcap(&demo::frames());
    fs::write(case.path("cut.pcap"), &whole[..whole.len() - 7]).expect("a capture");
    let run = case.run(&["old.yaml", "old.yaml", "cut.pcap"]);
    assert_eq!(run.exit, 2);
    assert!(run.out.contains("only what could be read is compared") && run.err.contains("damaged"), "{}", run.out);
    assert_eq!(case.run(&["old.yaml"]).exit, 2);
}

#[test]
fn the_text_fits_a_terminal_and_is_the_same_each_time() {
    let case = Case::new("text");
    let new = OLD.replace("10.110.0.0/24", "10.110.0.0/23").replace("hosts: [10.40.0.5]", "hosts: [10.40.0.6]");
    case.write("new.yaml", &new);
    let run = case.run(&["old.yaml", "new.yaml", "a.pcap"]);
    assert_eq!(run.exit, 1);
    assert!(run.out.starts_with("NEW VIOLATIONS"), "{}", run.out);
    for said in [
        "4 newly violating",
        "Newly violating flows",
        "was allowed by clocks",
        "Opened by the new policy",
        "10.110.1.0/24",
    ] {
        assert!(run.out.contains(said), "{said} in\n{}", run.out);
    }
    assert_eq!(case.run(&["old.yaml", "new.yaml", "a.pcap"]).out, run.out);
    // Paths of this test are longer than a line; all else is wrapped.
    let too_long: Vec<&str> =
        run.out.lines().filter(|line| line.chars().count() > 100 && !line.contains(".yaml")).collect();
    assert_eq!(too_long, Vec::<&str>::new());
}

/// Times of the demo stay as they are; the clock of this machine is not asked.
#[test]
fn expiry_is_compared_with_the_time_of_the_packets() {
    let case = Case::new("expiry");
    // The demo is of 2026-03-02.
    let first = demo::frames().first().map(|frame| frame.0).expect("a frame");
    assert_eq!(first, Timestamp::new(1_772_438_400, 0));
    let (answer, exit) = case.json(&OLD.replacen("2027-06-30", "2026-03-01", 1), &["a.pcap"]);
    assert_eq!(exit, 1);
    assert!(count(&answer, "newly_violating") > 0);
    let (answer, exit) = case.json(&OLD.replacen("2027-06-30", "2026-03-02", 1), &["a.pcap"]);
    assert_eq!((exit, count(&answer, "newly_violating")), (0, 0));
}
