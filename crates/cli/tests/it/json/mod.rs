//! Tests that the JSON of each command matches `docs/json.md`: every printed field is documented, and
//! every documented field is printed.

mod check;
mod document;

use std::cell::Cell;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use scrollback_fixtures::{Corpus, corpus, writer};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::check::SchemaCheck;
use self::document::parse_types;
use crate::support::{RunOutput, run_on, scrollback, step_session, store_from_text};
use crate::watch::{FollowProcess, TestStore};

/// Objects without an example: `Message` is never printed alone; `Demo` consists of objects that have
/// examples.
const WITHOUT_EXAMPLE: [&str; 2] = ["Message", "Demo"];

#[test]
fn documented_fields_are_those_that_are_printed() {
    let mut check = SchemaCheck::new();
    for which in [Corpus::OpencodeJson, Corpus::OpencodeV2Upgraded, Corpus::OpencodeV2Fresh] {
        check_sessions(&mut check, &corpus(which).data_dir);
    }
    let whole = corpus(Corpus::OpencodePrelaunch).data_dir;
    check.list("Session in ls", &run_on(&whole, &["ls", "--json"]).json());
    check_damaged(&mut check);
    check_nested(&mut check);
    check_stores(&mut check);
    check_caches(&mut check);
    check.object(
        "Demo",
        &RunOutput::from(scrollback().args(["demo", "--json"]).output().unwrap()).json(),
    );
    check_events(&mut check);
    check_whole_state(&mut check);
    check_two_roots(&mut check);

    let rare = |field: &(String, String)| check.document.untested_fields.contains(field);
    let mut problems = String::new();
    for (name, object) in check.document.names() {
        for field in object.fields.keys() {
            let field = (name.clone(), field.clone());
            match (check.used_fields.contains(&field), rare(&field)) {
                (false, false) => writeln!(problems, "never printed: {field:?}").unwrap(),
                (true, true) => writeln!(problems, "not rare: {field:?}").unwrap(),
                _ => {}
            }
        }
    }
    assert_eq!(problems, "");
}

#[test]
fn each_object_has_an_example() {
    let mut check = SchemaCheck::new();
    let objects = check.document.names();
    let examples: Vec<(String, Vec<Value>)> =
        objects.map(|(name, object)| (name.clone(), object.examples.clone())).collect();
    for (name, examples) in examples {
        let is_rare = check.document.untested_fields.iter().any(|(object, _)| *object == name);
        let has_none = is_rare || WITHOUT_EXAMPLE.contains(&name.as_str());
        assert_eq!(examples.is_empty(), has_none, "{name}");
        examples.iter().for_each(|example| check.object(&name, example));
    }
}

#[test]
fn each_command_with_json_is_listed() {
    let listed = SchemaCheck::new().document.commands;
    for command in crate::help::COMMANDS {
        let has_json = crate::help::help(command).contains("--json\n");
        let is_listed = listed.iter().any(|(it, _)| *it == format!("{command} --json"));
        assert_eq!(has_json && !command.is_empty(), is_listed, "{command}");
    }
}

#[test]
fn undocumented_fields_are_detected() {
    let mut check = SchemaCheck::new();
    let tokens = json!({"input": 1, "output": 1, "reasoning": 0, "cacheRead": 0, "cacheWrite": 0});
    check.object("Tokens", &tokens);
    let mut problem = |at: &str, value: Value| {
        let mut wrong = tokens.clone();
        match value.is_null() {
            true => wrong.as_object_mut().unwrap().remove(at),
            false => wrong.as_object_mut().unwrap().insert(at.to_owned(), value),
        };
        check.try_object("Tokens", &wrong).unwrap_err()
    };
    assert!(problem("input", Value::Null).contains("has no input"));
    assert!(problem("input", json!("1")).contains("Tokens.input"));
    assert!(problem("total", json!(1)).contains("does not define Tokens.total"));
    assert_eq!(parse_types("list of [Part in `tree`](#part-in-tree) or null").len(), 2);
}

/// Checks every session of a store in lists and as a tree, and some in the output of other commands.
fn check_sessions(check: &mut SchemaCheck, store: &Path) {
    let listed = run_on(store, &["ls", "--json"]).json();
    check.list("Session in ls", &listed);
    check.list("Session in ls", &run_on(store, &["ls", "--roots", "--json"]).json());
    for (at, session) in listed.as_array().unwrap().iter().enumerate() {
        let id = session["id"].as_str().unwrap();
        check.object("Session in tree", &run_on(store, &["tree", "--json", id]).json());
        if at % 6 != 0 {
            continue;
        }
        check.object("Transcript", &run_on(store, &["show", "--json", id]).json());
        check.object("Context", &run_on(store, &["show", "--json", "--context", id]).json());
        check.object("Export", &run_on(store, &["export", id]).json());
    }
    let v2 = run_on(store, &["export", "--format", "v2"]);
    assert!(v2.code == 1 || v2.json().is_object());
}

/// Checks damaged records, and files that a database has replaced.
fn check_damaged(check: &mut SchemaCheck) {
    let store = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","title":"sound","time":{"created":1,"updated":3}}
        //- session/p/ses_2.json
        {
        //- message/ses_1/msg_1.json
        {
        //- part/msg_1/prt_1.json
        {
        "#,
    );
    // An old time: a young damaged record would count as being written.
    let file = store.path().join("storage/session/p/ses_2.json");
    let file = std::fs::File::options().append(true).open(file).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    check.list("Session in ls", &run_on(store.path(), &["ls", "--json"]).json());
    let tree = run_on(store.path(), &["tree", "--json", "ses_1"]).json();
    check.object("Session in tree", &tree);
    assert_eq!(tree["messages"][0]["damaged"], true, "{tree}");
    for session in ["ses_1", "ses_2"] {
        check.object("Transcript", &run_on(store.path(), &["show", "--json", session]).json());
        check.object(
            "Context",
            &run_on(store.path(), &["show", "--json", "--context", session]).json(),
        );
    }

    let both = TempDir::new().unwrap();
    corpus(Corpus::OpencodeMigrated).copy_to(both.path()).unwrap();
    let left = "//- storage/session/p/ses_left.json\n{\"id\":\"ses_left\",\"title\":\"left\"}\n";
    scrollback_fixtures::write_tree(both.path(), left).unwrap();
    let backup = both.path().join("opencode-backup.db");
    std::fs::copy(both.path().join("opencode.db"), &backup).unwrap();
    let backup = rusqlite::Connection::open(backup).unwrap();
    let renamed = "PRAGMA foreign_keys = OFF; UPDATE session SET id = 'ses_old' WHERE rowid = 1";
    backup.execute_batch(renamed).unwrap();
    drop(backup);
    check.list("Session in ls", &run_on(both.path(), &["ls", "--json"]).json());
    let db = rusqlite::Connection::open(both.path().join("opencode.db")).unwrap();
    db.execute_batch("CREATE TABLE novelty (id text); ALTER TABLE session ADD COLUMN mood text")
        .unwrap();
    check.list("Store", &run_on(both.path(), &["stores", "--json"]).json());
}

/// Checks subagents that are nested deeper than the limit.
fn check_nested(check: &mut SchemaCheck) {
    let mut text = String::new();
    for level in 0..20 {
        let parent =
            if level == 0 { String::new() } else { format!(",\"parentID\":\"ses_{}\"", level - 1) };
        writeln!(text, "//- session/p/ses_{level}.json").unwrap();
        writeln!(text, "{{\"id\":\"ses_{level}\",\"title\":\"{level}\"{parent}}}").unwrap();
    }
    let store = store_from_text(&text);
    check.object("Session in tree", &run_on(store.path(), &["tree", "--json", "ses_0"]).json());
}

fn check_stores(check: &mut SchemaCheck) {
    for which in [Corpus::OpencodeJson, Corpus::OpencodeV2Fresh] {
        let store = corpus(which).data_dir;
        check.list("Store", &run_on(&store, &["stores", "--json"]).json());
    }
    let store = store_from_text("//- session/p/ses_1.json\n{}\n");
    std::fs::create_dir(store.path().join("opencode.db")).unwrap(); // no file, so it cannot be used
    let stores = run_on(store.path(), &["stores", "--json"]);
    assert_eq!(stores.code, 3, "{}", stores.stderr);
    check.list("Store", &serde_json::from_str(&stores.stdout).unwrap());

    let store = crate::health::damaged_store();
    let stores = run_on(store.path(), &["stores", "--json", "--issues=json"]);
    check.list("Store", &stores.json());
    check_issues(check, &stores.stderr);

    let store = TempDir::new().unwrap();
    corpus(Corpus::OpencodeV2Fresh).copy_to(store.path()).unwrap();
    let db = rusqlite::Connection::open(store.path().join("opencode.db")).unwrap();
    let session: String = db
        .query_row(
            "UPDATE session_message SET data = '{' WHERE type = 'agent-switched' RETURNING session_id",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(db);
    check_issues(check, &run_on(store.path(), &["show", &session, "--issues=json"]).stderr);
}

/// Checks the lines of `--issues=json`.
fn check_issues(check: &mut SchemaCheck, stderr: &str) {
    assert_ne!(stderr, "");
    for line in stderr.lines() {
        check.object("Issue", &serde_json::from_str(line).unwrap());
    }
}

fn check_caches(check: &mut SchemaCheck) {
    let (store, cache) =
        (store_from_text("//- session/p/ses_1.json\n{}\n"), TempDir::new().unwrap());
    let run = |args: &[&str]| -> RunOutput {
        let mut command = scrollback();
        command.env("XDG_CACHE_HOME", cache.path()).args(args).output().unwrap().into()
    };
    run(&["ls", "--store", store.path().to_str().unwrap()]);
    assert!(run(&["cache", "path", "--json"]).json().is_string());
    std::fs::write(cache.path().join("scrollback/other.snapshot"), "of another version").unwrap();
    check.list("Cache entry", &run(&["cache", "stats", "--json"]).json());
    check.object("Cache removal", &run(&["cache", "clear", "--json"]).json());
}

/// Checks the events of records that are written, damaged and removed.
fn check_events(check: &mut SchemaCheck) {
    let world = TestStore::new();
    let damage = |path: &str| writer::write(&world.storage().join(path), b"{").unwrap();
    world.session("ses_1", "one");
    let mut all = Vec::new();
    let following = world.follow(&["watch", "--json", "--stats"]);
    let mut until = |kind: &str, change: &str| {
        all.extend(following.events_until(|it| it["type"] == kind && it["what"] == change));
    };
    until("session", "present");
    world.write("project/p.json", &json!({"id": "p", "worktree": "/p"}));
    until("project", "created");
    let answer = json!({
        "role": "assistant", "parentID": "msg_0", "mode": "build", "providerID": "a", "modelID": "m",
        "cost": 0.5, "tokens": {"input": 1, "output": 2, "reasoning": 0, "cache": {"read": 0, "write": 0}},
        "summary": true, "finish": "stop", "error": {"name": "APIError", "data": {"message": "no"}},
        "time": {"created": 1, "completed": 2},
    });
    world.message("ses_1", "msg_1", answer.clone());
    until("message", "created");
    world.text("msg_1", "prt_1", "hello");
    until("part", "created");
    world.text("msg_1", "prt_1", "hello, world");
    until("part", "updated");
    damage("part/msg_1/prt_1.json");
    until("part", "updated");
    std::fs::remove_file(world.storage().join("part/msg_1/prt_1.json")).unwrap();
    until("part", "removed");
    damage("message/ses_1/msg_1.json");
    until("message", "updated");
    damage("session/p/ses_1.json");
    until("session", "updated");
    let stderr = following.stop(Signal::INT);
    let stats = stderr.lines().find(|line| line.starts_with('{')).unwrap();
    check.object("Watch statistics", &serde_json::from_str(stats).unwrap());
    check.list("Event", &Value::Array(all));
}

/// Checks the events of the whole state of a real store.
fn check_whole_state(check: &mut SchemaCheck) {
    let (store, cache) = (corpus(Corpus::OpencodeJson).data_dir, TempDir::new().unwrap());
    let listed = run_on(&store, &["ls", "--json"]).json();
    let counts = listed.as_array().unwrap().iter().map(|it| it["messages"].as_u64().unwrap());
    let left = Cell::new(counts.sum::<u64>());
    let following = FollowProcess::start(&store, cache.path(), &["watch", "--json"]);
    let all = following.events_until(|it| {
        left.set(left.get() - u64::from(it["type"] == "message"));
        left.get() == 0
    });
    following.stop(Signal::INT);
    let session = step_session("fix");
    assert!(all.iter().any(|it| it["sessionID"] == *session && it["type"] == "part"));
    check.list("Event", &Value::Array(all));
}

/// Checks that events of two stores name their root.
fn check_two_roots(check: &mut SchemaCheck) {
    let (world, other) = (TestStore::new(), TestStore::new());
    let path = other.storage().parent().unwrap().to_owned();
    let following = world.follow(&["watch", "--json", "--store", path.to_str().unwrap()]);
    following.events_until(|_| true).iter().for_each(|event| check.object("Event", event));
    following.stop(Signal::TERM);
}
