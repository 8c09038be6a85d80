//! The rows of sessions: read whole, named, or one by one.

use rusqlite::Row as SqlRow;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, OrderKey, PartKey, SessionKey};

use crate::ask::Ask;
use crate::cells::{bytes, id, whole, whole_if_any};
use crate::error::{Result, is_damage};
use crate::gathered::{Gathered, Row};
use crate::record::data;
use crate::schema::row_kind::RowKind;
use crate::schema::v2::{V2Schema, column};
use crate::set_sum::SetSum;
use crate::v2::ids::{messages_of, rows_of};
use crate::v2::order::{marked, order, stamped};
use crate::v2::place::Progress;
use crate::v2::translate::{Ending, Place, V2Row, Wanted, item, translate};

/// What a call wants of the rows of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of {
    /// Messages and parts, if any.
    pub(crate) messages: Option<Wanted>,
    /// What is no message.
    pub(crate) items: bool,
}

impl Of {
    pub(crate) const MESSAGES: Self = Self { messages: Some(Wanted::Messages), items: false };
    pub(crate) const ITEMS: Self = Self { messages: None, items: true };
    pub(crate) const EVERYTHING: Self = Self { messages: Some(Wanted::Everything), items: true };

    fn wants(self, kind: RowKind) -> bool {
        if kind.is_message() { self.messages.is_some() } else { self.items }
    }
}

/// The rows of a session that are wanted, in order, and the set of those that were looked at.
pub(crate) fn rows(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    what: Of,
    out: &mut Gathered,
) -> Result<()> {
    let (first, issues) = (out.rows.len(), out.issues.len());
    let (mut set, mut sequence) = (SetSum::default(), None);
    let mut progress = match what.messages {
        Some(_) => Progress::begin(ask, of)?,
        None => Progress::nowhere(),
    };
    let sql = if what.messages.is_some() { &v2.rows } else { &v2.items };
    let asked = ask.each(sql, [of.session.as_str()], |row| {
        if set.is_empty() {
            sequence = whole_if_any(row, column::MORE)?;
        }
        set.add(bytes(row, column::ID)?, whole(row, column::CREATED)?);
        with_row(ask, v2, of, row, &progress, out, |read, out| {
            put(read, of, what, &progress, out);
        })?;
        progress.pass(row)
    });
    match asked {
        Err(error) if is_damage(&error) => {
            out.rows.truncate(first);
            out.issues.truncate(issues);
            salvage(ask, v2, of, out, |id, out| one(ask, v2, of, id, what, out))?;
        }
        asked => {
            asked?;
            out.set = marked(set.sighting(of.clone(), sequence));
        }
    }
    Ok(())
}

/// Pages are damaged: each row by itself, as they are listed.
pub(crate) fn salvage(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut Gathered,
    mut one: impl FnMut(&str, &mut Gathered) -> rusqlite::Result<()>,
) -> Result<()> {
    let mut listed = Vec::new();
    let ways = v2.names.each_ref().map(String::as_str);
    let asked = Gathered::default().by_either(ways, |sql, _| {
        listed.clear();
        ask.each(sql, [of.session.as_str()], |row| {
            listed.push(String::from_utf8_lossy(bytes(row, column::ID)?).into_owned());
            Ok(())
        })
    });
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    for id in listed {
        let asked = one(&id, out);
        let about = MessageId::new(&id).ok();
        let about = about.map(|message| MessageKey { session: of.session.clone(), message });
        out.note_damage(ask, about.map(EntityKey::from), asked)?;
    }
    out.set = None;
    Ok(())
}

/// What one row of a session becomes, if it is there.
pub(crate) fn one(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    id: &str,
    what: Of,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let ways = v2.one.each_ref().map(String::as_str);
    out.by_either(ways, |sql, out| {
        ask.each(sql, [id, of.session.as_str()], |row| {
            let progress = Progress::at(ask, of, whole(row, column::SEQ)?)?;
            with_row(ask, v2, of, row, &progress, out, |read, out| {
                put(read, of, what, &progress, out);
            })
        })
    })
}

/// One message, if it is there.
pub(crate) fn message(
    ask: &Ask<'_>,
    v2: &V2Schema,
    key: &MessageKey,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let (first, of) = (out.rows.len(), SessionKey::from(key.session.clone()));
    for id in rows_of(&key.message) {
        one(ask, v2, &of, id, Of::MESSAGES, out)?;
        keep(out, first, |row| matches!(row, EntityKey::Message(row) if row == key));
        if out.rows.len() > first {
            break;
        }
    }
    Ok(())
}

/// One part, if it is there. Whether its message's row is, is the answer.
pub(crate) fn part(
    ask: &Ask<'_>,
    v2: &V2Schema,
    key: &PartKey,
    out: &mut Gathered,
) -> rusqlite::Result<bool> {
    let first = out.rows.len();
    let is_there = parts_of(ask, v2, &key.message, out)?;
    keep(out, first, |row| matches!(row, EntityKey::Part(row) if row == key));
    Ok(is_there)
}

/// The parts that a row holds.
pub(crate) fn row_parts(
    ask: &Ask<'_>,
    v2: &V2Schema,
    row: &SqlRow<'_>,
    ending: Ending,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let Some(of) = out.session(ask, row, column::MORE)? else { return Ok(()) };
    with_row(ask, v2, &of, row, &Progress::nowhere(), out, |read, out| {
        if read.kind.is_message() {
            translate(read, &of, &Place::default(), Wanted::Parts, ending, out);
        }
    })
}

/// The parts of a message with their bytes. Whether its row is there, is the answer.
pub(crate) fn parts_of(
    ask: &Ask<'_>,
    v2: &V2Schema,
    message: &MessageId,
    out: &mut Gathered,
) -> rusqlite::Result<bool> {
    let (mut is_there, first) = (false, out.rows.len());
    for of in rows_of(message) {
        ask.each(&v2.of_any, [of], |row| {
            is_there = true;
            row_parts(ask, v2, row, Ending::WithIds, out)
        })?;
        keep(out, first, |row| matches!(row, EntityKey::Part(row) if row.message == *message));
        if out.rows.len() > first {
            break;
        }
    }
    Ok(is_there)
}

/// Leaves of the rows from `first` on those that are asked for.
pub(crate) fn keep(out: &mut Gathered, first: usize, is_asked: impl Fn(&EntityKey) -> bool) {
    let kept: Vec<Row> = out.rows.drain(first..).filter(|row| is_asked(&row.key)).collect();
    out.rows.extend(kept);
}

/// The names of a session's messages, and the set of its rows.
pub(crate) fn names(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut Gathered,
) -> Result<()> {
    let ways = v2.names.each_ref().map(String::as_str);
    let asked = out.by_either(ways, |sql, out| {
        let (mut set, mut sequence) = (SetSum::default(), None);
        ask.each(sql, [of.session.as_str()], |row| {
            set.add(bytes(row, column::ID)?, whole(row, column::CREATED)?);
            sequence = whole_if_any(row, column::MORE)?;
            match id(row, column::ID, MessageId::from_bytes)? {
                Ok(message) => {
                    let kind = RowKind::of(bytes(row, column::KIND)?);
                    for message in messages_of(kind, message) {
                        let key = MessageKey { session: of.session.clone(), message };
                        out.rows.push(Row::new(key, OrderKey::default(), None));
                    }
                }
                Err(kind) => out.note(Some(of.clone().into()), ask, kind),
            }
            Ok(())
        })?;
        out.set = marked(set.sighting(of.clone(), sequence));
        Ok(())
    });
    Ok(out.note_damage(ask, Some(of.clone().into()), asked)?)
}

/// Puts what is wanted of a row that was read.
pub(crate) fn put(
    read: &V2Row<'_>,
    of: &SessionKey,
    what: Of,
    progress: &Progress,
    out: &mut Gathered,
) {
    if !what.wants(read.kind) {
        return;
    }
    match what.messages {
        Some(wanted) if read.kind.is_message() => {
            translate(read, of, &progress.place(), wanted, Ending::WithIds, out);
        }
        _ => item(read, of, out),
    }
}

/// Reads a row, or notes what is wrong with it.
pub(crate) fn with_row(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    row: &SqlRow<'_>,
    progress: &Progress,
    out: &mut Gathered,
    then: impl FnOnce(&V2Row<'_>, &mut Gathered),
) -> rusqlite::Result<()> {
    match read(ask, v2, of, row, progress)? {
        Ok(read) => then(&read, out),
        Err((key, kind)) => out.note(Some(key), ask, kind),
    }
    Ok(())
}

/// A row as [`column`] has it, or what is wrong with it.
pub(crate) fn read<'r>(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    row: &'r SqlRow<'_>,
    progress: &Progress,
) -> rusqlite::Result<Result<V2Row<'r>, (EntityKey, IssueKind)>> {
    let id = match id(row, column::ID, MessageId::from_bytes)? {
        Ok(id) => id,
        Err(kind) => return Ok(Err((of.clone().into(), kind))),
    };
    let text = match data(ask, row.get_ref(column::DATA)?) {
        Ok(text) => text,
        Err(kind) => {
            let key = MessageKey { session: of.session.clone(), message: id };
            return Ok(Err((key.into(), kind)));
        }
    };
    let updated = whole(row, column::UPDATED)?;
    let (seq, order) = (whole(row, column::SEQ)?, order(v2, row)?);
    let kind_name = bytes(row, column::KIND)?;
    let kind = RowKind::of(kind_name);
    let stamped = stamped(order) ^ progress.stamped(kind);
    let (stamp, settled) = ask.stamp(text.len() as u64, updated, stamped);
    Ok(Ok(V2Row { id, kind, kind_name, seq, order, updated, stamp, settled, data: text }))
}
