//! A row of a session: its record and its stamp.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_id::{OrderKey, Stamp};
use scrollback_core_type::Provenance;
use scrollback_stor_mmap::Settled;

use crate::ask::Ask;
use crate::cells::{project, whole};
use crate::columns::Columns;
use crate::gathered::{Gathered, Row};
use crate::provenance::Provenances;
use crate::schema::columns::{SessionColumn, nano_dollars};

/// Makes a record of the columns of a session.
pub(crate) type Write = fn(&mut Columns<'_>, &mut Vec<u8>) -> rusqlite::Result<()>;

/// A row of [`SessionColumn`], the time of its last change, and where there is something of it.
pub(crate) fn session_row(
    ask: &Ask<'_>,
    places: &Provenances,
    row: &SqlRow<'_>,
    write: Write,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let Some(key) = out.session(ask, row, 0)? else { return Ok(()) };
    let created = whole(row, SessionColumn::Created.at())?;
    let provenance = places.of(ask, row, SessionColumn::ALL.len() + 1, created)?;
    let (stamp, settled) = stamp(ask, row, &provenance)?;
    let mut columns = Columns::new(ask, row, SessionColumn::ALL);
    let mut filled = Ok(());
    let piece = out.arena.append(stamp, settled, |bytes| {
        filled = write(&mut columns, bytes);
    });
    filled?;
    columns.note(&key.clone().into(), out);
    let order = OrderKey(whole(row, SessionColumn::ALL.len())?);
    out.rows.push(Row {
        project: project(row, SessionColumn::Project.at())?,
        provenance,
        ..Row::new(key, order, Some(piece))
    });
    Ok(())
}

/// The stamp of a session's row: what its query by itself says, without the texts.
fn stamp(
    ask: &Ask<'_>,
    row: &SqlRow<'_>,
    provenance: &Provenance,
) -> rusqlite::Result<(Stamp, Settled)> {
    let mut size = 0_i64;
    for column in SessionColumn::STAMPED {
        size = size.wrapping_add(match row.get_ref(column.at())? {
            ValueRef::Text(text) | ValueRef::Blob(text) => text.len() as i64,
            ValueRef::Integer(size) if ask.schema.cap.is_some() => size,
            ValueRef::Integer(number) => number.to_string().len() as i64,
            _ => 0,
        });
    }
    // As SQLite adds: whole numbers, until one is none or their sum is too large.
    let (mut whole_sum, mut sum) = (Some(0_i64), 0.0);
    let cost = match row.get_ref(SessionColumn::Cost.at())? {
        ValueRef::Integer(cost) => nano_dollars(cost as f64),
        ValueRef::Real(cost) => nano_dollars(cost),
        _ => 0,
    };
    let counts = SessionColumn::COUNTED.iter().map(|column| row.get_ref(column.at()));
    for count in counts.chain([Ok(ValueRef::Integer(cost))]) {
        let (whole, more) = match count? {
            ValueRef::Integer(count) => (Some(count), count as f64),
            ValueRef::Real(count) => (None, count),
            _ => (Some(0), 0.0),
        };
        sum = whole_sum.map_or(sum, |sum| sum as f64) + more;
        whole_sum = whole_sum.zip(whole).and_then(|(sum, more)| sum.checked_add(more));
    }
    let counts = whole_sum.unwrap_or(sum as i64);
    let updated = whole(row, SessionColumn::ALL.len())?;
    let more = placed(counts.cast_unsigned(), provenance);
    Ok(ask.stamp(size.cast_unsigned(), updated, more))
}

/// What the stamp of a session's row says besides its time and size: what the row counts, and where
/// the session is, which may change while the row does not.
pub(crate) fn placed(counts: u64, provenance: &Provenance) -> u64 {
    counts.wrapping_add(u64::from(provenance.bits()) << 40)
}
