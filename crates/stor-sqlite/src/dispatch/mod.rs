//! Chooses between the tables of 1.x and 2.x, for each session, and merges their content where a
//! session has both.
//!
//! `session_format` makes the choice. The other modules each serve one kind of call: they ask for
//! the format and then call `v1`, `v2` or both.

pub(crate) mod all_parts;
pub(crate) mod borrowed;
mod merge;
pub(crate) mod messages;
pub(crate) mod orphans;
pub(crate) mod parts;
pub(crate) mod session_format;
pub(crate) mod sets;
pub(crate) mod spans;
pub(crate) mod survey;
pub(crate) mod tree;
