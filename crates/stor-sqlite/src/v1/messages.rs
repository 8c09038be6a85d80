//! Reads messages of 1.x. Each is a row whose `data` is the record without its ids.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, OrderKey, SessionKey};

use crate::cells::{bytes, integer, optional_integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::record::append_record;
use crate::schema::tables::v1::MessageColumn;
use crate::set_sum::SetSum;

/// Reads the messages of a session, in the order of the index, and their set.
pub(crate) fn messages(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(messages) = &context.schema.messages else { return Ok(()) };
    let (mut set, mut sequence) = (SetSum::default(), None);
    let (rows, issues) = (out.rows.len(), out.issues.len());
    let session_id = session.session.as_str();
    let result = context.for_each_row(&messages.by_session, [session_id], |row| {
        if set.is_empty() {
            sequence = optional_integer(row, MessageColumn::Session.at())?;
        }
        set.add(bytes(row, MessageColumn::Id.at())?, integer(row, MessageColumn::Created.at())?);
        message_row(context, session, row, out)
    });
    match result {
        Err(error) if is_damage(&error) => {
            out.rows.truncate(rows);
            out.issues.truncate(issues);
            return salvage(context, session, out);
        }
        result => result?,
    }
    out.set = set.observation(session.clone(), sequence);
    Ok(())
}

/// Reads each message by its id, because pages are damaged. The list of names still covers all
/// messages.
fn salvage(context: &QueryContext<'_>, session: &SessionKey, out: &mut QueryOutput) -> Result<()> {
    let mut listed = QueryOutput::default();
    message_names(context, session, &mut listed)?;
    out.issues.append(&mut listed.issues);
    out.set = listed.set;
    for row in listed.rows {
        if let EntityKey::Message(key) = &row.key {
            let result = message_by_id(context, key, out);
            out.note_damage(context, Some(row.key.clone()), result)?;
        }
    }
    Ok(())
}

/// Reads the names of a session's messages, and their set.
pub(crate) fn message_names(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(messages) = &context.schema.messages else { return Ok(()) };
    let queries = messages.names.each_ref().map(String::as_str);
    let result = out.with_fallback_query(queries, |sql, out| list(context, session, sql, out));
    Ok(out.note_damage(context, Some(session.clone().into()), result)?)
}

fn list(
    context: &QueryContext<'_>,
    session: &SessionKey,
    sql: &str,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    context.for_each_row(sql, [session.session.as_str()], |row| {
        set.add(bytes(row, MessageColumn::Id.at())?, integer(row, MessageColumn::Created.at())?);
        sequence = optional_integer(row, MessageColumn::Session.at())?;
        let about = || Some(session.clone().into());
        if let Some(message) =
            out.id(context, row, MessageColumn::Id.at(), MessageId::from_bytes, about)?
        {
            let key = MessageKey { session: session.session.clone(), message };
            out.rows.push(Row::new(key, OrderKey::default(), None));
        }
        Ok(())
    })?;
    out.set = set.observation(session.clone(), sequence);
    Ok(())
}

/// Reads one message, if it exists.
pub(crate) fn message_by_id(
    context: &QueryContext<'_>,
    key: &MessageKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(messages) = &context.schema.messages else { return Ok(()) };
    let session = SessionKey::from(key.session.clone());
    let ids = [key.message.as_str(), key.session.as_str()];
    let queries = messages.by_id.each_ref().map(String::as_str);
    out.with_fallback_query(queries, |sql, out| {
        context.for_each_row(sql, ids, |row| message_row(context, &session, row, out))
    })
}

/// Reads a row with the columns of [`MessageColumn`].
pub(crate) fn message_row(
    context: &QueryContext<'_>,
    session: &SessionKey,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let about = || Some(session.clone().into());
    let Some(message) =
        out.id(context, row, MessageColumn::Id.at(), MessageId::from_bytes, about)?
    else {
        return Ok(());
    };
    let order = OrderKey(integer(row, MessageColumn::Created.at())?);
    out.owners.set(session.session.as_bytes(), None);
    let (text, updated) =
        (row.get_ref(MessageColumn::Data.at())?, integer(row, MessageColumn::Updated.at())?);
    let record = append_record(context, "message", text, updated, message.as_bytes(), out);
    let key = MessageKey { session: session.session.clone(), message };
    match record {
        Ok((piece, issue)) => {
            if let Some(kind) = issue {
                out.note(Some(key.clone().into()), context, kind);
            }
            out.rows.push(Row::new(key, order, Some(piece)));
        }
        Err(kind) => out.note(Some(key.into()), context, kind),
    }
    Ok(())
}
