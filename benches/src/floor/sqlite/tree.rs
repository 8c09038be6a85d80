//! One session of a database with its messages and their parts, typed: three queries in one
//! transaction, each in the order of an index, through a connection and statements that serve again
//! and again.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rusqlite::Row;
use serde::Deserialize;
use serde_json::Value;

use super::super::message::{CacheTokens, SessionSummary, SessionTime, ShareLink, Tokens};
use super::super::text::Text;
use super::super::tree::{Tree, WholeMessage};
use super::super::{Message, Part, Session};
use super::{Database, bytes, settled_before};
use crate::{Contestant, Outcome};

const SESSION: &str =
    "SELECT id, slug, version, project_id, workspace_id, directory, path, parent_id,
    title, agent, model, share_url, permission, revert, metadata, summary_diffs,
    time_created, time_updated, time_compacting, time_archived,
    summary_additions, summary_deletions, summary_files,
    tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write, cost
    FROM session WHERE id = ?1";
/// So many of them are texts, and so many whole numbers; then comes its cost.
const TEXTS: usize = 16;
const NUMBERS: usize = 12;
const MESSAGES: &str = "SELECT id, time_updated, data FROM message WHERE session_id = ?1
    ORDER BY time_created, id";
/// Those of the session's messages, as opencode reads them, whichever session they say they are of:
/// what they say is part of the record, and in it goes.
const PARTS: &str = "SELECT p.id, p.time_updated, p.data, p.message_id, p.session_id
    FROM message AS m CROSS JOIN part AS p ON p.message_id = m.id
    WHERE m.session_id = ?1 ORDER BY m.time_created, m.id, m.rowid, p.id";

/// Loads one session again and again, through the same connection and buffer.
#[derive(Debug)]
pub struct FloorSqliteTree {
    db: Database,
    session: String,
    arena: Vec<u8>,
}

/// Where the columns of a session are in the arena.
struct Records {
    texts: [Option<Range<usize>>; TEXTS],
    numbers: [Option<i64>; NUMBERS],
    cost: Option<f64>,
    messages: Vec<Record>,
    parts: Vec<PartRecord>,
    settled: bool,
}

struct Record {
    id: Range<usize>,
    data: Range<usize>,
}

struct PartRecord {
    /// The place of its message.
    message: usize,
    /// The session that it says it is of, if that is another.
    session: Option<Range<usize>>,
    record: Record,
}

impl FloorSqliteTree {
    /// The floor for one session of a database.
    ///
    /// # Errors
    /// If it cannot be opened.
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
        let mut statement = db.prepare_cached(SESSION)?;
        let mut records = statement.query_row(session, |row| {
            let mut records = Records {
                texts: [const { None }; TEXTS],
                numbers: [None; NUMBERS],
                cost: row.get(TEXTS + NUMBERS)?,
                messages: Vec::with_capacity(64),
                parts: Vec::with_capacity(256),
                settled: true,
            };
            for (at, text) in records.texts.iter_mut().enumerate() {
                let found = row.get_ref(at)?.as_str_or_null()?;
                *text = found.map(|found| keep(arena, found.as_bytes()));
            }
            for (number, at) in records.numbers.iter_mut().zip(TEXTS..) {
                *number = row.get(at)?;
            }
            Ok(records)
        })?;
        let updated = records.numbers[1].context("a session without a time")?;
        records.settled = updated < before;

        let mut statement = db.prepare_cached(MESSAGES)?;
        let mut rows = statement.query(session)?;
        while let Some(row) = rows.next()? {
            records.messages.push(record(row, arena, before, &mut records.settled)?);
        }
        let mut statement = db.prepare_cached(PARTS)?;
        let (mut rows, mut at) = (statement.query(session)?, 0);
        while let Some(row) = rows.next()? {
            let owner = bytes(row, 3)?;
            let is_owner = |record: &Record| arena[record.id.clone()] == *owner;
            if !records.messages.get(at).is_some_and(is_owner) {
                at = records.messages.iter().position(is_owner).context("a part of no message")?;
            }
            let of = bytes(row, 4)?;
            records.parts.push(PartRecord {
                message: at,
                session: (of != session[0].as_bytes()).then(|| keep(arena, of)),
                record: record(row, arena, before, &mut records.settled)?,
            });
        }
        db.prepare_cached("COMMIT")?.execute([])?;
        database.check()?;
        Ok(records)
    }

    fn parse<'a>(&'a self, records: &Records) -> Result<Tree<'a>> {
        let session = self.session(records)?;
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

    fn session<'a>(&'a self, records: &Records) -> Result<Session<'a>> {
        let mut texts = [None; TEXTS];
        for (text, range) in texts.iter_mut().zip(&records.texts) {
            *text = range.as_ref().map(|range| self.text(range)).transpose()?;
        }
        let [id, slug, version, project, workspace, directory, path, parent, title, agent, ..] =
            texts.map(|text| text.map(|text| Text(text.into())));
        let [.., model, share, permission, revert, metadata, diffs] = texts;
        let [created, updated, compacting, archived, additions, deletions, files, ..] =
            records.numbers;
        let [.., input, output, reasoning, read, write] = records.numbers;
        let diffs = json(diffs)?;
        let has_summary = [additions, deletions, files].iter().any(Option::is_some);
        Ok(Session {
            id,
            slug,
            version,
            project_id: project,
            workspace_id: workspace,
            directory,
            path,
            parent_id: parent,
            title,
            agent,
            model: json(model)?,
            time: Some(SessionTime { created, updated, compacting, archived }),
            summary: (has_summary || diffs.is_some()).then_some(SessionSummary {
                additions,
                deletions,
                files,
                diffs,
            }),
            share: share.map(|url| ShareLink { url: Some(Text(url.into())) }),
            permission: json(permission)?,
            revert: json(revert)?,
            cost: records.cost,
            tokens: Some(Tokens {
                total: None,
                input,
                output,
                reasoning,
                cache: Some(CacheTokens { read, write }),
            }),
            metadata: json(metadata)?,
        })
    }
}

/// A column that is JSON.
fn json<'a, T: Deserialize<'a>>(text: Option<&'a str>) -> Result<Option<T>> {
    Ok(text.map(serde_json::from_str).transpose()?)
}

fn keep(arena: &mut Vec<u8>, bytes: &[u8]) -> Range<usize> {
    let start = arena.len();
    arena.extend_from_slice(bytes);
    start..arena.len()
}

/// A row of id, time of change, data.
fn record(row: &Row<'_>, arena: &mut Vec<u8>, before: i64, settled: &mut bool) -> Result<Record> {
    let id = keep(arena, bytes(row, 0)?);
    *settled &= row.get::<_, i64>(1)? < before;
    Ok(Record { id, data: keep(arena, bytes(row, 2)?) })
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
