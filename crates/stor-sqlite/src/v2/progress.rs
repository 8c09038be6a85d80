//! Tracks what a row does not store itself: the message that it answers, and the directory of the
//! session at that point.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{MessageId, SessionKey};
use scrollback_core_type::{LocationSwitched, Parse};
use xxhash_rust::xxh3::xxh3_64;

use crate::cells::bytes;
use crate::error::is_damage;
use crate::query_context::QueryContext;
use crate::schema::row_kind::RowKind;
use crate::schema::v2::row_column;
use crate::v2::translate::RowContext;

/// Selects the message that an answer at this place answers.
const PARENT_QUERY: &str = "SELECT id FROM session_message \
    WHERE session_id = ?1 AND type IN ('user', 'synthetic', 'compaction') AND seq < ?2 \
    ORDER BY seq DESC LIMIT 1";
/// Selects the moves before a place, the last move first.
const MOVES_BEFORE_QUERY: &str = "SELECT data FROM session_message \
    WHERE session_id = ?1 AND type = 'location-switched' AND seq < ?2 ORDER BY seq DESC";
const FIRST_MOVE_QUERY: &str = "SELECT data FROM session_message \
    WHERE session_id = ?1 AND type = 'location-switched' ORDER BY seq LIMIT 1";

/// All queries, for the tests of query plans.
#[cfg(test)]
pub(crate) const QUERIES: [&str; 3] = [PARENT_QUERY, MOVES_BEFORE_QUERY, FIRST_MOVE_QUERY];

/// The state of a walk over the rows of a session, from the first row on.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    parent: Option<MessageId>,
    /// The directory at this place, as JSON.
    cwd: Option<String>,
    /// Whether the caller does not need the directory.
    skips_directory: bool,
}

impl Progress {
    /// Returns the state before the first row of a session.
    pub(crate) fn begin(
        context: &QueryContext<'_>,
        session: &SessionKey,
    ) -> rusqlite::Result<Self> {
        Ok(Self { cwd: unless_damaged(initial_directory(context, session))?, ..Self::default() })
    }

    /// Returns the state before the first row of a session, for callers that do not need the
    /// directory.
    pub(crate) fn without_directory() -> Self {
        Self { skips_directory: true, ..Self::default() }
    }

    /// Returns the state before the row with this number, for callers that do not need the
    /// directory.
    pub(crate) fn at_row_without_directory(
        context: &QueryContext<'_>,
        session: &SessionKey,
        seq: i64,
    ) -> rusqlite::Result<Self> {
        let mut progress = Self::without_directory();
        unless_damaged(context.for_each_row(
            PARENT_QUERY,
            (session.session.as_str(), seq),
            |row| {
                progress.parent = MessageId::from_bytes(bytes(row, 0)?).ok();
                Ok(())
            },
        ))?;
        Ok(progress)
    }

    /// Returns the state before the row with this number.
    pub(crate) fn at_row(
        context: &QueryContext<'_>,
        session: &SessionKey,
        seq: i64,
    ) -> rusqlite::Result<Self> {
        let session_id = session.session.as_str();
        let mut progress = Self {
            skips_directory: false,
            ..Self::at_row_without_directory(context, session, seq)?
        };
        progress.cwd = unless_damaged(last_move_target(context, session_id, seq))?;
        if progress.cwd.is_none() {
            progress.cwd = unless_damaged(initial_directory(context, session))?;
        }
        Ok(progress)
    }

    pub(crate) fn row_context(&self) -> RowContext<'_> {
        RowContext { parent: self.parent.as_ref(), cwd: self.cwd.as_deref() }
    }

    /// Returns what the answered message adds to the stamp of an answer. The answer's row does not
    /// change when another message takes the place of the answered one, so the stamp must.
    pub(crate) fn parent_stamp(&self, kind: RowKind) -> u64 {
        let parent = self.parent.as_ref().filter(|_| kind.is_answer());
        parent.map_or(0, |parent| xxh3_64(parent.as_bytes()))
    }

    /// Moves past a row. The row need not be readable.
    pub(crate) fn advance(&mut self, row: &SqlRow<'_>) -> rusqlite::Result<()> {
        let kind = bytes(row, row_column::KIND)?;
        if RowKind::from_name(kind).is_answered() {
            self.parent = MessageId::from_bytes(bytes(row, row_column::ID)?).ok();
        } else if !self.skips_directory && kind == b"location-switched" {
            let to = move_directories(bytes(row, row_column::DATA)?).1;
            self.cwd = to.or_else(|| self.cwd.take());
        }
        Ok(())
    }
}

/// Returns the target of the last move before a place that has a target.
fn last_move_target(
    context: &QueryContext<'_>,
    session_id: &str,
    seq: i64,
) -> rusqlite::Result<Option<String>> {
    let mut statement = context.db.prepare_cached(MOVES_BEFORE_QUERY)?;
    let mut rows = statement.query((session_id, seq))?;
    while let Some(row) = rows.next()? {
        if let (_, Some(to)) = move_directories(bytes(row, 0)?) {
            return Ok(Some(to));
        }
    }
    Ok(None)
}

/// Turns damage into a default value. The call that reads the damaged rows reports them.
fn unless_damaged<T: Default>(result: rusqlite::Result<T>) -> rusqlite::Result<T> {
    match result {
        Err(error) if is_damage(&error) => Ok(T::default()),
        result => result,
    }
}

/// Returns where a session was before its first move, or its present directory if it never moved.
fn initial_directory(
    context: &QueryContext<'_>,
    session: &SessionKey,
) -> rusqlite::Result<Option<String>> {
    let mut cwd = None;
    context.for_each_row(FIRST_MOVE_QUERY, [session.session.as_str()], |row| {
        cwd = move_directories(bytes(row, 0)?).0;
        Ok(())
    })?;
    for sql in context.schema.sessions.directory_queries() {
        if cwd.is_none() {
            context.for_each_row(sql, [session.session.as_str()], |row| {
                cwd = to_json(Some(&String::from_utf8_lossy(bytes(row, 0)?)));
                Ok(())
            })?;
        }
    }
    Ok(cwd)
}

/// Returns the directories before and after a move.
fn move_directories(data: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(parsed) = LocationSwitched::parse(data) else { return (None, None) };
    let LocationSwitched { location, previous, .. } = parsed.value;
    let before = previous.and_then(|place| place.location).and_then(|location| location.directory);
    let after = location.and_then(|location| location.directory);
    [before, after].map(|path| to_json(path.as_ref().map(|text| text.get()).as_deref())).into()
}

fn to_json(text: Option<&str>) -> Option<String> {
    serde_json::to_string(text?).ok()
}
