//! Reads the cells of a row as bytes, numbers and ids.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{IdError, ProjectId};

/// Returns the bytes of a text or blob column, and no bytes for any other value.
pub(crate) fn bytes<'r>(row: &'r SqlRow<'_>, at: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => b"",
    })
}

/// Returns the integer in a column, and 0 if the column has no number.
pub(crate) fn integer(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<i64> {
    Ok(integer_value(row.get_ref(at)?))
}

/// Returns the integer in a value, and 0 if the value is not a number.
pub(crate) fn integer_value(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Integer(number) => number,
        ValueRef::Real(number) => number as i64,
        _ => 0,
    }
}

/// Returns the integer in a column, or `None` if the column is NULL.
pub(crate) fn optional_integer(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => None,
        _ => Some(integer(row, at)?),
    })
}

/// Parses the id in a column with `read`. The inner error says why the id is invalid.
pub(crate) fn id<I>(
    row: &SqlRow<'_>,
    at: usize,
    read: impl Fn(&[u8]) -> Result<I, IdError>,
) -> rusqlite::Result<Result<I, IssueKind>> {
    let bad = |error: IdError| IssueKind::BadId { reason: error.to_string() };
    Ok(read(bytes(row, at)?).map_err(bad))
}

/// Returns the project in a session's row, or `None` if its id is invalid.
pub(crate) fn project(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<Option<ProjectId>> {
    Ok(id(row, at, ProjectId::from_bytes)?.ok())
}
