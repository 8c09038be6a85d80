//! Translates rows that are not messages.

use scrollback_core_id::{ItemId, ItemKey, SessionKey};

use super::row::V2Row;
use super::walk::Walk;
use crate::json::splice_with_type;
use crate::query_output::{QueryOutput, Row};

/// Adds the record of a row that is not a message: `{...data, id, type, sessionID}`.
pub(crate) fn put_item(row: &V2Row<'_>, session: &SessionKey, out: &mut QueryOutput) {
    // a row's id is always a valid id
    let Ok(id) = ItemId::from_bytes(row.id.as_bytes()) else { return };
    let key = ItemKey { session: session.session.clone(), item: id };
    out.owners.set(session.session.as_bytes(), None);
    let owners = &out.owners;
    let untyped = without_type_field(row.data);
    let data = untyped.as_deref().unwrap_or(row.data);
    let piece = out.arena.append(row.stamp, row.settled, |bytes| {
        splice_with_type(bytes, data, row.kind_name, row.id.as_bytes(), owners);
    });
    out.rows.push(Row::new(key, row.order, Some(piece)));
}

/// Checks whether an object has a field. Returns `None` if the text is not an object.
pub(crate) fn has_field(text: &[u8], field: &[u8]) -> Option<bool> {
    let mut is_present = false;
    let mut walk = Walk::new(text);
    let is_object = walk.object(|walk, name| {
        is_present |= name == field;
        walk.raw().map(drop)
    });
    (is_object == Ok(true) && walk.end().is_ok()).then_some(is_present)
}

/// Returns the fields of a row without the field `type`, because the column `type` counts. Returns
/// `None` if the row has no such field.
fn without_type_field(data: &[u8]) -> Option<Vec<u8>> {
    const TYPE: &[u8] = b"\"type\"";
    if !data.windows(TYPE.len()).any(|at| at == TYPE) {
        return None; // nearly always
    }
    let (mut fields, mut is_typed) = (vec![b'{'], false);
    let mut walk = Walk::new(data);
    let is_object = walk.object(|walk, name| {
        let value = walk.raw()?;
        if name == b"type" {
            is_typed = true;
            return Ok(());
        }
        if fields.len() > 1 {
            fields.push(b',');
        }
        for piece in [b"\"", name, b"\":", value] {
            fields.extend_from_slice(piece);
        }
        Ok(())
    });
    fields.push(b'}');
    (is_object == Ok(true) && walk.end().is_ok() && is_typed).then_some(fields)
}
