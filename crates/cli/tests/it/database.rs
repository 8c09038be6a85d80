//! Tests of databases of 1.x: exports, a directory with both storage formats, and sessions that are only
//! in files.

use std::fs;
use std::path::Path;

use scrollback_core_type::Cost;
use scrollback_fixtures::{Corpus, corpus, write_tree};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::run_on;

fn oracle(which: Corpus) -> impl Iterator<Item = (String, Value)> {
    let exports = corpus(which).exports().unwrap();
    assert_eq!(exports.len(), 59);
    let read = |path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    exports.into_iter().map(move |export| (export.session, read(export.path)))
}

#[test]
fn exports_equal_what_opencode_printed() {
    for which in [Corpus::OpencodeSqlite, Corpus::OpencodeMigrated] {
        for (session, oracle) in oracle(which) {
            let ran = run_on(&corpus(which).database, &["export", &session]);
            assert_eq!(ran.json(), oracle, "{session}");
            assert!(ran.stdout.starts_with("{\n  \"info\": {\n") && ran.stdout.ends_with("}\n"));
        }
    }
}

/// Creates a data directory with the same sessions in both storage formats.
fn both_formats() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    corpus(Corpus::OpencodeJson).copy_to(dir.path()).unwrap();
    corpus(Corpus::OpencodeMigrated).copy_to(dir.path()).unwrap();
    dir
}

/// Sums up sessions, tokens and cost of a list.
fn sums(store: &Path) -> (usize, i64, String) {
    let list = run_on(store, &["ls", "--json"]).json();
    let list = list.as_array().unwrap();
    let tokens = |session: &Value| -> i64 {
        session["tokens"].as_object().unwrap().values().map(|it| it.as_i64().unwrap()).sum()
    };
    let cost = |session: &Value| Cost::from_dollars(session["cost"].as_f64().unwrap());
    let cost: Cost = list.iter().map(cost).sum();
    (list.len(), list.iter().map(tokens).sum(), cost.to_string())
}

#[test]
fn sessions_in_both_formats_are_counted_once() {
    let dir = both_formats();
    let database = sums(&corpus(Corpus::OpencodeMigrated).database);
    for _ in 0..2 {
        assert_eq!(sums(dir.path()), database, "the second time from a snapshot");
    }
    assert_eq!(database, (59, 436_136, "0.9455592".into()));
    let listed = run_on(dir.path(), &["ls", "--json"]).json();
    let ids: std::collections::HashSet<&str> =
        listed.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 59);
    let stores = run_on(dir.path(), &["stores", "--json"]).json();
    let counts = |at: usize| (stores[at]["sessions"].as_u64(), stores[at]["shown"].as_u64());
    assert_eq!((counts(0), counts(1)), ((Some(59), Some(59)), (Some(59), Some(0))));
    assert_eq!((&stores[0]["wins"], &stores[1]["wins"]), (&true.into(), &false.into()));
}

#[test]
fn sessions_only_in_files_are_listed_with_a_mark() {
    let dir = both_formats();
    let left = r#"
        //- storage/session/p/ses_left.json
        {"id":"ses_left","title":"never migrated","time":{"created":1,"updated":99999999999999}}
        //- storage/message/ses_left/msg_left.json
        {"id":"msg_left","sessionID":"ses_left","role":"user","time":{"created":1}}
        //- storage/part/msg_left/prt_left.json
        {"id":"prt_left","sessionID":"ses_left","messageID":"msg_left","type":"text","text":"hello"}
    "#;
    write_tree(dir.path(), left).unwrap();
    let listed = run_on(dir.path(), &["ls", "--json"]).json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (60, &"ses_left".into()));
    assert_eq!((&listed[0]["leftOver"], &listed[1]["leftOver"]), (&true.into(), &Value::Null));
    assert!(listed[0]["source"].as_str().unwrap().ends_with("storage"));
    assert!(listed[1]["source"].as_str().unwrap().ends_with("opencode.db"));
    assert!(
        run_on(dir.path(), &["ls", "-n", "1"]).stdout.contains("(not migrated) never migrated")
    );
    assert!(run_on(dir.path(), &["show", "latest"]).stdout.contains("hello"));
    let stores = run_on(dir.path(), &["stores"]).stdout;
    assert!(stores.contains("60 sessions, 1 of them read from here"), "{stores}");
}

/// Source: reports anomalyco/opencode#21790 and #13636 (cases 07-newer-copy-in-channel-database and
/// 01-interrupted-json-migration).
#[test]
fn the_copy_with_newer_messages_is_shown_and_from_reads_the_other() {
    let dir = both_formats();
    let newer = dir.path().join("opencode-prod.db");
    fs::copy(dir.path().join("opencode.db"), &newer).unwrap();
    let db = rusqlite::Connection::open(&newer).unwrap();
    let sql = "SELECT session_id FROM message GROUP BY session_id ORDER BY count(*) DESC LIMIT 1";
    let id: String = db.query_row(sql, [], |row| row.get(0)).unwrap();
    let insert = r#"INSERT INTO message (id, session_id, time_created, time_updated, data)
        VALUES ('msg_new', ?1, 9e12, 9e12, '{"role":"user","time":{"created":9000000000000}}')"#;
    db.execute(insert, [&id]).unwrap();
    let delete = "DELETE FROM message WHERE id IN
        (SELECT id FROM message WHERE session_id = ?1 AND id <> 'msg_new' ORDER BY id LIMIT 1)";
    db.execute(delete, [&id]).unwrap();
    drop(db);
    let entry = |arguments: &[&str]| {
        let ran = run_on(dir.path(), &[&["ls", "--json", "--issues"], arguments].concat());
        let listed = ran.json();
        let entry = listed.as_array().unwrap().iter().find(|it| it["id"] == *id).unwrap().clone();
        (entry, ran.stderr)
    };
    let count = |entry: &Value| entry["messages"].as_u64().unwrap();
    let source = |entry: &Value, name: &str| entry["source"].as_str().unwrap().ends_with(name);
    for _ in 0..2 {
        let (shown, issues) = entry(&[]);
        assert!(source(&shown, "opencode-prod.db"), "{shown}");
        let loss = "opencode.db has 1 message that the chosen copy lacks";
        assert!(issues.contains(loss), "{issues}");
        assert_eq!(issues.matches("storage has 1 message").count(), 1, "{issues}");
        for store in ["opencode.db", "storage"] {
            let path = dir.path().join(store);
            for from in [store, path.to_str().unwrap()] {
                let (other, issues) = entry(&["--from", from]);
                assert!(source(&other, store), "{other}");
                assert_eq!(count(&other), count(&shown), "one more and one less");
                assert!(!issues.contains("lacks"), "{issues}");
            }
        }
    }
    let shown = run_on(dir.path(), &["export", &id]).stdout;
    assert!(shown.contains("msg_new"));
    assert!(!run_on(dir.path(), &["export", &id, "--from", "storage"]).stdout.contains("msg_new"));
    let unknown = run_on(dir.path(), &["ls", "--from", "nothing.db"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
}

/// The database has the newer messages, and its row of the session is lost. The files have the record.
#[test]
fn a_chosen_copy_that_lost_its_record_takes_that_of_another() {
    let dir = both_formats();
    let database = rusqlite::Connection::open(dir.path().join("opencode.db")).unwrap();
    let sql = "SELECT session_id, count(*), (SELECT title FROM session WHERE id = session_id)
        FROM message GROUP BY session_id ORDER BY 2 DESC LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (id, count, title): (String, i64, String) = database.query_row(sql, [], row).unwrap();
    let before = run_on(dir.path(), &["ls", "--json"]).json();
    let find = |list: &Value| -> Value {
        list.as_array().unwrap().iter().find(|it| it["id"] == *id).unwrap().clone()
    };
    let insert = r#"INSERT INTO message (id, session_id, time_created, time_updated, data)
        VALUES ('msg_new', ?1, 9e12, 9e12, '{"role":"user","time":{"created":9000000000000}}')"#;
    database.execute(insert, [&id]).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    database.execute("DELETE FROM session WHERE id = ?1", [&id]).unwrap();
    drop(database);
    for options in [&[][..], &[], &["--no-cache"]] {
        let list = run_on(dir.path(), &[&["ls", "--json"], options].concat()).json();
        assert_eq!(list.as_array().unwrap().len(), before.as_array().unwrap().len());
        let shown = find(&list);
        assert_eq!(
            (&shown["title"], &shown["messages"]),
            (&title.clone().into(), &(count + 1).into())
        );
        assert_eq!(shown["standing"], "recordOfCopy", "{shown}");
        assert!(shown["source"].as_str().unwrap().ends_with("opencode.db"), "{shown}");
        assert_eq!(shown["tokens"]["output"], find(&before)["tokens"]["output"]);
    }
    let shown = run_on(dir.path(), &["show", &id]).stdout;
    assert!(shown.contains(&title) && shown.contains("those of another copy"), "{shown}");
    assert!(run_on(dir.path(), &["export", &id]).stdout.contains("msg_new"));
}

/// Source: reports anomalyco/opencode#8661 and #21790 (case 55-backup-with-a-channel-name).
#[test]
fn sessions_only_in_a_backup_are_listed_last_and_with_a_mark() {
    let dir = both_formats();
    for name in ["opencode-backup.db", "opencode-a.bak.db"] {
        fs::copy(dir.path().join("opencode.db"), dir.path().join(name)).unwrap();
    }
    let backup = rusqlite::Connection::open(dir.path().join("opencode-backup.db")).unwrap();
    let only = "INSERT INTO session (id, project_id, slug, directory, title, version, time_created, \
                time_updated) SELECT 'ses_only', project_id, slug, directory, 'deleted since', \
                version, 1, 2 FROM session LIMIT 1";
    backup.execute(only, []).unwrap();
    drop(backup);
    let listed = run_on(dir.path(), &["ls", "--json"]).json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 60);
    for session in listed {
        let is_marked = session.get("fromBackup") == Some(&true.into());
        assert_eq!(is_marked, session["id"] == "ses_only", "{session}");
    }
    assert!(run_on(dir.path(), &["ls"]).stdout.contains("(backup) deleted since"));
    // The files come before the backups.
    let stores = run_on(dir.path(), &["stores", "--json"]).json();
    let path = |at: usize| stores[at]["path"].as_str().unwrap();
    assert!(path(0).ends_with("opencode.db") && path(1).ends_with("storage"), "{stores}");
    assert!(path(2).ends_with("opencode-a.bak.db") && path(3).ends_with("opencode-backup.db"));
}

#[test]
fn stores_lists_unknown_tables_and_columns() {
    let dir = both_formats();
    assert_eq!(run_on(dir.path(), &["stores", "--json"]).json()[0].get("unknown"), None);
    let db = rusqlite::Connection::open(dir.path().join("opencode.db")).unwrap();
    db.execute_batch(
        "CREATE TABLE novelty (id text); ALTER TABLE session ADD COLUMN \"mood\u{1b}[31m\" text;
         ALTER TABLE message ADD COLUMN size integer;",
    )
    .unwrap();
    let stores = run_on(dir.path(), &["stores", "--json"]);
    let unknown = &stores.json()[0]["unknown"];
    let columns = ["message.size", "session.mood\u{1b}[31m"];
    assert_eq!(*unknown, serde_json::json!({ "tables": ["novelty"], "columns": columns }));
    let stores = run_on(dir.path(), &["stores"]);
    let line = "unknown to this version: table novelty; columns message.size, session.mood";
    assert!(stores.code == 0 && stores.stdout.contains(line), "{}", stores.stdout);
    assert!(!stores.stdout.contains('\u{1b}'));
    db.execute_batch("ALTER TABLE message RENAME COLUMN data TO body").unwrap();
    let stores = run_on(dir.path(), &["stores", "--issues"]);
    assert!(stores.stderr.contains("the table message has no column data"), "{}", stores.stderr);
}

#[test]
fn raw_reads_diffs_and_tool_outputs_beside_the_database() {
    let dir = both_formats();
    let name = fs::read_dir(dir.path().join("tool-output")).unwrap().next().unwrap().unwrap();
    let whole = fs::read_to_string(name.path()).unwrap();
    let id = name.file_name().into_string().unwrap();
    for store in [dir.path().to_owned(), dir.path().join("opencode.db"), dir.path().join("storage")]
    {
        assert_eq!(run_on(&store, &["raw", &id]).stdout, whole, "{}", store.display());
    }
    for evil in ["tool_/../../auth.json", "tool_..", "tool_x"] {
        assert_eq!(run_on(dir.path(), &["raw", evil]).code, 1, "{evil}");
    }
    let sqlite = corpus(Corpus::OpencodeSqlite);
    for file in fs::read_dir(sqlite.storage.join("session_diff")).unwrap() {
        let path = file.unwrap().path();
        let id = format!("diff:{}", path.file_stem().unwrap().to_str().unwrap());
        for store in [&sqlite.data_dir, &sqlite.database] {
            assert_eq!(run_on(store, &["raw", &id]).stdout, fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn share_secrets_of_a_database_are_never_printed() {
    let which = corpus(Corpus::OpencodeMigrated);
    let shared = which.session_of_step("shared").unwrap().unwrap();
    let raw = run_on(&which.database, &["raw", &format!("share:{shared}")]);
    assert!(raw.stdout.contains("http") && !raw.stdout.contains("secret"), "{}", raw.stdout);
    let file = fs::read_to_string(
        corpus(Corpus::OpencodeJson).storage.join(format!("session_share/{shared}.json")),
    );
    let secret: Value = serde_json::from_str(&file.unwrap()).unwrap();
    let secret = secret["secret"].as_str().unwrap();
    for args in [&["raw", &*shared][..], &["export", &shared], &["show", "--full", &shared]] {
        let ran = run_on(&which.database, args);
        assert!(ran.code == 0 && !ran.stdout.contains(secret), "{args:?}");
    }
}

#[test]
fn an_oversized_row_is_an_issue_and_the_list_is_complete() {
    let sqlite = corpus(Corpus::OpencodeSqlite).database;
    let whole = run_on(&sqlite, &["ls", "--json"]).json();
    let cut = run_on(&sqlite, &["--max-size", "600", "--no-cache", "ls", "--json", "--issues"]);
    assert_eq!(cut.json().as_array().unwrap().len(), 59);
    assert!(cut.stderr.contains("over the limit of 600"), "{}", cut.stderr);
    let messages = |list: &Value| -> u64 {
        list.as_array().unwrap().iter().map(|it| it["messages"].as_u64().unwrap()).sum()
    };
    // The small fields of an oversized row are read, so no message is missing.
    assert_eq!(messages(&cut.json()), messages(&whole));
}
