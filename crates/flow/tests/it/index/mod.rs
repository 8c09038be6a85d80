//! Indexes of real directories: built, refreshed, kept, followed.

mod materializer;
mod oracle;
mod snapshots;
mod state;
mod world;
