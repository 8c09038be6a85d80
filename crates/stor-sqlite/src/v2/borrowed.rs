//! Messages lent out of our own memory, where they are made from rows.

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

/// Lends the messages of a session.
pub(crate) fn messages(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    each: &mut BorrowedVisitor<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let (mut scratch, mut progress) = (QueryOutput::default(), Progress::without_directory());
    let mut statement = ask.db.prepare_cached(&v2.by_session)?;
    let mut rows = statement.query([of.session.as_str()])?;
    while let Some(row) = rows.next()? {
        if set.is_empty() {
            sequence = optional_integer(row, row_column::SESSION_OR_SEQUENCE)?;
        }
        set.add(bytes(row, row_column::ID)?, integer(row, row_column::CREATED)?);
        with_row(ask, v2, of, row, &progress, &mut scratch, |read, out| {
            if read.kind.is_message() {
                translate(
                    read,
                    of,
                    &progress.row_context(),
                    RecordSelection::Messages,
                    IdPlacement::Bare,
                    out,
                );
            }
        })?;
        progress.advance(row)?;
        let lent = scratch.visit_borrowed(each);
        if lent.is_break() {
            return Ok(lent);
        }
    }
    Ok(match mark_v2_set(set.observation(of.clone(), sequence)) {
        Some(set) => each(BorrowedItem::Set(set)),
        None => ControlFlow::Continue(()),
    })
}
