//! A database that a test writes as opencode does, with a clock that the test advances.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use scrollback_core_id::{Clock, SourceId};
use scrollback_stor_sqlite::SqliteReader;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::v2_writer::count_rows;
use crate::index::world::{self, TestClock};

/// The schema of opencode 1.18.33.
pub(crate) const SCHEMA: &str = include_str!("../../../../../fixtures/schema/opencode-1.18.33.sql");

pub(crate) struct DbWorld {
    dir: TempDir,
    pub(crate) clock: Arc<TestClock>,
    writer: Option<Connection>,
    /// Whether changes are written to the event log, as opencode does since 1.15.
    events: bool,
    /// Whether the agent was upgraded to 2.x, which writes its own sessions.
    pub(crate) is_upgraded: bool,
}

impl DbWorld {
    pub(crate) fn new(events: bool) -> Self {
        let dir = TempDir::new().unwrap();
        let mut world = Self {
            dir,
            clock: Arc::new(TestClock::new()),
            writer: None,
            events,
            is_upgraded: false,
        };
        world.writer().execute_batch(SCHEMA).unwrap();
        world.stamp_files();
        world
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("opencode.db")
    }

    pub(crate) fn snapshots(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// Opens a Source of the database, as another process does.
    pub(crate) fn source(&self) -> SqliteReader {
        let id = SourceId::new("a store").unwrap();
        SqliteReader::new(self.database(), id, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    pub(crate) fn advance_clock(&self, time: Duration) {
        self.clock.pause(time);
    }

    pub(crate) fn writer(&mut self) -> &Connection {
        let path = self.dir.path().join("opencode.db");
        self.writer.get_or_insert_with(|| {
            let db = Connection::open(path).unwrap();
            db.execute_batch(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;",
            )
            .unwrap();
            db
        })
    }

    /// Sets the modification times of the files to the test's clock. It sets them by path, because
    /// closing a file of the database in this process would drop SQLite's locks.
    pub(crate) fn stamp_files(&self) {
        let now = self.clock.now().0;
        let time = Timespec { tv_sec: now / 1_000_000_000, tv_nsec: now % 1_000_000_000 };
        let times = Timestamps { last_access: time, last_modification: time };
        for end in ["", "-wal"] {
            let path = format!("{}{end}", self.database().display());
            if Path::new(&path).exists() {
                utimensat(CWD, &path, &times, AtFlags::empty()).unwrap();
            }
        }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now().as_millis()
    }

    /// Runs statements in one transaction, and adds an event to the session's log.
    fn change_session(&mut self, session: &str, kind: &str, run: impl FnOnce(&Connection, i64)) {
        let (now, events) = (self.now_ms(), self.events);
        let db = self.writer();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        run(db, now);
        if events {
            let seq = "INSERT INTO event_sequence (aggregate_id, seq) VALUES (?1, 0)
                       ON CONFLICT (aggregate_id) DO UPDATE SET seq = seq + 1 RETURNING seq";
            let seq: i64 = db.query_row(seq, [session], |row| row.get(0)).unwrap();
            let id = format!("evt_{session}_{seq}_{now}");
            db.execute(
                "INSERT INTO event (id, aggregate_id, seq, type, data) VALUES (?1, ?2, ?3, ?4, '{}')",
                params![id, session, seq, kind],
            )
            .unwrap();
        }
        db.execute_batch("COMMIT").unwrap();
        self.stamp_files();
    }

    pub(crate) fn put_project(&mut self, p: u8, v: u8) {
        let now = self.now_ms();
        self.writer()
            .execute(
                "INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
                 VALUES (?1, ?2, 1, ?3, '[]') ON CONFLICT (id)
                 DO UPDATE SET worktree = ?2, time_updated = ?3",
                params![format!("p{p}"), format!("/w{v}"), now],
            )
            .unwrap();
        self.stamp_files();
    }

    pub(crate) fn put_session(&mut self, p: u8, s: u8, v: u8) {
        self.put_project(p, 0);
        let id = format!("ses_{s}");
        let parent = (v % 3 == 1).then(|| format!("ses_{}", v % 4));
        if self.is_v2(s) || (self.is_upgraded && !self.has_session(s)) {
            return self.put_session_v2(p, s, v, parent);
        }
        self.change_session(&id.clone(), "session.updated.1", |db, now| {
            db.execute(
                "INSERT INTO session (id, project_id, parent_id, slug, directory, title, version,
                     time_created, time_updated) VALUES (?1, ?2, ?3, 's', '/w', ?4, '1.18', 1, ?5)
                 ON CONFLICT (id) DO UPDATE SET project_id = ?2, parent_id = ?3, title = ?4,
                     time_updated = ?5",
                params![id, format!("p{p}"), parent, format!("title {v}"), now],
            )
            .unwrap();
        });
    }

    pub(crate) fn remove_session(&mut self, s: u8) {
        if self.is_v2(s) {
            return self.remove_session_v2(s);
        }
        let id = format!("ses_{s}");
        self.writer()
            .execute_batch(&format!(
                "BEGIN; DELETE FROM session WHERE id = '{id}';
                 DELETE FROM event_sequence WHERE aggregate_id = '{id}';
                 DELETE FROM event WHERE aggregate_id = '{id}'; COMMIT;"
            ))
            .unwrap();
        self.stamp_files();
    }

    /// Checks whether the database has a session.
    pub(crate) fn has_session(&mut self, s: u8) -> bool {
        let sql = "SELECT count(*) FROM session WHERE id = ?1";
        self.is_v2(s) || count_rows(self.writer(), sql, &format!("ses_{s}")) > 0
    }

    fn upsert(
        db: &Connection,
        table: &str,
        sql: &str,
        values: &[&str],
        data: &Value,
        times: [i64; 2],
    ) {
        let [created, updated] = times;
        let owners: String = values.iter().map(|value| format!("'{value}', ")).collect();
        db.execute(
            &format!(
                "INSERT INTO {table} ({sql}, time_created, time_updated, data)
                 VALUES ({owners} ?1, ?2, ?3) ON CONFLICT (id)
                 DO UPDATE SET data = ?3, time_updated = ?2"
            ),
            params![created, updated, data.to_string()],
        )
        .unwrap();
    }

    /// Writes a message. Returns whether it existed before and was changed in place.
    pub(crate) fn put_message(&mut self, s: u8, m: u8, v: u8) -> bool {
        if !self.has_session(s) {
            return false;
        }
        if self.is_v2(s) {
            self.put_message_v2(s, m, v);
            return false;
        }
        // Message ids are unique in the whole database.
        let (id, session) = (format!("msg_{s}{m}"), format!("ses_{s}"));
        let sql = "SELECT count(*) FROM message WHERE id = ?1";
        let known = count_rows(self.writer(), sql, &id);
        let mut data: Value = serde_json::from_str(&world::message(&id, &session, v)).unwrap();
        let fields = data.as_object_mut().unwrap();
        fields.remove("id");
        fields.remove("sessionID");
        self.change_session(&session, "message.updated.1", |db, now| {
            let times = [i64::from(m), now];
            Self::upsert(db, "message", "id, session_id", &[&id, &session], &data, times);
        });
        known > 0
    }

    pub(crate) fn remove_message(&mut self, s: u8, m: u8) {
        if self.is_v2(s) {
            return self.remove_message_v2(s, m);
        }
        self.change_session(&format!("ses_{s}"), "message.removed.1", |db, _| {
            db.execute("DELETE FROM message WHERE id = ?1", [format!("msg_{s}{m}")]).unwrap();
        });
    }

    pub(crate) fn put_part(&mut self, s: u8, m: u8, n: u8, v: u8) {
        if self.is_v2(s) {
            return self.put_content(s, m, n, Some("x".repeat(usize::from(v))));
        }
        let (id, message) = (format!("prt_{s}{m}{n}"), format!("msg_{s}{m}"));
        let sql = "SELECT count(*) FROM message WHERE id = ?1";
        if count_rows(self.writer(), sql, &message) == 0 {
            return;
        }
        let session = format!("ses_{s}");
        let data = json!({"type": "text", "text": "x".repeat(usize::from(v))});
        self.change_session(&session.clone(), "message.part.updated.1", |db, now| {
            let ids = [&*id, &*message, &*session];
            Self::upsert(db, "part", "id, message_id, session_id", &ids, &data, [now, now]);
        });
    }

    pub(crate) fn remove_part(&mut self, s: u8, m: u8, n: u8) {
        if self.is_v2(s) {
            return self.put_content(s, m, n, None);
        }
        self.change_session(&format!("ses_{s}"), "message.part.removed.1", |db, _| {
            db.execute("DELETE FROM part WHERE id = ?1", [format!("prt_{s}{m}{n}")]).unwrap();
        });
    }

    pub(crate) fn checkpoint(&mut self) {
        let sql = "PRAGMA wal_checkpoint(PASSIVE)";
        self.writer().query_row(sql, [], |_| Ok(())).unwrap();
        self.stamp_files();
    }

    pub(crate) fn vacuum(&mut self) {
        self.writer().execute_batch("VACUUM").unwrap();
        self.stamp_files();
    }

    /// Ends the agent. SQLite then moves the log into the database and removes the side files, unless
    /// a reader has the database open.
    pub(crate) fn close(&mut self) {
        self.writer = None;
        self.stamp_files();
    }
}
