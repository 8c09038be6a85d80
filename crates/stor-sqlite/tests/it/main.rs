//! Tests the reading of databases: conformance, opencode's own exports, the fallback chain for
//! opening, and damage.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests make stores, and fail where they cannot go on"
)]

mod access;
mod changes;
mod conformance;
mod damage;
mod foreign_log;
mod oracle;
mod rows;
mod schema_report;
mod schemas;
mod support;
mod unprivileged;
mod unsound_indexes;
mod v2;

use scrollback_source_test::calls;
