//! The contract between stores and whatever reads them: `Source` and `Reader`.
//!
#![doc = include_str!("../README.md")]

mod agent;
mod entry;
mod error;
mod ext;
mod lend;
mod listing;
mod log;
mod probe;
mod reader;
mod resume;
mod source;
mod survey;
mod watch;

pub use agent::{
    Agent, Discovery, FoundRoot, FoundStore, OpenOptions, Registry, StoreDetails, StoreState,
};
pub use entry::{Each, Entry, Found};
pub use error::{Error, Result};
pub use ext::{SourceExt, parse_span};
pub use lend::{EachLent, Lent, LentName, LentRecord};
pub use listing::Listing;
pub use log::{FileIdentity, LogMark, content_stamp};
pub use probe::{Probe, Probed, SourceChange, SourceToken};
pub use reader::{Reader, lend_scanned};
pub use resume::{ResumeToken, Resumed};
pub use source::Source;
pub use survey::{EachSeen, Seen, Sighting, Survey};
pub use watch::{Below, DirtyScope, WatchRoot, WatchedFiles};
