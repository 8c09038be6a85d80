//! Reads parts of 1.x. Each is a row whose `data` is the record without its ids.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{EntityKey, MessageId, MessageKey, OrderKey, PartId, PartKey, SessionId};
use scrollback_stor_path::opencode::circular_orders;

use crate::cells::{bytes, integer};
use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::record::append_record;
use crate::schema::parts::PART_NAMES;
use crate::schema::tables::v1::PartColumn;
use crate::set_sum::SetSum;

/// Reads the names of a message's parts, in order, and their set.
pub(crate) fn part_names(
    context: &QueryContext<'_>,
    message: &MessageKey,
    out: &mut QueryOutput,
) -> Result<()> {
    if context.schema.parts.is_none() {
        return Ok(());
    }
    let result = out.with_fallback_query(PART_NAMES, |sql, out| {
        let mut set = SetSum::default();
        context.for_each_row(sql, [message.message.as_str()], |row| {
            set.add(bytes(row, 0)?, 0);
            let about = || Some(message.clone().into());
            if let Some(part) = out.id(context, row, 0, PartId::from_bytes, about)? {
                let key = PartKey { message: message.message.clone(), part };
                out.rows.push(Row::new(key, OrderKey::default(), None));
            }
            Ok(())
        })?;
        out.set = set.observation(message.clone(), None);
        Ok(())
    });
    out.note_damage(context, Some(message.clone().into()), result)?;
    sort_parts(&mut out.rows);
    Ok(())
}

/// Reads one part, if it exists.
pub(crate) fn part_by_id(
    context: &QueryContext<'_>,
    key: &PartKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(parts) = &context.schema.parts else { return Ok(()) };
    let ids = [key.part.as_str(), key.message.as_str()];
    let queries = parts.by_id.each_ref().map(String::as_str);
    out.with_fallback_query(queries, |sql, out| {
        context.for_each_row(sql, ids, |row| part_row(context, &key.message, row, out))
    })
}

/// Reads the parts of a message that may end a step.
pub(crate) fn step_parts(
    context: &QueryContext<'_>,
    message: &MessageKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(parts) = &context.schema.parts else { return Ok(()) };
    let queries = parts.step_ends.each_ref().map(String::as_str);
    let result = out.with_fallback_query(queries, |sql, out| {
        context.for_each_row(sql, [message.message.as_str()], |row| {
            part_row(context, &message.message, row, out)
        })
    });
    Ok(out.note_damage(context, Some(message.clone().into()), result)?)
}

/// Reads a row with the columns of [`PartColumn`].
pub(crate) fn part_row(
    context: &QueryContext<'_>,
    message: &MessageId,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let session = bytes(row, PartColumn::Session.at())?;
    let about = || {
        let session = SessionId::from_bytes(session).ok()?;
        Some(MessageKey { session, message: message.clone() }.into())
    };
    let Some(part) = out.id(context, row, PartColumn::Id.at(), PartId::from_bytes, about)? else {
        return Ok(());
    };
    out.owners.set(session, Some(message));
    let (text, updated) =
        (row.get_ref(PartColumn::Data.at())?, integer(row, PartColumn::Updated.at())?);
    let record = append_record(context, "part", text, updated, part.as_bytes(), out);
    let key = PartKey { message: message.clone(), part };
    match record {
        Ok((piece, issue)) => {
            if let Some(kind) = issue {
                out.note(Some(key.clone().into()), context, kind);
            }
            out.rows.push(Row::new(key, OrderKey::default(), Some(piece)));
        }
        Err(kind) => out.note(Some(key.into()), context, kind),
    }
    Ok(())
}

/// Sorts the parts of one message by the clocks of their ids. The clocks wrap, so plain byte order
/// would be wrong.
pub(crate) fn sort_parts(rows: &mut [Row]) {
    let parts = rows.iter().filter_map(|row| match &row.key {
        EntityKey::Part(key) => Some(&key.part),
        _ => None,
    });
    let orders = circular_orders(parts);
    if orders.len() != rows.len() {
        return;
    }
    for (row, order) in rows.iter_mut().zip(orders) {
        row.order = order;
    }
    if !rows.is_sorted_by_key(|row| row.order) {
        rows.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
    }
}
