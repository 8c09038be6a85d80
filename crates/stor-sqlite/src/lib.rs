//! The Source over opencode's SQLite database, read-only.
//!
#![doc = include_str!("../README.md")]

mod access;
mod all_parts;
mod ask;
mod columns;
mod connection;
mod error;
mod files;
mod gate;
mod generation;
mod json;
mod lend;
mod look;
mod messages;
mod orphans;
mod parts;
mod pass;
mod probe;
mod projects;
mod provenance;
mod reader;
mod schema;
mod session_tables;
mod sessions;
mod sets;
mod spans;
mod survey;
mod tree;
mod v2;

pub use access::Access;
pub use error::Error;
pub use reader::SqliteReader;
pub use v2::native::Event;
