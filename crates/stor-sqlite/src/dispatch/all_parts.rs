//! Every part, in the order of the table: one pass, and another one where there are rows of 2.x, which
//! hold their parts.

use std::ops::ControlFlow;

use rusqlite::Row as SqlRow;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{MessageId, OrderKey, PartId, PartKey};
use scrollback_source::{BorrowedItem, BorrowedRecord, BorrowedVisitor, ScanVisitor};
use scrollback_stor_mmap::Arena;

use crate::cells::{bytes, id, integer};
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::record::record_text;
use crate::schema::tables::v1::PartColumn;
use crate::table_scan::{ScannedTable, TableScan};
use crate::transaction::SqliteTransaction;
use crate::v1::parts::part_row;
use crate::v2::rows::row_parts;
use crate::v2::translate::IdPlacement;

/// So much is read before it is handed out.
const BATCH_BYTES: usize = 1 << 20;
/// Room for that, and for what comes last.
const BATCH_CAPACITY: usize = BATCH_BYTES + (BATCH_BYTES >> 3);
/// So many rows are lent before they are said to hold.
const MAX_BORROWED_ROWS: usize = 4096;
/// Hands out every part.
pub(crate) fn all_parts(
    look: &mut SqliteTransaction<'_>,
    each: &mut ScanVisitor<'_>,
) -> scrollback_source::Result<()> {
    for table in ScannedTable::ALL {
        if scan_table(table, look, each)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn scan_table(
    table: ScannedTable,
    look: &mut SqliteTransaction<'_>,
    each: &mut ScanVisitor<'_>,
) -> scrollback_source::Result<ControlFlow<()>> {
    let mut pass = TableScan::new(table);
    loop {
        let (gathered, reached) = look.query(|ask| {
            let arena = Arena::with_capacity(if pass.has_table(ask) { BATCH_CAPACITY } else { 0 });
            let mut out = QueryOutput { arena, ..QueryOutput::default() };
            let mut owner = None;
            let reached = pass.step(ask, false, &mut |row| {
                match &ask.schema.v2 {
                    Some(v2) if table == ScannedTable::Row => {
                        row_parts(ask, v2, row, IdPlacement::WithIds, &mut out)?;
                    }
                    _ => match message_of(row, &mut owner)? {
                        Ok(message) => part_row(ask, message, row, &mut out)?,
                        Err(kind) => out.note(None, ask, kind),
                    },
                }
                let is_full = out.arena.len() > BATCH_BYTES;
                Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if let Some(damage) = &reached.damage {
                out.note(None, ask, IssueKind::Database { message: damage.to_string() });
            }
            Ok((out, reached))
        })?;
        let flow = gathered.visit(each);
        if flow.is_break() || reached.is_over {
            return Ok(flow);
        }
        pass.resume_from(reached);
    }
}

/// Lends every part.
pub(crate) fn scan_borrowed(
    look: &mut SqliteTransaction<'_>,
    each: &mut BorrowedVisitor<'_>,
) -> scrollback_source::Result<()> {
    for table in ScannedTable::ALL {
        if scan_table_borrowed(table, look, each)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn scan_table_borrowed(
    table: ScannedTable,
    look: &mut SqliteTransaction<'_>,
    each: &mut BorrowedVisitor<'_>,
) -> scrollback_source::Result<ControlFlow<()>> {
    let mut pass = TableScan::new(table);
    let mut ended = ControlFlow::Continue(());
    let mut scratch = QueryOutput::default();
    loop {
        let mut again = false;
        let reached = look.query(|ask| {
            if again && ended.is_continue() {
                ended = each(BorrowedItem::Rollback);
            }
            again = true;
            let mut rows = 0;
            let mut reached = pass.step(ask, true, &mut |row| {
                if ended.is_break() {
                    return Ok(ended);
                }
                ended = match &ask.schema.v2 {
                    Some(v2) if table == ScannedTable::Row => {
                        row_parts(ask, v2, row, IdPlacement::Bare, &mut scratch)?;
                        scratch.visit_borrowed(each)
                    }
                    _ => borrow_row(ask, row, each)?,
                };
                rows += 1;
                Ok(if rows == MAX_BORROWED_ROWS { ControlFlow::Break(()) } else { ended })
            })?;
            if let Some(damage) = reached.damage.take().filter(|_| ended.is_continue()) {
                let kind = IssueKind::Database { message: damage.to_string() };
                ended = each(BorrowedItem::Issue(None, ask.issue(kind)));
            }
            Ok(reached)
        })?;
        if ended.is_continue() {
            ended = each(BorrowedItem::Commit);
        }
        if ended.is_break() || reached.is_over {
            return Ok(ended);
        }
        pass.resume_from(reached);
    }
}

/// Lends the record of a row, or says what is wrong with it.
fn borrow_row(
    ask: &QueryContext<'_>,
    row: &SqlRow<'_>,
    each: &mut BorrowedVisitor<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let named = || {
        let message: MessageId = ask.id(row, PartColumn::Message.at(), MessageId::from_bytes)?;
        Ok(PartKey { message, part: ask.id(row, PartColumn::Id.at(), PartId::from_bytes)? }.into())
    };
    Ok(match record_text(ask, row.get_ref(PartColumn::Data.at())?) {
        Err(kind) => each(BorrowedItem::Issue(named().ok(), ask.issue(kind))),
        Ok(bytes) => {
            let updated = integer(row, PartColumn::Updated.at())?;
            let (stamp, settled) = ask.stamp(bytes.len() as u64, updated, 0);
            let (named, order, is_copy) = (&named, OrderKey::default(), false);
            each(BorrowedItem::Record(BorrowedRecord {
                read_key: named,
                order,
                is_copy,
                bytes,
                stamp,
                settled,
            }))
        }
    })
}

/// The message of a row; most often it is that of the row before.
fn message_of<'o>(
    row: &SqlRow<'_>,
    last: &'o mut Option<MessageId>,
) -> rusqlite::Result<Result<&'o MessageId, IssueKind>> {
    let is_same =
        last.as_ref().map(MessageId::as_bytes) == Some(bytes(row, PartColumn::Message.at())?);
    if !is_same {
        match id(row, PartColumn::Message.at(), MessageId::from_bytes)? {
            Ok(message) => *last = Some(message),
            Err(kind) => return Ok(Err(kind)),
        }
    }
    Ok(last.as_ref().ok_or(IssueKind::Vanished)) // it was just put there
}
