//! Reads the todo list of a session.

use scrollback_core_id::{EntityKey, SessionKey};

use crate::cells::integer;
use crate::fields;
use crate::json::Object;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::tables::v1::TodoColumn;
use crate::values::Values;

/// Reads the todo list of a session. A list without entries adds nothing.
pub(crate) fn todo(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(sql) = &context.schema.todos else { return Ok(()) };
    let key = EntityKey::Todo(session.clone());
    let (mut list, mut updated) = (b"[".to_vec(), 0);
    context.for_each_row(sql, [session.session.as_str()], |row| {
        if list.len() > 1 {
            list.push(b',');
        }
        let values = Values::read(context, row, TodoColumn::ALL)?;
        let mut entry = Object::begin(&mut list);
        fields::write(&mut entry, TodoColumn::ALL, &values.all);
        entry.end();
        values.note_oversized(context, &key, out);
        updated = updated.max(integer(row, TodoColumn::Updated.at())?);
        Ok(())
    })?;
    if list.len() > 1 {
        list.push(b']');
        out.push_record(context, key, &list, updated);
    }
    Ok(())
}
