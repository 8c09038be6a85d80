//! The queries for parts of 1.x.

use super::database_tables::DatabaseTables;
use super::select::{BY_ID_OR_OWNER, Select, length};
use super::tables::v1::{PART, PartColumn as C};

/// Those that come in pairs are the same by two ways, as in
/// [`MessageQueries`](super::messages::MessageQueries).
#[derive(Debug)]
pub(crate) struct PartQueries {
    /// The parts of a session's messages, in the order of these.
    pub(crate) by_session: String,
    /// The parts of a message, with the length of the text in its place.
    pub(crate) stamps: String,
    /// One part of a message, by its id.
    pub(crate) stamp_by_id: [String; 2],
    pub(crate) by_id: [String; 2],
    /// Parts without their message.
    pub(crate) orphans: String,
    /// All parts after one, as the table has them: [`ROWID`] says where each is.
    pub(crate) all_after_row: String,
    /// The same without what is only needed for a record of their own.
    pub(crate) borrowed_after_row: String,
    /// Which parts are not those of a session that was migrated, and is read from its new rows.
    pub(crate) visible_condition: &'static str,
}

/// The place of the row's number in a query for all parts.
pub(crate) const ROWID: usize = C::ALL.len();

/// The names of a message's parts: as an index has them, and as the table has them.
pub(crate) const PART_NAMES: [&str; 2] = [
    "SELECT id FROM part WHERE message_id = ?1 ORDER BY id",
    "SELECT id FROM part NOT INDEXED WHERE message_id = ?1 ORDER BY id",
];

const NOT_MIGRATED: &str =
    "NOT EXISTS (SELECT 1 FROM session_message AS x WHERE x.session_id = part.session_id)";

impl PartQueries {
    /// `is_migrated` says that sessions are read from the rows of 2.x where they have some.
    pub(crate) fn build(
        tables: &DatabaseTables,
        is_migrated: bool,
        has_messages: bool,
        cap: Option<u64>,
    ) -> Option<Self> {
        let columns = tables.readable(&PART)?;
        let whole = Select::new(C::ALL, columns, cap, "");
        let bare = whole.clone().replace(C::Session.at(), "NULL");
        let sized = bare.clone().replace(C::Data.at(), length("data"));
        let visible_condition = if is_migrated { NOT_MIGRATED } else { "1" };
        let all = |select: &Select| {
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
            // The outer loop first, as the order wants it; the rowid says that it has no ties (an id
            // may be NULL, for all that SQLite knows). So nothing is sorted.
            by_session: format!(
                "{} FROM message AS m CROSS JOIN part AS p ON p.message_id = m.id \
                 WHERE m.session_id = ?1 ORDER BY m.time_created, m.id, m.rowid, p.id",
                Select::new(C::ALL, columns, cap, "p."),
            ),
            stamps: format!("{sized} FROM part WHERE message_id = ?1 ORDER BY id"),
            stamp_by_id: by_id(&sized),
            by_id: by_id(&whole),
            orphans: format!("{whole} FROM part AS p {orphan_filter} ORDER BY message_id, id"),
            all_after_row: all(&whole),
            borrowed_after_row: all(&bare),
            visible_condition,
        })
    }
}
