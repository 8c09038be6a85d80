//! Tests of the agents' stores: each dialect on its corpus, and the engine's promises on all of them.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the tests read and write stores without the crate, and a test that cannot go on fails"
)]

mod add_an_agent;
mod any_bytes;
mod claw;
mod codetether;
mod containers;
mod crabtalk;
mod engine;
mod index;
#[expect(unreachable_pub, reason = "it is an example of a public dialect")]
mod parrot;
mod support;
mod yoi;
