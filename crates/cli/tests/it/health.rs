//! Tests of `stores` on sound and damaged stores, and of orphans.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use scrollback_fixtures::write_tree;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{RunOutput, run_on, scrollback, store_from_text};

const SCHEMA: &str = include_str!("../../../../fixtures/schema/opencode-1.18.33.sql");

/// Runs the binary on a store with this cache directory.
fn run(store: &Path, cache: &TempDir, args: &[&str]) -> RunOutput {
    let mut command = scrollback();
    command.env("XDG_CACHE_HOME", cache.path()).arg("--store").arg(store).args(args);
    command.output().unwrap().into()
}

/// Creates a database of 1.18 with three sessions of two messages.
fn database(extra: &str) -> TempDir {
    let store = tempfile::tempdir().unwrap();
    let db = Connection::open(store.path().join("opencode.db")).unwrap();
    db.execute_batch(SCHEMA).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for session in 1..=3 {
        db.execute_batch(&format!(
            r#"INSERT INTO session
                   (id, project_id, slug, directory, title, version, time_created, time_updated)
                   VALUES ('ses_{session}', 'p', '', '/d', 'kept', '1.18.33', 1, 2);
               INSERT INTO message VALUES
                   ('msg_{session}a', 'ses_{session}', 1, 1, '{{"role":"user","time":{{"created":1}}}}'),
                   ('msg_{session}b', 'ses_{session}', 2, 2, '{{"role":"user","time":{{"created":2}}}}');
               INSERT INTO part VALUES
                   ('prt_{session}', 'msg_{session}a', 'ses_{session}', 1, 1, '{{"type":"text","text":"t"}}');"#
        ))
        .unwrap();
    }
    db.execute_batch(extra).unwrap();
    store
}

/// Overwrites the root page of an index.
fn damage_index(store: &Path, index: &str) {
    let path = store.join("opencode.db");
    let db = Connection::open(&path).unwrap();
    let page: u32 = db
        .query_row("SELECT rootpage FROM sqlite_master WHERE name = ?1", [index], |row| row.get(0))
        .unwrap();
    let size: u32 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    drop(db);
    let mut bytes = fs::read(&path).unwrap();
    bytes[((page - 1) * size) as usize..][..20].fill(0xff);
    fs::write(&path, bytes).unwrap();
}

/// Creates a database with a damaged index and a column of another type, and issues of all kinds of
/// entities beside it.
pub(crate) fn damaged_store() -> TempDir {
    let store = database(
        r#"INSERT INTO part VALUES ('prt_x', 'msg_gone', 'ses_1', 1, 1, '{"type":"text"}');
           UPDATE message SET data = '{"role":"user","time":{"created":"late"}}' WHERE id = 'msg_1a';
           UPDATE message SET data = '{"role' WHERE id = 'msg_2a';
           ALTER TABLE session_share RENAME COLUMN url TO address;"#,
    );
    write_tree(
        &store.path().join("storage"),
        r#"
        //- project/p.json
        {"id"
        //- session/p/ses_file.json
        {"id":"ses_file","title":"file"}
        //- message/ses_file/msg_file.json
        {"id"
        //- session_diff/ses_gone.json
        []
        "#,
    )
    .unwrap();
    damage_index(store.path(), "sqlite_autoindex_message_1");
    store
}

#[test]
fn a_sound_store_has_one_short_line() {
    let (store, cache) = (database(""), tempfile::tempdir().unwrap());
    for _ in 0..2 {
        let stores = run(store.path(), &cache, &["stores"]);
        assert_eq!((stores.code, &*stores.stderr), (0, ""));
        assert_eq!(stores.stdout.lines().count(), 2, "{}", stores.stdout);
        assert!(stores.stdout.contains("; 3 sessions with 6 messages; "), "{}", stores.stdout);
        let stores = run(store.path(), &cache, &["stores", "--json"]).json();
        assert_eq!(stores[0]["messages"], 6);
        assert!(stores[0].get("issues").is_none() && stores[0].get("damage").is_none());
    }
}

/// Damage of an index is reported by each `stores`, and not only by the command that made the index of
/// scrollback.
#[test]
fn damage_is_reported_each_time_with_what_to_do() {
    let (store, cache) = (database(""), tempfile::tempdir().unwrap());
    damage_index(store.path(), "sqlite_autoindex_message_1");
    run(store.path(), &cache, &["ls"]);
    for _ in 0..2 {
        let stores = run(store.path(), &cache, &["stores"]);
        assert_eq!((stores.code, &*stores.stderr), (0, "1 unreadable; --issues lists them\n"));
        assert!(stores.stdout.contains("3 sessions with 6 messages"), "{}", stores.stdout);
        assert!(stores.stdout.contains("\n  issues: 1 unreadable\n"), "{}", stores.stdout);
        assert!(stores.stdout.contains("\n  damage: the table message is damaged"));
        assert!(stores.stdout.contains("opencode.db\" REINDEX"), "{}", stores.stdout);
        let stores = run(store.path(), &cache, &["stores", "--json"]).json();
        assert_eq!(stores[0]["damage"].as_array().unwrap().len(), 1);
    }
}

/// A table that cannot be read is no reason to call the records of other tables orphans.
#[test]
fn an_unknown_schema_is_reported_without_false_orphans() {
    let store = database("ALTER TABLE message RENAME COLUMN data TO content");
    let cache = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let stores = run(store.path(), &cache, &["stores"]);
        assert_eq!(stores.stderr, "1 unreadable; --issues lists them\n");
        let line = "\n  problem: the table message has no column data, so it is not read\n";
        assert!(stores.stdout.contains(line), "{}", stores.stdout);
        assert!(!stores.stdout.contains("REINDEX"), "{}", stores.stdout);
    }
}

/// Returns the category and the ids of each line of `--issues=json`.
fn orphans(stderr: &str) -> Vec<(String, String)> {
    let id = |issue: &Value, field: &str| issue[field].as_str().unwrap_or_default().to_owned();
    let orphan = |line: &str| {
        let issue: Value = serde_json::from_str(line).unwrap();
        assert_eq!(issue["category"], "orphaned", "{line}");
        (id(&issue, "entity"), format!("{}{}", id(&issue, "sessionID"), id(&issue, "messageID")))
    };
    let mut orphans: Vec<_> = stderr.lines().map(orphan).collect();
    orphans.sort();
    orphans
}

#[test]
fn orphans_of_a_database_and_of_files_are_reported_with_their_names() {
    let database = database(
        r#"INSERT INTO part VALUES ('prt_x', 'msg_gone', 'ses_1', 1, 1, '{"type":"text"}'),
               ('prt_y', 'msg_gone', 'ses_1', 1, 1, '{"type":"text"}'),
               ('prt_z', 'msg_lost', 'ses_gone', 1, 1, '{"type":"text"}');
           INSERT INTO message VALUES ('msg_lost', 'ses_gone', 1, 1, '{"role":"user"}');
           INSERT INTO todo VALUES ('ses_gone2', 'c', 's', 'p', 0, 1, 1), ('ses_1', 'c', 's', 'p', 0, 1, 1);"#,
    );
    let diffs = "//- session_diff/ses_gone3.json\n[]\n//- session_diff/ses_1.json\n[]\n";
    write_tree(&database.path().join("storage"), diffs).unwrap();
    let files = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","title":"kept","time":{"created":1,"updated":1}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","messageID":"msg_1","type":"text","text":"t"}
        //- message/ses_gone/msg_lost.json
        {"id":"msg_lost","sessionID":"ses_gone","role":"user","time":{"created":1}}
        //- part/msg_lost/prt_z.json
        {"id":"prt_z","messageID":"msg_lost","type":"text","text":"t"}
        //- part/msg_gone/prt_x.json
        {"id":"prt_x","messageID":"msg_gone","type":"text","text":"t"}
        //- part/msg_gone/prt_y.json
        {"id":"prt_y","messageID":"msg_gone","type":"text","text":"t"}
        //- todo/ses_1.json
        []
        //- todo/ses_gone2.json
        []
        //- session_diff/ses_gone3.json
        []
        "#,
    );
    let expected = [
        ("diff", "ses_gone3"),
        ("part", "msg_gone"),
        ("session", "ses_gone"),
        ("todo", "ses_gone2"),
    ]
    .map(|(entity, ids)| (entity.to_owned(), ids.to_owned()));
    for store in [&database, &files] {
        let cache = tempfile::tempdir().unwrap();
        for args in [
            &["stores", "--issues=json"][..],
            &["ls", "--verify", "full", "--issues=json"],
            &["stores", "--json", "--issues=json"],
        ] {
            let ran = run(store.path(), &cache, args);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            assert_eq!(orphans(&ran.stderr), expected, "{args:?}");
        }
        let listed = run(store.path(), &cache, &["stores", "--issues"]);
        assert!(listed.stderr.contains("2 parts of a message that is not there (part msg_gone/"));
        let brief = run(store.path(), &cache, &["stores"]);
        assert_eq!(brief.stderr, "4 orphaned; --issues lists them\n");
        assert!(brief.stdout.contains(" orphaned (orphaned: left from"), "{}", brief.stdout);
    }
}

#[test]
fn issues_are_counted_for_the_store_that_has_them() {
    let store = damaged_store();
    let stores = run_on(store.path(), &["stores", "--json"]).json();
    let counts = |at: usize| {
        let list = stores[at]["issues"].as_array().unwrap().iter();
        list.map(|it| (it["category"].as_str().unwrap(), it["count"].as_u64().unwrap())).collect()
    };
    let (database, files): (Vec<_>, Vec<_>) = (counts(0), counts(1));
    assert_eq!(database, [("orphaned", 1), ("unreadable", 3), ("wrong type", 1)]);
    assert_eq!(files, [("orphaned", 1), ("unreadable", 2)]);
    assert_eq!(stores[0]["schemaProblems"].as_array().unwrap().len(), 1);
}

/// Every command that reads a record reports its impossible numbers, and not only lists.
#[test]
fn each_command_reports_impossible_numbers() {
    let store = database(
        r#"UPDATE message SET data = '{"role":"assistant","cost":-1,"tokens":{"input":-10},"time":{"created":2}}'
           WHERE id = 'msg_1b'"#,
    );
    for command in ["ls", "stores", "show ses_1", "show --json ses_1", "tree ses_1", "export ses_1"]
    {
        let ran = run_on(store.path(), &command.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
        assert_eq!(ran.stderr, "2 impossible number; --issues lists them\n", "{command}");
    }
}

/// A table with another name is no empty store.
#[test]
fn a_renamed_table_is_reported() {
    for (table, is_readable) in [("message", true), ("part", true), ("session", false)] {
        let store = database(&format!("ALTER TABLE {table} RENAME TO novelty"));
        let listed = run_on(store.path(), &["ls", "--issues"]);
        assert_eq!(listed.code, if is_readable { 0 } else { 3 }, "{}", listed.stderr);
        let expected = match is_readable {
            true => format!("there is no table {table}, so its records are not read"),
            false => "the database has no table of sessions".to_owned(),
        };
        assert!(listed.stderr.contains(&expected), "{}", listed.stderr);
    }
    let store = database("ALTER TABLE session RENAME COLUMN time_created TO born");
    let listed = run_on(store.path(), &["ls"]);
    let expected = "the table session has no column time_created";
    assert!(listed.code == 3 && listed.stderr.contains(expected), "{}", listed.stderr);
}
