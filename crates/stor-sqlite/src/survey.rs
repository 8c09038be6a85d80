//! Surveys: rows' times and sizes, and which rows there are. No text is read for them.

use std::collections::HashMap;

use rusqlite::Row as SqlRow;
use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, PartId, PartKey, ProjectId, SessionId, SessionKey,
};
use scrollback_source::{Sighting, Survey};

use crate::ask::{Ask, Gathered, Row, SetSum, bytes, project, whole, whole_if_any};
use crate::error::{Result, is_damage};
use crate::generation::{self, Whose};
use crate::messages::names;
use crate::parts::{PART_NAMES, part_names};
use crate::provenance::Provenances;
use crate::sessions::{ids, placed};
use crate::sets::{all_sets, lost_sets};
use crate::v2;

pub(crate) fn survey(ask: &Ask<'_>, what: &Survey<'_>, out: &mut Gathered) -> Result<()> {
    let schema = ask.schema;
    let asked = match what {
        Survey::Projects if schema.has_projects => projects(ask, out),
        Survey::Sessions => sessions(ask, out),
        Survey::MessageSets => all_sets(ask, out),
        Survey::LostSets => return lost_sets(ask, out),
        Survey::Messages(of) => return of_session(ask, of, out),
        Survey::TheseMessages(of, ids) => {
            of_session(ask, of, out)?;
            pick(of, ids, out);
            Ok(())
        }
        Survey::PartSets(of) => return of.iter().try_for_each(|of| part_set(ask, of, out)),
        Survey::Parts(of) => return all_parts(ask, of, out),
        _ => Ok(()),
    };
    Ok(out.note_damage(ask, None, asked)?)
}

/// The messages of a session, whosever they are.
fn of_session(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    match generation::whose(ask, of)? {
        Whose::V1 => all_messages(ask, of, out),
        Whose::V2(v2) => v2::survey::messages(ask, v2, of, out),
        Whose::Both(v2) => {
            all_messages(ask, of, out)?;
            let set = out.set.take();
            out.sightings.iter_mut().for_each(generation::see_between);
            v2::survey::messages(ask, v2, of, out)?;
            out.set = generation::joined(set, out.set.take());
            Ok(())
        }
    }
}

/// The messages of a session of 1.x.
fn all_messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    if !ask.schema.has_messages {
        return Ok(());
    }
    match messages(ask, of, out) {
        Err(error) if is_damage(&error) => {
            let ways = ask.schema.message_stamp.each_ref().map(String::as_str);
            salvage(ask, ways, |all| names(ask, of, all), out)
        }
        asked => Ok(asked?),
    }
}

fn projects(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    ask.each(&ask.schema.project_stamp, [], |row| {
        if let Some(id) = out.id(ask, row, 0, ProjectId::from_bytes, || None)? {
            let sighting = ask.sighting(id, ask.stamp_at(row, 1)?, None);
            out.sightings.push(sighting);
        }
        Ok(())
    })
}

fn sessions(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    let sql = &ask.schema.session_stamp;
    let places = Provenances::default();
    let asked = ask.each(sql, [], |row| session(ask, &places, row, out));
    if !asked.as_ref().is_err_and(is_damage) {
        return asked;
    }
    // Pages of the table are damaged: each session by itself.
    out.sightings.clear();
    out.issues.clear();
    let one = ask.schema.sessions.stamps("id = ?1");
    for id in ids(ask, out)? {
        let asked = ask.each(&one, [&id], |row| session(ask, &places, row, out));
        let key = SessionId::new(&id).ok().map(|id| SessionKey::from(id).into());
        out.note_damage(ask, key, asked)?;
    }
    Ok(())
}

/// A row of id, project, stamp, where there is something of it, time of making.
fn session(
    ask: &Ask<'_>,
    places: &Provenances,
    row: &SqlRow<'_>,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let Some(key) = out.session(ask, row, 0)? else { return Ok(()) };
    let (mut stamp, settled) = ask.stamp_at(row, 2)?;
    let provenance = places.of(ask, row, 5, whole(row, 6)?)?;
    stamp.inode = placed(stamp.inode, &provenance);
    out.sightings.push(ask.sighting(key, (stamp, settled), project(row, 1)?));
    Ok(())
}

fn messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> rusqlite::Result<()> {
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

/// The parts of a message, whosever it is.
fn all_parts(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<()> {
    let mut made = Gathered::default();
    if generation::rows_of_message(ask, of, &mut made)? {
        out.set = generation::set_of_parts(of, &made.rows);
        out.issues.append(&mut made.issues);
        let seen = |row: &Row| Some((row.key.clone(), row.piece.clone()?));
        for (key, piece) in made.rows.iter().filter_map(seen) {
            out.sightings.push(ask.sighting(key, (piece.stamp, piece.settled), None));
        }
        return Ok(());
    }
    if !ask.schema.has_parts {
        return Ok(());
    }
    match parts(ask, of, out) {
        Err(error) if is_damage(&error) => {
            let ways = ask.schema.part_stamp.each_ref().map(String::as_str);
            salvage(ask, ways, |all| part_names(ask, of, all), out)
        }
        asked => Ok(asked?),
    }
}

fn parts(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> rusqlite::Result<()> {
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

/// Leaves these messages, in this order.
fn pick(of: &SessionKey, ids: &[MessageId], out: &mut Gathered) {
    out.set = None;
    out.issues.retain(|(about, _)| matches!(about, Some(EntityKey::Message(_))));
    let key = |message: &MessageId| {
        EntityKey::Message(MessageKey { session: of.session.clone(), message: message.clone() })
    };
    if ids.len() == out.sightings.len()
        && ids.iter().zip(&out.sightings).all(|(id, seen)| key(id) == seen.key)
    {
        return; // all of them, in the order of the index
    }
    let mut all: HashMap<EntityKey, Sighting> =
        out.sightings.drain(..).map(|seen| (seen.key.clone(), seen)).collect();
    out.sightings.extend(ids.iter().filter_map(|id| all.remove(&key(id))));
}

fn part_set(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<()> {
    let mut made = Gathered::default();
    if generation::rows_of_message(ask, of, &mut made)? {
        out.issues.append(&mut made.issues);
        out.sightings.extend(generation::set_of_parts(of, &made.rows));
        return Ok(());
    }
    if !ask.schema.has_parts {
        return Ok(());
    }
    let mut set = SetSum::default();
    let asked = ask.each(PART_NAMES[0], [of.message.as_str()], |row| {
        set.add(bytes(row, 0)?, 0);
        Ok(())
    });
    match asked {
        Err(error) if is_damage(&error) => {
            let mut listed = Gathered::default();
            part_names(ask, of, &mut listed)?;
            out.issues.extend(listed.issues);
            out.sightings.extend(listed.set);
        }
        asked => {
            asked?;
            out.sightings.extend(set.sighting(of.clone(), None));
        }
    }
    Ok(())
}
