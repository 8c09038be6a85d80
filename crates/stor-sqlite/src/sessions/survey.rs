//! What the rows of sessions look like, without their texts.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{SessionId, SessionKey};

use crate::cells::{integer, project};
use crate::error::is_damage;
use crate::provenance::ProvenanceCache;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::sessions::list::session_ids;
use crate::sessions::row::session_stamp_extra;

pub(crate) fn survey(ask: &QueryContext<'_>, out: &mut QueryOutput) -> rusqlite::Result<()> {
    let sql = &ask.schema.sessions.all_stamps;
    let places = ProvenanceCache::default();
    out.note_problems(ask);
    let asked = ask.for_each_row(sql, [], |row| observe_session(ask, &places, row, out));
    if !asked.as_ref().is_err_and(is_damage) {
        return asked;
    }
    // Pages of the table are damaged: each session by itself.
    out.observations.clear();
    out.issues.clear();
    out.note_problems(ask);
    let one = ask.schema.sessions.select_stamps("id = ?1");
    for id in session_ids(ask, out)? {
        let asked = ask.for_each_row(&one, [&id], |row| observe_session(ask, &places, row, out));
        let key = SessionId::new(&id).ok().map(|id| SessionKey::from(id).into());
        out.note_damage(ask, key, asked)?;
    }
    Ok(())
}

/// A row of id, project, stamp, where there is something of it, time of making.
fn observe_session(
    ask: &QueryContext<'_>,
    places: &ProvenanceCache,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(key) = out.session(ask, row, 0)? else { return Ok(()) };
    let (mut stamp, settled) = ask.stamp_at(row, 2)?;
    let place = places.locate_session(ask, row, 5, integer(row, 6)?)?;
    stamp.inode = session_stamp_extra(stamp.inode, place);
    out.observations.push(ask.observation(key, (stamp, settled), project(row, 1)?));
    Ok(())
}
