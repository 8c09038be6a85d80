//! Decodes random bytes as a snapshot: unchanged, and with a corrected header and checksum.

#![no_main]

#[path = "../../crates/index/tests/it/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    exercise::exercise(bytes);
    exercise::exercise(&exercise::fix_header(bytes));
});
