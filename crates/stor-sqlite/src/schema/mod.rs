//! Which tables and columns a database has, and the queries that follow from it.
//!
//! Columns are named, never counted: a fresh file and an upgraded one have them in another order,
//! and each version of opencode lacks some (`docs/format/opencode.md`, section 5). What is missing
//! is selected as NULL.

pub(crate) mod columns;
pub(crate) mod row_kind;
pub(crate) mod sessions;
pub(crate) mod v2;

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use self::columns::{BY_ID_OR_OWNER, PROJECT_TEXTS, ProjectColumn, capped, list, stamp};
use self::sessions::{Recorded, SessionTables};
use self::v2::V2Schema;

/// The queries of one schema. Those that come in pairs are the same by two ways: by the index that
/// is meant for it, and past it, should its pages be damaged.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Grows with every change of the schema, and with VACUUM.
    pub(crate) version: i64,
    /// The most bytes of a text that are selected: of a larger one its size is. Asking for the
    /// size first costs, so that none is asked for before a text was met that is too large.
    pub(crate) cap: Option<u64>,
    pub(crate) has_messages: bool,
    pub(crate) has_parts: bool,
    pub(crate) has_projects: bool,
    pub(crate) has_todos: bool,
    pub(crate) has_shares: bool,
    /// Where 2.x notes how far its migration is.
    pub(crate) has_marker: bool,
    /// The log of events, and the last number of each session in it.
    pub(crate) has_events: bool,
    pub(crate) has_sequences: bool,
    /// The log with what happened in it.
    pub(crate) has_log: bool,
    /// The tables of 2.x, if there are any.
    pub(crate) v2: Option<V2Schema>,
    /// The tables that hold sessions.
    pub(crate) sessions: SessionTables,
    pub(crate) session_one: [String; 2],
    pub(crate) session_stamp: String,
    pub(crate) project: String,
    pub(crate) project_stamp: String,
    pub(crate) messages: String,
    /// The same where the session has none of the preview of 2.x, and nothing where it has: nearly
    /// every session has none, and this tells without another query.
    pub(crate) messages_alone: Option<String>,
    pub(crate) message_names: [String; 2],
    pub(crate) message_stamps: String,
    pub(crate) message_stamp: [String; 2],
    pub(crate) message_one: [String; 2],
    pub(crate) lost_messages: String,
    pub(crate) parts: String,
    pub(crate) part_stamp: [String; 2],
    pub(crate) part_one: [String; 2],
    pub(crate) lost_parts: String,
    pub(crate) all_parts: String,
    /// Which parts are not those of a session that was migrated, and is read from its new rows.
    pub(crate) shown_parts: &'static str,
    /// The same without what is only needed for a record of their own.
    pub(crate) lent_parts: String,
}

/// The number of each session's last event.
pub(crate) const SEQUENCES: &str = "SELECT aggregate_id, seq FROM event_sequence";

impl Schema {
    /// The schema, or none if this is no database of opencode's.
    pub(crate) fn of(db: &Connection, cap: Option<u64>) -> rusqlite::Result<Option<Self>> {
        let mut tables = tables(db)?;
        let mut columns = |table: &str| tables.remove(table).unwrap_or_default();
        let Some(recorded) = Recorded::find(&mut columns) else { return Ok(None) };
        let is_v2 = recorded.is_v2();
        let (message, part, project) = (columns("message"), columns("part"), columns("project"));
        let holds = |columns: &HashSet<String>, needed: &[&str]| {
            needed.iter().all(|column| columns.contains(*column))
        };
        let times = ["time_created", "time_updated", "data", "id"];
        let has_messages = holds(&message, &times) && holds(&message, &["session_id"]);
        let has_sequences = holds(&columns("event_sequence"), &["aggregate_id", "seq"]);
        let [id, session_id, message_id, data] =
            ["id", "session_id", "message_id", "data"].map(|column| capped(column, cap));
        // The number of the session's last event, where `?1` is the session.
        let sequence = match has_sequences {
            true => "(SELECT seq FROM event_sequence WHERE aggregate_id = ?1)",
            false => "NULL",
        };
        let of_session = "FROM message WHERE session_id = ?1 ORDER BY time_created, id";
        let event = columns("event");
        let lost = recorded.unrecorded();
        let v2 = V2Schema::of(&mut columns, !is_v2, [sequence, &lost], cap);
        let shown_parts = match is_v2 && v2.is_some() {
            true => {
                "NOT EXISTS (SELECT 1 FROM session_message AS x WHERE x.session_id = part.session_id)"
            }
            false => "1",
        };
        let all_parts = |session: &str| {
            format!(
                "SELECT {id}, {session}, time_updated, {data}, {message_id}, rowid FROM part \
                 WHERE rowid > ?1 AND {shown_parts} ORDER BY rowid"
            )
        };
        let is_preview = v2.as_ref().is_some_and(|v2| v2.is_preview);
        let messages = |and: &str| {
            format!(
                "SELECT {id}, time_created, time_updated, {data}, {sequence} \
                 FROM message WHERE session_id = ?1 {and} ORDER BY time_created, id"
            )
        };
        let sessions = recorded.tables(v2.is_some(), has_messages, cap);
        Ok(Some(Self {
            version: db.query_row("PRAGMA schema_version", [], |row| row.get(0))?,
            cap,
            has_messages,
            has_parts: holds(&part, &times) && holds(&part, &["session_id", "message_id"]),
            has_projects: project.contains("id"),
            has_todos: holds(
                &columns("todo"),
                &["session_id", "content", "status", "priority", "position"],
            ),
            has_marker: is_v2 && holds(&columns("kv"), &["key", "value", "time_updated"]),
            has_shares: holds(&columns("session_share"), &["session_id", "id", "url"]),
            has_events: has_sequences && holds(&event, &["id", "aggregate_id", "seq"]),
            has_log: holds(&event, &["id", "aggregate_id", "seq", "type", "data"]),
            has_sequences,
            session_one: ["", "NOT INDEXED"].map(|way| sessions.select(way, "id = ?1")),
            session_stamp: sessions.stamps("1"),
            sessions,
            v2,
            project: format!(
                "SELECT {}, {} FROM project",
                list(ProjectColumn::ALL, &project, cap),
                stamp(&PROJECT_TEXTS, &[], &project),
            ),
            project_stamp: format!(
                "SELECT id, {} FROM project",
                stamp(&PROJECT_TEXTS, &[], &project)
            ),
            messages_alone: (has_messages && is_preview).then(|| {
                messages("AND NOT EXISTS (SELECT 1 FROM session_message WHERE session_id = ?1)")
            }),
            messages: messages(""),
            message_names: [(sequence, ""), ("NULL", "NOT INDEXED")].map(|(sequence, way)| {
                format!(
                    "SELECT id, time_created, {sequence} FROM message {way} \
                     WHERE session_id = ?1 ORDER BY time_created, id"
                )
            }),
            message_stamps: format!(
                "SELECT id, time_created, time_updated, octet_length(data), {sequence} {of_session}"
            ),
            message_stamp: BY_ID_OR_OWNER.map(|[id, owner]| {
                format!(
                    "SELECT id, time_created, time_updated, octet_length(data) FROM message \
                     WHERE {id}id = ?1 AND {owner}session_id = ?2"
                )
            }),
            message_one: BY_ID_OR_OWNER.map(|[id, owner]| {
                format!(
                    "SELECT id, time_created, time_updated, {data} FROM message \
                     WHERE {id}id = ?1 AND {owner}session_id = ?2"
                )
            }),
            lost_messages: format!(
                "SELECT {id}, time_created, time_updated, {data}, {session_id} FROM message AS m \
                 WHERE {lost} ORDER BY session_id, time_created, id"
            ),
            // The outer loop first, as the order wants it; the rowid says that it has no ties (an id
            // may be NULL, for all that SQLite knows). So nothing is sorted.
            parts: format!(
                "SELECT {}, {}, p.time_updated, {}, {} \
                 FROM message AS m CROSS JOIN part AS p ON p.message_id = m.id \
                 WHERE m.session_id = ?1 ORDER BY m.time_created, m.id, m.rowid, p.id",
                capped("p.id", cap),
                capped("p.session_id", cap),
                capped("p.data", cap),
                capped("p.message_id", cap),
            ),
            part_stamp: BY_ID_OR_OWNER.map(|[id, owner]| {
                format!(
                    "SELECT id, NULL, time_updated, octet_length(data) FROM part \
                     WHERE {id}id = ?1 AND {owner}message_id = ?2"
                )
            }),
            part_one: BY_ID_OR_OWNER.map(|[id, owner]| {
                format!(
                    "SELECT id, session_id, time_updated, {data} FROM part \
                     WHERE {id}id = ?1 AND {owner}message_id = ?2"
                )
            }),
            lost_parts: format!(
                "SELECT {id}, {session_id}, time_updated, {data}, {message_id} FROM part AS p \
                 {} ORDER BY message_id, id",
                match has_messages {
                    true =>
                        "WHERE NOT EXISTS (SELECT 1 FROM message AS m WHERE m.id = p.message_id)",
                    false => "",
                }
            ),
            shown_parts,
            all_parts: all_parts(&session_id),
            lent_parts: all_parts("NULL"),
        }))
    }
}

/// The names of the columns of the tables that are read; a view in the place of one is none.
fn tables(db: &Connection) -> rusqlite::Result<HashMap<String, HashSet<String>>> {
    const COLUMNS: &str = "SELECT t.name, c.name FROM sqlite_schema AS t \
        JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table' AND t.name IN \
        ('session', 'message', 'part', 'project', 'todo', 'session_share', 'event', \
        'event_sequence', 'session_v2', 'session_message', 'session_inbox', 'session_pending', \
        'session_input', 'kv')";
    let mut tables: HashMap<String, HashSet<String>> = HashMap::new();
    let mut statement = db.prepare(COLUMNS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        tables.entry(row.get(0)?).or_default().insert(row.get(1)?);
    }
    Ok(tables)
}
