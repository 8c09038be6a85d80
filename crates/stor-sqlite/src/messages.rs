//! Messages and parts: rows whose `data` is the record without its ids.

use rusqlite::types::ValueRef;
use rusqlite::{Row as SqlRow, params};
use scrollback_core_err::IssueKind;
use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, OrderKey, PartId, PartKey, SessionId, SessionKey,
    circular_orders,
};
use scrollback_stor_mmap::{Piece, Settled};

use crate::ask::{Ask, Gathered, Row, SetSum, bytes, id, whole, whole_if_any};
use crate::error::{Result, is_damage};
use crate::json::splice;

/// The messages of a session, in the order of the index, and their set.
pub(crate) fn messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    if !ask.schema.has_messages {
        return Ok(());
    }
    let (mut set, mut sequence) = (SetSum::default(), None);
    let (rows, issues) = (out.rows.len(), out.issues.len());
    let session = of.session.as_str();
    let asked = ask.each(&ask.schema.messages, params![session, ask.cap()], |row| {
        set.add(bytes(row, 0)?, whole(row, 1)?);
        sequence = whole_if_any(row, 4)?;
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
    out.set = set.sighting(of.clone(), sequence);
    Ok(())
}

/// Pages are damaged: each message by itself, as they are listed.
fn salvage(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    let mut listed = Gathered::default();
    names(ask, of, &mut listed)?;
    out.issues.append(&mut listed.issues);
    out.set = listed.set;
    for row in listed.rows {
        if let EntityKey::Message(key) = &row.key {
            let asked = one(ask, key, out);
            out.note_damage(ask, Some(row.key.clone()), asked)?;
        }
    }
    Ok(())
}

/// The names of a session's messages, and their set.
pub(crate) fn names(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    if !ask.schema.has_messages {
        return Ok(());
    }
    let ways = ask.schema.message_names.each_ref().map(String::as_str);
    let asked = out.by_either(ways, |sql, out| list(ask, of, sql, out));
    Ok(out.note_damage(ask, Some(of.clone().into()), asked)?)
}

fn list(ask: &Ask<'_>, of: &SessionKey, sql: &str, out: &mut Gathered) -> rusqlite::Result<()> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    ask.each(sql, [of.session.as_str()], |row| {
        set.add(bytes(row, 0)?, whole(row, 1)?);
        sequence = whole_if_any(row, 2)?;
        match id::<MessageId>(row, 0)? {
            Ok(message) => {
                let key = MessageKey { session: of.session.clone(), message };
                out.rows.push(Row::new(key, OrderKey::default(), None));
            }
            Err(kind) => out.note(Some(of.clone().into()), ask, kind),
        }
        Ok(())
    })?;
    out.set = set.sighting(of.clone(), sequence);
    Ok(())
}

/// One message, if it is there.
pub(crate) fn one(ask: &Ask<'_>, key: &MessageKey, out: &mut Gathered) -> rusqlite::Result<()> {
    if !ask.schema.has_messages {
        return Ok(());
    }
    let of = SessionKey::from(key.session.clone());
    let ids = params![key.message.as_str(), ask.cap(), key.session.as_str()];
    let ways = ask.schema.message_one.each_ref().map(String::as_str);
    out.by_either(ways, |sql, out| ask.each(sql, ids, |row| message_row(ask, &of, row, out)))
}

/// A row of id, time of making, time of change, data.
pub(crate) fn message_row(
    ask: &Ask<'_>,
    of: &SessionKey,
    row: &SqlRow<'_>,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let message = match id::<MessageId>(row, 0)? {
        Ok(message) => message,
        Err(kind) => {
            out.note(Some(of.clone().into()), ask, kind);
            return Ok(());
        }
    };
    let ids = [("id", message.as_str()), ("sessionID", of.session.as_str())];
    let order = OrderKey(whole(row, 1)?);
    let read = record(ask, row.get_ref(3)?, whole(row, 2)?, &ids, out);
    let key = MessageKey { session: of.session.clone(), message };
    match read {
        Ok(piece) => out.rows.push(Row::new(key, order, Some(piece))),
        Err(kind) => out.note(Some(key.into()), ask, kind),
    }
    Ok(())
}

/// The names of a message's parts, in order, and their set.
pub(crate) fn part_names(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<()> {
    if !ask.schema.has_parts {
        return Ok(());
    }
    let asked = out.by_either(PART_NAMES, |sql, out| {
        let mut set = SetSum::default();
        ask.each(sql, [of.message.as_str()], |row| {
            set.add(bytes(row, 0)?, 0);
            match id::<PartId>(row, 0)? {
                Ok(part) => {
                    let key = PartKey { message: of.message.clone(), part };
                    out.rows.push(Row::new(key, OrderKey::default(), None));
                }
                Err(kind) => out.note(Some(of.clone().into()), ask, kind),
            }
            Ok(())
        })?;
        out.set = set.sighting(of.clone(), None);
        Ok(())
    });
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    put_in_order(&mut out.rows);
    Ok(())
}

/// The names of a message's parts: as an index has them, and as the table has them.
pub(crate) const PART_NAMES: [&str; 2] = [
    "SELECT id FROM part WHERE message_id = ?1 ORDER BY id",
    "SELECT id FROM part NOT INDEXED WHERE message_id = ?1 ORDER BY id",
];

/// One part, if it is there.
pub(crate) fn one_part(ask: &Ask<'_>, key: &PartKey, out: &mut Gathered) -> rusqlite::Result<()> {
    if !ask.schema.has_parts {
        return Ok(());
    }
    let ids = params![key.part.as_str(), ask.cap(), key.message.as_str()];
    let ways = ask.schema.part_one.each_ref().map(String::as_str);
    out.by_either(ways, |sql, out| ask.each(sql, ids, |row| part_row(ask, &key.message, row, out)))
}

/// A row of id, session, time of change, data.
pub(crate) fn part_row(
    ask: &Ask<'_>,
    message: &MessageId,
    row: &SqlRow<'_>,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let session = String::from_utf8_lossy(bytes(row, 1)?);
    let part = match id::<PartId>(row, 0)? {
        Ok(part) => part,
        Err(kind) => {
            let of = |session| MessageKey { session, message: message.clone() };
            let key = SessionId::new(&session).ok().map(|session| of(session).into());
            out.note(key, ask, kind);
            return Ok(());
        }
    };
    let ids = [("id", part.as_str()), ("sessionID", &*session), ("messageID", message.as_str())];
    let read = record(ask, row.get_ref(3)?, whole(row, 2)?, &ids, out);
    let key = PartKey { message: message.clone(), part };
    match read {
        Ok(piece) => out.rows.push(Row::new(key, OrderKey::default(), Some(piece))),
        Err(kind) => out.note(Some(key.into()), ask, kind),
    }
    Ok(())
}

/// The record of a row, in the arena.
fn record(
    ask: &Ask<'_>,
    data: ValueRef<'_>,
    updated_ms: i64,
    ids: &[(&str, &str)],
    out: &mut Gathered,
) -> Result<Piece, IssueKind> {
    let limit = ask.look.options().max_len;
    match data {
        ValueRef::Text(data) | ValueRef::Blob(data) => {
            let (stamp, settled): (_, Settled) = ask.stamp(data.len() as u64, updated_ms, 0);
            Ok(out.arena.append(stamp, settled, |bytes| splice(bytes, data, ids)))
        }
        ValueRef::Integer(size) if size > ask.cap() => {
            Err(IssueKind::TooLarge { size: size.cast_unsigned(), limit })
        }
        _ => Err(IssueKind::WrongShape { expected: "a record as JSON" }),
    }
}

/// Puts the parts of one message in order: by the clocks of their ids, which wrap.
pub(crate) fn put_in_order(rows: &mut [Row]) {
    let part = |row: &Row| match &row.key {
        EntityKey::Part(key) => Some(key.part.clone()),
        _ => None,
    };
    let ids: Vec<PartId> = rows.iter().filter_map(part).collect();
    if ids.len() != rows.len() {
        return;
    }
    for (row, order) in rows.iter_mut().zip(circular_orders(ids.iter())) {
        row.order = order;
    }
    if !rows.is_sorted_by_key(|row| row.order) {
        rows.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
    }
}
