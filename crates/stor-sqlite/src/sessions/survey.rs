//! What the rows of sessions look like, without their texts.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{SessionId, SessionKey};

use crate::ask::Ask;
use crate::cells::{project, whole};
use crate::error::is_damage;
use crate::gathered::Gathered;
use crate::provenance::Provenances;
use crate::sessions::list::ids;
use crate::sessions::row::placed;

pub(crate) fn survey(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<()> {
    let sql = &ask.schema.sessions.all_stamps;
    let places = Provenances::default();
    out.note_problems(ask);
    let asked = ask.each(sql, [], |row| session(ask, &places, row, out));
    if !asked.as_ref().is_err_and(is_damage) {
        return asked;
    }
    // Pages of the table are damaged: each session by itself.
    out.sightings.clear();
    out.issues.clear();
    out.note_problems(ask);
    let one = ask.schema.sessions.stamps("id = ?1");
    for id in ids(ask, out)? {
        let asked = ask.each(&one, [&id], |row| session(ask, &places, row, out));
        let key = SessionId::new(&id).ok().map(|id| SessionKey::from(id).into());
        out.note_damage(ask, key, asked)?;
    }
    Ok(())
}

/// A row of id, project, stamp, where there is something of it, time of making.
fn session(
    ask: &Ask<'_>,
    places: &Provenances,
    row: &SqlRow<'_>,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let Some(key) = out.session(ask, row, 0)? else { return Ok(()) };
    let (mut stamp, settled) = ask.stamp_at(row, 2)?;
    let place = places.of(ask, row, 5, whole(row, 6)?)?;
    stamp.inode = placed(stamp.inode, place);
    out.sightings.push(ask.sighting(key, (stamp, settled), project(row, 1)?));
    Ok(())
}
