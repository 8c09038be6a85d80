//! The Source and Reader traits, and the reader of opencode's JSON store.
//!
#![doc = include_str!("../README.md")]

mod convenience;
mod error;
mod opencode_json;
mod source;
mod survey;
mod watch;

pub use convenience::{Listing, SourceExt, parse_span};
pub use error::{Error, Result};
pub use opencode_json::FileReader;
pub use source::{
    Each, EachLent, Entry, Found, Lent, LentName, LentRecord, Reader, Source, lend_scanned,
};
pub use survey::{EachSeen, Seen, Sighting, Survey};
pub use watch::{Below, DirtyScope, Probe, Probed, SourceToken, WatchRoot, WatchedFiles};
