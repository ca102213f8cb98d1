//! The shipped captures are what their generators make.

use std::fs;
use std::path::Path;

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
        let mut frames = Vec::new();
        let sink = &mut |at, frame: &[u8]| {
            frames.push((at, frame.to_vec()));
            Ok(())
        };
        load::small(sink, 20_000).expect("a vector takes everything");
        frames
    };
    let frames = small();
    assert!(frames == small());
    assert!(frames.len() >= 20_000);
    assert!(frames.is_sorted_by_key(|(at, _)| *at));
    assert!(
        frames.iter().all(|(_, frame)| (60..=196).contains(&frame.len())),
        "64 to 200 bytes with the check sequence"
    );
}
