//! Tests of the program: they run the binary on real and on hostile stores.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests create stores, and a failed step must end the test"
)]

mod cache_dir;
mod commands;
mod damage;
mod database;
mod demo;
mod health;
mod help;
mod hostile;
mod index;
mod issues;
#[cfg(target_os = "linux")]
mod json;
#[cfg(target_os = "linux")]
mod limits;
mod lists;
mod multiple_stores;
mod oracle;
#[cfg(unix)]
mod read_only;
mod secrets;
mod support;
#[cfg(target_os = "linux")]
mod terminal;
mod tool_calls;
mod transcript_order;
#[cfg(unix)]
mod unreadable;
mod usage;
mod v2;
#[cfg(target_os = "linux")]
mod watch;
