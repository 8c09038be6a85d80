//! What a row does not say of itself: what it answers, and where.

use scrollback_core_id::{MessageId, SessionKey};
use scrollback_core_type::{LocationSwitched, Parse};

use super::kind::RowKind;
use super::translate::{Place, V2Row};
use crate::ask::{Ask, bytes};
use crate::error::is_damage;

/// What an answer at a place in a session answers.
const PARENT: &str = "SELECT id FROM session_message \
    WHERE session_id = ?1 AND type IN ('user', 'synthetic', 'compaction') AND seq < ?2 \
    ORDER BY seq DESC LIMIT 1";
/// The moves before a place, the last one first.
const MOVED_BEFORE: &str = "SELECT data FROM session_message \
    WHERE session_id = ?1 AND type = 'location-switched' AND seq < ?2 ORDER BY seq DESC";
const FIRST_MOVED: &str = "SELECT data FROM session_message \
    WHERE session_id = ?1 AND type = 'location-switched' ORDER BY seq LIMIT 1";

/// All of them, to be looked at.
#[cfg(test)]
pub(crate) const QUERIES: [&str; 3] = [PARENT, MOVED_BEFORE, FIRST_MOVED];

/// Where the reading of a session's rows, from the first on, has come to.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    parent: Option<MessageId>,
    /// As JSON.
    cwd: Option<String>,
    /// Whether nobody asks where.
    is_nowhere: bool,
}

impl Progress {
    /// At the first row of a session.
    pub(crate) fn begin(ask: &Ask<'_>, of: &SessionKey) -> rusqlite::Result<Self> {
        Ok(Self { cwd: unless_damaged(before_all(ask, of))?, ..Self::default() })
    }

    /// At the first row of a session, for whoever does not ask where.
    pub(crate) fn nowhere() -> Self {
        Self { is_nowhere: true, ..Self::default() }
    }

    /// At one row, wherever it is.
    pub(crate) fn at(ask: &Ask<'_>, of: &SessionKey, seq: i64) -> rusqlite::Result<Self> {
        let session = of.session.as_str();
        let mut it = Self::default();
        unless_damaged(ask.each(PARENT, (session, seq), |row| {
            it.parent = MessageId::from_bytes(bytes(row, 0)?).ok();
            Ok(())
        }))?;
        unless_damaged(ask.each(MOVED_BEFORE, (session, seq), |row| {
            if it.cwd.is_none() {
                it.cwd = moved(bytes(row, 0)?).1; // of the last one that says where to
            }
            Ok(())
        }))?;
        if it.cwd.is_none() {
            it.cwd = unless_damaged(before_all(ask, of))?;
        }
        Ok(it)
    }

    pub(crate) fn place(&self) -> Place<'_> {
        Place { parent: self.parent.as_ref(), cwd: self.cwd.as_deref() }
    }

    /// Goes past a row.
    pub(crate) fn pass(&mut self, row: &V2Row<'_>) {
        if row.kind.is_answered() {
            self.parent = Some(row.id.clone());
        } else if !self.is_nowhere
            && row.kind == RowKind::Item
            && row.kind_name == b"location-switched"
        {
            let to = moved(row.data).1;
            self.cwd = to.or_else(|| self.cwd.take());
        }
    }
}

/// What damage hides is not known: whoever reads those rows says that they are damaged.
fn unless_damaged<T: Default>(asked: rusqlite::Result<T>) -> rusqlite::Result<T> {
    match asked {
        Err(error) if is_damage(&error) => Ok(T::default()),
        asked => asked,
    }
}

/// Where a session was before it moved for the first time; where it is, if it never did.
fn before_all(ask: &Ask<'_>, of: &SessionKey) -> rusqlite::Result<Option<String>> {
    let mut cwd = None;
    ask.each(FIRST_MOVED, [of.session.as_str()], |row| {
        cwd = moved(bytes(row, 0)?).0;
        Ok(())
    })?;
    for table in ask.schema.sessions.names() {
        if cwd.is_none() {
            let sql = format!("SELECT directory FROM {table} WHERE id = ?1");
            ask.each(&sql, [of.session.as_str()], |row| {
                cwd = json(Some(&String::from_utf8_lossy(bytes(row, 0)?)));
                Ok(())
            })?;
        }
    }
    Ok(cwd)
}

/// The directories before and after a move.
fn moved(data: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(parsed) = LocationSwitched::parse(data) else { return (None, None) };
    let LocationSwitched { location, previous, .. } = parsed.value;
    let before = previous.and_then(|it| it.location).and_then(|it| it.directory);
    let after = location.and_then(|it| it.directory);
    [before, after].map(|it| json(it.as_ref().map(|it| it.get()).as_deref())).into()
}

fn json(text: Option<&str>) -> Option<String> {
    serde_json::to_string(text?).ok()
}
