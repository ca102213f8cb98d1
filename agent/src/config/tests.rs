use super::*;
use crate::base::Timestamp;
use crate::policy::{Scope, Untagged, ZoneId};

const EXAMPLE: &str = include_str!("../../../config/segwatch.yaml");
/// 2026-11-24.
const TODAY: Timestamp = Timestamp(1_795_478_400_000_000_000);

fn read(text: &str) -> Result<Loaded, Vec<Problem>> {
    load_str("segwatch.yaml", text, TODAY, &mut |_| Err(std::io::ErrorKind::NotFound.into()))
}

fn texts(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn good(text: &str) -> Loaded {
    read(text).unwrap_or_else(|problems| panic!("{}", texts(&problems)))
}

#[test]
fn the_example_loads_without_a_lint() {
    let loaded = good(EXAMPLE);
    assert_eq!(texts(&loaded.lints), "");
    let policy = &loaded.config.policy;
    assert_eq!((policy.zones.len(), policy.conduits.len(), policy.inventory.len()), (5, 2, 1));
    assert_eq!((policy.untagged, policy.rspan_vlan), (Untagged::Reject, Some(999)));
    assert_eq!(policy.scope([10, 30, 7, 7].into()), Scope::Zone(ZoneId(2)));
    assert_eq!(policy.zone_of_vlan(110), Some(ZoneId(0)));
    assert_eq!(policy.conduits[0].place.line, 59);
    assert_eq!(policy.conduits[0].expires.map(|end| end.to_string()), Some("2027-07-01T00:00:00.000000Z".into()));
}

#[test]
fn defaults_are_those_of_the_example() {
    let short = good("zones: { cctv: { cameras: true, vlans: [110] } }");
    let long = good(EXAMPLE);
    let (short, long) = (&short.config, &long.config);
    let plain =
        good("zones: { cctv: { cameras: true, vlans: [110] } }\ncapture: [{ interface: eth1 }]").config.captures;
    let (plain, shown) = (&plain[0], &long.captures[0]);
    assert_eq!(
        (plain.buffer, plain.snap_length, plain.promiscuous, &plain.filter),
        (shown.buffer, shown.snap_length, shown.promiscuous, &shown.filter)
    );
    assert_eq!((&short.listen, &short.state_dir), (&long.listen, &long.state_dir));
    let (short, long) = (&short.policy, &long.policy);
    assert_eq!(
        (&short.internal, short.coverage, short.hold, short.edge_hops),
        (&long.internal, long.coverage, long.hold, long.edge_hops)
    );
    assert_eq!((&short.watch_vendors, short.untagged), (&vec!["hikvision".to_owned()], Untagged::Reject));
}

#[test]
fn what_is_shown_loads_again() {
    let loaded = good(EXAMPLE);
    let shown = show(&loaded);
    let again = good(&shown);
    assert_eq!(texts(&again.lints), "");
    let strip = |text: &str| {
        text.lines()
            .skip(1)
            .map(|line| line.split("  # ").next().unwrap_or("").trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(strip(&show(&again)), strip(&shown));
    for line in ["hold: 24h ", "segwatch.yaml:", "zones:", "cctv: "] {
        assert!(shown.contains(line), "{line} in\n{shown}");
    }
}

#[test]
fn a_value_says_where_it_comes_from() {
    let shown = show(&good(
        "hold: 90m\nzones:\n  cctv: { cameras: true, vlans: [\"100-103\", 7] }\ncapture:\n  - interface: eth1\n    untagged: 7\n",
    ));
    let line = |start: &str| {
        shown
            .lines()
            .find(|line| line.trim_start().starts_with(start))
            .unwrap_or("")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("hold"), "hold: 90m # segwatch.yaml:1");
    assert_eq!(line("cctv"), "cctv: # segwatch.yaml:3");
    assert_eq!(line("vlans"), "vlans: [7, \"100-103\"]");
    assert_eq!(line("untagged"), "untagged: 7 # segwatch.yaml:6");
    assert_eq!(line("buffer"), "buffer: 64MiB # default");
    assert_eq!(line("listen"), "listen: \"127.0.0.1:10420\" # default");
}

#[test]
fn the_hash_covers_the_inventory() {
    let text = "zones: { cctv: { cameras: true, vlans: [110] } }\ndevices_file: d.csv\n";
    let with = |csv: &'static str| {
        load_str("a/s.yaml", text, TODAY, &mut |name| {
            assert_eq!(name, "d.csv");
            Ok(csv.as_bytes().to_vec())
        })
    };
    let one =
        with("name;mac;zone\n\"a;b\";4419.b601.0203;cctv\n").unwrap_or_else(|problems| panic!("{}", texts(&problems)));
    let two = with("mac,zone\n4419b6010204,cctv\n").unwrap_or_else(|problems| panic!("{}", texts(&problems)));
    assert_ne!(one.config.policy.hash, two.config.policy.hash);
    // As `cat a/s.yaml a/d.csv | sha256sum` has it, byte order marks included.
    let marked =
        with("\u{feff}mac,zone\n4419b6010204,cctv\n").unwrap_or_else(|problems| panic!("{}", texts(&problems)));
    assert_eq!(
        marked.config.policy.hash,
        crate::policy::sha256_hex(&[text.as_bytes(), "\u{feff}mac,zone\n4419b6010204,cctv\n".as_bytes()])
    );
    let device = &one.config.policy.inventory[0];
    assert_eq!(
        (device.name.as_str(), device.zone, device.place.file.as_str(), device.place.line),
        ("a;b", Some(ZoneId(0)), "a/d.csv", 2)
    );
}

#[test]
fn series_grow_with_the_policy_and_have_a_limit() {
    let small = series_count(&good("zones: { cctv: { cameras: true, vlans: [110] } }").config.policy);
    let example = series_count(&good(EXAMPLE).config.policy);
    assert!(small < example && example < MAX_SERIES, "{small} {example}");
    let zones: String = (1..=60).map(|n| format!("  cctv{n}: {{ cameras: true, vlans: [{n}] }}\n")).collect();
    let problems = read(&format!("zones:\n{zones}")).map(|loaded| loaded.series).expect_err("too many series");
    assert!(problems.len() == 1 && problems[0].message.contains("metric series"), "{problems:?}");
}

#[test]
fn hostile_files_are_refused_quickly() {
    let bomb = "a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nzones: *c\n".to_owned();
    let deep = "[".repeat(MAX_BYTES);
    let braces = "{a: ".repeat(MAX_BYTES / 4);
    let keys: String = (0..400_000).map(|n| format!("k{n}: 1\n")).collect();
    let indented: String = (0..2000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    let long = format!("zones: {{ \"{}\": 1 }}", "\u{1b}x".repeat(1 << 20));
    let dashes = "- ".repeat(MAX_BYTES / 2);
    let question = "? ".repeat(MAX_BYTES / 2);
    let quotes = "\"".repeat(MAX_BYTES);
    let bangs = "! ".repeat(MAX_BYTES / 2);
    let open_line = format!("zones: {}", "a".repeat(MAX_BYTES - 16));
    for text in [bomb, deep, braces, keys, indented, long, dashes, question, quotes, bangs, open_line] {
        let start: String = text.chars().take(20).collect();
        let problems = read(&text).map(|loaded| loaded.series).expect_err("hostile");
        assert!(!problems.is_empty() && problems.len() <= 101, "{start}");
        for problem in problems {
            assert!(problem.to_string().len() < 4000 && !problem.to_string().contains('\u{1b}'), "{start}");
        }
    }
}

#[test]
fn a_file_has_a_size_limit() {
    let text = format!("zones: {{ cctv: {{ cameras: true, vlans: [110] }} }}\n{}", "#".repeat(MAX_BYTES));
    let problems = read(&text).map(|loaded| loaded.series).expect_err("too large");
    assert_eq!(texts(&problems), "segwatch.yaml: error: is larger than 4 MiB\n");
}

#[test]
fn direct_paging_is_off_unless_asked_for() {
    const ZONES: &str = "zones: { cctv: { cameras: true, vlans: [110] } }\n";
    assert_eq!(good(ZONES).config.alertmanager, None);
    let short = good(&format!("{ZONES}alertmanager: {{ urls: [\"http://127.0.0.1:9093/\"], username: \"\" }}\n"));
    let wanted = AlertmanagerConfig {
        urls: vec!["http://127.0.0.1:9093".into()],
        username: None,
        password_file: None,
        ca_file: None,
        resend: 60_000_000_000,
        external_url: None,
        line: 2,
    };
    assert_eq!(short.config.alertmanager, Some(wanted));
}

#[test]
fn exception_and_canary_of_the_example_are_shown_and_load_again() {
    let (before, rest) = EXAMPLE.split_once("#exceptions:").expect("the example has one");
    let (section, rest) = rest.split_once("\n\n").expect("it ends");
    let text = format!("{before}exceptions:{}\n\n{rest}", section.replace("\n#", "\n")).replace("#canary:", "canary:");
    let shown = show(&good(&text));
    for line in [
        "exceptions:\n  - device: entrance-1 ",
        "    kind: internet-egress\n    peer_zone: internet\n",
        "    expires: 2027-03-31\n",
        "    canary: 10m\n",
    ] {
        assert!(shown.contains(line), "{line:?} in\n{shown}");
    }
    let (old, new) = (good(&text).config.policy, good(&shown).config.policy);
    let told = |policy: &Policy| {
        let exceptions = policy.exceptions.iter();
        exceptions.map(|e| (e.device, e.kind.clone(), e.peer_zone.clone(), e.expires)).collect::<Vec<_>>()
    };
    assert_eq!((told(&old), old.canaries()), (told(&new), new.canaries()));
    assert_eq!((old.exceptions.len(), old.canaries().len()), (1, 1));
}

#[test]
fn direct_paging_of_the_example_is_shown_and_loads_again() {
    let (rest, section) = EXAMPLE.split_once("#alertmanager:").expect("the example has it");
    let text = format!("{rest}alertmanager:{}", section.replace("\n#", "\n"))
        .replace("username: \"\"", "username: me")
        .replace("password_file: \"\"", "password_file: secret/password");
    let loaded = load_str("etc/segwatch.yaml", &text, TODAY, &mut |_| Err(std::io::ErrorKind::NotFound.into()))
        .unwrap_or_else(|problems| panic!("{}", texts(&problems)));
    let config = loaded.config.alertmanager.as_ref().expect("it is on");
    assert_eq!(config.password_file.as_deref(), Some(std::path::Path::new("etc/secret/password")));
    assert_eq!(config.external_url.as_deref(), Some("https://segwatch.example"));
    let shown = show(&loaded);
    for line in ["alertmanager:  ", "  username: me\n", "  password_file: etc/secret/password\n", "  resend: 1m\n"] {
        assert!(shown.contains(line), "{line:?} in\n{shown}");
    }
    let again = good(&shown).config.alertmanager.expect("it is on");
    assert_eq!((&again.urls, &again.username, again.resend), (&config.urls, &config.username, config.resend));
}
