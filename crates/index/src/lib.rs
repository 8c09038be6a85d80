//! An index of sessions, messages and parts: consistent views, changes without gaps, a snapshot
//! that is used in place.
//!
#![doc = include_str!("../README.md")]
//!
//! # What is where
//! * `meta`: what is kept of each entity; `batch` and `build`: how it gets in.
//! * `view`: what readers ask; `changes`: what followers ask.
//! * `snapshot/`: the flat form, which is both the base in memory and the file.
//! * `generation` (a base and its overlay), `runs` (which keys it has something of), `cell`
//!   (versions of one key), `pins` (which revisions are read), `shared` (what the writer and the
//!   views have in common), `write` and `rebase` (the one writer).

mod batch;
mod build;
mod cell;
mod changes;
mod epoch;
mod generation;
mod index;
mod meta;
mod name;
mod pins;
mod rebase;
mod runs;
mod shared;
mod snapshot;
mod stats;
mod sync;
mod view;
mod write;

pub use batch::Batch;
pub use build::{IndexBuilder, SessionContents};
pub use changes::{Change, Changes, Since, Value};
pub use index::SessionIndex;
pub use meta::{
    MessageMeta, Observed, PartList, PartRef, ProjectMeta, SessionMeta, SessionState, Upkeep,
};
pub use name::{Name, Names};
pub use snapshot::{Snapshot, SnapshotBytes, SnapshotError, file_name, store_hash};
pub use stats::{Counts, Stats};
pub use view::{Sessions, View};
