//! Reads sessions of opencode 2.x. They are rows of `session_message`, and each row is a message
//! with its parts or an event of the timeline (`docs/format/opencode-v2.md`).
//!
//! `rows` reads the rows. `translate` turns them into records of 1.x.

pub(crate) mod borrowed;
pub(crate) mod history;
pub(crate) mod ids;
pub(crate) mod native;
pub(crate) mod order;
pub(crate) mod pending;
pub(crate) mod progress;
pub(crate) mod rows;
pub(crate) mod survey;
pub(crate) mod translate;
