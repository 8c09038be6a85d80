//! Tests of the feeds, the driver and the followers: no change is lost.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and writes and reads stores of its own"
)]

#[cfg(target_os = "linux")]
mod agents;
mod convergence;
mod custom;
mod delays;
mod dirty;
mod edge_cases;
#[cfg(unix)]
mod fallback_chain;
#[cfg(unix)]
mod feeds;
mod follow;
#[cfg(unix)]
mod gate;
mod lifecycle;
#[cfg(unix)]
mod logs;
#[cfg(target_os = "linux")]
mod modify_events;
#[cfg(unix)]
mod open_files;
mod part_events;
mod replay;
mod server;
#[cfg(unix)]
mod slow_server;
mod soak;
#[path = "../../../flow/tests/it/index/state.rs"]
mod state;
mod stores;
mod support;
