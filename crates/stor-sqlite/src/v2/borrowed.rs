//! Builds messages of 2.x from their rows in a buffer, and passes them to a visitor.

use std::ops::ControlFlow;

use scrollback_core_id::SessionKey;
use scrollback_source::{BorrowedItem, BorrowedVisitor};

use crate::cells::{bytes, integer, optional_integer};
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::v2::{V2Schema, row_column};
use crate::set_sum::SetSum;
use crate::v2::order::mark_v2_set;
use crate::v2::progress::Progress;
use crate::v2::rows::with_row;
use crate::v2::translate::{IdPlacement, RecordSelection, translate};

/// Passes the messages of a session to the visitor, and then their set.
pub(crate) fn messages(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    visit: &mut BorrowedVisitor<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let (mut scratch, mut progress) = (QueryOutput::default(), Progress::without_directory());
    let mut statement = context.db.prepare_cached(&v2.by_session)?;
    let mut rows = statement.query([session.session.as_str()])?;
    while let Some(row) = rows.next()? {
        if set.is_empty() {
            sequence = optional_integer(row, row_column::SESSION_OR_SEQUENCE)?;
        }
        set.add(bytes(row, row_column::ID)?, integer(row, row_column::CREATED)?);
        with_row(context, v2, session, row, &progress, &mut scratch, |v2_row, out| {
            if v2_row.kind.is_message() {
                translate(
                    v2_row,
                    session,
                    &progress.row_context(),
                    RecordSelection::Messages,
                    IdPlacement::Bare,
                    out,
                );
            }
        })?;
        progress.advance(row)?;
        let flow = scratch.visit_borrowed(visit);
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(match mark_v2_set(set.observation(session.clone(), sequence)) {
        Some(set) => visit(BorrowedItem::Set(set)),
        None => ControlFlow::Continue(()),
    })
}
