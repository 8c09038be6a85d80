//! Which messages sessions have: the sets of all sessions, or of those without a record.

use std::collections::{BTreeSet, HashMap};

use scrollback_core_id::{SessionId, SessionKey};

use super::between;
use super::messages::names;
use crate::ask::Ask;
use crate::cells::{bytes, whole, whole_if_any};
use crate::error::{Result, is_damage};
use crate::gathered::Gathered;
use crate::schema::tables::events::SequenceColumn;
use crate::schema::{SEQUENCES, messages, v2};
use crate::set_sum::SetSum;
use crate::v2::order::marked;

/// The table of rows of 2.x.
const ROWS: &str = "session_message";

/// The sets of all sessions, of 1.x and of 2.x.
pub(crate) fn all_sets(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    if ask.schema.messages.is_some() {
        message_sets(ask, out)?;
    }
    if let Some(rows_of_2x) = &ask.schema.v2 {
        let v1 = std::mem::take(&mut out.sightings);
        let ways = ["", "NOT INDEXED"].map(v2::sets);
        let asked = message_sets_by(ask, &ways[0], out);
        if asked.as_ref().is_err_and(is_damage) {
            out.sightings.clear();
            message_sets_by(ask, &ways[1], out)?;
        } else {
            asked?;
        }
        let rows = std::mem::take(&mut out.sightings).into_iter();
        let rows = rows.filter_map(|set| marked(Some(set))).collect();
        out.sightings = between::sets(v1, rows, rows_of_2x);
    }
    Ok(())
}

/// The sets of all sessions of 1.x, from an index that has all they are made of; should that be damaged,
/// from the table.
fn message_sets(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    let asked = message_sets_by(ask, &messages::sets(""), out);
    if !asked.as_ref().is_err_and(is_damage) {
        return asked;
    }
    out.sightings.clear();
    message_sets_by(ask, &messages::sets("NOT INDEXED"), out)
}

/// The sets of sessions without a record: from one session to the next in the index, and not from
/// message to message.
pub(crate) fn lost_sets(ask: &Ask<'_>, out: &mut Gathered) -> Result<()> {
    let mut lost = BTreeSet::new();
    let tables = [("message", ask.schema.messages.is_some()), (ROWS, ask.schema.v2.is_some())];
    for (table, _) in tables.into_iter().filter(|(_, is_there)| *is_there) {
        let asked = lost_sessions(ask, table, &mut lost, out);
        if asked.as_ref().is_err_and(is_damage) {
            return Ok(all_sets(ask, out)?); // more than asked for, past the damage
        }
        asked?;
    }
    for of in lost {
        let mut all = Gathered::default();
        names(ask, &of, &mut all)?;
        out.issues.append(&mut all.issues);
        out.sightings.extend(all.set);
    }
    Ok(())
}

fn lost_sessions(
    ask: &Ask<'_>,
    table: &str,
    lost: &mut BTreeSet<SessionKey>,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let after = format!("SELECT min(session_id) FROM {table} WHERE session_id > ?1");
    let mut after = ask.db.prepare_cached(&after)?;
    let recorded = ask.schema.sessions.column("1", "", "id = ?1");
    let mut recorded = ask.db.prepare_cached(&recorded)?;
    let mut last = String::new();
    loop {
        let mut rows = after.query([&last])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let next = String::from_utf8_lossy(bytes(row, 0)?).into_owned();
        if next <= last {
            return Ok(()); // none is left; no id is empty
        }
        if !recorded.exists([&next])? {
            lost.extend(out.session(ask, row, 0)?);
        }
        drop(rows);
        last = next;
    }
}

fn message_sets_by(ask: &Ask<'_>, sql: &str, out: &mut Gathered) -> rusqlite::Result<()> {
    let sequences = match sequences(ask) {
        Err(error) if is_damage(&error) => HashMap::new(), // as where a session is listed past it
        all => all?,
    };
    let mut session: Vec<u8> = Vec::new();
    let mut set = SetSum::default();
    let close = |session: &[u8], set: SetSum, out: &mut Gathered| {
        let Ok(text) = std::str::from_utf8(session) else { return };
        let Ok(key) = text.parse::<SessionId>() else { return };
        out.sightings.extend(set.sighting(SessionKey::from(key), sequences.get(text).copied()));
    };
    ask.each(sql, [], |row| {
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
        ask.each(SEQUENCES, [], |row| {
            let id =
                String::from_utf8_lossy(bytes(row, SequenceColumn::Session.at())?).into_owned();
            all.extend(whole_if_any(row, SequenceColumn::Seq.at())?.map(|last| (id, last)));
            Ok(())
        })?;
    }
    Ok(all)
}
