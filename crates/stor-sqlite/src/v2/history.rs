//! Reads the log of events of a session.

use scrollback_core_id::{EventId, SessionKey};
use scrollback_core_type::{Parse, RawJson};

use crate::cells::{bytes, id, integer};
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::tables::events::EventColumn as C;

/// An event in opencode's log.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SessionKey, SourceId, SystemClock};
/// use scrollback_stor_sqlite::SqliteReader;
///
/// let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
/// let database = format!("{fixtures}/opencode-sqlite/opencode.db");
/// let store = SqliteReader::new(database, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionKey::from(SessionId::new("ses_e04826c18ffelsiksmlFeVOzMT")?);
/// let (events, issues) = store.history(&session)?;
/// for event in &events {
///     println!("{} {}", event.seq, event.name);
/// }
/// assert!(issues.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The id of the event.
    pub id: EventId,
    /// The number of the event within its session, from 0 on.
    pub seq: i64,
    /// The name of the event without its version, such as `session.next.step.started`.
    pub name: String,
    /// The version of the event's shape, which follows its name in the log.
    pub version: Option<u32>,
    /// The content of the event.
    pub data: RawJson<'static>,
}

/// Reads the events of a session, in order. An event that cannot be read becomes an issue.
pub(crate) fn history(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<Vec<Event>> {
    let mut events = Vec::new();
    let Some(sql) = &context.schema.history else { return Ok(events) };
    context.for_each_row(sql, [session.session.as_str()], |row| {
        let id = match id(row, C::Id.at(), EventId::from_bytes)? {
            Ok(id) => id,
            Err(kind) => {
                out.note(Some(session.clone().into()), context, kind);
                return Ok(());
            }
        };
        let name = String::from_utf8_lossy(bytes(row, C::Kind.at())?).into_owned();
        let (name, version) = match name.rsplit_once('.') {
            Some((name, version)) if version.parse::<u32>().is_ok() => {
                (name.to_owned(), version.parse().ok())
            }
            _ => (name, None),
        };
        match RawJson::parse(bytes(row, C::Data.at())?).map(|parsed| parsed.value.into_owned()) {
            Ok(data) => {
                events.push(Event { id, seq: integer(row, C::Seq.at())?, name, version, data })
            }
            Err(issue) => out.note(Some(session.clone().into()), context, issue.kind),
        }
        Ok(())
    })?;
    Ok(events)
}
