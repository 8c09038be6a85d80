//! Observes messages of 2.x without reading the texts of their rows.

use scrollback_core_id::{EntityKey, MessageId, MessageKey, SessionKey};

use crate::cells::{bytes, id, integer, optional_integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::row_kind::RowKind;
use crate::schema::v2::{V2Schema, row_column};
use crate::set_sum::SetSum;
use crate::v2::ids::message_ids_of_row;
use crate::v2::order::{mark_v2_set, order_stamp, row_order};
use crate::v2::progress::Progress;
use crate::v2::rows::salvage;

/// Observes the messages of a session, and their set.
pub(crate) fn messages(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let (first, issues) = (out.observations.len(), out.issues.len());
    let (mut set, mut sequence) = (SetSum::default(), None);
    let mut progress = Progress::without_directory();
    let result = context.for_each_row(&v2.stamps, [session.session.as_str()], |row| {
        set.add(bytes(row, row_column::ID)?, integer(row, row_column::CREATED)?);
        sequence = optional_integer(row, row_column::SESSION_OR_SEQUENCE)?;
        observe_row(context, v2, session, row, &progress, out)?;
        progress.advance(row)
    });
    match result {
        Err(error) if is_damage(&error) => {
            out.observations.truncate(first);
            out.issues.truncate(issues);
            let queries = v2.stamp_by_id.each_ref().map(String::as_str);
            salvage(context, v2, session, out, |id, out| {
                out.with_fallback_query(queries, |sql, out| {
                    context.for_each_row(sql, [id, session.session.as_str()], |row| {
                        let row_progress = Progress::at_row_without_directory(
                            context,
                            session,
                            integer(row, row_column::SEQ)?,
                        )?;
                        observe_row(context, v2, session, row, &row_progress, out)
                    })
                })
            })
        }
        result => {
            result?;
            out.set = mark_v2_set(set.observation(session.clone(), sequence));
            Ok(())
        }
    }
}

/// Observes a row that has its size in the place of its text.
fn observe_row(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    row: &rusqlite::Row<'_>,
    progress: &Progress,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let message = match id(row, row_column::ID, MessageId::from_bytes)? {
        Ok(message) => message,
        Err(kind) => {
            out.note(Some(session.clone().into()), context, kind);
            return Ok(());
        }
    };
    let size = integer(row, row_column::DATA)?.cast_unsigned();
    let kind = RowKind::from_name(bytes(row, row_column::KIND)?);
    let stamp_extra = order_stamp(row_order(v2, row)?) ^ progress.parent_stamp(kind);
    let stamp = context.stamp(size, integer(row, row_column::UPDATED)?, stamp_extra);
    for message in message_ids_of_row(kind, message) {
        let key = EntityKey::Message(MessageKey { session: session.session.clone(), message });
        out.observations.push(context.observation(key, stamp, None));
    }
    Ok(())
}
