//! Sessions: rows of `session_v2` and of `session`, which have the same columns and are read as one.

pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod row;
pub(crate) mod survey;
