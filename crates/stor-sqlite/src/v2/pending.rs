//! What waits to become a row: prompts that were queued, most often.

use scrollback_core_id::{EntityKey, ItemId, ItemKey, OrderKey, SessionKey};

use crate::ask::Ask;
use crate::cells::{id, whole};
use crate::fields;
use crate::gathered::{Gathered, Row};
use crate::json::Object;
use crate::record::data;
use crate::schema::tables::v2::WaitingColumn as C;
use crate::schema::v2::V2Schema;
use crate::v2::order::{by_time, stamped};
use crate::values::Values;

/// What waits in a session, in order.
pub(crate) fn pending(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    for sql in &v2.pending {
        ask.each(sql, [of.session.as_str()], |row| {
            let item = match id(row, C::Id.at(), ItemId::from_bytes)? {
                Ok(item) => item,
                Err(kind) => {
                    out.note(Some(of.clone().into()), ask, kind);
                    return Ok(());
                }
            };
            let key = EntityKey::Item(ItemKey { session: of.session.clone(), item: item.clone() });
            let (seq, created) = (whole(row, C::Seq.at())?, whole(row, C::Created.at())?);
            let order = if v2.is_preview { by_time(created, seq) } else { OrderKey(seq) };
            let payload = match data(ask, row.get_ref(C::Payload.at())?) {
                Ok(payload) => payload,
                Err(kind) => {
                    out.note(Some(key), ask, kind);
                    return Ok(());
                }
            };
            let values = Values::read(ask, row, C::ALL)?;
            let (stamp, settled) = ask.stamp(payload.len() as u64, created, stamped(order));
            out.owners.set(of.session.as_bytes(), None);
            let owners = &out.owners;
            let piece = out.arena.append(stamp, settled, |bytes| {
                let mut record = Object::begin(bytes);
                record.raw("type", "\"pending\"");
                fields::write(&mut record, C::ALL, &values.all);
                record.end_with(item.as_bytes(), owners);
            });
            out.rows.push(Row::new(key, order, Some(piece)));
            Ok(())
        })?;
    }
    Ok(())
}
