//! Tests of the model: on the real corpus, against serde_json, and on hostile input.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod corpus;
mod grammar;
mod heads;
mod mangled;
mod records;
mod strings;
mod tolerance;
mod usage;
