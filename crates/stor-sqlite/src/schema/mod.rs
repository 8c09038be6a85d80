//! Describes the known tables and columns, and builds the queries for the ones that a database has.
//!
//! The module `tables` declares each column: its name, its field and whether it is required.
//! Queries, stamps, records and checks are derived from these declarations. Columns are always
//! selected by name, because a new file and an upgraded file order them differently, and each
//! version of opencode lacks some of them (`docs/format/opencode.md`, section 5). A missing column
//! is selected as NULL.

pub(crate) mod column;
pub(crate) mod database_tables;
pub(crate) mod messages;
pub(crate) mod other_queries;
pub(crate) mod parts;
pub(crate) mod problem;
pub(crate) mod report;
pub(crate) mod row_kind;
pub(crate) mod select;
pub(crate) mod sessions;
pub(crate) mod table;
pub(crate) mod tables;
pub(crate) mod v2;

use std::collections::BTreeSet;

use rusqlite::Connection;

use self::database_tables::DatabaseTables;
use self::messages::MessageQueries;
use self::other_queries::ProjectQueries;
use self::parts::PartQueries;
use self::problem::SchemaProblem;
use self::sessions::{SessionTableColumns, SessionTables};
use self::tables::events::{EVENT, EVENT_SEQUENCE};
use self::tables::session::{SESSION, SESSION_V2};
use self::v2::V2Schema;

/// The queries for one schema. A table that is missing, or that lacks a required column, has no
/// query.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The schema version of SQLite. Every change of the schema and every VACUUM increases it.
    pub(crate) version: i64,
    /// The size limit of a text, in bytes. The queries select the size of a larger text instead of
    /// the text. The check of the size costs time, so the limit stays off until a text over the limit
    /// was met.
    pub(crate) max_text_len: Option<u64>,
    /// The tables that hold sessions.
    pub(crate) sessions: SessionTables,
    pub(crate) projects: Option<ProjectQueries>,
    pub(crate) messages: Option<MessageQueries>,
    pub(crate) parts: Option<PartQueries>,
    pub(crate) todos: Option<String>,
    pub(crate) shares: Option<String>,
    /// Where 2.x stores the progress of its migration.
    pub(crate) migration_query: Option<String>,
    /// The events of a session, if the database has a log.
    pub(crate) history: Option<String>,
    /// Whether the database has the log of events, and the number of each session's last event.
    pub(crate) has_events: bool,
    pub(crate) has_sequences: bool,
    /// The queries for the tables of 2.x, if the database has these tables.
    pub(crate) v2: Option<V2Schema>,
    /// The tables without their primary key.
    pub(crate) without_keys: BTreeSet<&'static str>,
    /// Required columns that are missing or have an unexpected type.
    pub(crate) problems: Vec<SchemaProblem>,
}

/// Selects the number of each session's last event.
pub(crate) const ALL_SEQUENCES: &str = "SELECT aggregate_id, seq FROM event_sequence NOT INDEXED";

/// Selects the number of the last event of the session `?1`.
const SEQUENCE_OF_SESSION: &str = "(SELECT seq FROM event_sequence WHERE aggregate_id = ?1)";

impl Schema {
    /// Returns the schema version, which every change of the schema increases.
    pub(crate) fn version_of(db: &Connection) -> rusqlite::Result<i64> {
        db.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))
    }

    /// Returns what a table of sessions lacks, if there is a table with such a name.
    pub(crate) fn problem_of_sessions(db: &Connection) -> rusqlite::Result<Option<String>> {
        let problems = problem::problems(&DatabaseTables::read(db)?, true);
        let is_of_sessions = |problem: &&SchemaProblem| {
            [&SESSION, &SESSION_V2].iter().any(|table| problem.hides_table(table.name))
        };
        Ok(problems.iter().find(is_of_sessions).map(ToString::to_string))
    }

    /// Reads the schema. Returns `None` if this is not a database of opencode.
    pub(crate) fn read(db: &Connection, cap: Option<u64>) -> rusqlite::Result<Option<Self>> {
        // read first, so that a later change shows as a newer version
        let version = Self::version_of(db)?;
        let tables = DatabaseTables::read(db)?;
        let Some(session_columns) = SessionTableColumns::find(&tables) else { return Ok(None) };
        let is_v2 = session_columns.is_v2();
        let has_sequences = tables.readable(&EVENT_SEQUENCE).is_some();
        let sequence = if has_sequences { SEQUENCE_OF_SESSION } else { "NULL" };
        let no_session = session_columns.no_session_condition();
        let v2 = V2Schema::build(&tables, !is_v2, [sequence, &no_session], cap);
        let has_preview = v2.as_ref().is_some_and(|v2| v2.is_preview);
        let messages = MessageQueries::build(&tables, has_preview, [sequence, &no_session], cap);
        let is_migrated = is_v2 && v2.is_some();
        Ok(Some(Self {
            version,
            max_text_len: cap,
            sessions: session_columns.into_session_tables(v2.is_some(), messages.is_some(), cap),
            projects: ProjectQueries::build(&tables, cap),
            parts: PartQueries::build(&tables, is_migrated, messages.is_some(), cap),
            messages,
            todos: other_queries::todo_query(&tables, cap),
            shares: other_queries::share_query(&tables, cap),
            migration_query: other_queries::migration_query(&tables).filter(|_| is_v2),
            history: other_queries::history_query(&tables),
            has_events: has_sequences && tables.readable(&EVENT).is_some(),
            has_sequences,
            v2,
            without_keys: tables.without_keys(),
            problems: problem::problems(&tables, is_v2),
        }))
    }
}
