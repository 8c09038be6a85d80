//! crabtalk: one directory per session, with `meta` and numbered step files.
//!
//! * [`Crabtalk`] is the dialect: the complete reading.
//! * [`program`] has the operations of the program itself: the faithful reading.

mod dialect;
mod messages;
pub mod program;

pub use dialect::Crabtalk;
