//! Reads the rows of sessions: whole, as names, or one by one.

use rusqlite::Row as SqlRow;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, OrderKey, PartKey, SessionKey};

use scrollback_stor_mmap::{Arena, Settled};

use crate::cells::{bytes, id, integer, optional_integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::record::record_text_with_room;
use crate::schema::row_kind::RowKind;
use crate::schema::v2::{V2Schema, row_column};
use crate::set_sum::SetSum;
use crate::small_fields::small_fields;
use crate::v2::ids::{message_ids_of_row, row_ids_of_message};
use crate::v2::order::{mark_v2_set, order_stamp, row_order};
use crate::v2::progress::Progress;
use crate::v2::translate::{IdPlacement, RecordSelection, RowContext, V2Row, put_item, translate};

/// Which records a call reads from the rows of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowSelection {
    /// Which records of the messages, or `None` for no messages.
    pub(crate) messages: Option<RecordSelection>,
    /// Whether to read rows that are not messages.
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

/// Reads the selected rows of a session, in order, and the set of all rows that the query returned.
pub(crate) fn session_rows(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    selection: RowSelection,
    out: &mut QueryOutput,
) -> Result<()> {
    let (first, issues) = (out.rows.len(), out.issues.len());
    let (mut set, mut sequence) = (SetSum::default(), None);
    let mut progress = match selection.messages {
        Some(_) => Progress::begin(context, session)?,
        None => Progress::without_directory(),
    };
    let sql = if selection.messages.is_some() { &v2.by_session } else { &v2.items };
    let result = context.for_each_row(sql, [session.session.as_str()], |row| {
        if set.is_empty() {
            sequence = optional_integer(row, row_column::SESSION_OR_SEQUENCE)?;
        }
        set.add(bytes(row, row_column::ID)?, integer(row, row_column::CREATED)?);
        with_row(context, v2, session, row, &progress, out, |v2_row, out| {
            put_selected(v2_row, session, selection, &progress, out);
        })?;
        progress.advance(row)
    });
    match result {
        Err(error) if is_damage(&error) => {
            out.rows.truncate(first);
            out.issues.truncate(issues);
            salvage(context, v2, session, out, |id, out| {
                row_by_id(context, v2, session, id, selection, out)
            })?;
        }
        result => {
            result?;
            out.set = mark_v2_set(set.observation(session.clone(), sequence));
        }
    }
    Ok(())
}

/// Reads each row by its id, because pages are damaged. The list of names still covers all rows.
pub(crate) fn salvage(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    out: &mut QueryOutput,
    mut read_one: impl FnMut(&str, &mut QueryOutput) -> rusqlite::Result<()>,
) -> Result<()> {
    let mut listed = Vec::new();
    let queries = v2.names.each_ref().map(String::as_str);
    let result = QueryOutput::default().with_fallback_query(queries, |sql, _| {
        listed.clear();
        context.for_each_row(sql, [session.session.as_str()], |row| {
            listed.push(String::from_utf8_lossy(bytes(row, row_column::ID)?).into_owned());
            Ok(())
        })
    });
    out.note_damage(context, Some(session.clone().into()), result)?;
    for id in listed {
        let result = read_one(&id, out);
        let key = MessageId::new(&id).ok();
        let key = key.map(|message| MessageKey { session: session.session.clone(), message });
        out.note_damage(context, key.map(EntityKey::from), result)?;
    }
    out.set = None;
    Ok(())
}

/// Reads the selected records of one row, if it exists.
pub(crate) fn row_by_id(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    id: &str,
    selection: RowSelection,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let queries = v2.by_id.each_ref().map(String::as_str);
    out.with_fallback_query(queries, |sql, out| {
        context.for_each_row(sql, [id, session.session.as_str()], |row| {
            let progress = Progress::at_row(context, session, integer(row, row_column::SEQ)?)?;
            with_row(context, v2, session, row, &progress, out, |v2_row, out| {
                put_selected(v2_row, session, selection, &progress, out);
            })
        })
    })
}

/// Reads one message, if it exists.
pub(crate) fn message(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    key: &MessageKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let (first, session) = (out.rows.len(), SessionKey::from(key.session.clone()));
    for id in row_ids_of_message(&key.message) {
        row_by_id(context, v2, &session, id, RowSelection::MESSAGES, out)?;
        retain_from(out, first, |row| matches!(row, EntityKey::Message(row) if row == key));
        if out.rows.len() > first {
            break;
        }
    }
    Ok(())
}

/// Reads one part, if it exists. Returns whether the row of its message exists.
pub(crate) fn part(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    key: &PartKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<bool> {
    let first = out.rows.len();
    let has_row = parts_of_message(context, v2, &key.message, out)?;
    retain_from(out, first, |row| matches!(row, EntityKey::Part(row) if row == key));
    Ok(has_row)
}

/// Reads the parts in a row.
pub(crate) fn row_parts(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    row: &SqlRow<'_>,
    id_placement: IdPlacement,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(session) = out.session(context, row, row_column::SESSION_OR_SEQUENCE)? else {
        return Ok(());
    };
    with_row(context, v2, &session, row, &Progress::without_directory(), out, |v2_row, out| {
        if v2_row.kind.is_message() {
            translate(
                v2_row,
                &session,
                &RowContext::default(),
                RecordSelection::Parts,
                id_placement,
                out,
            );
        }
    })
}

/// Reads the parts of a message with their bytes. Returns whether the row of the message exists.
pub(crate) fn parts_of_message(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    message: &MessageId,
    out: &mut QueryOutput,
) -> rusqlite::Result<bool> {
    let (mut has_row, first) = (false, out.rows.len());
    for id in row_ids_of_message(message) {
        context.for_each_row(&v2.by_id_in_any_session, [id], |row| {
            has_row = true;
            row_parts(context, v2, row, IdPlacement::WithIds, out)
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
    Ok(has_row)
}

/// Removes the rows from `first` on that `is_wanted` refuses.
pub(crate) fn retain_from(
    out: &mut QueryOutput,
    first: usize,
    is_wanted: impl Fn(&EntityKey) -> bool,
) {
    let wanted_rows: Vec<Row> = out.rows.drain(first..).filter(|row| is_wanted(&row.key)).collect();
    out.rows.extend(wanted_rows);
}

/// Reads the names of a session's messages, and the set of its rows.
pub(crate) fn message_names(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let queries = v2.names.each_ref().map(String::as_str);
    let result = out.with_fallback_query(queries, |sql, out| {
        let (mut set, mut sequence) = (SetSum::default(), None);
        context.for_each_row(sql, [session.session.as_str()], |row| {
            set.add(bytes(row, row_column::ID)?, integer(row, row_column::CREATED)?);
            sequence = optional_integer(row, row_column::SESSION_OR_SEQUENCE)?;
            match id(row, row_column::ID, MessageId::from_bytes)? {
                Ok(message) => {
                    let kind = RowKind::from_name(bytes(row, row_column::KIND)?);
                    for message in message_ids_of_row(kind, message) {
                        let key = MessageKey { session: session.session.clone(), message };
                        out.rows.push(Row::new(key, OrderKey::default(), None));
                    }
                }
                Err(kind) => out.note(Some(session.clone().into()), context, kind),
            }
            Ok(())
        })?;
        out.set = mark_v2_set(set.observation(session.clone(), sequence));
        Ok(())
    });
    Ok(out.note_damage(context, Some(session.clone().into()), result)?)
}

/// Adds the selected records of a row.
pub(crate) fn put_selected(
    v2_row: &V2Row<'_>,
    session: &SessionKey,
    selection: RowSelection,
    progress: &Progress,
    out: &mut QueryOutput,
) {
    if !selection.wants(v2_row.kind) {
        return;
    }
    match selection.messages {
        Some(records) if v2_row.kind.is_message() => {
            translate(v2_row, session, &progress.row_context(), records, IdPlacement::WithIds, out);
        }
        _ => put_item(v2_row, session, out),
    }
}

/// Reads a row and calls `then` with it. Notes an issue if the row cannot be read.
pub(crate) fn with_row(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    row: &SqlRow<'_>,
    progress: &Progress,
    out: &mut QueryOutput,
    then: impl FnOnce(&V2Row<'_>, &mut QueryOutput),
) -> rusqlite::Result<()> {
    let mut small = Vec::new();
    match read_row(context, v2, session, row, progress, (&mut small, &mut out.arena))? {
        Ok((v2_row, issue)) => {
            if let Some((key, kind)) = issue {
                out.note(Some(key), context, kind);
            }
            then(&v2_row, out);
        }
        Err((key, kind)) => out.note(Some(key), context, kind),
    }
    Ok(())
}

/// A row, and the issue that its text is over the size limit.
type RowAndIssue<'r> = (V2Row<'r>, Option<(EntityKey, IssueKind)>);

/// Returns a row with the columns of [`row_column`]. The inner error is the issue of a row that
/// cannot be read. A row with a text over the size limit has only its small fields, which are
/// written to `small`.
fn read_row<'r>(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    row: &'r SqlRow<'_>,
    progress: &Progress,
    (small, arena): (&'r mut Vec<u8>, &mut Arena),
) -> rusqlite::Result<Result<RowAndIssue<'r>, (EntityKey, IssueKind)>> {
    let id = match id(row, row_column::ID, MessageId::from_bytes)? {
        Ok(id) => id,
        Err(kind) => return Ok(Err((session.clone().into(), kind))),
    };
    let message_key = || MessageKey { session: session.session.clone(), message: id.clone() };
    let (text, size, issue): (&[u8], _, _) =
        match record_text_with_room(context, row.get_ref(row_column::DATA)?, arena) {
            Ok(text) => (text, text.len() as u64, None),
            Err(kind @ (IssueKind::TooLarge { size, .. } | IssueKind::OverTotal { size, .. })) => {
                *small = small_fields(context, "session_message", id.as_bytes());
                (small, size, Some((message_key().into(), kind)))
            }
            Err(kind) => return Ok(Err((message_key().into(), kind))),
        };
    let updated = integer(row, row_column::UPDATED)?;
    let (seq, order) = (integer(row, row_column::SEQ)?, row_order(v2, row)?);
    let kind_name = bytes(row, row_column::KIND)?;
    let kind = RowKind::from_name(kind_name);
    let stamp_extra = order_stamp(order) ^ progress.parent_stamp(kind);
    let (stamp, settled) = context.stamp(size, updated, stamp_extra);
    // A row that lacks fields is never settled, so that every refresh reports it.
    let settled = if issue.is_some() { Settled::Young } else { settled };
    let v2_row = V2Row { id, kind, kind_name, seq, order, updated, stamp, settled, data: text };
    Ok(Ok((v2_row, issue)))
}
