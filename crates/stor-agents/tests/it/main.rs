//! Tests of the agents' stores: each dialect on its corpus, and the engine's promises on all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod crabtalk;
mod support;
