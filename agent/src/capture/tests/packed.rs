//! Captures packed with gzip and zstd.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::make::{Make, seconds};
use super::{read, read_all, tell};
use crate::capture::Files;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("gzip of bytes in memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 0).expect("zstd of bytes in memory")
}

fn captures() -> [Make; 2] {
    let mut pcapng = Make::new(true).section().interface(1, 0, &[]);
    for second in 0..500 {
        pcapng = pcapng.enhanced(0, second * 1_000_000, 20, &[second as u8; 300]);
    }
    let times: Vec<(u32, u8)> = (0..500).map(|second| (second, second as u8)).collect();
    [seconds(&times), pcapng]
}

#[test]
fn packed_captures_read_as_plain_ones() {
    for capture in captures() {
        let plain = read(&capture);
        let (first, second) = capture.bytes.split_at(777);
        let skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc".to_vec();
        for packed in [
            gzip(&capture.bytes),
            [gzip(first), gzip(&[]), gzip(second)].concat(),
            zstd(&capture.bytes),
            [skippable, zstd(first), zstd(second)].concat(),
        ] {
            assert_eq!(read(&packed), plain);
        }
    }
}

#[test]
fn a_reader_is_read_as_a_file() {
    let [capture, _] = captures();
    for bytes in [gzip(&capture.bytes), capture.bytes] {
        let expected = read(&bytes);
        let mut files = Files::from_reader("memory", Box::new(Cursor::new(bytes.clone())));
        assert_eq!(files.names(), ["memory"]);
        assert_eq!(tell(&mut files), expected);
        let progress = files.progress();
        assert_eq!((progress.read, progress.total), (bytes.len() as u64, None));
    }
}

#[test]
fn packed_and_plain_files_merge() {
    let told =
        read_all(&[gzip(&seconds(&[(1, 1), (4, 2)]).bytes), seconds(&[(2, 3)]).bytes, zstd(&seconds(&[(3, 4)]).bytes)]);
    assert_eq!(told.brief().iter().map(|(_, first)| *first).collect::<Vec<_>>(), [1, 3, 4, 2]);
}

#[test]
fn a_cut_of_the_packed_bytes_is_noticed_everywhere() {
    let capture = seconds(&[(1, 1), (2, 2), (3, 3)]).bytes;
    for packed in [gzip(&capture), zstd(&capture)] {
        for len in 0..packed.len() {
            let told = read(&packed[..len]);
            assert_eq!(told.damage.len(), 1, "cut after {len}");
        }
    }
    let packed = gzip(&capture);
    let told = read(&packed[..packed.len() - 1]);
    assert_eq!(told.frames.len(), 3);
    let damage = &told.damage[0];
    assert_eq!((damage.offset, damage.packet), (132, 4));
    assert_eq!(damage.what, "record header of 16 bytes cut after 0: gzip data cut short");
}

#[test]
fn a_wrong_checksum_is_noticed() {
    let mut packed = gzip(&seconds(&[(1, 1)]).bytes);
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    let told = read(&packed);
    assert_eq!((told.frames.len(), told.damage.len()), (1, 1));
    assert!(told.damage[0].what.contains("gzip data cannot be unpacked"), "{}", told.damage[0].what);
}

#[test]
fn what_is_packed_twice_is_no_capture() {
    let told = read(gzip(&gzip(&seconds(&[(1, 1)]).bytes)));
    assert!(told.damage[0].what.starts_with("not a capture file (first bytes 1f 8b"), "{}", told.damage[0].what);
}
