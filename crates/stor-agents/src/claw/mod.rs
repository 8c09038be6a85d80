//! claw: one JSONL file per session, which the program appends to and rewrites as a snapshot.
//!
//! [`Claw`] is the dialect: the complete reading.

mod dialect;
mod head;
mod names;
mod records;

pub use dialect::Claw;
