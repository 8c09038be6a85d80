//! The materializer: an index, the Source that it is of, and a cache of bytes, as one thing that
//! answers.
//!
//! `state` is what it holds; each of the other modules is one thing that it does.

mod dirty;
mod load;
mod loaded_parts;
mod open;
mod queries;
mod records;
mod refresh;
mod save;
mod state;
mod sweep;
mod sweep_schedule;

pub use dirty::{Dirty, DirtyRefreshOutcome};
pub use state::{IndexOrigin, MaterializerStats, SessionMaterializer};
