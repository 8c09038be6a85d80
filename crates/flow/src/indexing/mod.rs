//! An index of a Source: built once, then refreshed.
//!
//! `metas` makes what the index keeps from what a reader hands out; `session` reads one session
//! whole, `verify` looks at it file by file and `resume` at what was added to it; `pool` does that for many, and `projects` reads those;
//! `build` and `refresh` are the two ways to an index that equals its store. `snapshots` keeps them between runs.

mod build;
mod effort;
mod metas;
mod options;
pub(crate) mod pool;
mod projects;
mod refresh;
mod resume;
pub(crate) mod session;
mod snapshots;
mod verified;
pub(crate) mod verify;

pub use build::build_index;
pub use effort::Effort;
pub(crate) use metas::{part_ref, sighted};
pub use options::{RefreshOptions, Verify};
pub use pool::{OnProgress, Progress};
pub(crate) use projects::look as look_at_projects;
pub(crate) use refresh::{Byproducts, refresh};
pub use refresh::{Refreshed, refresh_index};
pub use session::Parts;
pub(crate) use session::{Notes, list_parts};
pub use snapshots::{Kept, NoSnapshot, Snapshots};
pub(crate) use verify::{keep_known, read_messages, verify, verify_record};
