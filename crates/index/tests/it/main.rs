//! Tests of the crate's public face: against a model, under threads, and on damaged snapshots.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod damage;
mod exercise;
mod model;
mod sizes;
mod support;
mod threads;
