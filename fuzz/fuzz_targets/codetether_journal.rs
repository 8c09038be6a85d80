//! Reads random bytes as the journal of a session of codetether.

#![no_main]

#[path = "../../crates/stor-agents/tests/it/containers.rs"]
#[expect(dead_code, reason = "each target reads one kind of file")]
mod containers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| containers::codetether_journal(bytes));
