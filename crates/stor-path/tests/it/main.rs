//! Tests of `scrollback-stor-path` on directories made for the test, and on the bundled corpus.

#![expect(clippy::disallowed_methods, reason = "the tests build and walk stores of their own")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod component;
mod corpus;
mod discover;
mod environment;
mod explicit;
mod names;
mod opencode;
mod order;
mod paths;
mod tree;
