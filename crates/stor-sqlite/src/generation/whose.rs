//! Whose messages a session has: rows of 1.x, of 2.x, or of both.

use scrollback_core_id::SessionKey;

use crate::ask::Ask;
use crate::gathered::Gathered;
use crate::schema::v2::{HAS_ROWS, V2Schema};

/// Whose messages a session has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'v> {
    V1,
    /// Rows of 2.x alone: what the tables of 1.x have of the session is what it was migrated from.
    V2(&'v V2Schema),
    /// Those of the preview, and those of 1.x: turns of both, one after the other.
    Both(&'v V2Schema),
}

/// Whose messages a session has.
pub(crate) fn whose<'v>(ask: &Ask<'v>, of: &SessionKey) -> rusqlite::Result<Whose<'v>> {
    let Some(v2) = &ask.schema.v2 else { return Ok(Whose::V1) };
    let mut found = false;
    Gathered::default().by_either(HAS_ROWS, |sql, _| {
        ask.each(sql, [of.session.as_str()], |_| {
            found = true;
            Ok(())
        })
    })?;
    Ok(match (found, v2.is_preview) {
        (false, _) => Whose::V1,
        (true, false) => Whose::V2(v2),
        (true, true) => Whose::Both(v2),
    })
}
