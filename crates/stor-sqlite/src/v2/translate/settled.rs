//! Determines whether a row is finished.

use super::fields::{Fields, fields};
use super::row::V2Row;
use super::shell_and_compaction::{Time, is_running};
use super::walk::{Walk, string_body};
use crate::schema::row_kind::RowKind;

fields! {
    State { time = b"time", status = b"status", }
}

/// Checks whether a row will not change any more: a completed answer, or a command or compaction
/// that does not run. A row that cannot be read is not settled.
pub(crate) fn is_settled(row: &V2Row<'_>) -> bool {
    if scrollback_core_type::json::check(row.data).is_err() || !row.data.starts_with(b"{") {
        return false;
    }
    let Ok(state) = State::read(&mut Walk::new(row.data)) else { return false };
    let completed = Time::read_or_default(state.time).completed;
    match row.kind {
        RowKind::Assistant => completed.is_some(),
        RowKind::Shell => !is_running(state.status, completed),
        RowKind::Compaction => string_body(state.status) != Some(b"running"),
        _ => true,
    }
}
