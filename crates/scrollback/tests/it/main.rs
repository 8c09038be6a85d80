//! Tests of the facade on real stores: roots, sessions, usage, one snapshot, one stream of events.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests make stores, and fail where they cannot go on"
)]

mod roots;
mod sessions;
#[cfg(feature = "sqlite")]
mod snapshots;
mod usage;
#[cfg(feature = "watch")]
mod watch;
