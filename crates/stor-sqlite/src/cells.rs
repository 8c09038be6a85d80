//! The cells of a row, as what they hold.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{IdError, ProjectId};

/// The bytes of a column that holds a text.
pub(crate) fn bytes<'r>(row: &'r SqlRow<'_>, at: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => b"",
    })
}

/// A column that holds a whole number; 0 where it holds none.
pub(crate) fn integer(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<i64> {
    Ok(integer_value(row.get_ref(at)?))
}

/// The whole number in a value; 0 where there is none.
pub(crate) fn integer_value(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Integer(number) => number,
        ValueRef::Real(number) => number as i64,
        _ => 0,
    }
}

/// A column that holds a whole number, if it holds anything.
pub(crate) fn optional_integer(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => None,
        _ => Some(integer(row, at)?),
    })
}

/// A column that holds an id, which `read` takes for one.
pub(crate) fn id<I>(
    row: &SqlRow<'_>,
    at: usize,
    read: impl Fn(&[u8]) -> Result<I, IdError>,
) -> rusqlite::Result<Result<I, IssueKind>> {
    let bad = |error: IdError| IssueKind::BadId { reason: error.to_string() };
    Ok(read(bytes(row, at)?).map_err(bad))
}

/// The project that a session's row names.
pub(crate) fn project(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<Option<ProjectId>> {
    Ok(id(row, at, ProjectId::from_bytes)?.ok())
}
