//! The same work on a database of opencode 2.0, where a row is a message with its parts.

#[allow(unreachable_pub, reason = "the macros serve structs that are shown, too")]
mod rows;
pub mod tree;
