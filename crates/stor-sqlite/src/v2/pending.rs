//! Reads what will become a row later, which is nearly always a queued prompt.

use scrollback_core_id::{EntityKey, ItemId, ItemKey, OrderKey, SessionKey};

use crate::cells::{id, integer};
use crate::fields;
use crate::json::Object;
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::record::record_text;
use crate::schema::tables::v2::PendingColumn as C;
use crate::schema::v2::V2Schema;
use crate::v2::order::{order_stamp, time_order};
use crate::values::Values;

/// Reads the pending items of a session, in order.
pub(crate) fn pending_items(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    for sql in &v2.pending {
        context.for_each_row(sql, [session.session.as_str()], |row| {
            let item = match id(row, C::Id.at(), ItemId::from_bytes)? {
                Ok(item) => item,
                Err(kind) => {
                    out.note(Some(session.clone().into()), context, kind);
                    return Ok(());
                }
            };
            let key =
                EntityKey::Item(ItemKey { session: session.session.clone(), item: item.clone() });
            let (seq, created) = (integer(row, C::Seq.at())?, integer(row, C::Created.at())?);
            let order = if v2.is_preview { time_order(created, seq) } else { OrderKey(seq) };
            let payload = match record_text(context, row.get_ref(C::Payload.at())?) {
                Ok(payload) => payload,
                Err(kind) => {
                    out.note(Some(key), context, kind);
                    return Ok(());
                }
            };
            let values = Values::read(context, row, C::ALL)?;
            let (stamp, settled) = context.stamp(payload.len() as u64, created, order_stamp(order));
            out.owners.set(session.session.as_bytes(), None);
            let owners = &out.owners;
            let piece = out.arena.append(stamp, settled, |bytes| {
                let mut record = Object::begin(bytes);
                record.raw("type", "\"pending\"");
                fields::write(&mut record, C::ALL, &values.all);
                record.end_with_ids(item.as_bytes(), owners);
            });
            out.rows.push(Row::new(key, order, Some(piece)));
            Ok(())
        })?;
    }
    Ok(())
}
