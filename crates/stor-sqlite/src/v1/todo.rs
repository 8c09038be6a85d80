//! The todo list of a session.

use scrollback_core_id::{EntityKey, SessionKey};

use crate::ask::Ask;
use crate::cells::whole;
use crate::gathered::Gathered;
use crate::json::Object;

/// The todo list of a session; none if it has no entries.
pub(crate) fn todo(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> rusqlite::Result<()> {
    const TODO: &str = "SELECT content, status, priority, time_updated FROM todo \
                        WHERE session_id = ?1 ORDER BY position";
    if !ask.schema.has_todos {
        return Ok(());
    }
    let (mut list, mut updated) = (b"[".to_vec(), 0);
    ask.each(TODO, [of.session.as_str()], |row| {
        if list.len() > 1 {
            list.push(b',');
        }
        let mut entry = Object::begin(&mut list);
        for (at, name) in ["content", "status", "priority"].into_iter().enumerate() {
            entry.value(name, row.get_ref(at)?);
        }
        entry.end();
        updated = updated.max(whole(row, 3)?);
        Ok(())
    })?;
    if list.len() > 1 {
        list.push(b']');
        out.push(ask, EntityKey::Todo(of.clone()), &list, updated);
    }
    Ok(())
}
