//! Tests of `FileReader`: the conformance tests, opencode's own lists, and damaged trees.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests make stores, and fail where they cannot go on"
)]

mod conformance;
mod damage;
#[cfg(unix)]
mod files;
mod foreign_records;
mod oracle;
mod order;
mod single;
mod support;
#[cfg(unix)]
mod survey;

use scrollback_source_test::calls;
