//! The materializer: an index, the Source that it is of, and a cache of bytes, as one thing that
//! answers.
//!
//! `state` is what it holds; each of the other modules is one thing that it does.

mod dirty;
mod keep;
mod learn;
mod load;
mod open;
mod queries;
mod records;
mod refresh;
mod round;
mod state;
mod sweep;

pub use dirty::{Dirty, Looked};
pub use state::{MaterializerStats, Origin, SessionMaterializer};
