//! Determines which tables hold the messages of a session.

use scrollback_core_id::SessionKey;

use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::messages::HAS_MESSAGES;
use crate::schema::v2::{HAS_ROWS, V2Schema};
use crate::sessions::list::is_v2;

/// The tables that hold the messages of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionFormat<'v> {
    /// Only messages of 1.x are read.
    V1,
    /// Only rows of 2.x are read. Messages of the session in the tables of 1.x are the ones that it
    /// was migrated from.
    V2(&'v V2Schema),
    /// The session has turns in the rows of the preview and turns in the tables of 1.x. Both are
    /// read.
    Both(&'v V2Schema),
}

/// Returns the format of a session.
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
    // The rows decide, not the record of the session. A session with a record of 2.x but without rows
    // may still have its messages in the tables of 1.x, for example while a migration is under way.
    Ok(match (has_rows, v2.is_preview) {
        (false, _) => SessionFormat::V1,
        // Migration copied the messages of 1.x into rows. Reading both would show them twice.
        (true, false) => SessionFormat::V2(v2),
        // The preview writes new turns as rows and does not touch older messages.
        (true, true) => SessionFormat::Both(v2),
    })
}

/// Returns the rank of the storage format that a session's messages are read from: 1 for 2.x, 0 for 1.x.
/// A session without messages has the storage format of its record.
pub(crate) fn format_rank(context: &QueryContext<'_>, session: &SessionKey) -> Result<u32> {
    Ok(match format_of_session(context, session)? {
        SessionFormat::V2(_) | SessionFormat::Both(_) => 1,
        SessionFormat::V1 => {
            let mut has_messages = false;
            if context.schema.messages.is_some() {
                QueryOutput::default().with_fallback_query(HAS_MESSAGES, |sql, _| {
                    context.for_each_row(sql, [session.session.as_str()], |_| {
                        has_messages = true;
                        Ok(())
                    })
                })?;
            }
            u32::from(!has_messages && is_v2(context, session)?.is_some())
        }
    })
}
