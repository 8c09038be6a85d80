//! Tests of the facade on real stores: roots, sessions, usage, snapshots and events.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests create stores, and a failed step must end the test"
)]

mod roots;
mod sessions;
#[cfg(feature = "sqlite")]
mod snapshots;
mod usage;
#[cfg(feature = "watch")]
mod watch;
