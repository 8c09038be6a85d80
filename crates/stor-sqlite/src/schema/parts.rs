//! Builds the queries for parts of 1.x.

use super::database_tables::DatabaseTables;
use super::select::{BY_ID_OR_OWNER, Select, length};
use super::tables::v1::{PART, PartColumn as C};

/// The queries for parts of 1.x. For pairs see [`MessageQueries`](super::messages::MessageQueries).
#[derive(Debug)]
pub(crate) struct PartQueries {
    /// The parts of a session, in the order of their messages.
    pub(crate) by_session: String,
    /// The parts of a message, with the length of the text in its place.
    pub(crate) stamps: String,
    /// One part of a message, by its id.
    pub(crate) stamp_by_id: [String; 2],
    pub(crate) by_id: [String; 2],
    /// The parts of a message that may end a step.
    pub(crate) step_ends: [String; 2],
    /// Parts without a message.
    pub(crate) orphans: String,
    /// All parts after a rowid, in table order. [`ROWID`] is the place of the rowid.
    pub(crate) all_after_row: String,
    /// As `all_after_row`, without the columns that a borrowed record does not need.
    pub(crate) borrowed_after_row: String,
}

/// The greatest length of a part that ends a step. The length alone shows that a longer part is another
/// kind, so its overflow pages are not read.
const MAX_STEP_END: usize = 1 << 16;

/// The place of the rowid in the queries for all parts.
pub(crate) const ROWID: usize = C::ALL.len();

/// Selects the names of a message's parts: through the index, and from the table.
pub(crate) const PART_NAMES: [&str; 2] = [
    "SELECT id FROM part WHERE message_id = ?1 ORDER BY id",
    "SELECT id FROM part NOT INDEXED WHERE message_id = ?1 ORDER BY id",
];

/// Counts the parts of a session in the index of sessions.
pub(crate) const COUNT_OF_SESSION: &str = "SELECT count(*) FROM part WHERE session_id = ?1";
/// As [`COUNT_OF_SESSION`], without the parts that have no message. The plus keeps SQLite from the index
/// of messages, with which this count is compared.
pub(crate) const COUNT_OF_SESSION_WITH_MESSAGE: &str = "SELECT count(*) FROM part AS p \
     WHERE p.session_id = ?1 AND EXISTS (SELECT 1 FROM message AS m WHERE m.id = +p.message_id)";

const NOT_MIGRATED: &str =
    "NOT EXISTS (SELECT 1 FROM session_message AS x WHERE x.session_id = part.session_id)";

impl PartQueries {
    /// Builds the queries. With `is_migrated`, a session with rows of 2.x is read from these rows
    /// alone.
    pub(crate) fn build(
        tables: &DatabaseTables,
        is_migrated: bool,
        has_messages: bool,
        cap: Option<u64>,
    ) -> Option<Self> {
        let columns = tables.readable(&PART)?;
        let all_columns = Select::new(C::ALL, columns, cap, "");
        let without_session = all_columns.clone().replace(C::Session.at(), "NULL");
        let with_size = without_session.clone().replace(C::Data.at(), length("data"));
        // The parts of migrated sessions are read from the rows of 2.x.
        let visible_condition = if is_migrated { NOT_MIGRATED } else { "1" };
        let after_row = |select: &Select| {
            let select = select.clone().append("rowid");
            format!("{select} FROM part WHERE rowid > ?1 AND {visible_condition} ORDER BY rowid")
        };
        let by_id = |select: &Select| {
            BY_ID_OR_OWNER.map(|[id, owner]| {
                format!("{select} FROM part WHERE {id}id = ?1 AND {owner}message_id = ?2")
            })
        };
        let orphan_filter = match has_messages {
            true => "WHERE NOT EXISTS (SELECT 1 FROM message AS m WHERE m.id = p.message_id)",
            false => "",
        };
        Some(Self {
            // CROSS JOIN makes messages the outer loop, which gives the wanted order. The rowid
            // rules out ties between messages, because SQLite allows an id to be NULL. So SQLite
            // need not sort.
            by_session: format!(
                "{} FROM message AS m CROSS JOIN part AS p ON p.message_id = m.id \
                 WHERE m.session_id = ?1 ORDER BY m.time_created, m.id, m.rowid, p.id",
                Select::new(C::ALL, columns, cap, "p."),
            ),
            stamps: format!("{with_size} FROM part WHERE message_id = ?1 ORDER BY id"),
            stamp_by_id: by_id(&with_size),
            by_id: by_id(&all_columns),
            step_ends: ["", "NOT INDEXED"].map(|index_hint| {
                format!(
                    "{all_columns} FROM part {index_hint} WHERE message_id = ?1 \
                     AND octet_length(data) <= {MAX_STEP_END} AND instr(data, 'step-finish') > 0"
                )
            }),
            orphans: format!(
                "{all_columns} FROM part AS p {orphan_filter} ORDER BY message_id, id"
            ),
            all_after_row: after_row(&all_columns),
            borrowed_after_row: after_row(&without_session),
        })
    }
}
