//! Tests of the crate's public face. Time is a clock that the test moves; nothing sleeps.
//!
//! Under miri run the parts that need neither system calls nor mappings.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![cfg_attr(not(miri), expect(clippy::print_stderr, reason = "what is skipped is said"))]
#![cfg_attr(not(miri), expect(clippy::disallowed_methods, reason = "tests write their stores"))]

mod cache;
#[cfg(not(miri))]
mod cache_file;
#[cfg(not(miri))]
mod dirs;
#[cfg(not(miri))]
mod maps;
#[cfg(not(miri))]
mod reads;
#[cfg(not(miri))]
mod retries;
mod spans;
#[cfg(not(miri))]
mod support;
