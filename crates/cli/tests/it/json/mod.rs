//! The JSON that each command prints is what `docs/json.md` defines: no field is missing there, and none is
//! defined that is never printed.

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

use self::check::Check;
use self::document::types;
use crate::support::{Ran, on, scrollback, stated, step};
use crate::watch::{Following, World};

/// One is never printed alone, the other is long and made of objects with examples.
const WITHOUT_EXAMPLE: [&str; 2] = ["Message", "Demo"];

#[test]
fn documented_fields_are_those_that_are_printed() {
    let mut check = Check::new();
    for which in [Corpus::OpencodeJson, Corpus::OpencodeV2Upgraded, Corpus::OpencodeV2Fresh] {
        sessions(&mut check, &corpus(which).data_dir);
    }
    let whole = corpus(Corpus::OpencodePrelaunch).data_dir;
    check.list("Session in ls", &on(&whole, &["ls", "--json"]).json());
    damaged(&mut check);
    nested(&mut check);
    stores(&mut check);
    caches(&mut check);
    check
        .object("Demo", &Ran::from(scrollback().args(["demo", "--json"]).output().unwrap()).json());
    events(&mut check);
    whole_state(&mut check);
    two_roots(&mut check);

    let rare = |field: &(String, String)| check.document.rare.contains(field);
    let mut problems = String::new();
    for (name, object) in check.document.names() {
        for field in object.fields.keys() {
            let field = (name.clone(), field.clone());
            match (check.seen.contains(&field), rare(&field)) {
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
    let mut check = Check::new();
    let objects = check.document.names();
    let examples: Vec<(String, Vec<Value>)> =
        objects.map(|(name, object)| (name.clone(), object.examples.clone())).collect();
    for (name, examples) in examples {
        let is_rare = check.document.rare.iter().any(|(object, _)| *object == name);
        let has_none = is_rare || WITHOUT_EXAMPLE.contains(&name.as_str());
        assert_eq!(examples.is_empty(), has_none, "{name}");
        examples.iter().for_each(|example| check.object(&name, example));
    }
}

#[test]
fn each_command_with_json_is_listed() {
    let listed = Check::new().document.commands;
    for command in crate::help::COMMANDS {
        let has_json = crate::help::help(command).contains("--json\n");
        let is_listed = listed.iter().any(|(it, _)| *it == format!("{command} --json"));
        assert_eq!(has_json && !command.is_empty(), is_listed, "{command}");
    }
}

#[test]
fn what_is_not_documented_is_found() {
    let mut check = Check::new();
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
    assert_eq!(types("list of [Part in `tree`](#part-in-tree) or null").len(), 2);
}

/// Every session of a store in lists and as a tree, and some as the other commands print them.
fn sessions(check: &mut Check, store: &Path) {
    let listed = on(store, &["ls", "--json"]).json();
    check.list("Session in ls", &listed);
    for (at, session) in listed.as_array().unwrap().iter().enumerate() {
        let id = session["id"].as_str().unwrap();
        check.object("Session in tree", &on(store, &["tree", "--json", id]).json());
        if at % 6 != 0 {
            continue;
        }
        check.object("Transcript", &on(store, &["show", "--json", id]).json());
        check.object("Context", &on(store, &["show", "--json", "--context", id]).json());
        check.object("Export", &on(store, &["export", id]).json());
    }
    let v2 = on(store, &["export", "--format", "v2"]);
    assert!(v2.code == 1 || v2.json().is_object());
}

/// Records that cannot be parsed, and files that a database took the place of.
fn damaged(check: &mut Check) {
    let store = stated(
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
    // Not just now: what is being written may be a record that is not whole yet.
    let file = store.path().join("storage/session/p/ses_2.json");
    let file = std::fs::File::options().append(true).open(file).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    check.list("Session in ls", &on(store.path(), &["ls", "--json"]).json());
    let tree = on(store.path(), &["tree", "--json", "ses_1"]).json();
    check.object("Session in tree", &tree);
    assert_eq!(tree["messages"][0]["damaged"], true, "{tree}");
    for session in ["ses_1", "ses_2"] {
        check.object("Transcript", &on(store.path(), &["show", "--json", session]).json());
        check
            .object("Context", &on(store.path(), &["show", "--json", "--context", session]).json());
    }

    let both = TempDir::new().unwrap();
    corpus(Corpus::OpencodeMigrated).copy_to(both.path()).unwrap();
    let left = "//- storage/session/p/ses_left.json\n{\"id\":\"ses_left\",\"title\":\"left\"}\n";
    scrollback_fixtures::write_tree(both.path(), left).unwrap();
    check.list("Session in ls", &on(both.path(), &["ls", "--json"]).json());
    let db = rusqlite::Connection::open(both.path().join("opencode.db")).unwrap();
    db.execute_batch("CREATE TABLE novelty (id text); ALTER TABLE session ADD COLUMN mood text")
        .unwrap();
    check.list("Store", &on(both.path(), &["stores", "--json"]).json());
}

/// More levels of subagents than are followed.
fn nested(check: &mut Check) {
    let mut text = String::new();
    for level in 0..20 {
        let parent =
            if level == 0 { String::new() } else { format!(",\"parentID\":\"ses_{}\"", level - 1) };
        writeln!(text, "//- session/p/ses_{level}.json").unwrap();
        writeln!(text, "{{\"id\":\"ses_{level}\",\"title\":\"{level}\"{parent}}}").unwrap();
    }
    let store = stated(&text);
    check.object("Session in tree", &on(store.path(), &["tree", "--json", "ses_0"]).json());
}

fn stores(check: &mut Check) {
    for which in [Corpus::OpencodeJson, Corpus::OpencodeV2Fresh] {
        let store = corpus(which).data_dir;
        check.list("Store", &on(&store, &["stores", "--json"]).json());
    }
}

fn caches(check: &mut Check) {
    let (store, cache) = (stated("//- session/p/ses_1.json\n{}\n"), TempDir::new().unwrap());
    let run = |args: &[&str]| -> Ran {
        let mut command = scrollback();
        command.env("XDG_CACHE_HOME", cache.path()).args(args).output().unwrap().into()
    };
    run(&["ls", "--store", store.path().to_str().unwrap()]);
    assert!(run(&["cache", "path", "--json"]).json().is_string());
    std::fs::write(cache.path().join("scrollback/other.snapshot"), "of another version").unwrap();
    check.list("Cache entry", &run(&["cache", "stats", "--json"]).json());
    check.object("Cache removal", &run(&["cache", "clear", "--json"]).json());
}

/// A session as it is written, damaged and removed.
fn events(check: &mut Check) {
    let world = World::new();
    let damage = |path: &str| writer::write(&world.storage().join(path), b"{").unwrap();
    world.session("ses_1", "one");
    let mut all = Vec::new();
    let following = world.follow(&["watch", "--json", "--stats"]);
    let mut until = |kind: &str, what: &str| {
        all.extend(following.events_until(|it| it["type"] == kind && it["what"] == what));
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
    until("session", "created");
    let said = following.stop(Signal::INT);
    let stats = said.lines().find(|line| line.starts_with('{')).unwrap();
    check.object("Watch statistics", &serde_json::from_str(stats).unwrap());
    check.list("Event", &Value::Array(all));
}

/// All that is in a real store, as events.
fn whole_state(check: &mut Check) {
    let (store, cache) = (corpus(Corpus::OpencodeJson).data_dir, TempDir::new().unwrap());
    let listed = on(&store, &["ls", "--json"]).json();
    let counts = listed.as_array().unwrap().iter().map(|it| it["messages"].as_u64().unwrap());
    let left = Cell::new(counts.sum::<u64>());
    let following = Following::start(&store, cache.path(), &["watch", "--json"]);
    let all = following.events_until(|it| {
        left.set(left.get() - u64::from(it["type"] == "message"));
        left.get() == 0
    });
    following.stop(Signal::INT);
    let session = step("fix");
    assert!(all.iter().any(|it| it["sessionID"] == *session && it["type"] == "part"));
    check.list("Event", &Value::Array(all));
}

/// Events of two stores say which of them they are of.
fn two_roots(check: &mut Check) {
    let (world, other) = (World::new(), World::new());
    let path = other.storage().parent().unwrap().to_owned();
    let following = world.follow(&["watch", "--json", "--store", path.to_str().unwrap()]);
    following.events_until(|_| true).iter().for_each(|event| check.object("Event", event));
    following.stop(Signal::TERM);
}
