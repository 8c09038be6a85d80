//! Scans the messages of one session as borrowed records.
//!
//! Messages of 1.x are borrowed from SQLite's memory. Messages of 2.x are borrowed from a buffer,
//! in which they are built.

use scrollback_core_id::{Scope, SessionKey};
use scrollback_source::{BorrowedItem, BorrowedVisitor, borrow_from_scan};

use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::error::is_damage;
use crate::transaction::SqliteTransaction;
use crate::{v1, v2};

/// Passes the messages of a session to the visitor.
pub(crate) fn messages(
    transaction: &mut SqliteTransaction<'_>,
    session: &SessionKey,
    visit: &mut BorrowedVisitor<'_>,
) -> scrollback_source::Result<()> {
    let (mut has_begun, mut has_ended) = (false, false);
    let needs_scan = transaction.query(|context| {
        // The query runs again if the database changed, so records of the first run are rolled back.
        if has_begun && !has_ended {
            has_ended = visit(BorrowedItem::Rollback).is_break();
        }
        if has_ended {
            return Ok(false);
        }
        has_begun = true;
        // In a database with the preview, nearly all sessions have only messages of 1.x. This query
        // serves them without a separate check of the format. It returns nothing for all others.
        let result = match context
            .schema
            .messages
            .as_ref()
            .and_then(|messages| messages.by_session_without_preview.as_ref())
        {
            Some(sql) => v1::borrowed::messages(context, sql, session, visit),
            None => Ok(None),
        };
        let result = match result {
            Ok(None) => match format_of_session(context, session)? {
                SessionFormat::V1 => match &context.schema.messages {
                    Some(messages) => {
                        v1::borrowed::messages(context, &messages.by_session, session, visit)
                    }
                    None => Ok(None),
                },
                SessionFormat::V2(v2) => {
                    v2::borrowed::messages(context, v2, session, visit).map(Some)
                }
                SessionFormat::Both(_) => {
                    has_begun = false;
                    return Ok(true); // two lists must be merged, so an ordinary scan does it
                }
            },
            result => result,
        };
        // Damage may hide records, and the ordinary scan can read past it.
        match result {
            Ok(flow) => {
                has_ended = flow.is_some_and(|flow| flow.is_break());
                Ok(false)
            }
            Err(error) if is_damage(&error) => Ok(true),
            Err(error) => Err(error.into()),
        }
    })?;
    if needs_scan {
        if has_begun && visit(BorrowedItem::Rollback).is_break() {
            return Ok(());
        }
        return borrow_from_scan(transaction, &Scope::Messages(session.clone()), visit);
    }
    if !has_ended {
        let _ = visit(BorrowedItem::Commit);
    }
    Ok(())
}
