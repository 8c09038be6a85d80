//! Declares the known tables.

pub(crate) mod events;
pub(crate) mod project;
pub(crate) mod session;
pub(crate) mod v1;
pub(crate) mod v2;

use super::table::Table;

/// The tables that are read.
pub(crate) const READ_TABLES: [&Table; 14] = [
    &session::SESSION_V2,
    &session::SESSION,
    &project::PROJECT,
    &v1::MESSAGE,
    &v1::PART,
    &v1::TODO,
    &v1::SESSION_SHARE,
    &v2::SESSION_MESSAGE,
    &v2::SESSION_INBOX,
    &v2::SESSION_PENDING,
    &v2::SESSION_INPUT,
    &v2::KV,
    &events::EVENT,
    &events::EVENT_SEQUENCE,
];

/// Known tables that are not read. [`scrollback_stor_path::is_secret_table`] lists the tables with
/// credentials.
pub(crate) const UNREAD_TABLES: [&str; 11] = [
    "__drizzle_migrations",
    "data_migration",
    "instruction_blob",
    "instruction_entry",
    "instruction_state",
    "migration",
    "permission",
    "project_directory",
    "session_context_epoch",
    "workspace",
    "worktree",
];

/// Checks whether a table name is known. The names of SQLite's own tables begin with `sqlite_`.
pub(crate) fn is_known_table(name: &str) -> bool {
    READ_TABLES.iter().any(|table| table.name == name)
        || UNREAD_TABLES.contains(&name)
        || name.starts_with("sqlite_")
        || scrollback_stor_path::is_secret_table(name)
}
