//! An index of a Source: built once, then refreshed.
//!
//! `metas` makes what the index keeps from what a reader hands out; `session` reads one session
//! whole and `verify` looks at it file by file; `pool` does that for many, and `projects` reads those;
//! `build` and `refresh` are the two ways to an index that equals its store. `snapshots` keeps them between runs.

mod build;
mod metas;
pub(crate) mod pool;
mod projects;
mod refresh;
pub(crate) mod session;
mod snapshots;
pub(crate) mod verify;

pub use build::build_index;
pub(crate) use metas::sighted;
pub use pool::{OnProgress, Progress};
pub(crate) use projects::look as look_at_projects;
pub use refresh::{RefreshOptions, Refreshed, Verify, refresh_index};
pub use session::Parts;
pub(crate) use session::{Notes, list_parts};
pub use snapshots::{Kept, NoSnapshot, Snapshots};
pub(crate) use verify::{keep_known, read_messages, verify, verify_record};
