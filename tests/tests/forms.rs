//! The same packets in another form give the same answer: one file or several, any variant of the format, packed or
//! not. Two runs give the same bytes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use segwatch::base::Timestamp;
use segwatch_tests::program::segwatch;
use segwatch_tests::{demo, load, pcap};
use serde_json::Value;

type Frames = [(Timestamp, Vec<u8>)];

#[test]
fn demo_capture() {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/demo.yaml");
    check("demo", &demo::frames(), &policy);
}

#[test]
fn many_flows() {
    let mut frames = Vec::new();
    let sink = &mut |at, frame: &[u8]| {
        frames.push((at, frame.to_vec()));
        Ok(())
    };
    load::flows(sink, 3_000).expect("a vector takes everything");
    let policy = folder("flows").join("zones.yaml");
    fs::write(&policy, load::zones_yaml()).expect("a file of our own");
    check("flows", &frames, &policy);
}

fn check(name: &str, frames: &Frames, policy: &Path) {
    let folder = folder(name);
    let mut forms = forms(frames).into_iter().map(|(form, files)| (form, write(&folder, form, &files)));
    let (_, plain) = forms.next().expect("the plain form");
    let (json, rows) = (ask("check", "json", policy, &plain), ask("flows", "jsonl", policy, &plain));
    assert!(rows.lines().count() > 10, "a capture that shows something");
    for (command, format, first) in [("check", "json", &json), ("flows", "jsonl", &rows)] {
        assert!(ask(command, format, policy, &plain) == *first, "{command}: two runs differ");
    }
    for (form, files) in forms {
        let other = ask("check", "json", policy, &files);
        assert_eq!(without_names(&json), without_names(&other), "{name} as {form}");
        assert!(ask("flows", "jsonl", policy, &files) == rows, "{name} as {form}: flows differ");
    }
}

/// The forms, the plain one first; each is a list of files in the order in which they are given.
fn forms(frames: &Frames) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let plain = || pcap::pcap(frames);
    let (half, third) = (frames.len() / 2, frames.len() / 3);
    let thirds = [&frames[..third], &frames[third..2 * third], &frames[2 * third..]];
    let every_second = |from: usize| frames.iter().skip(from).step_by(2).cloned().collect::<Vec<_>>();
    let whole = plain();
    let (first_member, second_member) = whole.split_at(1_000);
    vec![
        ("pcap", vec![plain()]),
        ("big-endian", vec![variant(frames, [0xa1, 0xb2, 0xc3, 0xd4], 1_000, 0)]),
        ("nanoseconds", vec![variant(frames, [0x4d, 0x3c, 0xb2, 0xa1], 1, 0)]),
        ("big-endian-nanoseconds", vec![variant(frames, [0xa1, 0xb2, 0x3c, 0x4d], 1, 0)]),
        ("modified", vec![variant(frames, [0x34, 0xcd, 0xb2, 0xa1], 1_000, 8)]),
        ("pcapng", vec![pcap::pcapng(frames)]),
        ("two-sections", vec![[pcap::pcapng(&frames[..half]), pcap::pcapng(&frames[half..])].concat()]),
        ("gzip", vec![gzip(&plain())]),
        ("gzip-of-two-members", vec![[gzip(first_member), gzip(second_member)].concat()]),
        ("zstd", vec![zstd(&plain())]),
        ("packed-pcapng", vec![gzip(&pcap::pcapng(frames))]),
        ("rotated-once", vec![pcap::pcap(&frames[..half]), pcap::pcap(&frames[half..])]),
        ("rotated-twice", thirds.map(pcap::pcap).into()),
        ("newest-first", thirds.into_iter().rev().map(pcap::pcap).collect()),
        ("mixed", vec![gzip(&pcap::pcap(thirds[0])), pcap::pcapng(thirds[1]), zstd(&pcap::pcap(thirds[2]))]),
        ("two-taps", vec![pcap::pcap(&every_second(0)), pcap::pcapng(&every_second(1))]),
        ("with-an-empty-one", vec![pcap::pcap(&[]), plain()]),
    ]
}

/// A pcap file with this magic number: byte order, nanoseconds per unit of time, and bytes more in each record header.
fn variant(frames: &Frames, magic: [u8; 4], unit: i64, more: usize) -> Vec<u8> {
    let is_big = magic[0] == 0xa1;
    let number = |number: u32| if is_big { number.to_be_bytes() } else { number.to_le_bytes() };
    let version = if is_big { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
    let mut out = [magic, version, [0; 4], [0; 4], number(262_144), number(pcap::ETHERNET)].concat();
    for (at, frame) in frames {
        let (seconds, nanos) = (at.0.div_euclid(1_000_000_000), at.0.rem_euclid(1_000_000_000));
        let length = number(frame.len() as u32);
        out.extend([number(seconds as u32), number((nanos / unit) as u32), length, length].concat());
        out.extend(std::iter::repeat_n(0, more));
        out.extend(frame);
    }
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a vector takes everything")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).expect("a vector takes everything")
}

/// Everything but the names of the files: in the list of them, and where an alarm names the one that it is about.
fn without_names(json: &str) -> Value {
    let mut answer: Value = serde_json::from_str(json).expect("JSON");
    answer["capture"]["files"] = Value::Null;
    for alarm in answer["health"].as_array_mut().into_iter().flatten() {
        alarm["interface"] = Value::Null;
    }
    answer
}

fn ask(command: &str, format: &str, policy: &Path, files: &[PathBuf]) -> String {
    let options = [command.into(), "--format".into(), format.into(), "--config".into(), policy.to_path_buf()];
    let run = segwatch(options.into_iter().chain(files.iter().cloned()));
    assert!(run.err.is_empty(), "{}", run.err);
    run.out
}

/// Without an extension: what a file is stands in its first bytes.
fn write(folder: &Path, form: &str, files: &[Vec<u8>]) -> Vec<PathBuf> {
    let write = |(number, bytes): (usize, &Vec<u8>)| {
        let file = folder.join(format!("{form}-{number}"));
        fs::write(&file, bytes).expect("a file of our own");
        file
    };
    files.iter().enumerate().map(write).collect()
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("forms").join(name);
    fs::create_dir_all(&folder).expect("a folder of our own");
    folder
}
