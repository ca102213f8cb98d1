//! The shipped captures are what their generators make.

use std::fs;
use std::path::Path;

use segwatch_tests::pcap::{ETHERNET, PcapWriter};
use segwatch_tests::{demo, load, pcap};

#[test]
fn demo_capture_is_what_its_generator_makes() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/demo.pcap");
    let shipped = fs::read(shipped).expect("the demo capture");
    assert!(shipped == pcap::pcap(&demo::frames()), "make it anew: make captures");
}

#[test]
fn loads_are_the_same_in_two_runs_and_as_long_as_asked() {
    let small = || {
        let mut out = PcapWriter::new(Vec::new(), ETHERNET).expect("a vector takes everything");
        load::small(&mut out, 20_000).expect("a vector takes everything");
        out.finish().expect("a vector takes everything")
    };
    let capture = small();
    assert!(capture == small());
    assert!(records(&capture) >= 20_000);
}

/// Packet records of a little-endian pcap file.
fn records(capture: &[u8]) -> usize {
    let mut rest = &capture[24..];
    let mut count = 0;
    while let Some(length) = rest.get(8..12) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        rest = &rest[16 + length..];
        count += 1;
    }
    count
}
