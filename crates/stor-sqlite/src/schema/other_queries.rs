//! Builds the queries for projects, and for the side documents of a session.

use super::database_tables::DatabaseTables;
use super::select::{Select, stamp_expression};
use super::tables::events::{EVENT, EventColumn};
use super::tables::project::{PROJECT, ProjectColumn};
use super::tables::v1::{SESSION_SHARE, ShareColumn, TODO, TodoColumn};
use super::tables::v2::{KV, KvColumn};

/// The queries for projects.
#[derive(Debug)]
pub(crate) struct ProjectQueries {
    /// The columns of all projects, followed by their stamps.
    pub(crate) all: String,
    /// The ids and stamps of all projects.
    pub(crate) stamps: String,
}

impl ProjectQueries {
    pub(crate) fn build(tables: &DatabaseTables, cap: Option<u64>) -> Option<Self> {
        let columns = tables.readable(&PROJECT)?;
        let stamp = stamp_expression(ProjectColumn::ALL, columns);
        let all = Select::new(ProjectColumn::ALL, columns, cap, "").append(&stamp);
        Some(Self {
            all: format!("{all} FROM project"),
            stamps: format!("SELECT id, {stamp} FROM project"),
        })
    }
}

/// Returns the query for the todo list of a session.
pub(crate) fn todo_query(tables: &DatabaseTables, cap: Option<u64>) -> Option<String> {
    let select = Select::new(TodoColumn::ALL, tables.readable(&TODO)?, cap, "");
    Some(format!("{select} FROM todo WHERE session_id = ?1 ORDER BY position"))
}

/// Returns the query for the share link of a session. It does not select the secret.
pub(crate) fn share_query(tables: &DatabaseTables, cap: Option<u64>) -> Option<String> {
    let select = Select::new(ShareColumn::ALL, tables.readable(&SESSION_SHARE)?, cap, "");
    Some(format!("{select} FROM session_share WHERE session_id = ?1"))
}

/// Returns the query for the events of a session, if the log has all columns.
pub(crate) fn history_query(tables: &DatabaseTables) -> Option<String> {
    let columns = tables.readable(&EVENT)?;
    let [kind, data] =
        [EventColumn::Kind, EventColumn::Data].map(|column| EventColumn::ALL[column.at()]);
    let select = Select::new(EventColumn::ALL, columns, None, "");
    let has_all = columns.has(kind.name) && columns.has(data.name);
    has_all.then(|| format!("{select} FROM event WHERE aggregate_id = ?1 ORDER BY seq"))
}

/// Returns the query for the progress of the migration from 1.x to 2.x.
pub(crate) fn migration_query(tables: &DatabaseTables) -> Option<String> {
    let select = Select::new(KvColumn::ALL, tables.readable(&KV)?, None, "");
    Some(format!("{select} FROM kv WHERE key = 'migration.v1-v2'"))
}
