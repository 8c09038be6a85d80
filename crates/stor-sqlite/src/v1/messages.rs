//! Messages: rows whose `data` is the record without its ids.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, OrderKey, SessionKey};

use crate::cells::{bytes, integer, optional_integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::record::append_record;
use crate::schema::tables::v1::MessageColumn;
use crate::set_sum::SetSum;

/// The messages of a session, in the order of the index, and their set.
pub(crate) fn messages(
    ask: &QueryContext<'_>,
    of: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(messages) = &ask.schema.messages else { return Ok(()) };
    let (mut set, mut sequence) = (SetSum::default(), None);
    let (rows, issues) = (out.rows.len(), out.issues.len());
    let session = of.session.as_str();
    let asked = ask.for_each_row(&messages.by_session, [session], |row| {
        if set.is_empty() {
            sequence = optional_integer(row, MessageColumn::Session.at())?;
        }
        set.add(bytes(row, MessageColumn::Id.at())?, integer(row, MessageColumn::Created.at())?);
        message_row(ask, of, row, out)
    });
    match asked {
        Err(error) if is_damage(&error) => {
            out.rows.truncate(rows);
            out.issues.truncate(issues);
            return salvage(ask, of, out);
        }
        asked => asked?,
    }
    out.set = set.observation(of.clone(), sequence);
    Ok(())
}

/// Pages are damaged: each message by itself, as they are listed.
fn salvage(ask: &QueryContext<'_>, of: &SessionKey, out: &mut QueryOutput) -> Result<()> {
    let mut listed = QueryOutput::default();
    message_names(ask, of, &mut listed)?;
    out.issues.append(&mut listed.issues);
    out.set = listed.set;
    for row in listed.rows {
        if let EntityKey::Message(key) = &row.key {
            let asked = message_by_id(ask, key, out);
            out.note_damage(ask, Some(row.key.clone()), asked)?;
        }
    }
    Ok(())
}

/// The names of a session's messages, and their set.
pub(crate) fn message_names(
    ask: &QueryContext<'_>,
    of: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(messages) = &ask.schema.messages else { return Ok(()) };
    let ways = messages.names.each_ref().map(String::as_str);
    let asked = out.with_fallback_query(ways, |sql, out| list(ask, of, sql, out));
    Ok(out.note_damage(ask, Some(of.clone().into()), asked)?)
}

fn list(
    ask: &QueryContext<'_>,
    of: &SessionKey,
    sql: &str,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    ask.for_each_row(sql, [of.session.as_str()], |row| {
        set.add(bytes(row, MessageColumn::Id.at())?, integer(row, MessageColumn::Created.at())?);
        sequence = optional_integer(row, MessageColumn::Session.at())?;
        let about = || Some(of.clone().into());
        if let Some(message) =
            out.id(ask, row, MessageColumn::Id.at(), MessageId::from_bytes, about)?
        {
            let key = MessageKey { session: of.session.clone(), message };
            out.rows.push(Row::new(key, OrderKey::default(), None));
        }
        Ok(())
    })?;
    out.set = set.observation(of.clone(), sequence);
    Ok(())
}

/// One message, if it is there.
pub(crate) fn message_by_id(
    ask: &QueryContext<'_>,
    key: &MessageKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(messages) = &ask.schema.messages else { return Ok(()) };
    let of = SessionKey::from(key.session.clone());
    let ids = [key.message.as_str(), key.session.as_str()];
    let ways = messages.by_id.each_ref().map(String::as_str);
    out.with_fallback_query(ways, |sql, out| {
        ask.for_each_row(sql, ids, |row| message_row(ask, &of, row, out))
    })
}

/// A row of [`MessageColumn`].
pub(crate) fn message_row(
    ask: &QueryContext<'_>,
    of: &SessionKey,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let about = || Some(of.clone().into());
    let Some(message) = out.id(ask, row, MessageColumn::Id.at(), MessageId::from_bytes, about)?
    else {
        return Ok(());
    };
    let order = OrderKey(integer(row, MessageColumn::Created.at())?);
    out.owners.set(of.session.as_bytes(), None);
    let (text, updated) =
        (row.get_ref(MessageColumn::Data.at())?, integer(row, MessageColumn::Updated.at())?);
    let read = append_record(ask, text, updated, message.as_bytes(), out);
    let key = MessageKey { session: of.session.clone(), message };
    match read {
        Ok(piece) => out.rows.push(Row::new(key, order, Some(piece))),
        Err(kind) => out.note(Some(key.into()), ask, kind),
    }
    Ok(())
}
