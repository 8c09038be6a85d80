//! Tests of the crate's public items. The tests set the time with a clock of their own, and no test
//! sleeps.
//!
//! Under miri only the tests run that need neither system calls nor mappings.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![cfg_attr(not(miri), expect(clippy::print_stderr, reason = "a skipped test reports it"))]
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
