//! Builds the queries for the tables of 2.x.

use super::database_tables::DatabaseTables;
use super::row_kind::RowKind;
use super::select::{BY_ID_OR_OWNER, Select, length};
use super::table::Table;
use super::tables::v2::{
    PendingColumn, RowColumn, SESSION_INBOX, SESSION_INPUT, SESSION_MESSAGE, SESSION_PENDING,
};

/// Checks whether a session has rows: through the index, and from the table.
pub(crate) const HAS_ROWS: [&str; 2] = [
    "SELECT 1 FROM session_message WHERE session_id = ?1 LIMIT 1",
    "SELECT 1 FROM session_message NOT INDEXED WHERE session_id = ?1 LIMIT 1",
];

/// The queries for the sets of all sessions: session, id and time. The first is grouped by session,
/// the second reads the table in the order of its rows.
pub(crate) const SETS: [&str; 2] = [
    "SELECT session_id, id, time_created FROM session_message ORDER BY session_id",
    "SELECT session_id, id, time_created FROM session_message NOT INDEXED",
];

/// The places of the selected columns in a row.
pub(crate) mod row_column {
    use crate::schema::tables::v2::RowColumn as C;

    pub(crate) const ID: usize = C::Id.at();
    pub(crate) const KIND: usize = C::Kind.at();
    pub(crate) const SEQ: usize = C::Seq.at();
    pub(crate) const CREATED: usize = C::Created.at();
    pub(crate) const UPDATED: usize = C::Updated.at();
    /// The text, or its size in a survey.
    pub(crate) const DATA: usize = C::Data.at();
    /// The session, or the number of its last event.
    pub(crate) const SESSION_OR_SEQUENCE: usize = C::Session.at();
    /// In the preview: the latest time of all rows up to this row.
    pub(crate) const LATEST_TIME: usize = C::ALL.len();
    /// The rowid, in the query for all rows.
    pub(crate) const ROWID: usize = LATEST_TIME + 1;
}

/// The queries for `session_message` and the tables of pending prompts.
#[derive(Debug)]
pub(crate) struct V2Schema {
    /// Whether the rows belong to the preview within 1.16 to 1.18. The database then has no
    /// sessions of 2.x, and the rows belong to sessions of 1.x.
    pub(crate) is_preview: bool,
    /// The rows of a session: whole, as names, and with sizes instead of texts.
    pub(crate) by_session: String,
    pub(crate) names: [String; 2],
    pub(crate) stamps: String,
    /// One row of a session, by its id.
    pub(crate) by_id: [String; 2],
    pub(crate) stamp_by_id: [String; 2],
    /// The rows of a session that are not messages.
    pub(crate) items: String,
    /// One row by its id, in any session.
    pub(crate) by_id_in_any_session: String,
    /// Rows without a session.
    pub(crate) orphans: String,
    /// All rows after a rowid, in table order.
    pub(crate) all_after_row: String,
    /// The pending items of a session, with the columns of [`PendingColumn`]. One query per table.
    pub(crate) pending: Vec<String>,
}

/// The tables of pending prompts, newest first, with the condition for rows that still wait.
const PENDING_TABLES: [(&Table, &str); 3] =
    [(&SESSION_INBOX, "1"), (&SESSION_PENDING, "1"), (&SESSION_INPUT, "promoted_seq IS NULL")];

impl V2Schema {
    /// Builds the queries. Returns `None` without a table of rows. `sequence` selects the number of
    /// the last event of the session `?1`. `no_session` is the condition that the row `m` has no
    /// session.
    pub(crate) fn build(
        tables: &DatabaseTables,
        is_preview: bool,
        [sequence, no_session]: [&str; 2],
        cap: Option<u64>,
    ) -> Option<Self> {
        let all_columns = Select::new(RowColumn::ALL, tables.readable(&SESSION_MESSAGE)?, cap, "");
        let with_size = all_columns.clone().replace(row_column::DATA, length("data"));
        let without_text = all_columns.clone().replace(row_column::DATA, "NULL");
        // The latest time up to a row: within a list of rows, and for a single row. The queries for
        // parts leave it out, because the order of parts depends only on their row.
        let (latest, latest_of_one) = match is_preview {
            true => (
                "max(time_created) OVER (ORDER BY seq)",
                "(SELECT max(p.time_created) FROM session_message AS p \
                 WHERE p.session_id = m.session_id AND p.seq <= m.seq)",
            ),
            false => ("NULL", "NULL"),
        };
        let select = |columns: &Select, latest: &str| {
            format!("{} FROM session_message AS m", columns.clone().append(latest))
        };
        let of_session = |columns: &Select,
                          latest: &str,
                          sequence_term: &str,
                          index_hint: &str,
                          condition: &str| {
            let select = select(
                &columns.clone().replace(row_column::SESSION_OR_SEQUENCE, sequence_term),
                latest,
            );
            format!("{select} {index_hint} WHERE session_id = ?1 {condition} ORDER BY seq")
        };
        let by_id = |columns: &Select| {
            let select = select(columns, latest_of_one);
            BY_ID_OR_OWNER
                .map(|[id, owner]| format!("{select} WHERE {id}id = ?1 AND {owner}session_id = ?2"))
        };
        let messages = RowKind::MESSAGES.map(|kind| format!("'{kind}'")).join(", ");
        let is_item = format!("AND type NOT IN ({messages})");
        Some(Self {
            is_preview,
            by_session: of_session(&all_columns, latest, sequence, "", ""),
            names: [(sequence, ""), ("NULL", "NOT INDEXED")].map(|(sequence_term, index_hint)| {
                of_session(&without_text, "NULL", sequence_term, index_hint, "")
            }),
            stamps: of_session(&with_size, latest, sequence, "", ""),
            by_id: by_id(&all_columns),
            stamp_by_id: by_id(&with_size),
            items: of_session(&all_columns, latest, "NULL", "", &is_item),
            by_id_in_any_session: format!("{} WHERE id = ?1", select(&all_columns, "NULL")),
            orphans: format!(
                "{} WHERE {no_session} ORDER BY session_id, seq",
                select(&all_columns, "time_created")
            ),
            all_after_row: format!(
                "{} WHERE rowid > ?1 ORDER BY rowid",
                select(&all_columns, "NULL, rowid")
            ),
            pending: PENDING_TABLES
                .iter()
                .filter_map(|table| pending_query(tables, *table, cap))
                .collect(),
        })
    }
}

/// Returns the query for the pending items of a session in one table.
fn pending_query(
    tables: &DatabaseTables,
    (table, is_waiting): (&Table, &str),
    cap: Option<u64>,
) -> Option<String> {
    let mut select = Select::new(table.columns, tables.readable(table)?, cap, "");
    if table.columns[PendingColumn::Kind.at()].name.is_empty() {
        // the table holds only prompts
        select = select.replace(PendingColumn::Kind.at(), "'prompt'");
    }
    let seq = table.columns[PendingColumn::Seq.at()].name;
    let name = table.name;
    Some(format!("{select} FROM {name} WHERE session_id = ?1 AND {is_waiting} ORDER BY {seq}"))
}
