//! What rows of 1.x look like, without their texts.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, PartId, PartKey, SessionKey};

use super::messages::message_names;
use crate::cells::{bytes, integer, optional_integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::tables::v1::{MessageColumn, PartColumn};
use crate::set_sum::SetSum;

/// Both kinds of rows have them at the same place.
const SIZE_AND_TIME: [usize; 2] = [MessageColumn::Data.at(), MessageColumn::Updated.at()];
const _: () = assert!(SIZE_AND_TIME[0] == PartColumn::Data.at());
const _: () = assert!(SIZE_AND_TIME[1] == PartColumn::Updated.at());
use crate::v1::parts::part_names;

/// The messages of a session of 1.x.
pub(crate) fn messages(
    ask: &QueryContext<'_>,
    of: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(messages) = &ask.schema.messages else { return Ok(()) };
    match observe_messages(ask, &messages.stamps, of, out) {
        Err(error) if is_damage(&error) => {
            let ways = messages.stamp_by_id.each_ref().map(String::as_str);
            salvage(ask, ways, |all| message_names(ask, of, all), out)
        }
        asked => Ok(asked?),
    }
}

fn observe_messages(
    ask: &QueryContext<'_>,
    sql: &str,
    of: &SessionKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let asked = ask.for_each_row(sql, [of.session.as_str()], |row| {
        set.add(bytes(row, MessageColumn::Id.at())?, integer(row, MessageColumn::Created.at())?);
        sequence = optional_integer(row, MessageColumn::Session.at())?;
        let about = || Some(of.clone().into());
        let message = out.id(ask, row, MessageColumn::Id.at(), MessageId::from_bytes, about)?;
        let Some(message) = message else { return Ok(()) };
        let key = MessageKey { session: of.session.clone(), message };
        observe_row(ask, key.into(), row, out)
    });
    out.set = set.observation(of.clone(), sequence);
    asked
}

/// The parts of a message of 1.x.
pub(crate) fn parts(ask: &QueryContext<'_>, of: &MessageKey, out: &mut QueryOutput) -> Result<()> {
    let Some(parts) = &ask.schema.parts else { return Ok(()) };
    match observe_parts(ask, &parts.stamps, of, out) {
        Err(error) if is_damage(&error) => {
            let ways = parts.stamp_by_id.each_ref().map(String::as_str);
            salvage(ask, ways, |all| part_names(ask, of, all), out)
        }
        asked => Ok(asked?),
    }
}

fn observe_parts(
    ask: &QueryContext<'_>,
    sql: &str,
    of: &MessageKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let mut set = SetSum::default();
    let asked = ask.for_each_row(sql, [of.message.as_str()], |row| {
        set.add(bytes(row, PartColumn::Id.at())?, 0);
        let about = || Some(of.clone().into());
        let Some(part) = out.id(ask, row, PartColumn::Id.at(), PartId::from_bytes, about)? else {
            return Ok(());
        };
        observe_row(ask, PartKey { message: of.message.clone(), part }.into(), row, out)
    });
    out.set = set.observation(of.clone(), None);
    asked
}

/// Pages are damaged: each record by itself, as they are listed.
fn salvage(
    ask: &QueryContext<'_>,
    ways: [&str; 2],
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
        let asked = out.with_fallback_query(ways, |sql, out| {
            ask.for_each_row(sql, [id, owner], |row| observe_row(ask, key.clone(), row, out))
        });
        out.note_damage(ask, Some(key.clone()), asked)?;
    }
    Ok(())
}

/// A row of [`MessageColumn`] or [`PartColumn`] with the length of the text in its place.
fn observe_row(
    ask: &QueryContext<'_>,
    key: EntityKey,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let [size, updated] = SIZE_AND_TIME.map(|at| integer(row, at));
    let stamp = ask.stamp(size?.cast_unsigned(), updated?, 0);
    out.observations.push(ask.observation(key, stamp, None));
    Ok(())
}
