//! What chooses, for each session, between the tables of 1.x and of 2.x.

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
