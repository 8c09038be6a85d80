//! A row of a session: its record and its stamp.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_id::{OrderKey, Stamp};
use scrollback_stor_mmap::Settled;

use crate::ask::Ask;
use crate::cells::{project, whole_number};
use crate::gathered::{Gathered, Row};
use crate::provenance::{Place, Provenances};
use crate::schema::column::InStamp;
use crate::schema::select::nano_dollars;
use crate::schema::sessions::FOUND;
use crate::schema::tables::session::SessionColumn;
use crate::values::Values;

/// Makes a record of the columns of a session.
pub(crate) type Write = fn(&Values<'_>, &mut Vec<u8>);

/// A row of [`SessionColumn`], and where there is something of it.
pub(crate) fn session_row(
    ask: &Ask<'_>,
    places: &Provenances,
    row: &SqlRow<'_>,
    write: Write,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let Some(key) = out.session(ask, row, SessionColumn::Id.at())? else { return Ok(()) };
    let values = Values::read(ask, row, SessionColumn::ALL)?;
    let whole = |column: SessionColumn| whole_number(values.all[column.at()]);
    let place = places.of(ask, row, FOUND, whole(SessionColumn::Created))?;
    let (stamp, settled) = stamp(ask, &values, place);
    let piece = out.arena.append(stamp, settled, |bytes| write(&values, bytes));
    values.note(ask, &key.clone().into(), out);
    let order = OrderKey(whole(SessionColumn::Updated));
    out.rows.push(Row {
        project: project(row, SessionColumn::Project.at())?,
        provenance: places.provenance(place),
        ..Row::new(key, order, Some(piece))
    });
    Ok(())
}

/// The stamp of a session's row: what its query by itself says, without the texts.
fn stamp(ask: &Ask<'_>, values: &Values<'_>, place: Place) -> (Stamp, Settled) {
    let (mut updated, mut size, mut counts) = (0, 0_i64, Sum::default());
    for (column, value) in SessionColumn::ALL.iter().zip(&values.all) {
        match column.in_stamp {
            InStamp::Nothing => {}
            InStamp::Time => updated = whole_number(*value),
            InStamp::Length => size = size.wrapping_add(length(ask, *value)),
            InStamp::Count => counts.add(*value),
            InStamp::Cost => counts.add(match *value {
                ValueRef::Integer(cost) => ValueRef::Integer(nano_dollars(cost as f64)),
                ValueRef::Real(cost) => ValueRef::Integer(nano_dollars(cost)),
                _ => ValueRef::Null,
            }),
        }
    }
    for (column, too_large) in &values.too_large {
        if column.in_stamp == InStamp::Length {
            size = size.wrapping_add(too_large.cast_signed());
        }
    }
    let more = placed(counts.whole().cast_unsigned(), place);
    ask.stamp(size.cast_unsigned(), updated, more)
}

/// The length of a text, which may have been selected in its place.
fn length(ask: &Ask<'_>, text: ValueRef<'_>) -> i64 {
    match text {
        ValueRef::Text(text) | ValueRef::Blob(text) => text.len() as i64,
        ValueRef::Integer(size) if ask.schema.cap.is_some() => size,
        ValueRef::Integer(number) => number.to_string().len() as i64,
        _ => 0,
    }
}

/// A sum as SQLite adds: of whole numbers, until one is none or their sum is too large.
struct Sum {
    whole: Option<i64>,
    real: f64,
}

impl Default for Sum {
    fn default() -> Self {
        Self { whole: Some(0), real: 0.0 }
    }
}

impl Sum {
    fn add(&mut self, number: ValueRef<'_>) {
        let (whole, more) = match number {
            ValueRef::Integer(number) => (Some(number), number as f64),
            ValueRef::Real(number) => (None, number),
            _ => (Some(0), 0.0),
        };
        self.real = self.whole.map_or(self.real, |sum| sum as f64) + more;
        self.whole = self.whole.zip(whole).and_then(|(sum, more)| sum.checked_add(more));
    }

    fn whole(&self) -> i64 {
        self.whole.unwrap_or(self.real as i64)
    }
}

/// What the stamp of a session's row says besides its time and size: what the row counts, and where
/// the session is, which may change while the row does not.
pub(crate) fn placed(counts: u64, place: Place) -> u64 {
    counts.wrapping_add(u64::from(place.number()) << 40)
}
