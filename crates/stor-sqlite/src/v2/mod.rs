//! Sessions as opencode 2.x keeps them: rows of `session_message`, each a message with its parts or
//! something that happened (`docs/format/opencode-v2.md`).
//!
//! `rows` reads, `translate` makes records of 1.x from what was read.

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
