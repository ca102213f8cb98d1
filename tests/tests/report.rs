//! The security officer's report, as it is written: golden pages of the demo capture in each format and language, and a
//! site of 72 cameras with every case. `SEGWATCH_UPDATE=1` rewrites the pages; read them in the diff.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use segwatch::base::Timestamp;
use segwatch_tests::program::{Run, segwatch};
use segwatch_tests::{hospital, pcap};
use serde_json::Value;

const DEMO: [&str; 3] = ["--config", "captures/demo.yaml", "captures/demo.pcap"];

#[test]
fn golden_pages() {
    let update = std::env::var_os("SEGWATCH_UPDATE").is_some();
    for (format, lang) in [("html", "en"), ("html", "da"), ("md", "en"), ("md", "da"), ("csv", "en"), ("json", "en")] {
        let run = report(format, lang, &DEMO.map(PathBuf::from));
        assert_eq!((run.exit, run.err.as_str()), (0, ""), "{format}, {lang}");
        let golden = PathBuf::from(format!("golden/report/demo.{lang}.{format}"));
        if update {
            fs::create_dir_all("golden/report").expect("a folder of the repository");
            fs::write(&golden, &run.out).expect("the golden file can be written");
        }
        let want = fs::read_to_string(&golden).unwrap_or_default();
        assert!(run.out == want, "{} differs:\n{}", golden.display(), run.out);
    }
}

#[test]
fn programs_have_no_language() {
    for format in ["csv", "json"] {
        let [english, danish] = ["en", "da"].map(|lang| report(format, lang, &DEMO.map(PathBuf::from)).out);
        assert!(english == danish, "{format}");
    }
}

#[test]
fn seventy_two_cameras() {
    let site = site("all", &hospital::frames());
    let run = report("json", "en", &site);
    assert_eq!((run.exit, run.err.as_str()), (0, ""));
    let json: Value = serde_json::from_str(&run.out).expect("JSON");
    let cameras = json["cameras"].as_array().expect("cameras");
    assert_eq!((cameras.len(), json["verdict"].as_str()), (72, Some("violated")));
    let mut cases: BTreeMap<String, u32> = BTreeMap::new();
    for camera in cameras {
        let missing: Vec<&str> =
            camera["missing"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        let case = format!("{} {} {}", word(camera, "disposition"), word(camera, "verdict"), missing.join("+"));
        *cases.entry(case).or_default() += 1;
    }
    let wanted = [
        ("cannot tell contained verdict", 2),
        ("cannot tell isolated firmware", 6),
        ("cannot tell isolated fix", 2),
        ("cannot tell isolated use", 5),
        ("cannot tell unverified firmware+verdict", 3),
        ("cannot tell unverified verdict", 3),
        ("cannot tell violated verdict", 3),
        ("discontinue isolated ", 7),
        ("may remain isolated ", 30),
        ("patch isolated ", 11),
    ];
    assert_eq!(cases, wanted.map(|(case, count)| (case.to_owned(), count)).into());
    let gaps = cameras.iter().filter(|camera| camera["coverage"]["gaps"] != Value::Array(Vec::new())).count();
    assert_eq!(gaps, 5, "three were never seen, two fell silent");
}

#[test]
fn the_page_needs_nothing_else_and_is_the_same_again() {
    let site = site("page", &hospital::frames());
    for lang in ["en", "da"] {
        let page = report("html", lang, &site).out;
        assert!(page == report("html", lang, &site).out, "two runs differ");
        for foreign in ["<script", "src=", "href=", "url(", "@import", "http:", "https:"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(page.starts_with(&format!("<!doctype html>\n<html lang=\"{lang}\">")));
        assert_eq!(page.matches("<h1>").count(), 1);
        assert_eq!(page.matches("<h3>").count(), 72, "a card for each camera");
        assert_eq!(page.matches("<th scope=\"row\">").count(), 72 + 2, "a row for each camera and zone");
        assert_eq!(page.matches("<th").count(), page.matches("<th scope=").count() + page.matches("<thead").count());
    }
}

/// What a camera says of itself reaches every format as text.
#[test]
fn a_hostile_camera_and_inventory() {
    const PAYLOADS: [&str; 4] =
        ["<script>alert(1)</script>", "=cmd|calc!A0", "[x](https://evil.example) | x", "\"><img src=x onerror=y>"];
    for payload in PAYLOADS {
        let mut frames = hospital::frames();
        // As long as what it takes the place of, so that no length or checksum of a frame matters.
        let (model, word) = ("DS-2CD2142FWD-I20190412AAWRD4", format!("{payload:<29.29}"));
        frames.iter_mut().for_each(|(_, frame)| replace(frame, model.as_bytes(), word.as_bytes()));
        let site = site("hostile", &frames);
        let policy = hospital::policy().replace("inde-08", &payload.replace('"', "\\\"")).replace("name: ", "name: \"");
        let policy: String = policy.lines().map(|line| quoted(line) + "\n").collect();
        fs::write(&site[1], policy).expect("a file of our own");
        for format in ["html", "md", "csv", "json"] {
            let run = report(format, "da", &site);
            assert_eq!((run.exit, run.err.as_str()), (0, ""), "{format}");
            match format {
                "html" => assert!(!run.out.contains("<script") && !run.out.contains("<img"), "{payload}"),
                "md" => {
                    let bare = run.out.replace("\\<", "").replace("\\:", "").replace("\\[", "");
                    assert!(!bare.contains("://") && !bare.contains('<') && !bare.contains("[x"), "{payload}");
                }
                "csv" => assert!(!run.out.contains(",=") && !run.out.contains(",\"="), "{payload}"),
                _ => {
                    let json: Value = serde_json::from_str(&run.out).expect("JSON");
                    let cameras = json["cameras"].as_array().expect("cameras");
                    assert!(cameras.iter().any(|camera| camera["name"] == payload), "{payload}");
                }
            }
        }
    }
}

/// Closes the quotes that were opened behind `name: `.
fn quoted(line: &str) -> String {
    match line.split_once("name: \"") {
        Some((before, rest)) => match rest.split_once(", mac:") {
            Some((name, rest)) => format!("{before}name: \"{name}\", mac:{rest}"),
            None => format!("{before}name: \"{rest}\""),
        },
        None => line.to_owned(),
    }
}

#[test]
fn damage_is_reported_and_told() {
    let site = site("damaged", &hospital::frames());
    let bytes = fs::read(&site[2]).expect("a capture");
    fs::write(&site[2], &bytes[..bytes.len() - 7]).expect("a file of our own");
    let run = report("md", "en", &site);
    assert_eq!(run.exit, 2);
    assert!(run.err.contains("damaged"), "{}", run.err);
    assert!(run.out.contains("cannot be read on at byte"), "what was read is still reported");
    assert!(!run.out.contains("**30** may remain"), "after damage nobody is vouched for");
}

fn word<'a>(camera: &'a Value, key: &str) -> &'a str {
    camera[key].as_str().unwrap_or_default()
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let at = bytes.windows(from.len()).position(|window| window == from);
    if let Some(at) = at {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}

/// `--config POLICY CAPTURE` of the site.
fn site(name: &str, frames: &[(Timestamp, Vec<u8>)]) -> [PathBuf; 3] {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    fs::create_dir_all(&folder).expect("a folder of our own");
    let (policy, capture) = (folder.join("hospital.yaml"), folder.join("hospital.pcap"));
    fs::write(&policy, hospital::policy()).expect("a file of our own");
    fs::write(&capture, pcap::pcap(frames)).expect("a file of our own");
    ["--config".into(), policy, capture]
}

fn report(format: &str, lang: &str, input: &[PathBuf; 3]) -> Run {
    let options = ["report", "--format", format, "--lang", lang].map(PathBuf::from);
    segwatch(options.into_iter().chain(input.iter().cloned()))
}
