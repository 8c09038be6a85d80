//! Messages lent out of SQLite's own memory.

use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{MessageId, MessageKey, OrderKey, SessionKey};
use scrollback_source::{BorrowedItem, BorrowedRecord, BorrowedVisitor};
use scrollback_stor_path::opencode::is_fork_copy;

use crate::cells::{bytes, integer, optional_integer};
use crate::query_context::QueryContext;
use crate::record::record_text;
use crate::schema::tables::v1::MessageColumn;
use crate::set_sum::SetSum;

/// Lends what a query finds; none if that is nothing.
pub(crate) fn messages(
    ask: &QueryContext<'_>,
    sql: &str,
    of: &SessionKey,
    each: &mut BorrowedVisitor<'_>,
) -> rusqlite::Result<Option<ControlFlow<()>>> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let mut statement = ask.db.prepare_cached(sql)?;
    let mut rows = statement.query([of.session.as_str()])?;
    while let Some(row) = rows.next()? {
        let id = bytes(row, MessageColumn::Id.at())?;
        let created = integer(row, MessageColumn::Created.at())?;
        if set.is_empty() {
            sequence = optional_integer(row, MessageColumn::Session.at())?;
        }
        set.add(id, created);
        let named = || {
            let message = ask.id(row, MessageColumn::Id.at(), MessageId::from_bytes)?;
            Ok(MessageKey { session: of.session.clone(), message }.into())
        };
        let lent = match record_text(ask, row.get_ref(MessageColumn::Data.at())?) {
            Err(kind) => {
                let key = named().unwrap_or_else(|_: Box<Issue>| of.clone().into());
                each(BorrowedItem::Issue(Some(key), ask.issue(kind)))
            }
            Ok(data) => {
                let (named, order, is_copy) = (&named, OrderKey(created), is_fork_copy(id));
                let updated = integer(row, MessageColumn::Updated.at())?;
                let (stamp, settled) = ask.stamp(data.len() as u64, updated, 0);
                let bytes = data;
                each(BorrowedItem::Record(BorrowedRecord {
                    read_key: named,
                    order,
                    is_copy,
                    bytes,
                    stamp,
                    settled,
                }))
            }
        };
        if lent.is_break() {
            return Ok(Some(lent));
        }
    }
    Ok(set.observation(of.clone(), sequence).map(|set| each(BorrowedItem::Set(set))))
}
