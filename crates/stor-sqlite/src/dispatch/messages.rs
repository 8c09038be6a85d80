//! Reads the messages and items of a session from the tables that hold them.

use scrollback_core_id::{EntityKey, ItemKey, MessageKey, SessionKey};

use crate::dispatch::merge::{merge_sets, set_merged_order, sort_rows};
use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::v2::V2Schema;
use crate::v1::messages;
use crate::v2::pending::pending_items;
use crate::v2::rows::{self, RowSelection};

/// Reads the messages of a session, in order, and their set.
pub(crate) fn messages(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    match format_of_session(context, session)? {
        SessionFormat::V1 => messages::messages(context, session, out),
        SessionFormat::V2(v2) => {
            rows::session_rows(context, v2, session, RowSelection::MESSAGES, out)
        }
        SessionFormat::Both(v2) => {
            // Turns of the preview and of 1.x alternate. The preview's rows are numbered, and the
            // messages of 1.x have only times, so the common order is by time.
            messages::messages(context, session, out)?;
            let set = out.set.take();
            out.rows.iter_mut().for_each(set_merged_order);
            rows::session_rows(context, v2, session, RowSelection::MESSAGES, out)?;
            out.set = merge_sets(set, out.set.take());
            out.rows.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
            Ok(())
        }
    }
}

/// Reads the names of a session's messages, and their set.
pub(crate) fn message_names(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    match format_of_session(context, session)? {
        SessionFormat::V1 => messages::message_names(context, session, out),
        SessionFormat::V2(v2) => rows::message_names(context, v2, session, out),
        SessionFormat::Both(v2) => {
            messages::message_names(context, session, out)?;
            let set = out.set.take();
            rows::message_names(context, v2, session, out)?;
            out.set = merge_sets(set, out.set.take());
            Ok(())
        }
    }
}

/// Reads the items of a session: rows of 2.x that are not messages, and pending prompts.
pub(crate) fn items(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(v2) = &context.schema.v2 else { return Ok(()) };
    rows::session_rows(context, v2, session, RowSelection::ITEMS, out)?;
    pending_items_or_issue(context, v2, session, out)?;
    out.set = None; // the set belongs to the messages and not to the items
    sort_rows(&mut out.rows);
    Ok(())
}

/// Reads the pending items of a session. Damaged pages become an issue.
pub(super) fn pending_items_or_issue(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let result = pending_items(context, v2, session, out);
    Ok(out.note_damage(context, Some(session.clone().into()), result)?)
}

/// Reads one message, if it exists.
pub(crate) fn message(
    context: &QueryContext<'_>,
    key: &MessageKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let session = SessionKey::from(key.session.clone());
    let first = out.rows.len();
    match format_of_session(context, &session)? {
        SessionFormat::V1 => messages::message_by_id(context, key, out)?,
        SessionFormat::V2(v2) => rows::message(context, v2, key, out)?,
        SessionFormat::Both(v2) => {
            // The message may be in either format. The rows are tried first.
            rows::message(context, v2, key, out)?;
            if out.rows.len() == first {
                messages::message_by_id(context, key, out)?;
                out.rows[first..].iter_mut().for_each(set_merged_order);
            }
        }
    }
    Ok(())
}

/// Reads one item, if it exists: a row of 2.x or a pending prompt.
pub(crate) fn item(
    context: &QueryContext<'_>,
    key: &ItemKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(v2) = &context.schema.v2 else { return Ok(()) };
    let (first, session) = (out.rows.len(), SessionKey::from(key.session.clone()));
    rows::row_by_id(context, v2, &session, key.item.as_str(), RowSelection::ITEMS, out)?;
    if out.rows.len() == first {
        pending_items(context, v2, &session, out)?;
        rows::retain_from(out, first, |row| matches!(row, EntityKey::Item(row) if row == key));
    }
    Ok(())
}
