//! Which tables and columns we know, which of them a database has, and the queries that follow.
//!
//! `tables` says for each column what it is called, what it becomes and whether it is needed; queries,
//! stamps, records and checks are made from that. Columns are named, never counted: a fresh file and
//! an upgraded one have them in another order, and each version of opencode lacks some
//! (`docs/format/opencode.md`, section 5). What is missing is selected as NULL.

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

use rusqlite::Connection;

use self::database_tables::DatabaseTables;
use self::messages::MessageQueries;
use self::other_queries::ProjectQueries;
use self::parts::PartQueries;
use self::problem::SchemaProblem;
use self::sessions::{SessionTableColumns, SessionTables};
use self::tables::events::{EVENT, EVENT_SEQUENCE};
use self::v2::V2Schema;

/// The queries of one schema. A table that is missing, or that lacks a column that is needed, has
/// none.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Grows with every change of the schema, and with VACUUM.
    pub(crate) version: i64,
    /// The most bytes of a text that are selected: of a larger one its size is. Asking for the
    /// size first costs, so that none is asked for before a text was met that is too large.
    pub(crate) max_text_len: Option<u64>,
    /// The tables that hold sessions.
    pub(crate) sessions: SessionTables,
    pub(crate) projects: Option<ProjectQueries>,
    pub(crate) messages: Option<MessageQueries>,
    pub(crate) parts: Option<PartQueries>,
    pub(crate) todos: Option<String>,
    pub(crate) shares: Option<String>,
    /// Where 2.x notes how far its migration is.
    pub(crate) migration_query: Option<String>,
    /// What happened in a session, if it is logged.
    pub(crate) history: Option<String>,
    /// The log of events, and the last number of each session in it.
    pub(crate) has_events: bool,
    pub(crate) has_sequences: bool,
    /// The tables of 2.x, if there are any.
    pub(crate) v2: Option<V2Schema>,
    /// What is needed and not there.
    pub(crate) problems: Vec<SchemaProblem>,
}

/// The number of each session's last event.
pub(crate) const ALL_SEQUENCES: &str = "SELECT aggregate_id, seq FROM event_sequence";

/// The number of the last event of the session `?1`.
const SEQUENCE_OF_SESSION: &str = "(SELECT seq FROM event_sequence WHERE aggregate_id = ?1)";

impl Schema {
    /// The number that each change of the schema makes larger.
    pub(crate) fn version_of(db: &Connection) -> rusqlite::Result<i64> {
        db.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))
    }

    /// The schema, or none if this is no database of opencode's.
    pub(crate) fn read(db: &Connection, cap: Option<u64>) -> rusqlite::Result<Option<Self>> {
        let version = Self::version_of(db)?; // first: what changes afterwards is then seen later
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
            problems: problem::problems(&tables, is_v2),
        }))
    }
}
