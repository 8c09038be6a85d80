//! Whether a row will stay as it is.

use scrollback_core_type::json::{Scan, Scanner, walk};

use super::V2Row;
use super::fields::{Fields, fields, inside};
use crate::v2::kind::RowKind;

fields! {
    State { time = "time", status = "status", }
}

fields! {
    Time { completed = "completed", }
}

/// Whether a row is as it will stay: an answer that was completed, a command or a compaction that
/// does not run. One that cannot be read is not.
pub(crate) fn is_settled(row: &V2Row<'_>) -> bool {
    let Ok(Some(state)) = walk(row.data, State::read) else { return false };
    match row.kind {
        RowKind::Assistant => Time::of(state.time).completed.is_some(),
        RowKind::Shell | RowKind::Compaction => inside(state.status) != Some("running"),
        _ => true,
    }
}
