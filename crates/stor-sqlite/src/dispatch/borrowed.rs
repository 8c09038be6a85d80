//! Messages lent out of SQLite's own memory, for whoever needs them once; those of 2.x out of ours,
//! where they are made.

use scrollback_core_id::{Scope, SessionKey};
use scrollback_source::{BorrowedItem, BorrowedVisitor, borrow_from_scan};

use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::error::is_damage;
use crate::transaction::SqliteTransaction;
use crate::{v1, v2};

/// Lends the messages of a session.
pub(crate) fn messages(
    look: &mut SqliteTransaction<'_>,
    of: &SessionKey,
    each: &mut BorrowedVisitor<'_>,
) -> scrollback_source::Result<()> {
    let (mut begun, mut over) = (false, false);
    let is_scanned = look.query(|ask| {
        if begun && !over {
            over = each(BorrowedItem::Rollback).is_break();
        }
        if over {
            return Ok(false);
        }
        begun = true;
        let lent = match ask
            .schema
            .messages
            .as_ref()
            .and_then(|it| it.by_session_without_preview.as_ref())
        {
            Some(alone) => v1::borrowed::messages(ask, alone, of, each),
            None => Ok(None),
        };
        let lent = match lent {
            Ok(None) => match format_of_session(ask, of)? {
                SessionFormat::V1 => match &ask.schema.messages {
                    Some(messages) => v1::borrowed::messages(ask, &messages.by_session, of, each),
                    None => Ok(None),
                },
                SessionFormat::V2(v2) => v2::borrowed::messages(ask, v2, of, each).map(Some),
                SessionFormat::Both(_) => {
                    begun = false;
                    return Ok(true); // two lists, which are put together before
                }
            },
            lent => lent,
        };
        match lent {
            Ok(lent) => {
                over = lent.is_some_and(|lent| lent.is_break());
                Ok(false)
            }
            Err(error) if is_damage(&error) => Ok(true),
            Err(error) => Err(error.into()),
        }
    })?;
    if is_scanned {
        if begun && each(BorrowedItem::Rollback).is_break() {
            return Ok(());
        }
        return borrow_from_scan(look, &Scope::Messages(of.clone()), each);
    }
    if !over {
        let _ = each(BorrowedItem::Commit);
    }
    Ok(())
}
