//! Messages lent out of our own memory, where they are made from rows.

use std::ops::ControlFlow;

use scrollback_core_id::SessionKey;
use scrollback_source::{BorrowedItem, BorrowedVisitor};

use crate::ask::Ask;
use crate::cells::{bytes, whole, whole_if_any};
use crate::gathered::Gathered;
use crate::schema::v2::{V2Schema, column};
use crate::set_sum::SetSum;
use crate::v2::order::marked;
use crate::v2::place::Progress;
use crate::v2::rows::with_row;
use crate::v2::translate::{Ending, Wanted, translate};

/// Lends the messages of a session.
pub(crate) fn messages(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    each: &mut BorrowedVisitor<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let (mut scratch, mut progress) = (Gathered::default(), Progress::nowhere());
    let mut statement = ask.db.prepare_cached(&v2.rows)?;
    let mut rows = statement.query([of.session.as_str()])?;
    while let Some(row) = rows.next()? {
        if set.is_empty() {
            sequence = whole_if_any(row, column::MORE)?;
        }
        set.add(bytes(row, column::ID)?, whole(row, column::CREATED)?);
        with_row(ask, v2, of, row, &progress, &mut scratch, |read, out| {
            if read.kind.is_message() {
                translate(read, of, &progress.place(), Wanted::Messages, Ending::Bare, out);
            }
        })?;
        progress.pass(row)?;
        let lent = scratch.lend(each);
        if lent.is_break() {
            return Ok(lent);
        }
    }
    Ok(match marked(set.sighting(of.clone(), sequence)) {
        Some(set) => each(BorrowedItem::Set(set)),
        None => ControlFlow::Continue(()),
    })
}
