//! Observes messages and parts of 1.x without reading their texts.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, PartId, PartKey, SessionKey};

use super::messages::message_names;
use crate::cells::{bytes, integer, optional_integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::tables::v1::{MessageColumn, PartColumn};
use crate::set_sum::SetSum;

/// The places of the size and the time, which are the same for messages and parts.
const SIZE_AND_TIME: [usize; 2] = [MessageColumn::Data.at(), MessageColumn::Updated.at()];
const _: () = assert!(SIZE_AND_TIME[0] == PartColumn::Data.at());
const _: () = assert!(SIZE_AND_TIME[1] == PartColumn::Updated.at());
use crate::v1::parts::part_names;

/// Observes the messages of a session.
pub(crate) fn messages(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(messages) = &context.schema.messages else { return Ok(()) };
    match observe_messages(context, &messages.stamps, session, out) {
        Err(error) if is_damage(&error) => {
            let queries = messages.stamp_by_id.each_ref().map(String::as_str);
            salvage(context, queries, |listed| message_names(context, session, listed), out)
        }
        result => Ok(result?),
    }
}

fn observe_messages(
    context: &QueryContext<'_>,
    sql: &str,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let result = context.for_each_row(sql, [session.session.as_str()], |row| {
        set.add(bytes(row, MessageColumn::Id.at())?, integer(row, MessageColumn::Created.at())?);
        sequence = optional_integer(row, MessageColumn::Session.at())?;
        let about = || Some(session.clone().into());
        let message = out.id(context, row, MessageColumn::Id.at(), MessageId::from_bytes, about)?;
        let Some(message) = message else { return Ok(()) };
        let key = MessageKey { session: session.session.clone(), message };
        observe_row(context, key.into(), row, out)
    });
    out.set = set.observation(session.clone(), sequence);
    result
}

/// Observes the parts of a message.
pub(crate) fn parts(
    context: &QueryContext<'_>,
    message: &MessageKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(parts) = &context.schema.parts else { return Ok(()) };
    match observe_parts(context, &parts.stamps, message, out) {
        Err(error) if is_damage(&error) => {
            let queries = parts.stamp_by_id.each_ref().map(String::as_str);
            salvage(context, queries, |listed| part_names(context, message, listed), out)
        }
        result => Ok(result?),
    }
}

fn observe_parts(
    context: &QueryContext<'_>,
    sql: &str,
    message: &MessageKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let mut set = SetSum::default();
    let result = context.for_each_row(sql, [message.message.as_str()], |row| {
        set.add(bytes(row, PartColumn::Id.at())?, 0);
        let about = || Some(message.clone().into());
        let Some(part) = out.id(context, row, PartColumn::Id.at(), PartId::from_bytes, about)?
        else {
            return Ok(());
        };
        observe_row(context, PartKey { message: message.message.clone(), part }.into(), row, out)
    });
    out.set = set.observation(message.clone(), None);
    result
}

/// Observes each record by its id, because pages are damaged. The list of names still covers all
/// records.
fn salvage(
    context: &QueryContext<'_>,
    queries: [&str; 2],
    list: impl FnOnce(&mut QueryOutput) -> Result<()>,
    out: &mut QueryOutput,
) -> Result<()> {
    out.observations.clear();
    let mut listed = QueryOutput::default();
    list(&mut listed)?;
    (out.set, out.issues) = (listed.set, listed.issues);
    for Row { key, .. } in listed.rows {
        let (id, owner) = match &key {
            EntityKey::Message(key) => (key.message.as_str(), key.session.as_str()),
            EntityKey::Part(key) => (key.part.as_str(), key.message.as_str()),
            _ => continue,
        };
        let result = out.with_fallback_query(queries, |sql, out| {
            context
                .for_each_row(sql, [id, owner], |row| observe_row(context, key.clone(), row, out))
        });
        out.note_damage(context, Some(key.clone()), result)?;
    }
    Ok(())
}

/// Reads a row with the columns of [`MessageColumn`] or [`PartColumn`], with the length of the text
/// in its place.
fn observe_row(
    context: &QueryContext<'_>,
    key: EntityKey,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let [size, updated] = SIZE_AND_TIME.map(|at| integer(row, at));
    let stamp = context.stamp(size?.cast_unsigned(), updated?, 0);
    out.observations.push(context.observation(key, stamp, None));
    Ok(())
}
