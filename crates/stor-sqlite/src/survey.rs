//! Surveys: rows' times and sizes, and which rows there are. No text is read for them.

use std::collections::HashMap;

use rusqlite::{Row as SqlRow, params};
use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, PartId, PartKey, ProjectId, SessionId, SessionKey,
};
use scrollback_stor_read::{Sighting, Survey};

use crate::ask::{Ask, Gathered, SetSum, bytes, id, project, whole};
use crate::error::Result;
use crate::messages::PART_NAMES;

pub(crate) fn survey(ask: &Ask<'_>, what: &Survey<'_>, out: &mut Gathered) -> Result<()> {
    let schema = ask.schema;
    let asked = match what {
        Survey::Projects if schema.has_projects => projects(ask, out),
        Survey::Sessions => sessions(ask, out),
        Survey::MessageSets if schema.has_messages => message_sets(ask, out),
        Survey::Messages(of) if schema.has_messages => messages(ask, of, out),
        Survey::TheseMessages(of, ids) if schema.has_messages => {
            let asked = messages(ask, of, out);
            pick(of, ids, out);
            asked
        }
        Survey::PartSets(of) if schema.has_parts => {
            let mut sets = |of: &&MessageKey| part_set(ask, of, out);
            return Ok(of.iter().by_ref().try_for_each(|of| sets(&of))?);
        }
        Survey::Parts(of) if schema.has_parts => parts(ask, of, out),
        _ => Ok(()),
    };
    Ok(out.note_damage(ask, None, asked)?)
}

fn projects(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    ask.each(&ask.schema.project_stamp, [], |row| {
        match id::<ProjectId>(row, 0)? {
            Ok(id) => {
                let sighting = ask.sighting(id, ask.stamp_at(row, 1)?, None);
                out.sightings.push(sighting);
            }
            Err(kind) => out.note(None, ask, kind),
        }
        Ok(())
    })
}

fn sessions(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    ask.each(&ask.schema.session_stamp, [], |row| {
        match id::<SessionId>(row, 0)? {
            Ok(id) => {
                let key = SessionKey::from(id);
                let sighting = ask.sighting(key, ask.stamp_at(row, 2)?, project(row, 1)?);
                out.sightings.push(sighting);
            }
            Err(kind) => out.note(None, ask, kind),
        }
        Ok(())
    })
}

/// The sets of all sessions, from an index that has all they are made of.
fn message_sets(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    const SETS: &str =
        "SELECT session_id, id, time_created FROM message ORDER BY session_id, time_created, id";
    let sequences = sequences(ask)?;
    let mut session: Vec<u8> = Vec::new();
    let mut set = SetSum::default();
    let close = |session: &[u8], set: SetSum, out: &mut Gathered| {
        let Ok(text) = std::str::from_utf8(session) else { return };
        let Ok(key) = text.parse::<SessionId>() else { return };
        out.sightings.extend(set.sighting(SessionKey::from(key), sequences.get(text).copied()));
    };
    ask.each(SETS, [], |row| {
        let owner = bytes(row, 0)?;
        if owner != session {
            close(&session, std::mem::take(&mut set), out);
            session.clear();
            session.extend_from_slice(owner);
        }
        set.add(bytes(row, 1)?, whole(row, 2)?);
        Ok(())
    })?;
    close(&session, set, out);
    Ok(())
}

/// The number of each session's last event.
fn sequences(ask: &Ask<'_>) -> rusqlite::Result<HashMap<String, i64>> {
    let mut all = HashMap::new();
    if ask.schema.has_sequences {
        ask.each("SELECT aggregate_id, seq FROM event_sequence", [], |row| {
            let id = String::from_utf8_lossy(bytes(row, 0)?).into_owned();
            all.insert(id, whole(row, 1)?);
            Ok(())
        })?;
    }
    Ok(all)
}

fn messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> rusqlite::Result<()> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    ask.each(&ask.schema.message_stamps, [of.session.as_str()], |row| {
        set.add(bytes(row, 0)?, whole(row, 1)?);
        sequence = row.get(4)?;
        match id::<MessageId>(row, 0)? {
            Ok(message) => {
                let key = MessageKey { session: of.session.clone(), message };
                record(ask, key.into(), row, out)
            }
            Err(kind) => {
                out.note(Some(of.clone().into()), ask, kind);
                Ok(())
            }
        }
    })?;
    out.set = set.sighting(of.clone(), sequence);
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
    (out.set, out.issues) = (None, Vec::new());
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

fn part_set(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> rusqlite::Result<()> {
    let mut set = SetSum::default();
    ask.each(PART_NAMES, [of.message.as_str()], |row| {
        set.add(bytes(row, 0)?, 0);
        Ok(())
    })?;
    out.sightings.extend(set.sighting(of.clone(), None));
    Ok(())
}

fn parts(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> rusqlite::Result<()> {
    const PARTS: &str = "SELECT id, NULL, time_updated, octet_length(data) FROM part \
                         WHERE message_id = ?1 ORDER BY id";
    let mut set = SetSum::default();
    ask.each(PARTS, params![of.message.as_str()], |row| {
        set.add(bytes(row, 0)?, 0);
        match id::<PartId>(row, 0)? {
            Ok(part) => record(ask, PartKey { message: of.message.clone(), part }.into(), row, out),
            Err(kind) => {
                out.note(Some(of.clone().into()), ask, kind);
                Ok(())
            }
        }
    })?;
    out.set = set.sighting(of.clone(), None);
    Ok(())
}
