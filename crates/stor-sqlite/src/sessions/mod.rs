//! Reads sessions from the tables `session_v2` and `session`. Both have the same columns and are
//! read as one table.

pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod row;
pub(crate) mod survey;
