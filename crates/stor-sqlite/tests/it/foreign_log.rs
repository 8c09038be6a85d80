//! Tests that the log of another database is an issue, and that the own log never is one.
//!
//! Source of the case: `hostile/03-foreign-wal-silent-loss`.

use std::path::Path;

use rusqlite::Connection;
use scrollback_core_id::Scope;
use scrollback_fixtures::{Corpus, corpus};
use scrollback_source::SourceExt;

use crate::calls::scan;
use crate::support::{copy_corpus, database_with_rows, open, side_file};

/// Checks whether an issue of the list says that the log is foreign.
fn is_foreign(database: &Path) -> bool {
    let issues = scan(&open(database), &Scope::Sessions).issues;
    issues.iter().any(|(_, issue)| issue.to_string().contains("log beside the database (-wal)"))
}

/// Inserts `count` projects, each with some text, and keeps them in the log.
fn add_projects(db: &Connection, from: usize, count: usize) {
    for number in from..from + count {
        let text = "x".repeat(3000);
        let values = format!("('p{number}', '/{text}', 1, 1, '[]')");
        let insert = "INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)";
        db.execute(&format!("{insert} VALUES {values}"), []).unwrap();
    }
}

fn open_writer(database: &Path) -> Connection {
    let db = Connection::open(database).unwrap();
    db.execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;").unwrap();
    db
}

#[test]
fn the_log_of_another_database_is_reported() {
    let log = side_file(&corpus(Corpus::OpencodeRawWal).database, "-wal");
    for other in [Corpus::OpencodeSqlite, Corpus::OpencodePrelaunch, Corpus::OpencodeV2Fresh] {
        let (_dir, database) = copy_corpus(other);
        std::fs::copy(&log, side_file(&database, "-wal")).unwrap();
        // A mix of pages may also have no table of sessions, which is an error.
        let names_log = match open(&database).list_sessions() {
            Ok(_) => is_foreign(&database),
            Err(error) => error.to_string().contains("opencode.db"),
        };
        assert!(names_log, "{other:?}");
    }
}

/// Two databases of one version have the same schema, and differ in what they contain.
#[test]
fn the_log_of_another_database_of_the_same_version_is_reported() {
    for (own, other) in [(2, 40), (40, 2)] {
        let (_dir, database) = database_with_rows("");
        add_projects(&open_writer(&database), 0, own);
        let (_other_dir, other_database) = database_with_rows("");
        let writer = open_writer(&other_database);
        add_projects(&writer, 0, other);
        writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        add_projects(&writer, 100, 1);
        std::fs::copy(side_file(&other_database, "-wal"), side_file(&database, "-wal")).unwrap();
        assert!(is_foreign(&database), "{own} and {other} projects");
        assert!(!is_foreign(&other_database));
    }
}

#[test]
fn the_own_log_is_not_reported_in_any_state() {
    assert!(!is_foreign(&copy_corpus(Corpus::OpencodeRawWal).1));
    for setup in ["", "PRAGMA auto_vacuum=FULL; VACUUM;", "PRAGMA auto_vacuum=INCREMENTAL; VACUUM;"]
    {
        let (_dir, database) = database_with_rows("");
        Connection::open(&database).unwrap().execute_batch(setup).unwrap();
        let writer = open_writer(&database);
        let check = |state: &str| {
            assert!(!is_foreign(&database), "{setup} {state}");
            // The files as a crash or a copy leaves them: the log without its shared index.
            let dir = tempfile::tempdir().unwrap();
            let copy = dir.path().join("opencode.db");
            for suffix in ["", "-wal"] {
                std::fs::copy(side_file(&database, suffix), side_file(&copy, suffix)).unwrap();
            }
            assert!(!is_foreign(&copy), "{setup} {state}, copied");
        };
        for (round, step) in [
            "SELECT 1",
            "PRAGMA wal_checkpoint(PASSIVE)",
            "UPDATE project SET time_updated = 2",
            "DELETE FROM project WHERE rowid % 2",
            "CREATE INDEX later_idx ON project (worktree)",
            "PRAGMA wal_checkpoint(RESTART)",
            "VACUUM",
            "DELETE FROM project",
            "PRAGMA incremental_vacuum",
            "PRAGMA wal_checkpoint(PASSIVE)",
            "DROP INDEX later_idx",
            "PRAGMA wal_checkpoint(TRUNCATE)",
        ]
        .into_iter()
        .enumerate()
        {
            add_projects(&writer, 1000 * round, 5);
            check("grown");
            let mut statement = writer.prepare(step).unwrap();
            let mut rows = statement.query([]).unwrap();
            while rows.next().unwrap().is_some() {}
            drop(rows);
            drop(statement);
            check(step);
            // Another connection writes too.
            add_projects(&Connection::open(&database).unwrap(), 1000 * round + 500, 2);
            check("written by another connection");
        }
    }
}
