//! Any bytes as one frame.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| segwatch_tests::fuzz::decode_frame(input));
