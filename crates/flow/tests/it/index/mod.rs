//! Indexes of real directories: built, refreshed, kept, followed.

mod materializer;
mod oracle;
mod snapshots;
pub(crate) mod state;
pub(crate) mod world;
