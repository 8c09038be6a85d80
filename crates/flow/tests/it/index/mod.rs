//! Indexes of directories on disk: built, refreshed, saved and followed.

mod materializer;
mod oracle;
mod snapshots;
pub(crate) mod state;
mod unread;
pub(crate) mod world;
