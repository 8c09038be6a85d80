//! The tables of 2.x, and the queries that follow from them.

use super::database_tables::DatabaseTables;
use super::row_kind::RowKind;
use super::select::{BY_ID_OR_OWNER, Select, length};
use super::table::Table;
use super::tables::v2::{
    PendingColumn, RowColumn, SESSION_INBOX, SESSION_INPUT, SESSION_MESSAGE, SESSION_PENDING,
};

/// Whether a session has rows, as the index has them, and as the table has them.
pub(crate) const HAS_ROWS: [&str; 2] = [
    "SELECT 1 FROM session_message WHERE session_id = ?1 LIMIT 1",
    "SELECT 1 FROM session_message NOT INDEXED WHERE session_id = ?1 LIMIT 1",
];

/// What the sets of all sessions are made of, session by session: session, id, time.
pub(crate) fn sets_query(index_hint: &str) -> String {
    format!(
        "SELECT session_id, id, time_created FROM session_message {index_hint} ORDER BY session_id"
    )
}

/// The places of the columns of a row, and of what is selected behind them.
pub(crate) mod row_column {
    use crate::schema::tables::v2::RowColumn as C;

    pub(crate) const ID: usize = C::Id.at();
    pub(crate) const KIND: usize = C::Kind.at();
    pub(crate) const SEQ: usize = C::Seq.at();
    pub(crate) const CREATED: usize = C::Created.at();
    pub(crate) const UPDATED: usize = C::Updated.at();
    /// The text, or its size where none is wanted.
    pub(crate) const DATA: usize = C::Data.at();
    /// The session, or the number of its last event.
    pub(crate) const SESSION_OR_SEQUENCE: usize = C::Session.at();
    /// In the preview the latest time of all rows up to this one.
    pub(crate) const LATEST_TIME: usize = C::ALL.len();
    /// The number of the row, in a query for all of them.
    pub(crate) const ROWID: usize = LATEST_TIME + 1;
}

/// The queries over `session_message` and what waits to become a row of it.
#[derive(Debug)]
pub(crate) struct V2Schema {
    /// Whether there is no table of sessions of 2.x: the rows are of the preview within 1.16 to
    /// 1.18, and belong to sessions of 1.x.
    pub(crate) is_preview: bool,
    /// The rows of a session: whole, named, and with their sizes.
    pub(crate) by_session: String,
    pub(crate) names: [String; 2],
    pub(crate) stamps: String,
    /// One row of a session, by its id.
    pub(crate) by_id: [String; 2],
    pub(crate) stamp_by_id: [String; 2],
    /// Those rows of a session that are no messages.
    pub(crate) items: String,
    /// One row by its id alone.
    pub(crate) by_id_in_any_session: String,
    /// Rows without their session.
    pub(crate) orphans: String,
    /// All rows of all sessions after one, as the table has them.
    pub(crate) all_after_row: String,
    /// What waits, of a session, as [`PendingColumn`] has it.
    pub(crate) pending: Vec<String>,
}

/// The tables of what waits, newest first, and which of their rows wait.
const PENDING_TABLES: [(&Table, &str); 3] =
    [(&SESSION_INBOX, "1"), (&SESSION_PENDING, "1"), (&SESSION_INPUT, "promoted_seq IS NULL")];

impl V2Schema {
    /// None if there is no table of rows. `sequence` selects the number of the session's last event,
    /// where `?1` is the session, and `unrecorded` says that there is no session of a row `m`.
    pub(crate) fn build(
        tables: &DatabaseTables,
        is_preview: bool,
        [sequence, no_session]: [&str; 2],
        cap: Option<u64>,
    ) -> Option<Self> {
        let whole = Select::new(RowColumn::ALL, tables.readable(&SESSION_MESSAGE)?, cap, "");
        let sized = whole.clone().replace(row_column::DATA, length("data"));
        let named = whole.clone().replace(row_column::DATA, "NULL");
        // Of all up to this one, in a list and of a row by itself. Who asks for parts alone goes
        // without: their order is within the row.
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
            by_session: of_session(&whole, latest, sequence, "", ""),
            names: [(sequence, ""), ("NULL", "NOT INDEXED")].map(|(sequence_term, index_hint)| {
                of_session(&named, "NULL", sequence_term, index_hint, "")
            }),
            stamps: of_session(&sized, latest, sequence, "", ""),
            by_id: by_id(&whole),
            stamp_by_id: by_id(&sized),
            items: of_session(&whole, latest, "NULL", "", &is_item),
            by_id_in_any_session: format!("{} WHERE id = ?1", select(&whole, "NULL")),
            orphans: format!(
                "{} WHERE {no_session} ORDER BY session_id, seq",
                select(&whole, "time_created")
            ),
            all_after_row: format!(
                "{} WHERE rowid > ?1 ORDER BY rowid",
                select(&whole, "NULL, rowid")
            ),
            pending: PENDING_TABLES
                .iter()
                .filter_map(|table| pending_query(tables, *table, cap))
                .collect(),
        })
    }
}

/// The query for what waits in a session, in one table.
fn pending_query(
    tables: &DatabaseTables,
    (table, is_waiting): (&Table, &str),
    cap: Option<u64>,
) -> Option<String> {
    let mut select = Select::new(table.columns, tables.readable(table)?, cap, "");
    if table.columns[PendingColumn::Kind.at()].name.is_empty() {
        select = select.replace(PendingColumn::Kind.at(), "'prompt'"); // it holds nothing else
    }
    let seq = table.columns[PendingColumn::Seq.at()].name;
    let name = table.name;
    Some(format!("{select} FROM {name} WHERE session_id = ?1 AND {is_waiting} ORDER BY {seq}"))
}
