//! Observes all sessions without reading their texts.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{SessionId, SessionKey};

use crate::cells::{integer, project};
use crate::error::is_damage;
use crate::provenance::ProvenanceCache;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::sessions::list::session_ids;
use crate::sessions::row::session_stamp_extra;

pub(crate) fn survey(context: &QueryContext<'_>, out: &mut QueryOutput) -> rusqlite::Result<()> {
    let sql = &context.schema.sessions.all_stamps;
    let provenances = ProvenanceCache::default();
    out.note_problems(context);
    let result =
        context.for_each_row(sql, [], |row| observe_session(context, &provenances, row, out));
    if !result.as_ref().is_err_and(is_damage) {
        return result;
    }
    // Pages of the table are damaged, so read each session by its id.
    out.observations.clear();
    out.issues.clear();
    out.note_problems(context);
    let stamps_by_id = context.schema.sessions.select_stamps("id = ?1");
    for id in session_ids(context, out)? {
        let result = context.for_each_row(&stamps_by_id, [&id], |row| {
            observe_session(context, &provenances, row, out)
        });
        let key = SessionId::new(&id).ok().map(|id| SessionKey::from(id).into());
        out.note_damage(context, key, result)?;
    }
    Ok(())
}

/// Reads a row with these columns: id, project, stamp (3 columns), table presence, time of
/// creation.
fn observe_session(
    context: &QueryContext<'_>,
    provenances: &ProvenanceCache,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(key) = out.session(context, row, 0)? else { return Ok(()) };
    let (mut stamp, settled) = context.stamp_at(row, 2)?;
    let location = provenances.locate_session(context, row, 5, integer(row, 6)?)?;
    stamp.inode = session_stamp_extra(stamp.inode, location);
    out.observations.push(context.observation(key, (stamp, settled), project(row, 1)?));
    Ok(())
}
