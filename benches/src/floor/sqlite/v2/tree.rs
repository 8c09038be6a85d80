//! Loads one session of a database with its messages and parts into typed values: two queries in
//! one transaction. Connection and statements are reused.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::super::tree::Tree;
use super::super::session::{SessionRow, push_bytes, select};
use super::super::{Database, settled_before, text_column};
use super::rows::{Ids, answer, prompt};
use crate::{Contestant, Outcome};

const ROWS: &str = "SELECT id, type, time_updated, data FROM session_message
    WHERE session_id = ?1 ORDER BY seq";

/// A contestant that loads one session through one connection and one buffer.
#[derive(Debug)]
pub struct FloorV2Tree {
    db: Database,
    session: String,
    select: String,
    arena: Vec<u8>,
}

/// The rows of a session, as places in the arena.
struct Records {
    session: SessionRow,
    rows: Vec<Row>,
    settled: bool,
}

/// A row that is a message.
struct Row {
    id: Range<usize>,
    kind: Kind,
    data: Range<usize>,
}

enum Kind {
    User,
    Assistant,
}

impl FloorV2Tree {
    /// Returns the floor for one session of a database.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub fn new(database: &Path, session: impl Into<String>) -> Result<Self> {
        let (db, arena) = (Database::open(database)?, Vec::with_capacity(1 << 20));
        Ok(Self { db, session: session.into(), select: select("session_v2"), arena })
    }

    fn read(&mut self) -> Result<Records> {
        let Self { db: database, session, select, arena } = self;
        let db = &database.db;
        arena.clear();
        let before = settled_before();
        db.prepare_cached("BEGIN")?.execute([])?;
        let row = SessionRow::read(db, select, session, arena)?;
        let mut records = Records {
            settled: row.updated()? < before,
            session: row,
            rows: Vec::with_capacity(64),
        };
        let mut statement = db.prepare_cached(ROWS)?;
        let mut rows = statement.query([session.as_str()])?;
        while let Some(row) = rows.next()? {
            let kind = match text_column(row, 1)? {
                b"user" => Kind::User,
                b"assistant" => Kind::Assistant,
                b"idle" | b"agent-switched" | b"model-switched" => continue,
                _ => bail!("a row of an unsupported type"),
            };
            let id = push_bytes(arena, text_column(row, 0)?);
            records.settled &= row.get::<_, i64>(2)? < before;
            records.rows.push(Row { id, kind, data: push_bytes(arena, text_column(row, 3)?) });
        }
        db.prepare_cached("COMMIT")?.execute([])?;
        database.check()?;
        Ok(records)
    }

    /// Returns the session, and the places of the parts of its answers.
    fn parse<'a>(&'a self, records: &Records) -> Result<(Tree<'a>, Vec<&'a RawValue>)> {
        let session = records.session.to_session(&self.arena)?;
        let mut messages = Vec::with_capacity(records.rows.len());
        let mut places = Vec::with_capacity(256);
        let mut parent = None;
        let cwd = records.session.directory(&self.arena);
        for Row { id, kind, data } in &records.rows {
            let text =
                |range: &Range<usize>| simdutf8::basic::from_utf8(&self.arena[range.clone()]);
            let ids = Ids { message: text(id)?, session: &self.session };
            let data = text(data)?;
            messages.push(match kind {
                Kind::User => {
                    parent = Some(ids.message);
                    prompt(data, &ids)?
                }
                Kind::Assistant => answer(data, &ids, parent, cwd, &mut places)?,
            });
        }
        Ok((Tree { session, messages }, places))
    }
}

impl Contestant for FloorV2Tree {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn run(&mut self) -> Result<Outcome> {
        let records = self.read()?;
        let (tree, places) = self.parse(&records)?;
        ensure!(!places.is_empty(), "answers without parts");
        ensure!(records.settled, "the store is being written");
        let mut sums = tree.sums();
        sums.bytes += records.rows.iter().map(|row| row.data.len() as u64).sum::<u64>();
        Ok(sums.into())
    }

    fn proof(&mut self) -> Result<Value> {
        let records = self.read()?;
        Ok(self.parse(&records)?.0.proof())
    }
}
