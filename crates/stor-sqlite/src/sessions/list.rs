//! Sessions: records assembled from columns, as `docs/format/opencode.md`, section 5
//! maps them.

use scrollback_core_id::{EntityKey, ProjectId, SessionId, SessionKey};

use crate::cells::bytes;
use crate::error::{Result, is_damage};
use crate::provenance::ProvenanceCache;
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::messages::HAS_MESSAGES;
use crate::schema::v2::{HAS_ROWS, V2Schema};
use crate::sessions::json::session_json;
use crate::sessions::row::{WriteRecord, session_row};

/// The records of all sessions, or of one project's, newest first.
pub(crate) fn sessions(
    ask: &QueryContext<'_>,
    of: Option<&ProjectId>,
    out: &mut QueryOutput,
) -> Result<()> {
    let places = ProvenanceCache::default();
    if of.is_none() {
        out.note_problems(ask);
    }
    let asked = match of {
        None => ask.for_each_row(&ask.schema.sessions.select("", "1"), [], |row| {
            session_row(ask, &places, row, session_json, out)
        }),
        Some(of) => {
            let sql = ask.schema.sessions.select("", "project_id = ?1");
            ask.for_each_row(&sql, [of.as_str()], |row| {
                session_row(ask, &places, row, session_json, out)
            })
        }
    };
    match asked {
        Err(error) if is_damage(&error) => salvage(ask, of, out)?,
        asked => asked?,
    }
    out.sort_newest_first();
    Ok(())
}

/// Pages of the table are damaged: each session by itself, as the index of ids has them.
fn salvage(ask: &QueryContext<'_>, of: Option<&ProjectId>, out: &mut QueryOutput) -> Result<()> {
    out.rows.clear();
    out.issues.clear();
    if of.is_none() {
        out.note_problems(ask);
    }
    for id in session_ids(ask, out)? {
        let before = out.rows.len();
        let asked = session_by_id(ask, &id, out);
        let key = SessionId::new(&id).ok().map(|id| EntityKey::Session(id.into()));
        out.note_damage(ask, key, asked)?;
        let is_wanted = |row: &Row| of.is_none() || row.project.as_ref() == of;
        if out.rows.get(before).is_some_and(|row| !is_wanted(row)) {
            out.rows.truncate(before);
        }
    }
    Ok(())
}

/// The ids of all sessions, as their index has them.
pub(crate) fn session_ids(
    ask: &QueryContext<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    for table in ask.schema.sessions.names() {
        let sql = format!("SELECT id FROM {table} ORDER BY id");
        let listed = ask.for_each_row(&sql, [], |row| {
            ids.push(String::from_utf8_lossy(bytes(row, 0)?).into_owned());
            Ok(())
        });
        out.note_damage(ask, None, listed)?;
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The record of one session, if it is there.
pub(crate) fn session_by_id(
    ask: &QueryContext<'_>,
    session: &str,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    session_by_id_as(ask, session, session_json, out)
}

/// What `write` makes of the columns of one session, if it is there.
pub(crate) fn session_by_id_as(
    ask: &QueryContext<'_>,
    session: &str,
    write: WriteRecord,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let ways = ask.schema.sessions.by_id.each_ref().map(String::as_str);
    let places = ProvenanceCache::default();
    out.with_fallback_query(ways, |sql, out| {
        ask.for_each_row(sql, [session], |row| session_row(ask, &places, row, write, out))
    })
}

/// Whether there is a record of a session.
pub(crate) fn has_session(ask: &QueryContext<'_>, session: &SessionKey) -> Result<bool> {
    let mut found = false;
    let mut look = |ways: [&str; 2]| {
        let look = |sql: &str, _: &mut QueryOutput| {
            ask.for_each_row(sql, [session.session.as_str()], |_| {
                found = true;
                Ok(())
            })
        };
        QueryOutput::default().with_fallback_query(ways, look).map(|()| found)
    };
    let records =
        ["", "NOT INDEXED"].map(|way| ask.schema.sessions.select_column("1", way, "id = ?1"));
    let v2 = ask.schema.v2.is_some();
    Ok(look(records.each_ref().map(String::as_str))?
        || ask.schema.messages.is_some() && look(HAS_MESSAGES)?
        || v2 && look(HAS_ROWS)?)
}

/// The tables of 2.x, if a session has its record there.
pub(crate) fn is_v2<'v>(
    ask: &QueryContext<'v>,
    session: &SessionKey,
) -> rusqlite::Result<Option<&'v V2Schema>> {
    let Some(v2) = ask.schema.v2.as_ref().filter(|v2| !v2.is_preview) else { return Ok(None) };
    let mut found = false;
    ask.for_each_row("SELECT 1 FROM session_v2 WHERE id = ?1", [session.session.as_str()], |_| {
        found = true;
        Ok(())
    })?;
    Ok(found.then_some(v2))
}
