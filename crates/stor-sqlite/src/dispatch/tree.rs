//! Reads a whole session in one transaction.

use scrollback_core_id::SessionKey;
use scrollback_stor_mmap::Arena;

use super::messages::pending_items_or_issue;
use crate::dispatch::merge::{set_merged_order, sort_rows};
use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::sessions;
use crate::suspicion::Suspicion;
use crate::v1::tree;
use crate::v2::rows::{self, RowSelection};

/// Reads a session's record, its messages, their parts and its items.
pub(crate) fn tree(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    out.arena = Arena::with_capacity(tree::INITIAL_CAPACITY);
    let result = sessions::list::session_by_id(context, session.session.as_str(), out);
    out.note_damage(context, Some(session.clone().into()), result)?;
    if out.rows.is_empty() {
        context.suspicions.add(Suspicion::NoSession);
    }
    let first = out.rows.len();
    match format_of_session(context, session)? {
        SessionFormat::V1 => {
            tree::messages(context, session, out)?;
            if let Some(v2) = &context.schema.v2 {
                // a session without rows may still have pending prompts
                pending_items_or_issue(context, v2, session, out)?;
            }
        }
        SessionFormat::V2(v2) => {
            rows::session_rows(context, v2, session, RowSelection::EVERYTHING, out)?;
            pending_items_or_issue(context, v2, session, out)?;
        }
        SessionFormat::Both(v2) => {
            // Both formats are read, and `sort_rows` below brings them into one order.
            tree::messages(context, session, out)?;
            out.rows[first..].iter_mut().for_each(set_merged_order);
            rows::session_rows(context, v2, session, RowSelection::EVERYTHING, out)?;
            pending_items_or_issue(context, v2, session, out)?;
        }
    }
    if out.rows.len() == first {
        context.suspicions.add(Suspicion::NoMessages);
    }
    out.set = None; // only scans hand out a set
    let mut rest = out.rows.split_off(first);
    sort_rows(&mut rest);
    out.rows.append(&mut rest);
    Ok(())
}
