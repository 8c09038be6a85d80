//! Feeds, the driver, and what is lost: nothing.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and writes and reads stores of its own"
)]

mod custom;
mod delays;
mod dirty;
#[cfg(unix)]
mod feeds;
mod follow;
mod found;
#[cfg(unix)]
mod ladder;
mod life;
#[cfg(unix)]
mod logs;
mod lost;
#[cfg(target_os = "linux")]
mod modify;
#[cfg(unix)]
mod open_files;
mod server;
mod soak;
#[path = "../../../flow/tests/it/index/state.rs"]
mod state;
mod stores;
mod support;
mod told;
