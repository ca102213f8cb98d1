//! Real captures, each cut and flipped at places that a seed chooses: nothing panics, all output is well formed, and a
//! file that ends inside a record is never taken for a whole one. Skipped where the captures are not there.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use segwatch_tests::corpus;
use segwatch_tests::program::segwatch;
use serde_json::Value;

/// Larger ones would take their time and show no more.
const MAX_BYTES: usize = 200_000;
const CUTS: usize = 5;
const FLIPS: usize = 5;

#[test]
fn cut_and_flipped_captures_neither_panic_nor_pass_for_whole() {
    let Some(folder) = corpus::folder() else { return };
    let names = corpus::names(&folder);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let problems: Vec<String> = std::thread::scope(|scope| {
        let share = names.chunks(names.len().div_ceil(threads));
        let workers: Vec<_> = share.map(|names| scope.spawn(|| problems_of(&folder, names))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("panics are caught inside")).collect()
    });
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

fn problems_of(folder: &Path, names: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for name in names {
        let capture = fs::read(folder.join(name)).expect("a capture");
        if capture.is_empty() || capture.len() > MAX_BYTES {
            continue;
        }
        let mut random = Random::from_name(name);
        let ends = record_ends(&capture).filter(|ends| ends.contains(&capture.len()));
        for _ in 0..CUTS {
            let at = cut(&mut random, &capture, ends.as_ref());
            let is_torn = ends.as_ref().is_some_and(|ends| !ends.contains(&at));
            let complaint = complaint(name, &capture[..at], is_torn);
            problems.extend(complaint.map(|complaint| format!("{name} cut at {at}: {complaint}")));
        }
        for _ in 0..FLIPS {
            let mut flipped = capture.clone();
            let bits: Vec<usize> = (0..1 << random.below(4)).map(|_| flip(&mut random, &mut flipped)).collect();
            let complaint = complaint(name, &flipped, false);
            problems.extend(complaint.map(|complaint| format!("{name}, bits {bits:?} flipped: {complaint}")));
        }
    }
    problems
}

/// Anywhere, or close to the end of a record.
fn cut(random: &mut Random, capture: &[u8], ends: Option<&BTreeSet<usize>>) -> usize {
    match ends {
        Some(ends) if random.below(3) == 0 => {
            let end = ends.iter().nth(random.below(ends.len())).copied().unwrap_or_default();
            (end + random.below(20)).saturating_sub(2).min(capture.len())
        }
        _ => random.below(capture.len()),
    }
}

/// Flips a bit, more often among the first bytes, where the headers of the file are.
fn flip(random: &mut Random, capture: &mut [u8]) -> usize {
    let among = if random.below(5) < 2 { capture.len().min(200) } else { capture.len() };
    let bit = random.below(8 * among);
    capture[bit / 8] ^= 1 << (bit % 8);
    bit
}

/// What is wrong with the answers for these bytes.
fn complaint(name: &str, capture: &[u8], is_torn: bool) -> Option<String> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{:?}-{name}", std::thread::current().id()));
    fs::write(&file, capture).expect("a file of our own");
    let complaint = ["check", "flows"].into_iter().find_map(|command| complaint_of(command, &file, is_torn));
    fs::remove_file(&file).expect("a file of our own");
    complaint.map(|complaint| complaint.to_string())
}

fn complaint_of(command: &str, file: &Path, is_torn: bool) -> Option<&'static str> {
    let format = if command == "check" { "json" } else { "jsonl" };
    let args = [command.as_ref(), "--format".as_ref(), format.as_ref(), file.as_os_str()];
    let Ok(run) = catch_unwind(|| segwatch(args)) else { return Some("panics") };
    if run.exit == 2 && run.err.is_empty() {
        return Some("exits with 2 and does not say why");
    }
    if is_torn && run.exit != 2 {
        return Some("taken for whole");
    }
    if command == "flows" {
        let is_sound = run.out.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
        return (!is_sound).then_some("a row is no JSON");
    }
    match serde_json::from_str::<Value>(&run.out) {
        Ok(answer) if is_torn && answer["capture"]["damage"].as_array().is_none_or(Vec::is_empty) => {
            Some("no damage in the answer")
        }
        Ok(_) => None,
        Err(_) => Some("the answer is no JSON"),
    }
}

/// Where a pcap or pcapng file may end as if whole: behind its header and behind each record.
fn record_ends(capture: &[u8]) -> Option<BTreeSet<usize>> {
    let magic = capture.first_chunk::<4>()?;
    // Big-endian, little-endian: microseconds, nanoseconds, and the variant of Alexey Kuznetsov with longer records.
    let (first, longer, is_big) = match magic {
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => (24, 0, true),
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => (24, 0, false),
        [0xa1, 0xb2, 0xcd, 0x34] => (24, 8, true),
        [0x34, 0xcd, 0xb2, 0xa1] => (24, 8, false),
        [0x0a, 0x0d, 0x0d, 0x0a] => return Some(block_ends(capture)),
        _ => return None,
    };
    let mut ends = BTreeSet::from([first]);
    let mut at = first;
    while let Some(length) = number(capture, at + 8, is_big) {
        at += 16 + longer + length;
        if at > capture.len() {
            break;
        }
        ends.insert(at);
    }
    Some(ends)
}

fn block_ends(capture: &[u8]) -> BTreeSet<usize> {
    const SECTION_HEADER: &[u8] = &[0x0a, 0x0d, 0x0d, 0x0a];
    let mut ends = BTreeSet::new();
    let (mut at, mut is_big) = (0, false);
    loop {
        if capture[at..].starts_with(SECTION_HEADER) {
            is_big = capture[at..].get(8..12) == Some(&[0x1a, 0x2b, 0x3c, 0x4d]);
        }
        match number(capture, at + 4, is_big) {
            Some(length) if length >= 12 && at + length <= capture.len() => at += length,
            _ => return ends,
        }
        ends.insert(at);
    }
}

fn number(capture: &[u8], at: usize, is_big: bool) -> Option<usize> {
    let bytes = *capture.get(at..)?.first_chunk::<4>()?;
    Some(if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) } as usize)
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn from_name(name: &str) -> Random {
        Random(name.bytes().fold(0, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte))))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % bound
    }
}
