//! What rows of 1.x look like, without their texts.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, PartId, PartKey, SessionKey};

use super::messages::names;
use crate::ask::Ask;
use crate::cells::{bytes, whole, whole_if_any};
use crate::error::{Result, is_damage};
use crate::gathered::{Gathered, Row};
use crate::schema::tables::v1::{MessageColumn, PartColumn};
use crate::set_sum::SetSum;

/// Both kinds of rows have them at the same place.
const SIZE_AND_TIME: [usize; 2] = [MessageColumn::Data.at(), MessageColumn::Updated.at()];
const _: () = assert!(SIZE_AND_TIME[0] == PartColumn::Data.at());
const _: () = assert!(SIZE_AND_TIME[1] == PartColumn::Updated.at());
use crate::v1::parts::part_names;

/// The messages of a session of 1.x.
pub(crate) fn messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    let Some(messages) = &ask.schema.messages else { return Ok(()) };
    match see_messages(ask, &messages.stamps, of, out) {
        Err(error) if is_damage(&error) => {
            let ways = messages.stamp.each_ref().map(String::as_str);
            salvage(ask, ways, |all| names(ask, of, all), out)
        }
        asked => Ok(asked?),
    }
}

fn see_messages(
    ask: &Ask<'_>,
    sql: &str,
    of: &SessionKey,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let asked = ask.each(sql, [of.session.as_str()], |row| {
        set.add(bytes(row, MessageColumn::Id.at())?, whole(row, MessageColumn::Created.at())?);
        sequence = whole_if_any(row, MessageColumn::Session.at())?;
        let about = || Some(of.clone().into());
        let message = out.id(ask, row, MessageColumn::Id.at(), MessageId::from_bytes, about)?;
        let Some(message) = message else { return Ok(()) };
        let key = MessageKey { session: of.session.clone(), message };
        record(ask, key.into(), row, out)
    });
    out.set = set.sighting(of.clone(), sequence);
    asked
}

/// The parts of a message of 1.x.
pub(crate) fn parts(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<()> {
    let Some(parts) = &ask.schema.parts else { return Ok(()) };
    match see_parts(ask, &parts.stamps, of, out) {
        Err(error) if is_damage(&error) => {
            let ways = parts.stamp.each_ref().map(String::as_str);
            salvage(ask, ways, |all| part_names(ask, of, all), out)
        }
        asked => Ok(asked?),
    }
}

fn see_parts(
    ask: &Ask<'_>,
    sql: &str,
    of: &MessageKey,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let mut set = SetSum::default();
    let asked = ask.each(sql, [of.message.as_str()], |row| {
        set.add(bytes(row, PartColumn::Id.at())?, 0);
        let about = || Some(of.clone().into());
        let Some(part) = out.id(ask, row, PartColumn::Id.at(), PartId::from_bytes, about)? else {
            return Ok(());
        };
        record(ask, PartKey { message: of.message.clone(), part }.into(), row, out)
    });
    out.set = set.sighting(of.clone(), None);
    asked
}

/// Pages are damaged: each record by itself, as they are listed.
fn salvage(
    ask: &Ask<'_>,
    ways: [&str; 2],
    list: impl FnOnce(&mut Gathered) -> Result<()>,
    out: &mut Gathered,
) -> Result<()> {
    out.sightings.clear();
    let mut listed = Gathered::default();
    list(&mut listed)?;
    (out.set, out.issues) = (listed.set, listed.issues);
    for Row { key, .. } in listed.rows {
        let (id, owner) = match &key {
            EntityKey::Message(key) => (key.message.as_str(), key.session.as_str()),
            EntityKey::Part(key) => (key.part.as_str(), key.message.as_str()),
            _ => continue,
        };
        let asked = out.by_either(ways, |sql, out| {
            ask.each(sql, [id, owner], |row| record(ask, key.clone(), row, out))
        });
        out.note_damage(ask, Some(key.clone()), asked)?;
    }
    Ok(())
}

/// A row of [`MessageColumn`] or [`PartColumn`] with the length of the text in its place.
fn record(
    ask: &Ask<'_>,
    key: EntityKey,
    row: &SqlRow<'_>,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let [size, updated] = SIZE_AND_TIME.map(|at| whole(row, at));
    let stamp = ask.stamp(size?.cast_unsigned(), updated?, 0);
    out.sightings.push(ask.sighting(key, stamp, None));
    Ok(())
}
