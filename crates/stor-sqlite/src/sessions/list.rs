//! Lists sessions and reads single sessions. Their records are built from columns, by the mapping
//! in `docs/format/opencode.md`, section 5.

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
use crate::suspicion::Suspicion;

/// Reads the records of all sessions, or of one project's sessions, newest first.
pub(crate) fn sessions(
    context: &QueryContext<'_>,
    project: Option<&ProjectId>,
    out: &mut QueryOutput,
) -> Result<()> {
    let provenances = ProvenanceCache::default();
    if project.is_none() {
        out.note_problems(context);
    }
    let result = match project {
        None => context.for_each_row(&context.schema.sessions.select("", "1"), [], |row| {
            session_row(context, &provenances, row, session_json, out)
        }),
        Some(project) => {
            let sql = context.schema.sessions.select("", "project_id = ?1");
            context.for_each_row(&sql, [project.as_str()], |row| {
                session_row(context, &provenances, row, session_json, out)
            })
        }
    };
    match result {
        Err(error) if is_damage(&error) => salvage(context, project, out)?,
        result => result?,
    }
    out.sort_newest_first();
    Ok(())
}

/// Reads each session by its id, because pages of the table are damaged. The index of ids lists
/// them.
fn salvage(
    context: &QueryContext<'_>,
    project: Option<&ProjectId>,
    out: &mut QueryOutput,
) -> Result<()> {
    out.rows.clear();
    out.issues.clear();
    if project.is_none() {
        out.note_problems(context);
    }
    for id in session_ids(context, out)? {
        let before = out.rows.len();
        let result = session_by_id(context, &id, out);
        let key = SessionId::new(&id).ok().map(|id| EntityKey::Session(id.into()));
        out.note_damage(context, key, result)?;
        let is_wanted = |row: &Row| project.is_none() || row.project.as_ref() == project;
        if out.rows.get(before).is_some_and(|row| !is_wanted(row)) {
            out.rows.truncate(before);
        }
    }
    Ok(())
}

/// Returns the ids of all sessions from the index of ids.
pub(crate) fn session_ids(
    context: &QueryContext<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    for table in context.schema.sessions.names() {
        let sql = format!("SELECT id FROM {table} ORDER BY id");
        let listed = context.for_each_row(&sql, [], |row| {
            ids.push(String::from_utf8_lossy(bytes(row, 0)?).into_owned());
            Ok(())
        });
        out.note_damage(context, None, listed)?;
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Reads the record of one session, if it exists.
pub(crate) fn session_by_id(
    context: &QueryContext<'_>,
    session: &str,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    session_by_id_as(context, session, session_json, out)
}

/// Reads one session, if it exists, and builds its record with `write`.
pub(crate) fn session_by_id_as(
    context: &QueryContext<'_>,
    session: &str,
    write: WriteRecord,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let queries = context.schema.sessions.by_id.each_ref().map(String::as_str);
    let provenances = ProvenanceCache::default();
    out.with_fallback_query(queries, |sql, out| {
        context
            .for_each_row(sql, [session], |row| session_row(context, &provenances, row, write, out))
    })
}

/// Checks whether a session exists: it has a record, messages or rows.
pub(crate) fn has_session(context: &QueryContext<'_>, session: &SessionKey) -> Result<bool> {
    let mut is_present = false;
    let mut exists = |queries: [&str; 2]| {
        let run = |sql: &str, _: &mut QueryOutput| {
            context.for_each_row(sql, [session.session.as_str()], |_| {
                is_present = true;
                Ok(())
            })
        };
        QueryOutput::default().with_fallback_query(queries, run).map(|()| is_present)
    };
    let records = ["", "NOT INDEXED"]
        .map(|index_hint| context.schema.sessions.select_column("1", index_hint, "id = ?1"));
    let v2 = context.schema.v2.is_some();
    let has_session = exists(records.each_ref().map(String::as_str))?
        || context.schema.messages.is_some() && exists(HAS_MESSAGES)?
        || v2 && exists(HAS_ROWS)?;
    if !has_session {
        context.suspicions.add(Suspicion::NoSession);
    }
    Ok(has_session)
}

/// Returns the tables of 2.x if the session has its record there.
pub(crate) fn is_v2<'v>(
    context: &QueryContext<'v>,
    session: &SessionKey,
) -> rusqlite::Result<Option<&'v V2Schema>> {
    let Some(v2) = context.schema.v2.as_ref().filter(|v2| !v2.is_preview) else { return Ok(None) };
    let mut is_present = false;
    context.for_each_row(
        "SELECT 1 FROM session_v2 WHERE id = ?1",
        [session.session.as_str()],
        |_| {
            is_present = true;
            Ok(())
        },
    )?;
    Ok(is_present.then_some(v2))
}
