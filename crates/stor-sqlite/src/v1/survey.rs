//! What rows of 1.x look like, without their texts.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, PartId, PartKey, SessionKey};

use super::messages::names;
use crate::ask::Ask;
use crate::cells::{bytes, whole, whole_if_any};
use crate::error::{Result, is_damage};
use crate::gathered::{Gathered, Row};
use crate::set_sum::SetSum;
use crate::v1::parts::part_names;

/// The messages of a session of 1.x.
pub(crate) fn messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    if !ask.schema.has_messages {
        return Ok(());
    }
    match see_messages(ask, of, out) {
        Err(error) if is_damage(&error) => {
            let ways = ask.schema.message_stamp.each_ref().map(String::as_str);
            salvage(ask, ways, |all| names(ask, of, all), out)
        }
        asked => Ok(asked?),
    }
}

fn see_messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> rusqlite::Result<()> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let asked = ask.each(&ask.schema.message_stamps, [of.session.as_str()], |row| {
        set.add(bytes(row, 0)?, whole(row, 1)?);
        sequence = whole_if_any(row, 4)?;
        let about = || Some(of.clone().into());
        let message = out.id(ask, row, 0, MessageId::from_bytes, about)?;
        let Some(message) = message else { return Ok(()) };
        let key = MessageKey { session: of.session.clone(), message };
        record(ask, key.into(), row, out)
    });
    out.set = set.sighting(of.clone(), sequence);
    asked
}

/// The parts of a message of 1.x.
pub(crate) fn parts(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<()> {
    if !ask.schema.has_parts {
        return Ok(());
    }
    match see_parts(ask, of, out) {
        Err(error) if is_damage(&error) => {
            let ways = ask.schema.part_stamp.each_ref().map(String::as_str);
            salvage(ask, ways, |all| part_names(ask, of, all), out)
        }
        asked => Ok(asked?),
    }
}

fn see_parts(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> rusqlite::Result<()> {
    const PARTS: &str = "SELECT id, NULL, time_updated, octet_length(data) FROM part \
                         WHERE message_id = ?1 ORDER BY id";
    let mut set = SetSum::default();
    let asked = ask.each(PARTS, [of.message.as_str()], |row| {
        set.add(bytes(row, 0)?, 0);
        let about = || Some(of.clone().into());
        let Some(part) = out.id(ask, row, 0, PartId::from_bytes, about)? else { return Ok(()) };
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

/// A row of id, anything, time of change, length.
fn record(
    ask: &Ask<'_>,
    key: EntityKey,
    row: &SqlRow<'_>,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let stamp = ask.stamp(whole(row, 3)?.cast_unsigned(), whole(row, 2)?, 0);
    out.sightings.push(ask.sighting(key, stamp, None));
    Ok(())
}
