//! What a call has to ask with, and what it gathers.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row as SqlRow, Rows};
use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{
    Clock, EntityKey, IdError, OrderKey, ProjectId, SessionId, SessionKey, Stamp, UnixNanos,
};
use scrollback_core_type::Provenance;
use scrollback_source::{Entry, Sighting};
use scrollback_stor_mmap::{Arena, Frozen, Look, Piece, Settled};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Result, is_damage, is_too_big};
use crate::json::Owners;
use crate::schema::Schema;

/// What a call asks with.
pub(crate) struct Ask<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) schema: &'a Schema,
    pub(crate) look: Look<'a>,
    pub(crate) clock: &'a dyn Clock,
    /// Whether others may commit between two queries.
    pub(crate) is_shared: bool,
    pub(crate) database: &'a Path,
}

/// What a call found.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) arena: Arena,
    pub(crate) rows: Vec<Row>,
    pub(crate) set: Option<Sighting>,
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) issues: Vec<(Option<EntityKey>, Issue)>,
    /// Those of the record that was put into the arena last.
    pub(crate) owners: Owners,
    /// Those of messages, where they come between parts.
    pub(crate) message_owners: Owners,
}

/// An entity, with its bytes in the arena unless it was only named.
pub(crate) struct Row {
    pub(crate) key: EntityKey,
    pub(crate) order: OrderKey,
    pub(crate) piece: Option<Piece>,
    pub(crate) project: Option<ProjectId>,
    pub(crate) provenance: Provenance,
}

impl Row {
    pub(crate) fn new(key: impl Into<EntityKey>, order: OrderKey, piece: Option<Piece>) -> Self {
        let provenance = Provenance::default();
        Self { key: key.into(), order, piece, project: None, provenance }
    }

    pub(crate) fn into_entry(self, arena: &Frozen) -> Entry {
        let Self { key, order, piece, project, provenance } = self;
        let span = piece.map(|piece| arena.span(&piece));
        Entry { span, project, provenance, ..Entry::named(key, order) }
    }
}

impl Gathered {
    pub(crate) fn note(&mut self, key: Option<EntityKey>, ask: &Ask<'_>, kind: IssueKind) {
        self.issues.push((key, ask.issue(kind)));
    }

    /// The id in a column, which `read` takes for one; what is wrong with it is an issue of `about`.
    pub(crate) fn id<I>(
        &mut self,
        ask: &Ask<'_>,
        row: &SqlRow<'_>,
        at: usize,
        read: impl Fn(&[u8]) -> Result<I, IdError>,
        about: impl FnOnce() -> Option<EntityKey>,
    ) -> rusqlite::Result<Option<I>> {
        let id = id(row, at, read)?;
        Ok(id.map_err(|kind| self.note(about(), ask, kind)).ok())
    }

    /// The session of a row that says it in such a column; what is wrong with its id is an issue of
    /// nothing that is known.
    pub(crate) fn session(
        &mut self,
        ask: &Ask<'_>,
        row: &SqlRow<'_>,
        at: usize,
    ) -> rusqlite::Result<Option<SessionKey>> {
        Ok(self.id(ask, row, at, SessionId::from_bytes, || None)?.map(SessionKey::from))
    }

    /// Notes damage, which ends what was asked and nothing else, and so does a text that is too large
    /// for all that sizes are asked for first; any other error is the caller's.
    pub(crate) fn note_damage(
        &mut self,
        ask: &Ask<'_>,
        key: Option<EntityKey>,
        asked: rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        match asked {
            Err(error) if is_damage(&error) || is_too_big(&error) && ask.schema.cap.is_some() => {
                self.note(key, ask, IssueKind::Database { what: error.to_string() });
                Ok(())
            }
            other => other,
        }
    }

    /// Asks by one way and, if a page on it is damaged, by another that may lead past it. Leaves
    /// what the way found that found more.
    pub(crate) fn by_either(
        &mut self,
        ways: [&str; 2],
        mut ask: impl FnMut(&str, &mut Self) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let (rows, issues) = (self.rows.len(), self.issues.len());
        match ask(ways[0], self) {
            Err(error) if is_damage(&error) => {}
            other => return other,
        }
        let first = (self.rows.split_off(rows), self.issues.split_off(issues));
        let asked = ask(ways[1], self);
        if asked.is_err() && self.rows.len() - rows < first.0.len() {
            self.rows.truncate(rows);
            self.issues.truncate(issues);
            self.rows.extend(first.0);
            self.issues.extend(first.1);
        }
        asked
    }
}

impl Ask<'_> {
    /// Where an issue is: its key says which row.
    pub(crate) fn place(&self) -> Place {
        Place::path(self.database.file_name().unwrap_or_default())
    }

    pub(crate) fn issue(&self, kind: IssueKind) -> Issue {
        Issue::new(self.place(), kind)
    }

    /// The most bytes of a text that are read.
    pub(crate) fn max_len(&self) -> u64 {
        self.look.options().max_len
    }

    /// A column that holds an id; what is wrong with it is an issue.
    pub(crate) fn id<I>(
        &self,
        row: &SqlRow<'_>,
        at: usize,
        read: impl Fn(&[u8]) -> Result<I, IdError>,
    ) -> Result<I, Box<Issue>> {
        // There is such a column, or the query would not have been prepared.
        let id = id(row, at, read).unwrap_or(Err(IssueKind::Vanished));
        id.map_err(|kind| Box::new(self.issue(kind)))
    }

    /// Calls `each` with every row of a query.
    pub(crate) fn each(
        &self,
        sql: &str,
        params: impl Params,
        mut each: impl FnMut(&SqlRow<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows: Rows<'_> = statement.query(params)?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    /// Several queries over one state of the database.
    pub(crate) fn in_one(&self, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        if !self.is_shared {
            return ask(); // that nothing changed is checked afterwards
        }
        self.db.prepare_cached("BEGIN")?.execute([])?;
        let asked = ask();
        // A read transaction has nothing to lose. Its end repeats what damage was met in it, which
        // is noted already; what counts is that it ended.
        let ended = self.db.prepare_cached("COMMIT").and_then(|mut end| end.execute([]));
        asked?;
        if !self.db.is_autocommit() {
            ended?;
        }
        Ok(())
    }

    /// A row's time as a stamp, which its next change moves on.
    pub(crate) fn stamp(&self, size: u64, updated_ms: i64, more: u64) -> (Stamp, Settled) {
        let mtime = UnixNanos(updated_ms.saturating_mul(1_000_000));
        let stamp = Stamp { size, mtime, inode: more };
        (stamp, if self.look.settles(&stamp) { Settled::Settled } else { Settled::Young })
    }

    /// The columns `from..` of a row, which the schema has as time, size and more.
    pub(crate) fn stamp_at(
        &self,
        row: &SqlRow<'_>,
        from: usize,
    ) -> rusqlite::Result<(Stamp, Settled)> {
        let [updated, size, more] = [0, 1, 2].map(|at| whole(row, from + at));
        Ok(self.stamp(size?.cast_unsigned(), updated?, more?.cast_unsigned()))
    }

    pub(crate) fn sighting(
        &self,
        key: impl Into<EntityKey>,
        (stamp, settled): (Stamp, Settled),
        project: Option<ProjectId>,
    ) -> Sighting {
        Sighting { key: key.into(), stamp, settled, project }
    }
}

/// Sums up which rows there are: any that joins or leaves changes it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SetSum {
    count: u64,
    newest_ms: i64,
    ids: u64,
}

impl SetSum {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn add(&mut self, id: &[u8], created_ms: i64) {
        self.count += 1;
        self.newest_ms = self.newest_ms.max(created_ms);
        self.ids = self.ids.wrapping_add(xxh3_64(id));
    }

    /// Of the set with the number of its session's last event, if there is a log of them. None if
    /// the set is empty.
    pub(crate) fn sighting(
        &self,
        key: impl Into<EntityKey>,
        sequence: Option<i64>,
    ) -> Option<Sighting> {
        let events = sequence.map_or(0, |number| xxh3_64(&number.to_le_bytes()));
        let mtime = UnixNanos(self.newest_ms.saturating_mul(1_000_000));
        let stamp = Stamp { size: self.count, mtime, inode: self.ids.wrapping_add(events) };
        // The sum is of what the set is, and not of when it changed: equal means equal.
        let settled = Settled::Settled;
        (self.count > 0).then(|| Sighting { key: key.into(), stamp, settled, project: None })
    }
}

/// The bytes of a column that holds a text.
pub(crate) fn bytes<'r>(row: &'r SqlRow<'_>, at: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => b"",
    })
}

/// A column that holds a whole number; 0 where it holds none.
pub(crate) fn whole(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<i64> {
    Ok(match row.get_ref(at)? {
        ValueRef::Integer(number) => number,
        ValueRef::Real(number) => number as i64,
        _ => 0,
    })
}

/// A column that holds a whole number, if it holds anything.
pub(crate) fn whole_if_any(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => None,
        _ => Some(whole(row, at)?),
    })
}

/// A column that holds an id, which `read` takes for one.
pub(crate) fn id<I>(
    row: &SqlRow<'_>,
    at: usize,
    read: impl Fn(&[u8]) -> Result<I, IdError>,
) -> rusqlite::Result<Result<I, IssueKind>> {
    let bad = |error: IdError| IssueKind::BadId { why: error.to_string() };
    Ok(read(bytes(row, at)?).map_err(bad))
}

/// The project that a session's row names.
pub(crate) fn project(row: &SqlRow<'_>, at: usize) -> rusqlite::Result<Option<ProjectId>> {
    Ok(id(row, at, ProjectId::from_bytes)?.ok())
}
