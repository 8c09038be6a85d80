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
mod changes;
mod epoch;
mod index;
mod layers;
mod meta;
mod name;
mod pins;
mod rebase;
mod shared;
mod snapshot;
mod sorted_runs;
mod stats;
mod sync;
mod version_chain;
mod view;
mod write;

pub use batch::Batch;
pub use build::{IndexBuilder, SessionContents};
pub use changes::{Change, Changes, Delta, EntityValue};
pub use index::SessionIndex;
pub use meta::{
    MessageMeta, ObservedStamp, PartList, PartRef, ProjectMeta, RefreshState, SessionMeta,
    SessionState,
};
pub use name::{Name, NameInterner};
pub use snapshot::{Snapshot, SnapshotBytes, SnapshotError, snapshot_file_name, store_hash};
pub use stats::{Counts, Stats};
pub use view::{Sessions, View};
