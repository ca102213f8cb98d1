//! Real captures against what tshark says of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::tell;
use crate::capture::Files;

/// Captures of which tshark takes the record headers for a rarer, longer kind and so reads other bytes than tcpdump
/// and we do: the packets that tcpdump reads.
const OTHER_THAN_TSHARK: &[(&str, u64)] =
    &[("suriverify__bug-6875-01__fuzz.pcap", 1), ("pcapplusplus__igmplayer.pcap", 2)];

fn captures() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("SEGWATCH_CAPTURES") {
        return Some(folder.into());
    }
    let found = |parent: &Path| parent.join("shared/captures");
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(found).find(|folder| folder.is_dir())
}

#[test]
fn frames_as_tshark_counts_them() {
    let Some(folder) = captures() else {
        eprintln!("skipped: no folder shared/captures beside this repository, and SEGWATCH_CAPTURES is not set");
        return;
    };
    let mut checked = 0;
    for entry in std::fs::read_dir(folder.join("expected")).expect("the folder of expected results") {
        let path = entry.expect("an entry of the folder").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(&path).expect("an expected result");
            check(&folder, &serde_json::from_str(&text).expect("an expected result is JSON"));
            checked += 1;
        }
    }
    assert!(checked > 0, "no expected results in {}", folder.display());
}

fn check(folder: &Path, expected: &Value) {
    let name = expected["file"].as_str().expect("the name of the capture");
    let class = expected["class"].as_str().expect("the class of the capture");
    let told = tell(&mut Files::open(&[folder.join(name)]));
    let broken = matches!(class, "broken-file" | "not-a-capture");
    assert_eq!(!told.damage.is_empty(), broken, "{name}: {:?}", told.damage);
    let count = told.frames.len() as u64;
    if class == "not-a-capture" {
        assert_eq!(count, 0, "{name}");
        return;
    }
    if let Some((_, packets)) = OTHER_THAN_TSHARK.iter().find(|(file, _)| *file == name) {
        assert_eq!(count, *packets, "{name}");
        return;
    }
    if expected["oracle"]["tshark_rc"] != 0 && class == "other-linktype" {
        assert_eq!(Some(count), expected["structure"]["records"].as_u64(), "{name}, which tshark refuses");
        return;
    }
    assert_eq!(Some(count), expected["packets"].as_u64(), "{name}");
    let captured: u64 = told.frames.iter().map(|frame| frame.data.len() as u64).sum();
    let wire: u64 = told.frames.iter().map(|frame| u64::from(frame.wire_len)).sum();
    assert_eq!(Some(captured), expected["bytes_captured"].as_u64(), "{name}");
    assert_eq!(Some(wire), expected["bytes_wire"].as_u64(), "{name}");
    for (frame, key) in [(told.frames.first(), "ts_first"), (told.frames.last(), "ts_last")] {
        let (Some(frame), Some(time)) = (frame, expected[key].as_str()) else { continue };
        // tshark turns a fraction into nanoseconds in 32 bits, so one of more than 4.3 s is off by a multiple of that.
        let off = (frame.at - nanoseconds(time)) % (1 << 32);
        assert_eq!(off, 0, "{name}: {} is not {time}", frame.at);
    }
}

/// From tshark's notation, in which the sign is that of the fraction.
fn nanoseconds(time: &str) -> i64 {
    let negative = time.starts_with('-');
    let (seconds, fraction) = time.trim_start_matches('-').split_once('.').expect("a time with a fraction");
    let seconds: i64 = seconds.parse().expect("seconds");
    let fraction: i64 = fraction.parse().expect("nanoseconds");
    seconds.saturating_mul(1_000_000_000).saturating_add(if negative { -fraction } else { fraction })
}
