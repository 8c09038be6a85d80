//! codetether: one JSON file per session, with a journal and a task log beside it.
//!
//! * [`Codetether`] is the dialect: the complete reading.

mod dialect;
mod messages;

pub use dialect::Codetether;
