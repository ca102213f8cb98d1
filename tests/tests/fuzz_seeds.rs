//! Replays the seeds of the fuzz targets, and what earlier finds left among them, without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use segwatch_tests::{fuzz, seeds};

#[test]
fn decode() {
    let inputs = inputs("decode");
    assert!(inputs.len() >= seeds::decode().len());
    for input in inputs {
        fuzz::decode_frame(&fs::read(&input).expect("a seed"));
    }
}

#[test]
fn decode_seeds_cut_and_flipped_anywhere() {
    for (_, seed) in seeds::decode() {
        for at in 0..seed.len() {
            fuzz::decode_frame(&seed[..at]);
            for value in [0x00, 0xff, seed[at].wrapping_add(1), seed[at] ^ 0x80] {
                let mut damaged = seed.clone();
                damaged[at] = value;
                fuzz::decode_frame(&damaged);
            }
        }
    }
}

#[test]
fn engine() {
    let inputs = inputs("engine");
    assert!(inputs.len() >= seeds::engine().len());
    for input in inputs {
        fuzz::judge_capture(&fs::read(&input).expect("a seed"));
    }
}

#[test]
fn engine_seeds_cut_and_flipped_here_and_there() {
    for (_, seed) in seeds::engine() {
        for at in (0..seed.len()).step_by(19) {
            fuzz::judge_capture(&seed[..at]);
            let mut damaged = seed.clone();
            damaged[at] ^= 0x80;
            fuzz::judge_capture(&damaged);
        }
    }
}

#[test]
fn shipped_seeds_are_those_of_their_generator() {
    for (target, seeds) in seeds::all() {
        for (name, seed) in seeds {
            let shipped = fs::read(folder(target).join(name)).expect("a seed");
            assert!(shipped == seed, "{target}/{name} differs; make it anew: make captures");
        }
    }
}

fn inputs(target: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(target)).expect("the folder of the seeds");
    entries.map(|entry| entry.expect("a seed").path()).collect()
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/fuzz/seeds").join(target)
}
