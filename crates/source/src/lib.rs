//! The contract between stores and their readers: the traits `Source` and `Reader`.
//!
#![doc = include_str!("../README.md")]

mod agent;
mod borrowed;
mod entry;
mod error;
mod ext;
mod listing;
mod log;
mod path_id;
mod probe;
mod reader;
mod resume;
mod source;
mod survey;
mod watch;

pub use agent::{
    Agent, DiscoveredRoot, DiscoveredStore, Discovery, OpenOptions, Registry, StoreDetails,
    StoreState,
};
pub use borrowed::{BorrowedItem, BorrowedRecord, BorrowedVisitor, ReadKey};
pub use entry::{Entry, ScanItem, ScanVisitor};
pub use error::{Error, Result};
pub use ext::{SourceExt, parse_span};
pub use listing::Listing;
pub use log::{FileIdentity, LogMark, content_stamp};
pub use path_id::{canonical_path, path_id, root_id};
pub use probe::{Probe, ProbeResult, SourceChange, SourceToken};
pub use reader::{Reader, borrow_from_scan};
pub use resume::{ResumeResult, ResumeToken};
pub use source::{IndexCheck, Source};
pub use survey::{Observation, Survey, SurveyItem, SurveyVisitor};
pub use watch::{DirtyScope, WatchDepth, WatchRoot, WatchedFiles};
