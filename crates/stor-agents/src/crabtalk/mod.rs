//! crabtalk: one directory per session, with `meta` and numbered step files.
//!
//! * [`Crabtalk`] is the dialect: the complete reading.

mod dialect;
mod messages;

pub use dialect::Crabtalk;
