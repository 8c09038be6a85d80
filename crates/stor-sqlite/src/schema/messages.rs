//! Builds the queries for messages of 1.x.

use super::database_tables::DatabaseTables;
use super::select::{BY_ID_OR_OWNER, Select, length};
use super::tables::v1::{MESSAGE, MessageColumn as C};

/// The queries for messages of 1.x. A pair has one query through the intended index, and one that
/// avoids this index if its pages are damaged.
#[derive(Debug)]
pub(crate) struct MessageQueries {
    /// The messages of a session.
    pub(crate) by_session: String,
    /// As `by_session`, but returns nothing for a session with rows of the preview. Nearly every
    /// session has none, so this query alone is enough for it.
    pub(crate) by_session_without_preview: Option<String>,
    pub(crate) names: [String; 2],
    /// As `by_session`, with the length of the text in its place.
    pub(crate) stamps: String,
    /// One message of a session, by its id.
    pub(crate) stamp_by_id: [String; 2],
    pub(crate) by_id: [String; 2],
    /// Messages without a session.
    pub(crate) orphans: String,
}

/// Checks whether a session has messages.
pub(crate) const HAS_MESSAGES: [&str; 2] = [
    "SELECT 1 FROM message WHERE session_id = ?1 LIMIT 1",
    "SELECT 1 FROM message NOT INDEXED WHERE session_id = ?1 LIMIT 1",
];

/// The queries for the sets of all sessions: session, id and time. The first is grouped by session,
/// the second reads the table in the order of its rows.
pub(crate) const SETS: [&str; 2] = [
    "SELECT session_id, id, time_created FROM message ORDER BY session_id, time_created, id",
    "SELECT session_id, id, time_created FROM message NOT INDEXED",
];

impl MessageQueries {
    /// Builds the queries. `sequence` selects the number of the last event of the session `?1`.
    /// `no_session` is the condition that the row `m` has no session.
    pub(crate) fn build(
        tables: &DatabaseTables,
        is_preview: bool,
        [sequence, no_session]: [&str; 2],
        cap: Option<u64>,
    ) -> Option<Self> {
        let all_columns = Select::new(C::ALL, tables.readable(&MESSAGE)?, cap, "");
        let of_session = |select: &Select, sequence: &str, index_hint: &str, condition: &str| {
            let select = select.clone().replace(C::Session.at(), sequence);
            format!(
                "{select} FROM message {index_hint} WHERE session_id = ?1 {condition} ORDER BY time_created, id"
            )
        };
        let [data, updated] = [C::Data.at(), C::Updated.at()];
        let with_size = all_columns.clone().replace(data, length("data"));
        let without_text = all_columns.clone().replace(data, "NULL").replace(updated, "NULL");
        let by_id = |select: &Select| {
            let select = select.clone().replace(C::Session.at(), "NULL");
            BY_ID_OR_OWNER.map(|[id, owner]| {
                format!("{select} FROM message WHERE {id}id = ?1 AND {owner}session_id = ?2")
            })
        };
        let has_no_rows = "AND NOT EXISTS (SELECT 1 FROM session_message WHERE session_id = ?1)";
        Some(Self {
            by_session: of_session(&all_columns, sequence, "", ""),
            by_session_without_preview: is_preview
                .then(|| of_session(&all_columns, sequence, "", has_no_rows)),
            names: [(sequence, ""), ("NULL", "NOT INDEXED")]
                .map(|(sequence, index_hint)| of_session(&without_text, sequence, index_hint, "")),
            stamps: of_session(&with_size, sequence, "", ""),
            stamp_by_id: by_id(&with_size),
            by_id: by_id(&all_columns),
            orphans: format!(
                "{all_columns} FROM message AS m WHERE {no_session} ORDER BY session_id, time_created, id"
            ),
        })
    }
}
