//! Loads one session of a database with its messages and parts into typed values: three queries in
//! one transaction, each in the order of an index. Connection and statements are reused.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rusqlite::Row;
use serde_json::Value;

use super::super::tree::{Tree, WholeMessage};
use super::super::{Message, Part};
use super::session::{SessionRow, push_bytes, select};
use super::{Database, settled_before, text_column};
use crate::{Contestant, Outcome};

const MESSAGES: &str = "SELECT id, time_updated, data FROM message WHERE session_id = ?1
    ORDER BY time_created, id";
/// Selects the parts of the session's messages, as opencode does. The session id of a part may
/// differ; it belongs to the record and is kept.
const PARTS: &str = "SELECT p.id, p.time_updated, p.data, p.message_id, p.session_id
    FROM message AS m CROSS JOIN part AS p ON p.message_id = m.id
    WHERE m.session_id = ?1 ORDER BY m.time_created, m.id, m.rowid, p.id";

/// A contestant that loads one session through one connection and one buffer.
#[derive(Debug)]
pub struct FloorSqliteTree {
    db: Database,
    session: String,
    arena: Vec<u8>,
}

/// The records of a session, as places in the arena.
struct Records {
    session: SessionRow,
    messages: Vec<Record>,
    parts: Vec<PartRecord>,
    settled: bool,
}

struct Record {
    id: Range<usize>,
    data: Range<usize>,
}

struct PartRecord {
    /// The index of the part's message.
    message: usize,
    /// The session id of the row, if it differs from the session.
    session: Option<Range<usize>>,
    record: Record,
}

impl FloorSqliteTree {
    /// Returns the floor for one session of a database.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub fn new(database: &Path, session: impl Into<String>) -> Result<Self> {
        let (db, arena) = (Database::open(database)?, Vec::with_capacity(1 << 20));
        Ok(Self { db, session: session.into(), arena })
    }

    fn read(&mut self) -> Result<Records> {
        let Self { db: database, session, arena } = self;
        let db = &database.db;
        arena.clear();
        let (before, session) = (settled_before(), [session.as_str()]);
        db.prepare_cached("BEGIN")?.execute([])?;
        let session_row = SessionRow::read(db, &select("session"), session[0], arena)?;
        let mut records = Records {
            settled: session_row.updated()? < before,
            session: session_row,
            messages: Vec::with_capacity(64),
            parts: Vec::with_capacity(256),
        };

        let mut statement = db.prepare_cached(MESSAGES)?;
        let mut rows = statement.query(session)?;
        while let Some(row) = rows.next()? {
            records.messages.push(record(row, arena, before, &mut records.settled)?);
        }
        let mut statement = db.prepare_cached(PARTS)?;
        let (mut rows, mut at) = (statement.query(session)?, 0);
        while let Some(row) = rows.next()? {
            let owner = text_column(row, 3)?;
            let is_owner = |record: &Record| arena[record.id.clone()] == *owner;
            if !records.messages.get(at).is_some_and(is_owner) {
                at = records.messages.iter().position(is_owner).context("a part has no message")?;
            }
            let row_session = text_column(row, 4)?;
            records.parts.push(PartRecord {
                message: at,
                session: (row_session != session[0].as_bytes())
                    .then(|| push_bytes(arena, row_session)),
                record: record(row, arena, before, &mut records.settled)?,
            });
        }
        db.prepare_cached("COMMIT")?.execute([])?;
        database.check()?;
        Ok(records)
    }

    fn parse<'a>(&'a self, records: &Records) -> Result<Tree<'a>> {
        let session = records.session.to_session(&self.arena)?;
        let mut messages = Vec::with_capacity(records.messages.len());
        let mut all = records.parts.iter().peekable();
        for (at, record) in records.messages.iter().enumerate() {
            let mut message = Message::parse(&self.arena[record.data.clone()])?;
            let message_id = self.text(&record.id)?;
            message.set_ids(message_id, &self.session);
            let mut parts = Vec::with_capacity(8);
            while let Some(PartRecord { session, record, .. }) = all.next_if(|it| it.message == at)
            {
                let mut part = Part::parse(&self.arena[record.data.clone()])?;
                let session = session.as_ref().map(|session| self.text(session)).transpose()?;
                let session = session.unwrap_or(&self.session);
                part.set_ids(self.text(&record.id)?, session, message_id);
                parts.push(part);
            }
            let created = message.created().context("a message without a time")?;
            messages.push(WholeMessage { created, message, parts });
        }
        Ok(Tree { session, messages })
    }

    fn text(&self, range: &Range<usize>) -> Result<&str> {
        Ok(simdutf8::basic::from_utf8(&self.arena[range.clone()])?)
    }
}

/// Reads a row of id, time of change and data.
fn record(row: &Row<'_>, arena: &mut Vec<u8>, before: i64, settled: &mut bool) -> Result<Record> {
    let id = push_bytes(arena, text_column(row, 0)?);
    *settled &= row.get::<_, i64>(1)? < before;
    Ok(Record { id, data: push_bytes(arena, text_column(row, 2)?) })
}

impl Contestant for FloorSqliteTree {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn run(&mut self) -> Result<Outcome> {
        let records = self.read()?;
        let tree = self.parse(&records)?;
        ensure!(records.settled, "the store is being written");
        let mut sums = tree.sums();
        let parts = records.parts.iter().map(|part| &part.record);
        let all = records.messages.iter().chain(parts);
        sums.bytes += all.map(|record| record.data.len() as u64).sum::<u64>();
        Ok(sums.into())
    }

    fn proof(&mut self) -> Result<Value> {
        let records = self.read()?;
        Ok(self.parse(&records)?.proof())
    }
}
