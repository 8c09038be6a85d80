//! Passes messages of 1.x to a visitor straight from SQLite's memory.

use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{MessageId, MessageKey, OrderKey, SessionKey};
use scrollback_source::{BorrowedItem, BorrowedRecord, BorrowedVisitor};
use scrollback_stor_mmap::Settled;
use scrollback_stor_path::opencode::is_fork_copy;

use crate::cells::{bytes, integer, optional_integer};
use crate::query_context::QueryContext;
use crate::record::record_text;
use crate::schema::tables::v1::MessageColumn;
use crate::set_sum::SetSum;
use crate::small_fields::small_fields;

/// Passes the messages that a query selects to the visitor, and then their set. Returns `None` if
/// the query selects no rows.
pub(crate) fn messages(
    context: &QueryContext<'_>,
    sql: &str,
    session: &SessionKey,
    visit: &mut BorrowedVisitor<'_>,
) -> rusqlite::Result<Option<ControlFlow<()>>> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let mut statement = context.db.prepare_cached(sql)?;
    let mut rows = statement.query([session.session.as_str()])?;
    while let Some(row) = rows.next()? {
        let id = bytes(row, MessageColumn::Id.at())?;
        let created = integer(row, MessageColumn::Created.at())?;
        if set.is_empty() {
            sequence = optional_integer(row, MessageColumn::Session.at())?;
        }
        set.add(id, created);
        let read_key = || {
            let message = context.id(row, MessageColumn::Id.at(), MessageId::from_bytes)?;
            Ok(MessageKey { session: session.session.clone(), message }.into())
        };
        let text = record_text(context, row.get_ref(MessageColumn::Data.at())?);
        if let Err(kind) = &text {
            let key = read_key().unwrap_or_else(|_: Box<Issue>| session.clone().into());
            let flow = visit(BorrowedItem::Issue(Some(key), context.issue(kind.clone())));
            if flow.is_break() {
                return Ok(Some(flow));
            }
        }
        let flow = match text {
            Err(IssueKind::TooLarge { size, .. }) => {
                let bytes = small_fields(context, "message", id);
                let (read_key, order, is_copy) = (&read_key, OrderKey(created), is_fork_copy(id));
                let (stamp, _) = context.stamp(size, integer(row, MessageColumn::Updated.at())?, 0);
                visit(BorrowedItem::Record(BorrowedRecord {
                    read_key,
                    order,
                    is_copy,
                    bytes: &bytes,
                    stamp,
                    settled: Settled::Young,
                }))
            }
            Err(_) => ControlFlow::Continue(()),
            Ok(data) => {
                let (read_key, order, is_copy) = (&read_key, OrderKey(created), is_fork_copy(id));
                let updated = integer(row, MessageColumn::Updated.at())?;
                let (stamp, settled) = context.stamp(data.len() as u64, updated, 0);
                let bytes = data;
                visit(BorrowedItem::Record(BorrowedRecord {
                    read_key,
                    order,
                    is_copy,
                    bytes,
                    stamp,
                    settled,
                }))
            }
        };
        if flow.is_break() {
            return Ok(Some(flow));
        }
    }
    Ok(set.observation(session.clone(), sequence).map(|set| visit(BorrowedItem::Set(set))))
}
