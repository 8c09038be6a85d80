//! Databases to test on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use scrollback_core_id::{SourceId, UnixNanos};
use scrollback_fixtures::{Corpus, corpus};
use scrollback_stor_read::Source;
use scrollback_stor_sqlite::SqliteReader;
use tempfile::TempDir;

use crate::calls::{LATE, StoppedClock};

/// The databases that the real opencode wrote.
pub(crate) const REAL: [Corpus; 4] =
    [Corpus::OpencodeSqlite, Corpus::OpencodeMigrated, Corpus::OpencodeVia, Corpus::OpencodeRawWal];

/// A copy of a database, and where it lies; it goes away with the directory.
pub(crate) fn copy(which: Corpus) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let database = corpus(which).copy_to(dir.path()).unwrap().database;
    (dir, database)
}

pub(crate) fn open_at(database: &Path, now: UnixNanos) -> SqliteReader {
    SqliteReader::new(database, SourceId::new("test").unwrap(), Arc::new(StoppedClock(now)))
}

pub(crate) fn open(database: &Path) -> SqliteReader {
    open_at(database, LATE)
}

/// A database of 1.18.33 with these rows; it goes away with the directory.
pub(crate) fn stated(rows: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("opencode.db");
    let db = Connection::open(&database).unwrap();
    db.execute_batch(SCHEMA).unwrap();
    db.execute_batch("PRAGMA foreign_keys=OFF;").unwrap();
    db.execute_batch(rows).unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(db);
    (dir, database)
}

/// The schema of 1.18.33.
pub(crate) const SCHEMA: &str = include_str!("../../../../fixtures/schema/opencode-1.18.33.sql");

/// A session with a message and a part, and some rows that belong to nothing.
pub(crate) const SMALL: &str = r#"
    INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
        VALUES ('p', '/w', 1, 1, '[]');
    INSERT INTO session (id, project_id, slug, directory, title, version, time_created, time_updated)
        VALUES ('ses_1', 'p', 's', '/w', 't', '1.18.33', 1, 1), ('ses_2', 'q', 's', '/w', 't', '1.18.33', 1, 2);
    INSERT INTO message VALUES ('msg_1', 'ses_1', 1, 1, '{"role":"user","time":{"created":1}}');
    INSERT INTO part VALUES ('prt_1', 'msg_1', 'ses_1', 1, 1, '{"type":"text","text":"x"}');
    INSERT INTO part VALUES ('prt_2', 'msg_gone', 'ses_1', 1, 1, '{"type":"text"}');
"#;

/// Runs a check on every Source that there is.
pub(crate) fn on_all(check: impl Fn(&dyn Source)) {
    for which in REAL {
        let (_dir, database) = copy(which);
        let db = Connection::open(&database).unwrap();
        // Foreign keys keep real databases from having any.
        db.execute_batch(
            "PRAGMA foreign_keys=OFF;
             INSERT INTO message VALUES ('msg_lost', 'ses_lost', 1, 1, '{\"role\":\"user\"}');
             INSERT INTO part VALUES ('prt_lost', 'msg_none', 'ses_lost', 1, 1, '{}');",
        )
        .unwrap();
        drop(db);
        check(&open(&database));
    }
    let (_dir, database) = stated(SMALL);
    check(&open(&database));
}
