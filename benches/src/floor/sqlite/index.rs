//! Builds the index of a database. One query lists all sessions, which threads then share. Each
//! thread has a connection, and reads the messages of a session in the order of the database's
//! index. One thread searches for messages whose session has no record. One sums the ids of each session
//! in the order of the table's rows, and the sums must equal those of the messages that were read:
//! SQLite reports no error for an index that lacks rows or has wrong ones.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::super::files::Stamp;
use super::super::index::{
    Id, Index, Message, MessageHead, Names, Session, merge, message_row, run_jobs,
};
use super::super::text::Text;
use super::{Database, optional_text_column, settled_before, text_column};
use crate::{Contestant, Outcome, Store, StoreFormat, threads};

/// The queries of a storage format.
#[derive(Debug)]
struct Queries {
    sessions: &'static str,
    messages: &'static str,
    /// Finds the next session that has messages.
    next_session: &'static str,
    /// Checks whether a session has a record.
    has_record: &'static str,
    /// Reads the session and the id of each message in the order of the table's rows.
    table: &'static str,
    shape: RowFormat,
}

/// The content of a message row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowFormat {
    /// A message.
    V1,
    /// A message with its parts, or another item; type and sequence number are columns.
    V2,
}

const QUERIES: Queries = Queries {
    sessions: "SELECT id, parent_id, project_id, directory, title, version,
        time_created, time_updated, time_archived FROM session",
    messages: "SELECT id, time_updated, data FROM message WHERE session_id = ?1
        ORDER BY time_created, id",
    next_session: "SELECT min(session_id) FROM message WHERE session_id > ?1",
    has_record: "SELECT 1 FROM session WHERE id = ?1",
    table: "SELECT session_id, id FROM message NOT INDEXED",
    shape: RowFormat::V1,
};

/// The same queries for 2.x, whose rows hold far more than an index needs.
const QUERIES_V2: Queries = Queries {
    sessions: "SELECT id, parent_id, project_id, directory, title, version,
        time_created, time_updated, time_archived FROM session_v2",
    messages: "SELECT id, time_updated, data, type, seq FROM session_message
        WHERE session_id = ?1 ORDER BY seq",
    next_session: "SELECT min(session_id) FROM session_message WHERE session_id > ?1",
    has_record: "SELECT 1 FROM session_v2 WHERE id = ?1",
    table: "SELECT session_id, id FROM session_message NOT INDEXED",
    shape: RowFormat::V2,
};

const NS: i64 = 1_000_000;

/// The row of a session.
struct Record {
    id: Id,
    parent: Id,
    project: Box<str>,
    directory: Box<str>,
    title: Option<Box<str>>,
    version: Box<str>,
    created: i64,
    updated: i64,
    archived: Option<i64>,
}

/// The messages of a session.
struct SessionMessages {
    messages: Vec<Message>,
    /// The sum of the hashes of their ids.
    ids: u64,
}

/// The connection of a thread, and the rows that it has read.
struct Worker {
    queries: &'static Queries,
    db: Option<Database>,
    messages: Vec<Message>,
    names: Names,
    sessions: Vec<Session>,
    /// The sum over the ids of each session's messages in the table, if this thread read them.
    table_sums: HashMap<Id, u64>,
}

/// Builds the index of the database at `path`, with as many threads as are useful.
///
/// # Errors
/// If anything in the database cannot be read.
fn build(path: &Path, queries: &'static Queries) -> Result<Index> {
    let db = Database::open(path)?;
    let (records, settled) = (records(&db, queries)?, settled_before());
    let start = || Worker {
        queries,
        db: None,
        messages: Vec::with_capacity(512),
        names: Names::default(),
        sessions: Vec::new(),
        table_sums: HashMap::new(),
    };
    let work = |worker: &mut Worker, at: usize| match at {
        0 => worker.orphan_messages(path, settled),
        1 => worker.sum_table(path),
        at => worker.session(path, &records[at - 2], settled),
    };
    let mut workers = run_jobs(records.len() + 2, threads(), start, work)?;
    db.check()?;
    let mut sums = HashMap::new();
    workers.iter_mut().for_each(|worker| sums.extend(worker.table_sums.drain()));
    let index = merge(workers.into_iter().map(|worker| (worker.names, worker.sessions)).collect());
    let with_messages = index.sessions.iter().filter(|session| session.set.is_some());
    let are_equal = |session: &Session| sums.get(&session.id) == Some(&session.row_hash);
    ensure!(with_messages.clone().count() == sums.len(), "an index lacks sessions");
    ensure!(with_messages.clone().all(are_equal), "an index lacks rows");
    Ok(index)
}

fn records(db: &Database, queries: &Queries) -> Result<Vec<Record>> {
    let mut statement = db.db.prepare(queries.sessions)?;
    let (mut rows, mut records) = (statement.query([])?, Vec::new());
    while let Some(row) = rows.next()? {
        let text = |at| -> Result<Box<str>> {
            Ok(simdutf8::basic::from_utf8(text_column(row, at)?)?.into())
        };
        records.push(Record {
            id: Id::new(text_column(row, 0)?)?,
            parent: optional_text_column(row, 1)?.map_or(Ok(Id::default()), Id::new)?,
            project: text(2)?,
            directory: text(3)?,
            title: optional_text_column(row, 4)?.map(|_| text(4)).transpose()?,
            version: text(5)?,
            created: row.get(6)?,
            updated: row.get(7)?,
            archived: row.get(8)?,
        });
    }
    Ok(records)
}

impl Worker {
    fn database(&mut self, path: &Path) -> Result<&Database> {
        Ok(match &mut self.db {
            Some(db) => db,
            none => none.insert(Database::open(path)?),
        })
    }

    /// Sums the ids of each session's messages in the table.
    fn sum_table(&mut self, path: &Path) -> Result<()> {
        let sql = self.queries.table;
        self.database(path)?;
        let db = self.db.as_ref().context("it was just opened")?;
        let mut statement = db.db.prepare(sql)?;
        let mut rows = statement.query([])?;
        let (mut session, mut sum) = (Id::default(), 0_u64);
        while let Some(row) = rows.next()? {
            let owner = text_column(row, 0)?;
            if owner != session.as_bytes() {
                add_sum(&mut self.table_sums, session, sum);
                (session, sum) = (Id::new(owner)?, 0);
            }
            sum = sum.wrapping_add(xxh3_64(text_column(row, 1)?));
        }
        add_sum(&mut self.table_sums, session, sum);
        Ok(())
    }

    /// Reads the messages whose session has no record.
    fn orphan_messages(&mut self, path: &Path, settled: i64) -> Result<()> {
        let (mut last, mut lost) = (Id::default(), Vec::new());
        {
            let queries = self.queries;
            let db = &self.database(path)?.db;
            let (mut after, mut recorded) =
                (db.prepare(queries.next_session)?, db.prepare(queries.has_record)?);
            loop {
                let mut rows = after.query([last.as_str()])?;
                let row = rows.next()?.context("a sum has a row")?;
                let Some(next) = optional_text_column(row, 0)? else { break };
                last = Id::new(next)?;
                if !recorded.exists([last.as_str()])? {
                    lost.push(last);
                }
            }
        }
        for id in lost {
            let SessionMessages { messages, ids } = self.messages(path, &id, settled)?;
            let set = Some(Stamp::default());
            let session = Session::without_record(id);
            self.sessions.push(Session { set, row_hash: ids, messages, ..session });
        }
        Ok(())
    }

    fn messages(&mut self, path: &Path, session: &Id, settled: i64) -> Result<SessionMessages> {
        self.database(path)?;
        let db = self.db.as_ref().context("it was just opened")?;
        self.messages.clear();
        let mut ids = 0_u64;
        let (shape, mut prompt, mut prompt_hash) = (self.queries.shape, Id::default(), 0);
        let mut statement = db.db.prepare_cached(self.queries.messages)?;
        let mut rows = statement.query([session.as_str()])?;
        while let Some(row) = rows.next()? {
            let id = text_column(row, 0)?;
            ids = ids.wrapping_add(xxh3_64(id));
            let id = Id::new(id)?;
            let updated: i64 = row.get(1)?;
            let data = text_column(row, 2)?;
            let size = data.len() as u64;
            if shape == RowFormat::V1 {
                let head = MessageHead::read(data).with_context(|| format!("{id:?}"))?;
                let stamp = Stamp { size, mtime_ns: updated * NS, inode: 0 };
                let message = message_row(&mut self.names, id, head, (stamp, updated < settled))?;
                self.messages.push(message);
                continue;
            }
            // The stamp must only differ if the number or the prompt differs.
            let number: i64 = row.get(4)?;
            let kind = text_column(row, 3)?;
            let is_answer = matches!(kind, b"assistant" | b"shell");
            let inode = (number.cast_unsigned() + 1) ^ if is_answer { prompt_hash } else { 0 };
            let state = (Stamp { size, mtime_ns: updated * NS, inode }, updated < settled);
            let Some(mut head) =
                MessageHead::read_v2(kind, data).with_context(|| format!("{id:?}"))?
            else {
                continue;
            };
            if kind == b"compaction" {
                // A compaction row stands for two messages: the one that requests the compaction,
                // and the summary.
                let (time, role) = (head.time.clone(), Some(Text("user".into())));
                let question = MessageHead { role, time, ..MessageHead::default() };
                self.messages.push(message_row(&mut self.names, id, question, state)?);
                let summary = Id::new(format!("{}#summary", id.as_str()).as_bytes())?;
                head.finish = Some(Text("stop".into()));
                let mut message = message_row(&mut self.names, summary, head, state)?;
                (message.parent, message.completed) = (id, Some(updated));
                self.messages.push(message);
                (prompt, prompt_hash) = (id, xxh3_64(id.as_str().as_bytes()));
                continue;
            }
            let mut message = message_row(&mut self.names, id, head, state)?;
            if is_answer {
                message.parent = prompt;
            } else if matches!(kind, b"user" | b"synthetic") {
                (prompt, prompt_hash) = (id, xxh3_64(id.as_str().as_bytes()));
            }
            self.messages.push(message);
        }
        Ok(SessionMessages { messages: self.messages.clone(), ids })
    }

    fn session(&mut self, path: &Path, record: &Record, settled: i64) -> Result<()> {
        let SessionMessages { messages, ids } = self.messages(path, &record.id, settled)?;
        let stamp = Stamp { size: 0, mtime_ns: record.updated * NS, inode: 0 };
        self.sessions.push(Session {
            id: record.id,
            parent: record.parent,
            project: self.names.number(&record.project),
            directory: self.names.number(&record.directory),
            version: self.names.number(&record.version),
            title: record.title.clone(),
            created: Some(record.created),
            updated: Some(record.updated),
            archived: record.archived,
            stamp: Some(stamp),
            set: (!messages.is_empty()).then(Stamp::default),
            row_hash: ids,
            settled: record.updated < settled,
            messages,
            parts: Vec::new(),
        });
        Ok(())
    }
}

fn add_sum(sums: &mut HashMap<Id, u64>, session: Id, sum: u64) {
    if session != Id::default() {
        let known = sums.entry(session).or_default();
        *known = known.wrapping_add(sum);
    }
}

/// A contestant that builds the index of a database from nothing.
#[derive(Debug)]
pub struct FloorSqliteIndex {
    database: PathBuf,
    queries: &'static Queries,
}

impl FloorSqliteIndex {
    /// Returns the floor for a database store.
    pub fn new(store: &Store) -> Self {
        let queries = if store.format == StoreFormat::DatabaseV2 { &QUERIES_V2 } else { &QUERIES };
        Self { database: store.database.clone(), queries }
    }
}

impl Contestant for FloorSqliteIndex {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn run(&mut self) -> Result<Outcome> {
        let index = build(&self.database, self.queries)?;
        Ok(Outcome::deferred(move || index.sums().into()))
    }

    fn proof(&mut self) -> Result<Value> {
        let index = build(&self.database, self.queries)?;
        Ok(index.sessions.iter().map(|session| index.facts(session).proof()).collect())
    }
}
