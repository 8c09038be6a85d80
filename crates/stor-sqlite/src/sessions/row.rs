//! Builds the record and the stamp of a session from its row.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_id::{OrderKey, Stamp};
use scrollback_stor_mmap::Settled;

use crate::cells::{integer_value, project};
use crate::provenance::{ProvenanceCache, SessionLocation};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::column::StampRole;
use crate::schema::select::nano_dollars;
use crate::schema::sessions::PRESENCE_COLUMN;
use crate::schema::tables::session::SessionColumn;
use crate::values::Values;

/// Writes the columns of a session as a record.
pub(crate) type WriteRecord = fn(&Values<'_>, &mut Vec<u8>);

/// Reads a row with the columns of [`SessionColumn`] and a
/// [`TablePresence`](crate::schema::sessions::TablePresence).
pub(crate) fn session_row(
    context: &QueryContext<'_>,
    provenances: &ProvenanceCache,
    row: &SqlRow<'_>,
    write: WriteRecord,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(key) = out.session(context, row, SessionColumn::Id.at())? else { return Ok(()) };
    let values = Values::read(context, row, SessionColumn::ALL)?;
    let integer_at = |column: SessionColumn| integer_value(values.all[column.at()]);
    let location = provenances.locate_session(
        context,
        row,
        PRESENCE_COLUMN,
        integer_at(SessionColumn::Created),
    )?;
    let (stamp, settled) = stamp(context, &values, location);
    let piece = out.arena.append(stamp, settled, |bytes| write(&values, bytes));
    values.note_oversized(context, &key.clone().into(), out);
    let order = OrderKey(integer_at(SessionColumn::Updated));
    out.rows.push(Row {
        project: project(row, SessionColumn::Project.at())?,
        provenance: provenances.provenance(location),
        ..Row::new(key, order, Some(piece))
    });
    Ok(())
}

/// Computes the stamp of a session's row from its values. The survey query computes the same stamp
/// in SQL without the texts.
fn stamp(
    context: &QueryContext<'_>,
    values: &Values<'_>,
    location: SessionLocation,
) -> (Stamp, Settled) {
    let (mut updated, mut size, mut counts) = (0, 0_i64, SqliteSum::default());
    for (column, value) in SessionColumn::ALL.iter().zip(&values.all) {
        match column.stamp_role {
            StampRole::Nothing => {}
            StampRole::Time => updated = integer_value(*value),
            StampRole::Length => size = size.wrapping_add(length(context, *value)),
            StampRole::Count => counts.add(*value),
            StampRole::Cost => counts.add(match *value {
                ValueRef::Integer(cost) => ValueRef::Integer(nano_dollars(cost as f64)),
                ValueRef::Real(cost) => ValueRef::Integer(nano_dollars(cost)),
                _ => ValueRef::Null,
            }),
        }
    }
    for (column, length) in &values.oversized {
        if column.stamp_role == StampRole::Length {
            size = size.wrapping_add(length.cast_signed());
        }
    }
    let extra = session_stamp_extra(counts.to_integer().cast_unsigned(), location);
    context.stamp(size.cast_unsigned(), updated, extra)
}

/// Returns the length of a text. The query may have selected the length in place of the text.
fn length(context: &QueryContext<'_>, text: ValueRef<'_>) -> i64 {
    match text {
        ValueRef::Text(text) | ValueRef::Blob(text) => text.len() as i64,
        ValueRef::Integer(size) if context.schema.max_text_len.is_some() => size,
        ValueRef::Integer(number) => number.to_string().len() as i64,
        _ => 0,
    }
}

/// A sum with the rules of SQLite: an integer until a term is not an integer or the sum overflows,
/// and a real number from then on.
struct SqliteSum {
    integer: Option<i64>,
    real: f64,
}

impl Default for SqliteSum {
    fn default() -> Self {
        Self { integer: Some(0), real: 0.0 }
    }
}

impl SqliteSum {
    fn add(&mut self, number: ValueRef<'_>) {
        let (integer, real) = match number {
            ValueRef::Integer(number) => (Some(number), number as f64),
            ValueRef::Real(number) => (None, number),
            _ => (Some(0), 0.0),
        };
        self.real = self.integer.map_or(self.real, |sum| sum as f64) + real;
        self.integer = self.integer.zip(integer).and_then(|(sum, real)| sum.checked_add(real));
    }

    fn to_integer(&self) -> i64 {
        self.integer.unwrap_or(self.real as i64)
    }
}

/// Returns the extra number in the stamp of a session. It combines the counts of the row with the
/// location of the session, which may change while the row does not.
pub(crate) fn session_stamp_extra(counts: u64, location: SessionLocation) -> u64 {
    counts.wrapping_add(u64::from(location.stamp_bits()) << 40)
}
