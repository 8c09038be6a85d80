//! Projects: records assembled from columns, as `docs/format/opencode.md`, section 5 maps them.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_id::{EntityKey, OrderKey, ProjectId};

use crate::ask::Ask;
use crate::cells::{id, whole};
use crate::columns::{Columns, is_there};
use crate::error::Result;
use crate::gathered::{Gathered, Row};
use crate::json::Object;
use crate::schema::columns::ProjectColumn;

/// The records of all projects, newest first.
pub(crate) fn all(ask: &Ask<'_>, out: &mut Gathered) -> Result<()> {
    if ask.schema.has_projects {
        let asked = ask.each(&ask.schema.project, [], |row| project_row(ask, row, out));
        out.note_damage(ask, None, asked)?;
        out.newest_first();
    }
    Ok(())
}

/// The record of one project, if it is there.
pub(crate) fn one(ask: &Ask<'_>, id: &str, out: &mut Gathered) -> rusqlite::Result<()> {
    if !ask.schema.has_projects {
        return Ok(());
    }
    let sql = format!("{} WHERE id = ?1", ask.schema.project);
    ask.each(&sql, [id], |row| project_row(ask, row, out))
}

/// A row of [`ProjectColumn`] and the stamp.
fn project_row(ask: &Ask<'_>, row: &SqlRow<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    let key = match id(row, 0, ProjectId::from_bytes)? {
        Ok(id) => EntityKey::Project(id),
        Err(kind) => {
            out.note(None, ask, kind);
            return Ok(());
        }
    };
    let (stamp, settled) = ask.stamp_at(row, ProjectColumn::ALL.len())?;
    let updated = whole(row, ProjectColumn::ALL.len())?;
    let mut columns = Columns::new(ask, row, ProjectColumn::ALL);
    let mut filled = Ok(());
    let piece = out.arena.append(stamp, settled, |bytes| {
        filled = project_json(&mut columns, updated, bytes);
    });
    filled?;
    columns.note(&key, out);
    out.rows.push(Row::new(key, OrderKey(updated), Some(piece)));
    Ok(())
}

fn project_json(
    columns: &mut Columns<'_>,
    updated: i64,
    out: &mut Vec<u8>,
) -> rusqlite::Result<()> {
    use ProjectColumn as C;
    let created = columns.number(C::Created.at())?;
    let initialized = columns.number(C::Initialized.at())?;
    let mut text = |column: C| columns.text(column.at());
    let mut info = Object::begin(out);
    for (name, from) in
        [("id", C::Id), ("worktree", C::Worktree), ("vcs", C::Vcs), ("name", C::Name)]
    {
        info.value(name, text(from)?);
    }
    let icon = [text(C::IconUrl)?, text(C::IconOverride)?, text(C::IconColor)?];
    if icon.iter().any(is_there) {
        info.object("icon", |object| {
            object.value("url", icon[0]).value("override", icon[1]).value("color", icon[2]);
        });
    }
    info.json("commands", text(C::Commands)?);
    info.object("time", |time| {
        time.value("created", created).value("updated", ValueRef::Integer(updated));
        time.value("initialized", initialized);
    });
    info.json("sandboxes", text(C::Sandboxes)?);
    info.end();
    Ok(())
}

/// What the rows of projects look like.
pub(crate) fn survey(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    ask.each(&ask.schema.project_stamp, [], |row| {
        if let Some(id) = out.id(ask, row, 0, ProjectId::from_bytes, || None)? {
            let sighting = ask.sighting(id, ask.stamp_at(row, 1)?, None);
            out.sightings.push(sighting);
        }
        Ok(())
    })
}
