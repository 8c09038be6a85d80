//! An index of a Source: built once, then refreshed.
//!
//! `metas` makes what the index keeps from what a reader hands out; `session` reads one session
//! whole, `verify` looks at it file by file and `resume` at what was added to it; `pool` does that for many, and `projects` reads those;
//! `build` and `refresh` are the two ways to an index that equals its store. `snapshots` keeps them between runs.

mod build;
mod counters;
mod meta_builder;
mod options;
pub(crate) mod pool;
mod projects;
mod refresh;
mod resume;
pub(crate) mod session;
mod snapshots;
pub(crate) mod verify;
mod verify_outcome;

pub use build::build_index;
pub use counters::RefreshCounters;
pub(crate) use meta_builder::{observed_from_observation, part_ref};
pub use options::{RefreshOptions, Verify};
pub use pool::{OnProgress, Progress};
pub(crate) use projects::reread_projects;
pub(crate) use refresh::{Byproducts, refresh};
pub use refresh::{RefreshSummary, refresh_index};
pub use session::PartDetail;
pub(crate) use session::{IssueLog, list_parts};
pub use snapshots::{NoSnapshot, SnapshotFile, Snapshots};
pub(crate) use verify::{carry_over_parts, read_messages, verify, verify_record};
