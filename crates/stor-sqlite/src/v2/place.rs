//! What a row does not say of itself: what it answers, and where.

use rusqlite::Row as SqlRow;
use scrollback_core_id::{MessageId, SessionKey};
use scrollback_core_type::{LocationSwitched, Parse};
use xxhash_rust::xxh3::xxh3_64;

use crate::ask::Ask;
use crate::cells::bytes;
use crate::error::is_damage;
use crate::schema::row_kind::RowKind;
use crate::schema::v2::column;
use crate::v2::translate::Place;

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

    /// At one row, for whoever does not ask where.
    pub(crate) fn nowhere_at(ask: &Ask<'_>, of: &SessionKey, seq: i64) -> rusqlite::Result<Self> {
        let mut it = Self::nowhere();
        unless_damaged(ask.each(PARENT, (of.session.as_str(), seq), |row| {
            it.parent = MessageId::from_bytes(bytes(row, 0)?).ok();
            Ok(())
        }))?;
        Ok(it)
    }

    /// At one row, wherever it is.
    pub(crate) fn at(ask: &Ask<'_>, of: &SessionKey, seq: i64) -> rusqlite::Result<Self> {
        let session = of.session.as_str();
        let mut it = Self { is_nowhere: false, ..Self::nowhere_at(ask, of, seq)? };
        it.cwd = unless_damaged(moved_to(ask, session, seq))?;
        if it.cwd.is_none() {
            it.cwd = unless_damaged(before_all(ask, of))?;
        }
        Ok(it)
    }

    pub(crate) fn place(&self) -> Place<'_> {
        Place { parent: self.parent.as_ref(), cwd: self.cwd.as_deref() }
    }

    /// What the stamp of a message at this place says, if it answers one: the row does not change when
    /// that becomes another.
    pub(crate) fn stamped(&self, kind: RowKind) -> u64 {
        let parent = self.parent.as_ref().filter(|_| kind.answers());
        parent.map_or(0, |parent| xxh3_64(parent.as_bytes()))
    }

    /// Goes past a row, also past one that cannot be read.
    pub(crate) fn pass(&mut self, row: &SqlRow<'_>) -> rusqlite::Result<()> {
        let kind = bytes(row, column::KIND)?;
        if RowKind::of(kind).is_answered() {
            self.parent = MessageId::from_bytes(bytes(row, column::ID)?).ok();
        } else if !self.is_nowhere && kind == b"location-switched" {
            let to = moved(bytes(row, column::DATA)?).1;
            self.cwd = to.or_else(|| self.cwd.take());
        }
        Ok(())
    }
}

/// Where the last move before a place led that says where to.
fn moved_to(ask: &Ask<'_>, session: &str, seq: i64) -> rusqlite::Result<Option<String>> {
    let mut statement = ask.db.prepare_cached(MOVED_BEFORE)?;
    let mut rows = statement.query((session, seq))?;
    while let Some(row) = rows.next()? {
        if let (_, Some(to)) = moved(bytes(row, 0)?) {
            return Ok(Some(to));
        }
    }
    Ok(None)
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
    for sql in ask.schema.sessions.directories() {
        if cwd.is_none() {
            ask.each(sql, [of.session.as_str()], |row| {
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
