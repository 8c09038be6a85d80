//! Scans every part of the database in table order: first the table of parts of 1.x, then the rows
//! of 2.x, which contain their parts.

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

/// How many bytes are read before a batch is handed out.
const BATCH_BYTES: usize = 1 << 20;
/// The room for a batch and for the record that fills it.
const BATCH_CAPACITY: usize = BATCH_BYTES + (BATCH_BYTES >> 3);
/// How many borrowed rows a batch has before its commit. Rows without a commit may be rolled back.
const MAX_BORROWED_ROWS: usize = 4096;

/// Hands out every part with its bytes.
pub(crate) fn all_parts(
    transaction: &mut SqliteTransaction<'_>,
    visit: &mut ScanVisitor<'_>,
) -> scrollback_source::Result<()> {
    for table in ScannedTable::ALL {
        if scan_table(table, transaction, visit)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn scan_table(
    table: ScannedTable,
    transaction: &mut SqliteTransaction<'_>,
    visit: &mut ScanVisitor<'_>,
) -> scrollback_source::Result<ControlFlow<()>> {
    let mut table_scan = TableScan::new(table);
    loop {
        let (output, checkpoint) = transaction.query(|context| {
            let arena = Arena::with_capacity(if table_scan.has_table(context) {
                BATCH_CAPACITY
            } else {
                0
            });
            let mut out = QueryOutput { arena, ..QueryOutput::default() };
            let mut last_message = None;
            let checkpoint = table_scan.step(context, false, &mut |row| {
                match &context.schema.v2 {
                    Some(v2) if table == ScannedTable::Row => {
                        row_parts(context, v2, row, IdPlacement::WithIds, &mut out)?;
                    }
                    _ => match message_of(row, &mut last_message)? {
                        Ok(message) => part_row(context, message, row, &mut out)?,
                        Err(kind) => out.note(None, context, kind),
                    },
                }
                let is_full = out.arena.len() > BATCH_BYTES;
                Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if let Some(damage) = &checkpoint.damage {
                out.note(None, context, IssueKind::Database { message: damage.to_string() });
            }
            Ok((out, checkpoint))
        })?;
        let flow = output.visit(visit);
        if flow.is_break() || checkpoint.is_over {
            return Ok(flow);
        }
        table_scan.resume_from(checkpoint);
    }
}

/// Hands out every part as a borrowed record.
pub(crate) fn scan_borrowed(
    transaction: &mut SqliteTransaction<'_>,
    visit: &mut BorrowedVisitor<'_>,
) -> scrollback_source::Result<()> {
    for table in ScannedTable::ALL {
        if scan_table_borrowed(table, transaction, visit)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn scan_table_borrowed(
    table: ScannedTable,
    transaction: &mut SqliteTransaction<'_>,
    visit: &mut BorrowedVisitor<'_>,
) -> scrollback_source::Result<ControlFlow<()>> {
    let mut table_scan = TableScan::new(table);
    let mut flow = ControlFlow::Continue(());
    let mut scratch = QueryOutput::default();
    loop {
        let mut is_retry = false;
        let checkpoint = transaction.query(|context| {
            if is_retry && flow.is_continue() {
                flow = visit(BorrowedItem::Rollback);
            }
            is_retry = true;
            let mut rows = 0;
            let mut checkpoint = table_scan.step(context, true, &mut |row| {
                if flow.is_break() {
                    return Ok(flow);
                }
                flow = match &context.schema.v2 {
                    Some(v2) if table == ScannedTable::Row => {
                        row_parts(context, v2, row, IdPlacement::Bare, &mut scratch)?;
                        scratch.visit_borrowed(visit)
                    }
                    _ => borrow_row(context, row, visit)?,
                };
                rows += 1;
                Ok(if rows == MAX_BORROWED_ROWS { ControlFlow::Break(()) } else { flow })
            })?;
            if let Some(damage) = checkpoint.damage.take().filter(|_| flow.is_continue()) {
                let kind = IssueKind::Database { message: damage.to_string() };
                flow = visit(BorrowedItem::Issue(None, context.issue(kind)));
            }
            Ok(checkpoint)
        })?;
        if flow.is_continue() {
            flow = visit(BorrowedItem::Commit);
        }
        if flow.is_break() || checkpoint.is_over {
            return Ok(flow);
        }
        table_scan.resume_from(checkpoint);
    }
}

/// Passes the record of a row to the visitor, or its issue.
fn borrow_row(
    context: &QueryContext<'_>,
    row: &SqlRow<'_>,
    visit: &mut BorrowedVisitor<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let read_key = || {
        let message: MessageId =
            context.id(row, PartColumn::Message.at(), MessageId::from_bytes)?;
        Ok(PartKey { message, part: context.id(row, PartColumn::Id.at(), PartId::from_bytes)? }
            .into())
    };
    Ok(match record_text(context, row.get_ref(PartColumn::Data.at())?) {
        Err(kind) => visit(BorrowedItem::Issue(read_key().ok(), context.issue(kind))),
        Ok(bytes) => {
            let updated = integer(row, PartColumn::Updated.at())?;
            let (stamp, settled) = context.stamp(bytes.len() as u64, updated, 0);
            let (read_key, order, is_copy) = (&read_key, OrderKey::default(), false);
            visit(BorrowedItem::Record(BorrowedRecord {
                read_key,
                order,
                is_copy,
                bytes,
                stamp,
                settled,
            }))
        }
    })
}

/// Returns the message of a part's row. Usually the row before has the same message, which is kept
/// to avoid parsing the id again.
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
    Ok(last.as_ref().ok_or(IssueKind::Vanished)) // the id was stored above
}
