//! The tables of 2.x, and the queries that follow from them.

use std::collections::HashSet;

use super::columns::{BY_ID_OR_OWNER, capped};
use crate::schema::row_kind::RowKind;

/// Whether a session has rows, as the index has them, and as the table has them.
pub(crate) const HAS_ROWS: [&str; 2] = [
    "SELECT 1 FROM session_message WHERE session_id = ?1 LIMIT 1",
    "SELECT 1 FROM session_message NOT INDEXED WHERE session_id = ?1 LIMIT 1",
];

/// The columns of one row, in the order in which they are selected. What comes behind them differs.
pub(crate) mod column {
    pub(crate) const ID: usize = 0;
    pub(crate) const KIND: usize = 1;
    pub(crate) const SEQ: usize = 2;
    pub(crate) const CREATED: usize = 3;
    pub(crate) const UPDATED: usize = 4;
    /// The text, or its size where none is wanted.
    pub(crate) const DATA: usize = 5;
    /// In the preview the latest time of all rows up to this one.
    pub(crate) const LATEST: usize = 6;
    /// The number of the session's last event, or the session.
    pub(crate) const MORE: usize = 7;
}

/// The queries over `session_message` and what waits to become a row of it.
#[derive(Debug)]
pub(crate) struct V2Schema {
    /// Whether there is no table of sessions of 2.x: the rows are of the preview within 1.16 to
    /// 1.18, and belong to sessions of 1.x.
    pub(crate) is_preview: bool,
    /// The rows of a session: whole, named, and with their sizes.
    pub(crate) rows: String,
    pub(crate) names: [String; 2],
    pub(crate) stamps: String,
    /// One row of a session, by its id.
    pub(crate) one: [String; 2],
    pub(crate) stamp: [String; 2],
    /// Those rows of a session that are no messages.
    pub(crate) items: String,
    /// One row by its id alone.
    pub(crate) of_any: String,
    /// Rows without their session.
    pub(crate) lost: String,
    /// All rows of all sessions after one, as the table has them.
    pub(crate) all: String,
    /// What waits, of a session: id, type, number, time, payload, delivery.
    pub(crate) pending: Vec<String>,
}

/// A prompt's id and what else names it in the tables of what waits, newest first.
const PENDING: [(&str, [&str; 4], &str); 3] = [
    ("session_inbox", ["type", "enqueued_seq", "payload", "delivery"], "1"),
    ("session_pending", ["type", "admitted_seq", "data", "delivery"], "1"),
    ("session_input", ["'prompt'", "admitted_seq", "prompt", "delivery"], "promoted_seq IS NULL"),
];

impl V2Schema {
    /// None if there is no table of rows. `sequence` selects the number of the session's last event,
    /// where `?1` is the session, and `unrecorded` says that there is no session of a row `m`.
    pub(crate) fn of(
        columns: &mut impl FnMut(&str) -> HashSet<String>,
        is_preview: bool,
        [sequence, unrecorded]: [&str; 2],
        cap: Option<u64>,
    ) -> Option<Self> {
        let there = columns("session_message");
        let needed = ["id", "session_id", "type", "seq", "time_created", "time_updated", "data"];
        if !needed.iter().all(|column| there.contains(*column)) {
            return None;
        }
        let [id, session, data] = ["id", "session_id", "data"].map(|column| capped(column, cap));
        // Of all up to this one, in a list and of a row by itself. Who asks for parts alone goes
        // without: their order is within the row.
        let (latest, latest_one) = match is_preview {
            true => (
                "max(time_created) OVER (ORDER BY seq)",
                "(SELECT max(p.time_created) FROM session_message AS p \
                 WHERE p.session_id = m.session_id AND p.seq <= m.seq)",
            ),
            false => ("NULL", "NULL"),
        };
        let select = |data: &str, latest: &str, more: &str| {
            format!(
                "SELECT {id}, type, seq, time_created, time_updated, {data}, {latest}, {more} \
                 FROM session_message AS m"
            )
        };
        let of_all = format!("{session}, rowid");
        let of_session = "WHERE session_id = ?1 ORDER BY seq";
        let by_id = |data: &str| {
            BY_ID_OR_OWNER.map(|[id, owner]| {
                format!(
                    "{} WHERE {id}id = ?1 AND {owner}session_id = ?2",
                    select(data, latest_one, &session)
                )
            })
        };
        Some(Self {
            is_preview,
            rows: format!("{} {of_session}", select(&data, latest, sequence)),
            names: [(sequence, ""), ("NULL", "NOT INDEXED")]
                .map(|(more, way)| format!("{} {way} {of_session}", select("NULL", "NULL", more))),
            stamps: format!("{} {of_session}", select("octet_length(data)", latest, sequence)),
            one: by_id(&data),
            stamp: by_id("octet_length(data)"),
            items: format!(
                "{} WHERE session_id = ?1 AND type NOT IN ({}) ORDER BY seq",
                select(&data, latest, "NULL"),
                RowKind::MESSAGES.map(|kind| format!("'{kind}'")).join(", ")
            ),
            of_any: format!("{} WHERE id = ?1", select(&data, "NULL", &session)),
            lost: format!(
                "{} WHERE {unrecorded} ORDER BY session_id, seq",
                select(&data, "time_created", &session)
            ),
            all: format!("{} WHERE rowid > ?1 ORDER BY rowid", select(&data, "NULL", &of_all)),
            pending: PENDING
                .iter()
                .filter_map(|(table, [kind, seq, payload, delivery], waits)| {
                    let there = columns(table);
                    let needed = ["id", "session_id", "time_created", seq, payload, delivery];
                    needed.iter().all(|column| there.contains(*column)).then(|| {
                        format!(
                            "SELECT {id}, {kind}, {seq}, time_created, {}, {delivery} FROM {table} \
                             WHERE session_id = ?1 AND {waits} ORDER BY {seq}",
                            capped(payload, cap)
                        )
                    })
                })
                .collect(),
        })
    }
}
