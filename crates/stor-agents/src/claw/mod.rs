//! claw: one JSONL file per session, which the program appends to and rewrites as a snapshot.
//!
//! * [`Claw`] is the dialect: the complete reading.
//! * [`program`] has the operations of the program itself: the faithful reading.

mod dialect;
mod head;
mod names;
pub mod program;
mod records;

pub use dialect::Claw;
