//! Entities by key.

use rusqlite::params;
use rusqlite::types::ValueRef;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, OrderKey, SessionKey};

use crate::ask::{Ask, Gathered, Row, whole};
use crate::error::Result;
use crate::json::Object;
use crate::{generation, projects, sessions};

pub(crate) fn spans(ask: &Ask<'_>, keys: &[EntityKey], out: &mut Gathered) -> Result<()> {
    for key in keys {
        let (rows, issues) = (out.rows.len(), out.issues.len());
        let asked = match key {
            EntityKey::Project(id) => projects::one(ask, id.as_str(), out),
            EntityKey::Session(of) => sessions::one(ask, of.session.as_str(), out),
            EntityKey::Message(of) => generation::message(ask, of, out),
            EntityKey::Part(of) => generation::part(ask, of, out),
            EntityKey::Item(of) => generation::item(ask, of, out),
            EntityKey::Todo(of) => todo(ask, of, out),
            EntityKey::Share(of) => share(ask, of, out),
            _ => Ok(()), // diffs are files
        };
        out.note_damage(ask, Some(key.clone()), asked)?;
        if out.rows.len() == rows && out.issues.len() == issues {
            out.note(Some(key.clone()), ask, IssueKind::Vanished);
        }
    }
    Ok(())
}

/// The todo list of a session; none if it has no entries.
fn todo(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> rusqlite::Result<()> {
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
        push(ask, EntityKey::Todo(of.clone()), &list, updated, out);
    }
    Ok(())
}

/// The share link of a session. Its secret is not selected.
fn share(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> rusqlite::Result<()> {
    const SHARE: &str = "SELECT id, url FROM session_share WHERE session_id = ?1";
    if !ask.schema.has_shares {
        return Ok(());
    }
    ask.each(SHARE, params![of.session.as_str()], |row| {
        let mut record = Vec::new();
        let (id, url): (ValueRef<'_>, ValueRef<'_>) = (row.get_ref(0)?, row.get_ref(1)?);
        let mut share = Object::begin(&mut record);
        share.value("id", id).value("url", url);
        share.end();
        push(ask, EntityKey::Share(of.clone()), &record, 0, out);
        Ok(())
    })
}

fn push(ask: &Ask<'_>, key: EntityKey, record: &[u8], updated_ms: i64, out: &mut Gathered) {
    let (stamp, settled) = ask.stamp(record.len() as u64, updated_ms, 0);
    let piece = out.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(record));
    out.rows.push(Row::new(key, OrderKey::default(), Some(piece)));
}
