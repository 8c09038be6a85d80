//! codetether: one JSON file per session, with a journal and a task log beside it.
//!
//! * [`Codetether`] is the dialect: the complete reading.
//! * [`program`] has the operations of the program itself: the faithful reading.

mod dialect;
mod messages;
pub mod program;

pub use dialect::Codetether;
