//! Tests of the public API: against a model, under threads, and on damaged snapshots.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[cfg(not(loom))]
mod copies;
#[cfg(not(loom))]
mod damage;
#[cfg(not(loom))]
mod exercise;
#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod model;
#[cfg(not(loom))]
mod sizes;
#[cfg(not(loom))]
mod support;
#[cfg(not(loom))]
mod threads;
