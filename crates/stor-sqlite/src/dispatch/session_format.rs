//! Whose messages a session has: rows of 1.x, of 2.x, or of both.

use scrollback_core_id::SessionKey;

use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::v2::{HAS_ROWS, V2Schema};

/// Whose messages a session has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionFormat<'v> {
    V1,
    /// Rows of 2.x alone: what the tables of 1.x have of the session is what it was migrated from.
    V2(&'v V2Schema),
    /// Those of the preview, and those of 1.x: turns of both, one after the other.
    Both(&'v V2Schema),
}

/// Whose messages a session has.
pub(crate) fn format_of_session<'v>(
    context: &QueryContext<'v>,
    session: &SessionKey,
) -> rusqlite::Result<SessionFormat<'v>> {
    let Some(v2) = &context.schema.v2 else { return Ok(SessionFormat::V1) };
    let mut has_rows = false;
    QueryOutput::default().with_fallback_query(HAS_ROWS, |sql, _| {
        context.for_each_row(sql, [session.session.as_str()], |_| {
            has_rows = true;
            Ok(())
        })
    })?;
    Ok(match (has_rows, v2.is_preview) {
        (false, _) => SessionFormat::V1,
        (true, false) => SessionFormat::V2(v2),
        (true, true) => SessionFormat::Both(v2),
    })
}
