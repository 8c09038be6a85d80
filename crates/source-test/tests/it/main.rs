//! Tests of the JSONL Source: the conformance tests, and what it reads when a log grows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conformance;
