//! Whose messages a session has: rows of 1.x, of 2.x, or of both.

use std::collections::HashMap;

use scrollback_core_id::{EntityKey, ItemKey, MessageKey, OrderKey, PartKey, SessionKey};
use scrollback_source::Sighting;

use crate::ask::{Ask, Gathered, Row};
use crate::error::{Result, is_damage};
use crate::v2::pending::pending;
use crate::v2::rows::{self, Of, by_time};
use crate::v2::schema::V2Schema;
use crate::{messages, parts, sessions, tree};

/// Whether a session has rows of 2.x, as the index has them, and as the table has them.
pub(crate) const HAS_ROWS: [&str; 2] = [
    "SELECT 1 FROM session_message WHERE session_id = ?1 LIMIT 1",
    "SELECT 1 FROM session_message NOT INDEXED WHERE session_id = ?1 LIMIT 1",
];

/// Whose messages a session has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'v> {
    V1,
    /// Rows of 2.x alone: what the tables of 1.x have of the session is what it was migrated from.
    V2(&'v V2Schema),
    /// Those of the preview, and those of 1.x: turns of both, one after the other.
    Both(&'v V2Schema),
}

/// What the stamps of messages of 1.x say in a session that has both: their order is another.
const BETWEEN: u64 = 1;

/// Whose messages a session has.
pub(crate) fn whose<'v>(ask: &Ask<'v>, of: &SessionKey) -> rusqlite::Result<Whose<'v>> {
    let Some(v2) = &ask.schema.v2 else { return Ok(Whose::V1) };
    let mut found = false;
    Gathered::default().by_either(HAS_ROWS, |sql, _| {
        ask.each(sql, [of.session.as_str()], |_| {
            found = true;
            Ok(())
        })
    })?;
    Ok(match (found, v2.is_preview) {
        (false, _) => Whose::V1,
        (true, false) => Whose::V2(v2),
        (true, true) => Whose::Both(v2),
    })
}

/// The messages of a session, in order, and their set.
pub(crate) fn messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    match whose(ask, of)? {
        Whose::V1 => messages::messages(ask, of, out),
        Whose::V2(v2) => rows::rows(ask, v2, of, Of::MESSAGES, out),
        Whose::Both(v2) => {
            messages::messages(ask, of, out)?;
            let set = out.set.take();
            out.rows.iter_mut().for_each(put_between);
            rows::rows(ask, v2, of, Of::MESSAGES, out)?;
            out.set = joined(set, out.set.take());
            out.rows.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
            Ok(())
        }
    }
}

/// The names of a session's messages, and their set.
pub(crate) fn names(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    match whose(ask, of)? {
        Whose::V1 => messages::names(ask, of, out),
        Whose::V2(v2) => rows::names(ask, v2, of, out),
        Whose::Both(v2) => {
            messages::names(ask, of, out)?;
            let set = out.set.take();
            rows::names(ask, v2, of, out)?;
            out.set = joined(set, out.set.take());
            Ok(())
        }
    }
}

/// What happened in a session and is no message.
pub(crate) fn items(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    let Some(v2) = &ask.schema.v2 else { return Ok(()) };
    rows::rows(ask, v2, of, Of::ITEMS, out)?;
    waiting(ask, v2, of, out)?;
    out.set = None; // it is that of the messages
    in_order(&mut out.rows);
    Ok(())
}

/// What waits in a session, or why it cannot be read.
fn waiting(ask: &Ask<'_>, v2: &V2Schema, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    let asked = pending(ask, v2, of, out);
    Ok(out.note_damage(ask, Some(of.clone().into()), asked)?)
}

/// All of one session: its record, its messages and their parts, and what happened besides.
pub(crate) fn tree(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    out.arena = scrollback_stor_mmap::Arena::with_capacity(tree::USUAL);
    let asked = sessions::one(ask, of.session.as_str(), out);
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    let first = out.rows.len();
    match whose(ask, of)? {
        Whose::V1 => {
            tree::messages(ask, of, out)?;
            if let Some(v2) = &ask.schema.v2 {
                waiting(ask, v2, of, out)?; // there are no rows, and maybe prompts
            }
        }
        Whose::V2(v2) => {
            rows::rows(ask, v2, of, Of::EVERYTHING, out)?;
            waiting(ask, v2, of, out)?;
        }
        Whose::Both(v2) => {
            tree::messages(ask, of, out)?;
            out.rows[first..].iter_mut().for_each(put_between);
            rows::rows(ask, v2, of, Of::EVERYTHING, out)?;
            waiting(ask, v2, of, out)?;
        }
    }
    out.set = None; // the set is for scans
    let mut rest = out.rows.split_off(first);
    in_order(&mut rest);
    out.rows.append(&mut rest);
    Ok(())
}

/// One message, if it is there.
pub(crate) fn message(ask: &Ask<'_>, key: &MessageKey, out: &mut Gathered) -> rusqlite::Result<()> {
    let of = SessionKey::from(key.session.clone());
    let first = out.rows.len();
    match whose(ask, &of)? {
        Whose::V1 => messages::one(ask, key, out)?,
        Whose::V2(v2) => rows::message(ask, v2, key, out)?,
        Whose::Both(v2) => {
            rows::message(ask, v2, key, out)?;
            if out.rows.len() == first {
                messages::one(ask, key, out)?;
                out.rows[first..].iter_mut().for_each(put_between);
            }
        }
    }
    Ok(())
}

/// One part, if it is there.
pub(crate) fn part(ask: &Ask<'_>, key: &PartKey, out: &mut Gathered) -> rusqlite::Result<()> {
    if let Some(v2) = &ask.schema.v2
        && (rows::part(ask, v2, key, out)? || is_hidden(ask, v2, key)?)
    {
        return Ok(());
    }
    parts::one_part(ask, key, out)
}

/// One item, if it is there: a row, or what waits.
pub(crate) fn item(ask: &Ask<'_>, key: &ItemKey, out: &mut Gathered) -> rusqlite::Result<()> {
    let Some(v2) = &ask.schema.v2 else { return Ok(()) };
    let (first, of) = (out.rows.len(), SessionKey::from(key.session.clone()));
    rows::one(ask, v2, &of, key.item.as_str(), Of::ITEMS, out)?;
    if out.rows.len() == first {
        pending(ask, v2, &of, out)?;
        rows::keep(out, first, |row| matches!(row, EntityKey::Item(row) if row == key));
    }
    Ok(())
}

/// Whether a part of 1.x belongs to a session that is read from the rows of 2.x.
fn is_hidden(ask: &Ask<'_>, v2: &V2Schema, key: &PartKey) -> rusqlite::Result<bool> {
    const HIDDEN: &str = "SELECT 1 FROM part AS p WHERE p.id = ?1 AND EXISTS \
        (SELECT 1 FROM session_message AS m WHERE m.session_id = p.session_id)";
    let mut found = false;
    if !v2.is_preview && ask.schema.has_parts {
        let asked = ask.each(HIDDEN, [key.part.as_str()], |_| {
            found = true;
            Ok(())
        });
        match asked {
            Err(error) if is_damage(&error) => {} // whoever reads it says so
            asked => asked?,
        }
    }
    Ok(found)
}

/// The names of a message's parts, in order, and their set.
pub(crate) fn part_names(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<()> {
    let first = out.rows.len();
    if rows_of_message(ask, of, out)? {
        out.set = set_of_parts(of, &out.rows[first..]);
        out.rows[first..].iter_mut().for_each(|row| row.piece = None);
        return Ok(());
    }
    parts::part_names(ask, of, out)
}

/// The parts of a message of 2.x with their bytes; whether it is one, is the answer.
pub(crate) fn rows_of_message(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<bool> {
    let session = SessionKey::from(of.session.clone());
    let is_there = match whose(ask, &session)? {
        Whose::V1 => return Ok(false),
        Whose::V2(v2) => {
            rows::parts_of(ask, v2, &of.message, out)?;
            true
        }
        Whose::Both(v2) => rows::parts_of(ask, v2, &of.message, out)?,
    };
    Ok(is_there)
}

/// The set of parts that a row of 2.x is made of; none if there are none.
pub(crate) fn set_of_parts(of: &MessageKey, parts: &[Row]) -> Option<Sighting> {
    let mut set = crate::ask::SetSum::default();
    for part in parts {
        if let EntityKey::Part(key) = &part.key {
            set.add(key.part.as_bytes(), 0);
        }
    }
    set.sighting(of.clone(), None)
}

/// Gives a message of 1.x its place among rows of the preview.
fn put_between(row: &mut Row) {
    if let (EntityKey::Message(_), Some(piece)) = (&row.key, &mut row.piece) {
        row.order = by_time(row.order.0, 0);
        piece.stamp.inode = BETWEEN;
    }
}

/// The same of a message that was only looked at.
pub(crate) fn see_between(seen: &mut Sighting) {
    if let EntityKey::Message(_) = seen.key {
        seen.stamp.inode = BETWEEN;
    }
}

/// The set of messages of both.
pub(crate) fn joined(a: Option<Sighting>, b: Option<Sighting>) -> Option<Sighting> {
    let (Some(mut a), Some(b)) = (a.clone(), b.clone()) else { return a.or(b) };
    a.stamp.size += b.stamp.size;
    a.stamp.mtime = a.stamp.mtime.max(b.stamp.mtime);
    a.stamp.inode = a.stamp.inode.wrapping_add(b.stamp.inode);
    Some(a)
}

/// The sets of sessions, of which those of `rows` count where there are any, or both do.
pub(crate) fn sets(v1: Vec<Sighting>, rows: Vec<Sighting>, v2: &V2Schema) -> Vec<Sighting> {
    let mut all: HashMap<EntityKey, Sighting> =
        v1.into_iter().map(|set| (set.key.clone(), set)).collect();
    for set in rows {
        let known = all.remove(&set.key).filter(|_| v2.is_preview);
        let key = set.key.clone();
        all.extend(joined(known, Some(set)).map(|set| (key, set)));
    }
    let mut all: Vec<Sighting> = all.into_values().collect();
    all.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    all
}

/// Puts messages, each with its parts, and items in order.
fn in_order(rows: &mut Vec<Row>) {
    let own = |row: &Row| match &row.key {
        EntityKey::Part(_) => None,
        _ => Some(row.order),
    };
    if rows.iter().filter_map(own).is_sorted() {
        return; // nearly always
    }
    let mut order = OrderKey(i64::MIN);
    let mut ranked: Vec<(OrderKey, Row)> = Vec::with_capacity(rows.len());
    for row in rows.drain(..) {
        order = own(&row).unwrap_or(order);
        ranked.push((order, row));
    }
    ranked.sort_by_key(|(order, _)| *order); // stable: parts stay behind their message
    rows.extend(ranked.into_iter().map(|(_, row)| row));
}
