//! Tests of the public API, on generated ids and on every id of a real store.

#![expect(clippy::disallowed_methods, reason = "the corpus is read without the crates above")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod clocks;
mod corpus;
mod cursors;
mod id_text;
mod ids;
mod keys;
mod stamps;
