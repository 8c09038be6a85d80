//! The database in opencode's schema, and the transactions that change it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use rusqlite::{Connection, params};
use scrollback_core_id::Clock as _;
use scrollback_core_id::SystemClock;

use super::content::{MessageMark, PartMark, Random, SessionMark, make_id};

/// The number of sessions, if none is deleted.
pub(crate) const SESSION_COUNT: usize = 50;
/// The most sessions that are deleted at the same time.
pub(crate) const MAX_DELETED: usize = 3;
/// The number of messages of a session: at its creation, the least, and the most.
const MESSAGE_COUNTS: (usize, usize, usize) = (40, 20, 60);
/// The least and the most parts of a message.
const PART_COUNTS: (usize, usize) = (2, 6);
/// The least and the most bytes of a part's text.
const TEXT_LENGTHS: (usize, usize) = (100, 900);

const SCHEMA: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/schema/opencode-1.18.33.sql"));
const PROJECT: &str = "stress";

/// A database, and the content that the writer has put into it.
pub(crate) struct Store {
    pub(crate) db: Connection,
    random: Random,
    /// The number of the last transaction.
    turn: u64,
    /// The number of ids that were issued.
    ids_issued: u64,
    sessions: Vec<Session>,
}

#[derive(Default)]
struct Session {
    id: String,
    created: i64,
    /// The number of its last event.
    seq: i64,
    /// The number of the last transaction that changed the session.
    turn: u64,
    is_deleted: bool,
    messages: Vec<Message>,
}

struct Message {
    id: String,
    created: i64,
    version: u64,
    parts: Vec<String>,
}

/// The kind of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Add,
    Rewrite,
    Remove,
    DeleteSession,
    RestoreSession,
}

impl Store {
    /// Creates a database with all sessions.
    pub(crate) fn create(path: &Path, seed: u64) -> Result<Self> {
        let db = Connection::open(path)?;
        // The settings of opencode, except the busy timeout: zero makes every wait visible.
        db.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=0; \
             PRAGMA foreign_keys=ON;",
        )?;
        db.set_prepared_statement_cache_capacity(64);
        db.execute_batch(&format!("BEGIN; {SCHEMA} COMMIT;"))?;
        let now = now_ms();
        db.execute(
            "INSERT INTO project (id, worktree, vcs, time_created, time_updated, sandboxes) \
             VALUES (?1, '/project', 'git', ?2, ?2, '[]')",
            params![PROJECT, now],
        )?;
        let mut store =
            Self { db, random: Random(seed), turn: 0, ids_issued: 0, sessions: Vec::new() };
        store.sessions.resize_with(SESSION_COUNT, Session::default);
        store.db.execute_batch("BEGIN")?;
        for session_index in 0..SESSION_COUNT {
            store.ids_issued += 1;
            let created = now - 1000 * (SESSION_COUNT - session_index) as i64;
            store.sessions[session_index].id = make_id("ses", created, store.ids_issued);
            store.sessions[session_index].created = created;
            store.restore_session(session_index)?;
        }
        store.db.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(store)
    }

    /// Chooses the next transaction and its session.
    pub(crate) fn choose_step(&mut self) -> (Step, usize) {
        let session_index = self.random.next_below(SESSION_COUNT);
        let deleted = self.sessions.iter().filter(|session| session.is_deleted).count();
        let (_, fewest_messages, most_messages) = MESSAGE_COUNTS;
        let session = &self.sessions[session_index];
        let step = match (session.messages.len(), self.random.next_below(1000)) {
            _ if session.is_deleted => Step::RestoreSession,
            (_, ..2) if deleted < MAX_DELETED => Step::DeleteSession,
            (count, _) if count >= most_messages => Step::Remove,
            (count, _) if count <= fewest_messages => Step::Add,
            (_, ..250) => Step::Add,
            (_, 250..750) => Step::Rewrite,
            _ => Step::Remove,
        };
        (step, session_index)
    }

    /// Applies a step within an open transaction. After an error the store is unusable: its content
    /// no longer matches the database.
    pub(crate) fn apply_step(&mut self, step: Step, session_index: usize) -> Result<()> {
        match step {
            Step::DeleteSession => return self.delete_session(session_index),
            Step::RestoreSession => return self.restore_session(session_index),
            Step::Add => self.add_message(session_index)?,
            Step::Rewrite => self.rewrite_message(session_index)?,
            Step::Remove => self.remove_message(session_index)?,
        }
        self.write_mark(session_index)
    }

    /// Returns the marks of all sessions that are not deleted.
    pub(crate) fn session_marks(&self) -> BTreeMap<String, SessionMark> {
        let existing = self.sessions.iter().filter(|session| !session.is_deleted);
        existing.map(|session| (session.id.clone(), session.mark())).collect()
    }

    fn add_message(&mut self, session_index: usize) -> Result<()> {
        self.turn += 1;
        self.ids_issued += 1;
        let created = now_ms();
        let message = Message {
            id: make_id("msg", created, self.ids_issued),
            created,
            version: self.turn,
            parts: Vec::new(),
        };
        self.sessions[session_index].messages.push(message);
        let last = self.sessions[session_index].messages.len() - 1;
        self.write_message(session_index, last)
    }

    fn rewrite_message(&mut self, session_index: usize) -> Result<()> {
        self.turn += 1;
        let message_index = self.random.next_below(self.sessions[session_index].messages.len());
        self.sessions[session_index].messages[message_index].version = self.turn;
        self.write_message(session_index, message_index)
    }

    /// Inserts or updates a message and its parts, and deletes surplus parts.
    fn write_message(&mut self, session_index: usize, message_index: usize) -> Result<()> {
        let Self { db, random, ids_issued, sessions, .. } = self;
        let now = now_ms();
        let session = &mut sessions[session_index];
        let message = &mut session.messages[message_index];
        let count = PART_COUNTS.0 + random.next_below(PART_COUNTS.1 - PART_COUNTS.0 + 1);
        let mark = MessageMark { version: message.version, parts: count };
        db.prepare_cached(
            "INSERT INTO message (id, session_id, time_created, time_updated, data) \
             VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (id) DO UPDATE SET time_updated = excluded.time_updated, \
             data = excluded.data",
        )?
        .execute(params![
            message.id,
            session.id,
            message.created,
            now,
            mark.data(message.created)
        ])?;
        for deleted in message.parts.drain(count.min(message.parts.len())..) {
            db.prepare_cached("DELETE FROM part WHERE id = ?1")?.execute([deleted])?;
        }
        while message.parts.len() < count {
            *ids_issued += 1;
            message.parts.push(make_id("prt", now, *ids_issued));
        }
        for (place, part) in message.parts.iter().enumerate() {
            let len = TEXT_LENGTHS.0 + random.next_below(TEXT_LENGTHS.1 - TEXT_LENGTHS.0);
            db.prepare_cached(
                "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data) \
                 VALUES (?1, ?2, ?3, ?4, ?4, ?5) \
                 ON CONFLICT (id) DO UPDATE SET time_updated = excluded.time_updated, \
                 data = excluded.data",
            )?
            .execute(params![
                part,
                message.id,
                session.id,
                now,
                PartMark::data(message.version, place, len)
            ])?;
        }
        let changed = message.id.clone();
        self.log_event(session_index, "message.updated.1", &changed)
    }

    fn remove_message(&mut self, session_index: usize) -> Result<()> {
        self.turn += 1;
        let session = &mut self.sessions[session_index];
        let message = session.messages.swap_remove(self.random.next_below(session.messages.len()));
        let mut delete = self.db.prepare_cached("DELETE FROM message WHERE id = ?1")?;
        delete.execute([&message.id])?;
        drop(delete);
        self.log_event(session_index, "message.removed.1", &message.id)
    }

    fn delete_session(&mut self, session_index: usize) -> Result<()> {
        self.turn += 1;
        let session = &mut self.sessions[session_index];
        self.db.prepare_cached("DELETE FROM session WHERE id = ?1")?.execute([&session.id])?;
        self.db
            .prepare_cached("DELETE FROM event_sequence WHERE aggregate_id = ?1")?
            .execute([&session.id])?;
        session.messages.clear();
        session.seq = 0;
        session.is_deleted = true;
        Ok(())
    }

    /// Creates a deleted session again, with the same id and new messages.
    fn restore_session(&mut self, session_index: usize) -> Result<()> {
        let session = &mut self.sessions[session_index];
        session.is_deleted = false;
        self.db
            .prepare_cached(
                "INSERT INTO session (id, project_id, slug, directory, path, title, version, \
                 metadata, time_created, time_updated) \
                 VALUES (?1, ?2, 'slug', '/project', '', 'stress', '1.18.33', '{}', ?3, ?3)",
            )?
            .execute(params![session.id, PROJECT, session.created])?;
        self.db
            .prepare_cached("INSERT INTO event_sequence (aggregate_id, seq) VALUES (?1, 0)")?
            .execute([&session.id])?;
        for _ in 0..MESSAGE_COUNTS.0 {
            self.add_message(session_index)?;
        }
        self.write_mark(session_index)
    }

    /// Writes the mark of a session.
    fn write_mark(&mut self, session_index: usize) -> Result<()> {
        let session = &mut self.sessions[session_index];
        session.turn = self.turn;
        self.db
            .prepare_cached("UPDATE session SET metadata = ?2, time_updated = ?3 WHERE id = ?1")?
            .execute(params![session.id, session.mark().metadata(), now_ms()])?;
        Ok(())
    }

    /// Adds a change to the table of events.
    fn log_event(&mut self, session_index: usize, kind: &str, message: &str) -> Result<()> {
        self.ids_issued += 1;
        let session = &mut self.sessions[session_index];
        session.seq += 1;
        let data = serde_json::json!({ "sessionID": session.id, "messageID": message });
        self.db
            .prepare_cached("UPDATE event_sequence SET seq = ?2 WHERE aggregate_id = ?1")?
            .execute(params![session.id, session.seq])?;
        let event = make_id("evt", now_ms(), self.ids_issued);
        self.db
            .prepare_cached(
                "INSERT INTO event (id, aggregate_id, seq, type, data) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![event, session.id, session.seq, kind, data.to_string()])?;
        Ok(())
    }
}

impl Session {
    fn mark(&self) -> SessionMark {
        let versions = self.messages.iter().map(|message| message.version);
        SessionMark { turn: self.turn, messages: self.messages.len(), sum: versions.sum() }
    }
}

fn now_ms() -> i64 {
    SystemClock.now().0 / 1_000_000
}
