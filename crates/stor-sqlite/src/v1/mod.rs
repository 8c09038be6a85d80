//! Reads the tables of opencode 1.x (`docs/format/opencode.md`, section 5).

pub(crate) mod borrowed;
pub(crate) mod messages;
pub(crate) mod parts;
pub(crate) mod projects;
pub(crate) mod share;
pub(crate) mod survey;
pub(crate) mod todo;
pub(crate) mod tree;
