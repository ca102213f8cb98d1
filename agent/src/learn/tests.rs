use std::collections::BTreeSet;
use std::net::IpAddr;

use super::prefixes::{guess_beside, net_of, word};
use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn a_quoted_text_stays_one_scalar() {
    for (text, quoted) in [
        ("DS-2CD2143G2-I", r#""DS-2CD2143G2-I""#),
        (r#"a" }, { mac: "b"#, r#""a\" }, { mac: \"b""#),
        ("a\nconduits: [any]", r#""a\\x0aconduits: [any]""#),
        ("\u{2028}\u{85}# x", r#""\\u{2028}\\x85# x""#),
    ] {
        assert_eq!(quote(text), quoted);
    }
    assert!(quote(&"\"".repeat(10_000)).len() < 500);
}

#[test]
fn nothing_breaks_out_of_a_comment() {
    let hostile = "x\nzones:\r\n  all: { prefixes: [0.0.0.0/0] }\u{2028}conduits:\u{85}- any";
    let draft = Draft { omitted: vec![hostile.to_owned()], vendors: vec![hostile.to_owned()], ..Draft::default() };
    let files = [hostile.to_owned()];
    let text = render(&draft, &Heading { files: &files, verdict: None, window: None });
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let vendors = format!("  vendors: [{}]", quote(hostile));
    assert_eq!(lines, ["zones:", "watch:", &vendors, "conduits: []", "devices:"]);
    assert!(!text.contains(['\r', '\u{2028}', '\u{85}']));
}

#[test]
fn a_public_address_has_no_prefix() {
    let none = BTreeSet::new();
    for public in ["203.0.113.9", "8.8.8.8", "2001:db8::1", "64:ff9b::a00:1"] {
        assert_eq!(net_of(ip(public), &none), None, "{public}");
        assert_eq!(guess_beside(ip(public), Some(16), &[]), None, "{public}");
    }
    assert_eq!(net_of(ip("10.110.0.11"), &none), "10.110.0.0/24".parse().ok());
    assert_eq!(net_of(ip("fd00:110::11"), &none), "fd00:110::/64".parse().ok());
}

#[test]
fn a_guess_overlaps_nothing_that_is_taken() {
    let taken = ["10.110.0.0/26".parse().unwrap_or_else(|_| panic!("a prefix"))];
    let beside = |text| guess_beside(ip(text), None, &taken).map(|draft| draft.net.to_string());
    assert_eq!(beside("10.110.0.200").as_deref(), Some("10.110.0.128/25"));
    assert_eq!(beside("10.110.1.200").as_deref(), Some("10.110.1.0/24"));
    assert_eq!(beside("10.110.0.20"), None, "inside it");
}

#[test]
fn a_prefix_is_a_name() {
    for (net, name) in [("10.40.0.0/24", "10-40-0-0-24"), ("fd00:30::/64", "fd00-30-0-0-64")] {
        assert_eq!(net.parse().map(|net| word(&net)).unwrap_or_default(), name);
    }
}
