//! The reader of opencode's JSON store.
//!
#![doc = include_str!("../README.md")]

mod all_parts;
mod look;
mod messages;
mod names;
mod orphans;
mod place;
mod reader;
mod scan;
mod sessions;
mod spans;
mod survey;
mod tree;
mod watch;

pub use reader::FileReader;
