//! Which tables and columns we know, which of them a database has, and the queries that follow.
//!
//! `tables` says for each column what it is called, what it becomes and whether it is needed; queries,
//! stamps, records and checks are made from that. Columns are named, never counted: a fresh file and
//! an upgraded one have them in another order, and each version of opencode lacks some
//! (`docs/format/opencode.md`, section 5). What is missing is selected as NULL.

pub(crate) mod column;
pub(crate) mod found;
pub(crate) mod messages;
pub(crate) mod others;
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

use self::found::FoundTables;
use self::messages::MessageQueries;
use self::others::ProjectQueries;
use self::parts::PartQueries;
use self::problem::SchemaProblem;
use self::sessions::{Recorded, SessionTables};
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
    pub(crate) cap: Option<u64>,
    /// The tables that hold sessions.
    pub(crate) sessions: SessionTables,
    pub(crate) projects: Option<ProjectQueries>,
    pub(crate) messages: Option<MessageQueries>,
    pub(crate) parts: Option<PartQueries>,
    pub(crate) todos: Option<String>,
    pub(crate) shares: Option<String>,
    /// Where 2.x notes how far its migration is.
    pub(crate) marker: Option<String>,
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
pub(crate) const SEQUENCES: &str = "SELECT aggregate_id, seq FROM event_sequence";

/// The number of the last event of the session `?1`.
const SEQUENCE: &str = "(SELECT seq FROM event_sequence WHERE aggregate_id = ?1)";

impl Schema {
    /// The number that each change of the schema makes larger.
    pub(crate) fn version_of(db: &Connection) -> rusqlite::Result<i64> {
        db.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))
    }

    /// The schema, or none if this is no database of opencode's.
    pub(crate) fn of(db: &Connection, cap: Option<u64>) -> rusqlite::Result<Option<Self>> {
        let version = Self::version_of(db)?; // first: what changes afterwards is then seen later
        let found = FoundTables::read(db)?;
        let Some(recorded) = Recorded::find(&found) else { return Ok(None) };
        let is_v2 = recorded.is_v2();
        let has_sequences = found.readable(&EVENT_SEQUENCE).is_some();
        let sequence = if has_sequences { SEQUENCE } else { "NULL" };
        let lost = recorded.unrecorded();
        let v2 = V2Schema::of(&found, !is_v2, [sequence, &lost], cap);
        let has_preview = v2.as_ref().is_some_and(|v2| v2.is_preview);
        let messages = MessageQueries::of(&found, has_preview, [sequence, &lost], cap);
        let is_migrated = is_v2 && v2.is_some();
        Ok(Some(Self {
            version,
            cap,
            sessions: recorded.tables(v2.is_some(), messages.is_some(), cap),
            projects: ProjectQueries::of(&found, cap),
            parts: PartQueries::of(&found, is_migrated, messages.is_some(), cap),
            messages,
            todos: others::todos(&found, cap),
            shares: others::shares(&found, cap),
            marker: others::marker(&found).filter(|_| is_v2),
            history: others::history(&found),
            has_events: has_sequences && found.readable(&EVENT).is_some(),
            has_sequences,
            v2,
            problems: problem::problems(&found, is_v2),
        }))
    }
}
