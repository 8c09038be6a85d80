//! The floors for a database of opencode 2.0, in which a row is a message with its parts.

#[allow(unreachable_pub, reason = "the macros also define public structs")]
mod rows;
pub mod tree;
