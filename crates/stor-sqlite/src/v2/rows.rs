//! The rows of sessions: read whole, named, or one by one.

use rusqlite::Row as SqlRow;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, OrderKey, PartKey, SessionKey};

use crate::cells::{bytes, id, integer, optional_integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::record::record_text;
use crate::schema::row_kind::RowKind;
use crate::schema::v2::{V2Schema, row_column};
use crate::set_sum::SetSum;
use crate::v2::ids::{message_ids_of_row, row_ids_of_message};
use crate::v2::order::{mark_v2_set, order_stamp, row_order};
use crate::v2::progress::Progress;
use crate::v2::translate::{IdPlacement, RecordSelection, RowContext, V2Row, put_item, translate};

/// What a call wants of the rows of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowSelection {
    /// Messages and parts, if any.
    pub(crate) messages: Option<RecordSelection>,
    /// What is no message.
    pub(crate) items: bool,
}

impl RowSelection {
    pub(crate) const MESSAGES: Self =
        Self { messages: Some(RecordSelection::Messages), items: false };
    pub(crate) const ITEMS: Self = Self { messages: None, items: true };
    pub(crate) const EVERYTHING: Self =
        Self { messages: Some(RecordSelection::Everything), items: true };

    fn wants(self, kind: RowKind) -> bool {
        if kind.is_message() { self.messages.is_some() } else { self.items }
    }
}

/// The rows of a session that are wanted, in order, and the set of those that were looked at.
pub(crate) fn session_rows(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    what: RowSelection,
    out: &mut QueryOutput,
) -> Result<()> {
    let (first, issues) = (out.rows.len(), out.issues.len());
    let (mut set, mut sequence) = (SetSum::default(), None);
    let mut progress = match what.messages {
        Some(_) => Progress::begin(ask, of)?,
        None => Progress::without_directory(),
    };
    let sql = if what.messages.is_some() { &v2.by_session } else { &v2.items };
    let asked = ask.for_each_row(sql, [of.session.as_str()], |row| {
        if set.is_empty() {
            sequence = optional_integer(row, row_column::SESSION_OR_SEQUENCE)?;
        }
        set.add(bytes(row, row_column::ID)?, integer(row, row_column::CREATED)?);
        with_row(ask, v2, of, row, &progress, out, |read, out| {
            put_selected(read, of, what, &progress, out);
        })?;
        progress.advance(row)
    });
    match asked {
        Err(error) if is_damage(&error) => {
            out.rows.truncate(first);
            out.issues.truncate(issues);
            salvage(ask, v2, of, out, |id, out| row_by_id(ask, v2, of, id, what, out))?;
        }
        asked => {
            asked?;
            out.set = mark_v2_set(set.observation(of.clone(), sequence));
        }
    }
    Ok(())
}

/// Pages are damaged: each row by itself, as they are listed.
pub(crate) fn salvage(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut QueryOutput,
    mut one: impl FnMut(&str, &mut QueryOutput) -> rusqlite::Result<()>,
) -> Result<()> {
    let mut listed = Vec::new();
    let ways = v2.names.each_ref().map(String::as_str);
    let asked = QueryOutput::default().with_fallback_query(ways, |sql, _| {
        listed.clear();
        ask.for_each_row(sql, [of.session.as_str()], |row| {
            listed.push(String::from_utf8_lossy(bytes(row, row_column::ID)?).into_owned());
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
pub(crate) fn row_by_id(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    id: &str,
    what: RowSelection,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let ways = v2.by_id.each_ref().map(String::as_str);
    out.with_fallback_query(ways, |sql, out| {
        ask.for_each_row(sql, [id, of.session.as_str()], |row| {
            let progress = Progress::at_row(ask, of, integer(row, row_column::SEQ)?)?;
            with_row(ask, v2, of, row, &progress, out, |read, out| {
                put_selected(read, of, what, &progress, out);
            })
        })
    })
}

/// One message, if it is there.
pub(crate) fn message(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    key: &MessageKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let (first, of) = (out.rows.len(), SessionKey::from(key.session.clone()));
    for id in row_ids_of_message(&key.message) {
        row_by_id(ask, v2, &of, id, RowSelection::MESSAGES, out)?;
        retain_from(out, first, |row| matches!(row, EntityKey::Message(row) if row == key));
        if out.rows.len() > first {
            break;
        }
    }
    Ok(())
}

/// One part, if it is there. Whether its message's row is, is the answer.
pub(crate) fn part(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    key: &PartKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<bool> {
    let first = out.rows.len();
    let is_there = parts_of_message(ask, v2, &key.message, out)?;
    retain_from(out, first, |row| matches!(row, EntityKey::Part(row) if row == key));
    Ok(is_there)
}

/// The parts that a row holds.
pub(crate) fn row_parts(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    row: &SqlRow<'_>,
    ending: IdPlacement,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(of) = out.session(ask, row, row_column::SESSION_OR_SEQUENCE)? else { return Ok(()) };
    with_row(ask, v2, &of, row, &Progress::without_directory(), out, |read, out| {
        if read.kind.is_message() {
            translate(read, &of, &RowContext::default(), RecordSelection::Parts, ending, out);
        }
    })
}

/// The parts of a message with their bytes. Whether its row is there, is the answer.
pub(crate) fn parts_of_message(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    message: &MessageId,
    out: &mut QueryOutput,
) -> rusqlite::Result<bool> {
    let (mut is_there, first) = (false, out.rows.len());
    for of in row_ids_of_message(message) {
        ask.for_each_row(&v2.by_id_in_any_session, [of], |row| {
            is_there = true;
            row_parts(ask, v2, row, IdPlacement::WithIds, out)
        })?;
        retain_from(
            out,
            first,
            |row| matches!(row, EntityKey::Part(row) if row.message == *message),
        );
        if out.rows.len() > first {
            break;
        }
    }
    Ok(is_there)
}

/// Leaves of the rows from `first` on those that are asked for.
pub(crate) fn retain_from(
    out: &mut QueryOutput,
    first: usize,
    is_asked: impl Fn(&EntityKey) -> bool,
) {
    let kept: Vec<Row> = out.rows.drain(first..).filter(|row| is_asked(&row.key)).collect();
    out.rows.extend(kept);
}

/// The names of a session's messages, and the set of its rows.
pub(crate) fn message_names(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let ways = v2.names.each_ref().map(String::as_str);
    let asked = out.with_fallback_query(ways, |sql, out| {
        let (mut set, mut sequence) = (SetSum::default(), None);
        ask.for_each_row(sql, [of.session.as_str()], |row| {
            set.add(bytes(row, row_column::ID)?, integer(row, row_column::CREATED)?);
            sequence = optional_integer(row, row_column::SESSION_OR_SEQUENCE)?;
            match id(row, row_column::ID, MessageId::from_bytes)? {
                Ok(message) => {
                    let kind = RowKind::from_name(bytes(row, row_column::KIND)?);
                    for message in message_ids_of_row(kind, message) {
                        let key = MessageKey { session: of.session.clone(), message };
                        out.rows.push(Row::new(key, OrderKey::default(), None));
                    }
                }
                Err(kind) => out.note(Some(of.clone().into()), ask, kind),
            }
            Ok(())
        })?;
        out.set = mark_v2_set(set.observation(of.clone(), sequence));
        Ok(())
    });
    Ok(out.note_damage(ask, Some(of.clone().into()), asked)?)
}

/// Puts what is wanted of a row that was read.
pub(crate) fn put_selected(
    read: &V2Row<'_>,
    of: &SessionKey,
    what: RowSelection,
    progress: &Progress,
    out: &mut QueryOutput,
) {
    if !what.wants(read.kind) {
        return;
    }
    match what.messages {
        Some(wanted) if read.kind.is_message() => {
            translate(read, of, &progress.row_context(), wanted, IdPlacement::WithIds, out);
        }
        _ => put_item(read, of, out),
    }
}

/// Reads a row, or notes what is wrong with it.
pub(crate) fn with_row(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    row: &SqlRow<'_>,
    progress: &Progress,
    out: &mut QueryOutput,
    then: impl FnOnce(&V2Row<'_>, &mut QueryOutput),
) -> rusqlite::Result<()> {
    match read_row(ask, v2, of, row, progress)? {
        Ok(read) => then(&read, out),
        Err((key, kind)) => out.note(Some(key), ask, kind),
    }
    Ok(())
}

/// A row as [`column`] has it, or what is wrong with it.
pub(crate) fn read_row<'r>(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    row: &'r SqlRow<'_>,
    progress: &Progress,
) -> rusqlite::Result<Result<V2Row<'r>, (EntityKey, IssueKind)>> {
    let id = match id(row, row_column::ID, MessageId::from_bytes)? {
        Ok(id) => id,
        Err(kind) => return Ok(Err((of.clone().into(), kind))),
    };
    let text = match record_text(ask, row.get_ref(row_column::DATA)?) {
        Ok(text) => text,
        Err(kind) => {
            let key = MessageKey { session: of.session.clone(), message: id };
            return Ok(Err((key.into(), kind)));
        }
    };
    let updated = integer(row, row_column::UPDATED)?;
    let (seq, order) = (integer(row, row_column::SEQ)?, row_order(v2, row)?);
    let kind_name = bytes(row, row_column::KIND)?;
    let kind = RowKind::from_name(kind_name);
    let stamped = order_stamp(order) ^ progress.parent_stamp(kind);
    let (stamp, settled) = ask.stamp(text.len() as u64, updated, stamped);
    Ok(Ok(V2Row { id, kind, kind_name, seq, order, updated, stamp, settled, data: text }))
}
