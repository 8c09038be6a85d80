//! Builds the record of a row from its text and its ids, with a check of the size limit.

use rusqlite::types::ValueRef;
use scrollback_core_err::IssueKind;
use scrollback_stor_mmap::{Arena, Piece, Settled};

use crate::json::splice;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::small_fields::small_fields;

/// Returns the text of a row.
///
/// # Errors
///
/// Returns an issue kind if the text is over the size limit, or if the value is neither a text nor
/// a blob.
pub(crate) fn record_text<'r>(
    context: &QueryContext<'_>,
    data: ValueRef<'r>,
) -> Result<&'r [u8], IssueKind> {
    if let Some(size) = size_if_oversized(context, data) {
        return Err(IssueKind::TooLarge { size, limit: context.max_len() });
    }
    match data {
        ValueRef::Text(data) | ValueRef::Blob(data) => Ok(data),
        _ => Err(IssueKind::WrongShape { expected: "a record as JSON" }),
    }
}

/// Returns the text of a row, after the arena has made room for its record.
///
/// # Errors
///
/// Returns the issue kinds of [`record_text`], and that of an arena without room.
pub(crate) fn record_text_with_room<'r>(
    context: &QueryContext<'_>,
    data: ValueRef<'r>,
    arena: &mut Arena,
) -> Result<&'r [u8], IssueKind> {
    let data = record_text(context, data)?;
    arena.make_room(data.len() as u64, context.limits())?;
    Ok(data)
}

/// Returns the size of a text over the limit. The query may have selected the size in place of the
/// text.
pub(crate) fn size_if_oversized(context: &QueryContext<'_>, text: ValueRef<'_>) -> Option<u64> {
    let size = match text {
        ValueRef::Text(text) | ValueRef::Blob(text) => text.len() as u64,
        ValueRef::Integer(size) if context.schema.max_text_len.is_some() => {
            size.try_into().unwrap_or(0)
        }
        _ => 0,
    };
    (size > context.max_len()).then_some(size)
}

/// Appends the record of a row to the arena: its text, with its id and its owners at the end.
///
/// Of a record over a size limit, the small fields are appended, and the issue is returned. Such a
/// record is never settled, so that every refresh reports it.
///
/// # Errors
///
/// Returns an issue kind if the value is neither a text nor a blob.
pub(crate) fn append_record(
    context: &QueryContext<'_>,
    table: &str,
    text: ValueRef<'_>,
    updated_ms: i64,
    id: &[u8],
    out: &mut QueryOutput,
) -> Result<(Piece, Option<IssueKind>), IssueKind> {
    match record_text_with_room(context, text, &mut out.arena) {
        Ok(data) => {
            let (stamp, settled) = context.stamp(data.len() as u64, updated_ms, 0);
            Ok((
                out.arena.append(stamp, settled, |bytes| splice(bytes, data, id, &out.owners)),
                None,
            ))
        }
        Err(kind @ (IssueKind::TooLarge { size, .. } | IssueKind::OverTotal { size, .. })) => {
            let data = small_fields(context, table, id);
            let (stamp, _) = context.stamp(size, updated_ms, 0);
            let write = |bytes: &mut Vec<u8>| splice(bytes, &data, id, &out.owners);
            let piece = out.arena.append(stamp, Settled::Young, write);
            Ok((piece, Some(kind)))
        }
        Err(kind) => Err(kind),
    }
}
