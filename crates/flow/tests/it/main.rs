//! Tests of the crate: stages, flows and indexes, compared with opencode's own exports and with
//! rebuilt indexes, on sound and damaged stores.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod append;
mod conformance;
mod context;
mod damage;
mod database;
mod index;
mod loader;
mod oracle;
mod run;
mod stages;
mod store;
mod support;

use scrollback_source_test::calls;
