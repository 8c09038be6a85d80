//! The materializer: the index of a Source, the Source itself and a cache of bytes, behind one type.
//!
//! `state` has the type; every other module has one of its operations.

mod dirty;
mod dirty_work;
mod issues;
mod load;
mod loaded_parts;
mod open;
mod orphans;
mod queries;
mod records;
mod refresh;
mod save;
mod state;
mod sweep;
mod sweep_schedule;

pub use dirty::{Dirty, DirtyRefreshOutcome};
pub use state::{IndexOrigin, MaterializerStats, SessionMaterializer};
