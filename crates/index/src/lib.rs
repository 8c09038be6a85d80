//! An index of sessions, messages and parts, with consistent views, changes without gaps, and a
//! snapshot that is used in place.
//!
#![doc = include_str!("../README.md")]
//!
//! # Modules
//! * `meta`: the values that the index keeps. `batch` and `build` put them in.
//! * `view`: the queries of readers. `changes`: the query of followers.
//! * `snapshot/`: the flat form, which is both the base in memory and the file.
//! * `layers`: a base and its overlay. `version_chain`: the versions of one key. `sorted_runs`: sets
//!   of keys.
//! * `pins`: the revisions that views read. `shared`: the state that the writer and the views share.
//! * `write` and `rebase`: the one writer.

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
mod view_issues;
mod write;

pub use batch::Batch;
pub use build::{IndexBuilder, SessionContents};
pub use changes::{Change, Changes, Delta, EntityValue};
pub use index::SessionIndex;
pub use meta::{
    MessageMeta, MessageOutline, ObservedStamp, PartList, PartRef, ProjectMeta, RefreshState,
    SessionMeta, SessionState,
};
pub use name::{Name, NameInterner};
pub use snapshot::{Snapshot, SnapshotBytes, SnapshotError, snapshot_file_name, store_hash};
pub use stats::{Counts, Stats};
pub use view::{Sessions, View};
