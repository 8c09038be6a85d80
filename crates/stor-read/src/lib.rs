//! The reader of opencode's JSON store.
//!
#![doc = include_str!("../README.md")]

mod all_parts;
mod entity_location;
mod foreign_records;
mod messages;
mod name_kind;
mod names;
mod orphans;
mod reader;
mod scan;
mod sessions;
mod spans;
mod survey;
mod transaction;
mod tree;
mod watch;

pub use reader::FileReader;
