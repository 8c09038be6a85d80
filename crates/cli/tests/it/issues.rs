//! Tests of reports: nothing that cannot be read or used is passed over in silence.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::damage::write_old_file;
use crate::support::{RunOutput, run_on, scrollback, store_from_text};

const SCHEMA: &str = include_str!("../../../../fixtures/schema/opencode-1.18.33.sql");

/// One session with one message.
const LEFT_OVER: &str = r#"
    //- session/p/ses_1.json
    {"id":"ses_1","title":"left from before","time":{"created":1,"updated":1}}
    //- message/ses_1/msg_1.json
    {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
"#;

/// Runs the binary on a store with this cache directory.
fn run_with_cache(store: &Path, cache: &TempDir, args: &[&str]) -> RunOutput {
    let mut command = scrollback();
    command.env("XDG_CACHE_HOME", cache.path()).arg("--store").arg(store).args(args);
    command.output().unwrap().into()
}

/// Case 15 of the public reports (opencode 16562, 14194; home-ops 13249): a database that cannot be used
/// as a file is reported, and the files beside it are listed.
#[cfg(unix)]
#[test]
fn a_database_that_is_no_file_is_reported() {
    type Make = fn(&Path);
    let makes: [(Make, &str); 3] = [
        (|path| std::os::unix::fs::symlink("/not-mounted/opencode.db", path).unwrap(), "a link"),
        (|path| fs::create_dir(path).unwrap(), "not a file"),
        (|path| make_pipe(path), "not a file"),
    ];
    for (make, reason) in makes {
        for name in ["opencode.db", "opencode-beta.db"] {
            let store = store_from_text(LEFT_OVER);
            make(&store.path().join(name));
            let error =
                format!("error: cannot use {}: {reason}", store.path().join(name).display());
            let listed = run_on(store.path(), &["ls"]);
            assert_eq!(listed.code, 3, "{}", listed.stderr);
            assert!(listed.stdout.contains("left from before"), "{}", listed.stdout);
            assert!(listed.stderr.contains(&error), "{error}: {}", listed.stderr);
            let stores = run_on(store.path(), &["stores"]);
            assert_eq!(stores.code, 3, "{}", stores.stderr);
            assert!(stores.stderr.contains(&error), "{error}: {}", stores.stderr);
            let line = format!("{name}\n  opencode database");
            assert!(stores.stdout.contains(&line), "{}", stores.stdout);
            assert!(stores.stdout.contains(&format!("cannot be used: {reason}")));
        }
    }
}

#[cfg(unix)]
fn make_pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[cfg(unix)]
#[test]
fn a_directory_with_nothing_but_a_dead_link_is_an_error() {
    let store = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/not-mounted/x.db", store.path().join("opencode.db")).unwrap();
    let listed = run_on(store.path(), &["ls"]);
    assert_eq!(listed.code, 3, "{}", listed.stderr);
    assert!(listed.stderr.contains("opencode.db: a link that leads nowhere"), "{}", listed.stderr);
}

#[test]
fn a_missing_database_of_opencode_db_is_reported() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("opencode");
    fs::create_dir(&data).unwrap();
    scrollback_fixtures::write_tree(&data.join("storage"), LEFT_OVER).unwrap();
    let missing = home.path().join("disk/opencode.db");
    for command in ["ls", "stores"] {
        let mut run = scrollback();
        run.env("XDG_DATA_HOME", home.path()).env("OPENCODE_DB", &missing).arg(command);
        let run = RunOutput::from(run.output().unwrap());
        assert_eq!(run.code, 3, "{command}: {}", run.stderr);
        let error = format!("cannot use {}: OPENCODE_DB names it", missing.display());
        assert!(run.stderr.contains(&error), "{command}: {}", run.stderr);
        let expected = if command == "ls" { "left from before" } else { "storage" };
        assert!(run.stdout.contains(expected), "{command}: {}", run.stdout);
    }
}

/// Case 11 of the public reports (opencode 37450, 15884, 12002; hermes-agent 71803): messages whose session
/// is gone are an issue that names the session, on the first run and on each later one.
#[test]
fn messages_without_a_session_are_reported_each_time() {
    let tree = store_from_text(LEFT_OVER);
    for message in ["msg_8", "msg_9"] {
        let path = tree.path().join(format!("storage/message/ses_gone/{message}.json"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let record = format!(
            r#"{{"id":"{message}","sessionID":"ses_gone","role":"assistant","cost":9,"time":{{"created":2,"completed":3}}}}"#
        );
        write_old_file(path, record.as_bytes());
    }
    let database = tempfile::tempdir().unwrap();
    let db = Connection::open(database.path().join("opencode.db")).unwrap();
    db.execute_batch(SCHEMA).unwrap();
    db.execute_batch(
        r#"PRAGMA foreign_keys=OFF;
        INSERT INTO session (id, project_id, slug, directory, title, version, time_created, time_updated)
            VALUES ('ses_1', 'p', '', '/d', 'left from before', '1.18.33', 1, 2);
        INSERT INTO message (id, session_id, time_created, time_updated, data) VALUES
            ('msg_8', 'ses_gone', 2, 2, '{"role":"user","time":{"created":2}}'),
            ('msg_9', 'ses_gone', 3, 3, '{"role":"assistant","cost":1,"time":{"created":3}}');"#,
    )
    .unwrap();
    drop(db);
    for store in [&tree, &database] {
        let cache = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            let listed = run_with_cache(store.path(), &cache, &["ls", "--issues"]);
            assert_eq!(listed.code, 0, "{}", listed.stderr);
            let issue = "2 messages of a session that is not there (session ses_gone)";
            assert!(listed.stderr.contains(issue), "{}", listed.stderr);
        }
        for command in ["ls", "stores"] {
            let brief = run_with_cache(store.path(), &cache, &[command]);
            assert_eq!(brief.stderr, "1 orphaned; --issues lists them\n", "{command}");
        }
    }
}

#[test]
fn one_line_counts_the_issues_of_each_category() {
    let store = store_from_text(LEFT_OVER);
    let storage = store.path().join("storage");
    for (name, content) in [("msg_2", "{\"role\""), ("msg_3", ""), ("msg_4", "\0\0\0")] {
        let path = storage.join(format!("message/ses_1/{name}.json"));
        write_old_file(path, content.as_bytes());
    }
    write_old_file(storage.join("message/ses_1/msg_5.json"), b"[1]");
    let cache = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let brief = run_with_cache(store.path(), &cache, &["ls"]);
        assert_eq!(brief.stderr, "3 unreadable, 1 wrong type; --issues lists them\n");
        let listed = run_with_cache(store.path(), &cache, &["ls", "--issues"]);
        assert_eq!(listed.stderr.lines().count(), 4, "{}", listed.stderr);
        assert!(listed.stderr.lines().all(|line| line.starts_with("issue: ")));
    }
    let json = run_with_cache(store.path(), &cache, &["ls", "--json"]);
    assert_eq!(json.stderr, "3 unreadable, 1 wrong type; --issues lists them\n");
}

/// Case 14 of the public reports (opencode 38703, 24572): wrong types and impossible numbers in the usage of
/// messages are issues, from a cold and a warm index.
#[test]
fn wrong_types_and_impossible_numbers_are_reported_each_time() {
    let store = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","title":"t","time":{"created":1,"updated":"late"}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"assistant","time":{"created":1},"tokens":"many","cost":[1]}
        //- message/ses_1/msg_2.json
        {"id":"msg_2","sessionID":"ses_1","role":"assistant","time":{"created":2},"cost":-0.5,
         "tokens":{"input":-500,"output":"12","reasoning":0,"cache":{"read":700,"write":0}}}
        //- message/ses_1/msg_3.json
        {"id":"msg_3","sessionID":"ses_1","role":"user","time":{"created":3},"summary":{"diffs":[]}}
        "#,
    );
    for file in ["session/p/ses_1", "message/ses_1/msg_1", "message/ses_1/msg_2"] {
        let path = store.path().join(format!("storage/{file}.json"));
        let content = fs::read(&path).unwrap();
        write_old_file(path, &content);
    }
    let cache = tempfile::tempdir().unwrap();
    let expected = [
        ("message/ses_1/msg_1.json, field cost: expected a number", "msg_1"),
        ("message/ses_1/msg_1.json, field tokens: expected an object", "msg_1"),
        ("message/ses_1/msg_2.json, field cost: -0.5 is negative", "msg_2"),
        ("message/ses_1/msg_2.json, field tokens.input: -500 is negative", "msg_2"),
        ("message/ses_1/msg_2.json, field tokens.output: expected a whole number", "msg_2"),
        ("session/p/ses_1.json, field time.updated: expected a whole number", "ses_1"),
    ];
    for _ in 0..3 {
        let listed = run_with_cache(store.path(), &cache, &["ls", "--issues"]);
        assert_eq!(listed.stderr.lines().count(), expected.len(), "{}", listed.stderr);
        for (issue, key) in expected {
            let line = listed.stderr.lines().find(|line| line.contains(issue));
            assert!(line.is_some_and(|line| line.contains(key)), "{issue}: {}", listed.stderr);
        }
        let brief = run_with_cache(store.path(), &cache, &["ls"]);
        assert_eq!(brief.stderr, "4 wrong type, 2 impossible number; --issues lists them\n");
    }
    // A repaired record has no issue any more.
    let repaired = br#"{"id":"msg_1","sessionID":"ses_1","role":"assistant","time":{"created":1}}"#;
    fs::write(store.path().join("storage/message/ses_1/msg_1.json"), repaired).unwrap();
    let brief = run_with_cache(store.path(), &cache, &["ls", "--verify", "full"]);
    assert!(brief.stderr.contains("2 impossible number, 2 wrong type"), "{}", brief.stderr);
}

#[test]
fn an_unknown_time_zone_is_reported() {
    let store = store_from_text(LEFT_OVER);
    let zones = [
        ("Nowhere/City", false),
        (":Nowhere", false),
        ("UTC", true),
        ("", true),
        ("America/New_York", true),
        (":America/New_York", true),
        ("EST5EDT", true),
        ("<+03>-3", true),
        ("CET-1CEST,M3.5.0,M10.5.0/3", true),
    ];
    for (zone, is_known) in zones {
        for command in ["ls", "ls --json", "show", "stores", "tree", "tree --json", "cache stats"] {
            let mut run = scrollback();
            run.env("TZ", zone).args(command.split(' ')).arg("--store").arg(store.path());
            let run = RunOutput::from(run.output().unwrap());
            assert_eq!(run.code, 0, "{zone}: {}", run.stderr);
            let notes = run.stderr.matches("TZ names no known").count();
            assert_eq!(notes, usize::from(!is_known), "{zone}, {command}: {}", run.stderr);
        }
    }
}
