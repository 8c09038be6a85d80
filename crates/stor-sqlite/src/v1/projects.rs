//! Reads projects. Their records are built from columns, by the mapping in
//! `docs/format/opencode.md`, section 5.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{EntityKey, OrderKey, ProjectId};

use crate::cells::{id, integer};
use crate::error::Result;
use crate::fields;
use crate::json::Object;
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::tables::project::ProjectColumn;
use crate::values::Values;

/// Reads the records of all projects, newest first.
pub(crate) fn all_projects(context: &QueryContext<'_>, out: &mut QueryOutput) -> Result<()> {
    if let Some(projects) = &context.schema.projects {
        let result = context.for_each_row(&projects.all, [], |row| project_row(context, row, out));
        out.note_damage(context, None, result)?;
        out.sort_newest_first();
    }
    Ok(())
}

/// Reads the record of one project, if it exists.
pub(crate) fn project_by_id(
    context: &QueryContext<'_>,
    id: &str,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(projects) = &context.schema.projects else { return Ok(()) };
    let sql = format!("{} WHERE id = ?1", projects.all);
    context.for_each_row(&sql, [id], |row| project_row(context, row, out))
}

/// Reads a row with the columns of [`ProjectColumn`] and a stamp.
fn project_row(
    context: &QueryContext<'_>,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let key = match id(row, ProjectColumn::Id.at(), ProjectId::from_bytes)? {
        Ok(id) => EntityKey::Project(id),
        Err(kind) => {
            out.note(None, context, kind);
            return Ok(());
        }
    };
    let (stamp, settled) = context.stamp_at(row, ProjectColumn::ALL.len())?;
    let values = Values::read(context, row, ProjectColumn::ALL)?;
    let piece = out.arena.append(stamp, settled, |bytes| {
        let mut record = Object::begin(bytes);
        fields::write(&mut record, ProjectColumn::ALL, &values.all);
        record.end();
    });
    values.note_oversized(context, &key, out);
    let updated = integer(row, ProjectColumn::Updated.at())?;
    out.rows.push(Row::new(key, OrderKey(updated), Some(piece)));
    Ok(())
}

/// Observes all projects.
pub(crate) fn survey(context: &QueryContext<'_>, out: &mut QueryOutput) -> rusqlite::Result<()> {
    let Some(projects) = &context.schema.projects else { return Ok(()) };
    context.for_each_row(&projects.stamps, [], |row| {
        if let Some(id) = out.id(context, row, 0, ProjectId::from_bytes, || None)? {
            let observation = context.observation(id, context.stamp_at(row, 1)?, None);
            out.observations.push(observation);
        }
        Ok(())
    })
}
