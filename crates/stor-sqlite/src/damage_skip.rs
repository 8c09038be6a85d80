//! Skips the damaged pages of a table that is scanned in the order of its rowids.

use rusqlite::Statement;

use crate::error::is_damage;

/// How far a scan skips. In a damaged table, a query from a rowid may return only rows before it. A scan
/// that continued at the next rowid could then take as many queries as there are rowids, so the skips
/// grow until the scan reaches new rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DamageSkip {
    /// The rowids that the next skip leaves out if the last one led to no new row.
    extra: i64,
}

impl DamageSkip {
    /// Returns a rowid beyond the damage from which the table can be read again; `None` if no such
    /// rowid exists. The scan started at the rowid `from` and reached the rowid `last`. `rows` is a
    /// query from a rowid.
    pub(crate) fn beyond(
        &mut self,
        rows: &mut Statement<'_>,
        from: i64,
        last: i64,
    ) -> rusqlite::Result<Option<i64>> {
        if last > from {
            self.extra = 0;
        }
        let beyond = first_readable(rows, last.max(from))?.filter(|beyond| *beyond < i64::MAX);
        let beyond = beyond.map(|beyond| beyond.saturating_add(self.extra));
        self.extra = self.extra.saturating_mul(2).saturating_add(1);
        Ok(beyond)
    }
}

/// Returns the first rowid after `last` from which the table can be read again.
fn first_readable(rows: &mut Statement<'_>, last: i64) -> rusqlite::Result<Option<i64>> {
    let mut is_readable = |rowid: i64| match rows.query([rowid])?.next() {
        Ok(_) => Ok(true),
        Err(error) if is_damage(&error) => Ok(false),
        Err(error) => Err(error),
    };
    // Rowids start at 1. Double the step until a query from there succeeds, then bisect back to the
    // first such rowid, so that only the rows on damaged pages are lost.
    let (mut bad, mut step) = (last.max(0), 1_i64);
    let mut good = loop {
        let next = bad.saturating_add(step);
        if is_readable(next)? {
            break next;
        }
        if next == i64::MAX {
            return Ok(None);
        }
        (bad, step) = (next, step.saturating_mul(2));
    };
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        if is_readable(middle)? { good = middle } else { bad = middle }
    }
    Ok(Some(good))
}
