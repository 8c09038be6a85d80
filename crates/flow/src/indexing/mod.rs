//! Builds the index of a Source and refreshes it.
//!
//! `build` and `refresh` are the two ways to an index that equals its store; `pool` runs them on several
//! threads. For one session, `session` reads all of it, `verify` compares it file by file, and `resume`
//! reads only what was appended. `snapshots` saves an index between runs.

mod build;
pub(crate) mod copies;
mod counters;
mod issue_log;
mod kept_issues;
mod meta_builder;
mod options;
pub(crate) mod pool;
mod projects;
mod refresh;
mod resume;
pub(crate) mod session;
mod snapshots;
mod source_state;
pub(crate) mod steps;
mod table_sets;
mod unread;
pub(crate) mod verify;
mod verify_outcome;
mod verify_parts;
pub(crate) mod verify_record;

pub use build::build_index;
pub use counters::RefreshCounters;
pub(crate) use issue_log::IssueLog;
pub(crate) use kept_issues::kept_issues;
pub(crate) use meta_builder::{observed_from_observation, part_ref};
pub use options::{RefreshOptions, Verify};
pub use pool::{OnProgress, Progress};
pub(crate) use projects::reread_projects;
pub(crate) use refresh::{Byproducts, has_token, refresh};
pub use refresh::{RefreshSummary, refresh_index};
pub use session::PartDetail;
pub(crate) use session::list_parts;
pub use snapshots::{NoSnapshot, SnapshotFile, Snapshots, UnsafeDirectory};
pub(crate) use verify::{read_messages, verify};
pub(crate) use verify_parts::carry_over_parts;
pub(crate) use verify_record::{VerifiedRecord, is_other_copy, verify_record};
