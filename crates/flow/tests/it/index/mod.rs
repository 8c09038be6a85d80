//! Indexes of real directories: built, refreshed, kept, followed.

mod oracle;
mod state;
mod world;
