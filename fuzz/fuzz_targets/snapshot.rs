//! The snapshot decoder on any bytes: as they are, and past the checks at the door.

#![no_main]

#[path = "../../crates/index/tests/it/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exercise::exercise(bytes);
    exercise::exercise(&exercise::fix_header(bytes));
});
