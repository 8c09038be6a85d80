//! Tests of the cached index: it is saved between runs, and never stale.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::{RunOutput, corpus_paths, scrollback, store_from_text};
use crate::v2::hostile::SCHEMA;

const STORE: &str = r#"
//- session/p/ses_1.json
{"id":"ses_1","projectID":"p","title":"one","time":{"created":1,"updated":5}}
//- session/p/ses_2.json
{"id":"ses_2","projectID":"p","title":"two","time":{"created":1,"updated":9}}
//- message/ses_1/msg_1.json
{"id":"msg_1","sessionID":"ses_1","role":"assistant","time":{"created":1,"completed":2},"cost":0.25,"tokens":{"input":3,"output":4,"reasoning":0,"cache":{"read":5,"write":6}}}
//- message/ses_1/msg_2.json
{"id":"msg_2","sessionID":"ses_1","role":"user","time":{"created":3}}
"#;

/// Runs the binary on a store, with this cache directory.
fn run(store: &Path, cache: &Path, args: &[&str]) -> RunOutput {
    let mut command = scrollback();
    command.env("XDG_CACHE_HOME", cache).arg("--store").arg(store).args(args);
    command.output().unwrap().into()
}

fn files(cache: &Path) -> Vec<(String, SystemTime)> {
    let entries = fs::read_dir(cache.join("scrollback")).into_iter().flatten();
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let written = entry.metadata().unwrap().modified().unwrap();
        (entry.file_name().into_string().unwrap(), written)
    };
    let mut files: Vec<_> = entries.map(file).collect();
    files.retain(|(name, _)| !name.ends_with(".lock"));
    files.sort();
    files
}

#[test]
fn lists_count_messages_tokens_and_cost() {
    let (store, cache) = (store_from_text(STORE), tempfile::tempdir().unwrap());
    let listed = run(store.path(), cache.path(), &["ls", "--json"]).json();
    let titles: Vec<&str> =
        listed.as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["two", "one"]);
    let one = &listed[1];
    assert_eq!((&one["messages"], &one["cost"]), (&Value::from(2), &Value::from(0.25)));
    assert_eq!(
        one["tokens"],
        serde_json::json!({"input": 3, "output": 4, "reasoning": 0, "cacheRead": 5, "cacheWrite": 6})
    );
    let printed = run(store.path(), cache.path(), &["ls"]);
    let row = printed.stdout.lines().find(|line| line.contains("one")).unwrap().to_owned();
    assert!(row.contains(" 18 ") && row.ends_with("$0.25"), "{row}");
}

#[test]
fn an_unchanged_index_is_not_written_twice() {
    let (store, cache) = (store_from_text(STORE), tempfile::tempdir().unwrap());
    run(store.path(), cache.path(), &["ls"]);
    let files_before = files(cache.path());
    assert_eq!(files_before.len(), 1);
    run(store.path(), cache.path(), &["ls"]);
    run(store.path(), cache.path(), &["tree", "latest"]);
    assert_eq!(files(cache.path()), files_before);

    // A damaged index is rebuilt without a message.
    let path = cache.path().join("scrollback").join(&files_before[0].0);
    fs::write(&path, b"damaged").unwrap();
    let rebuilt = run(store.path(), cache.path(), &["ls", "--json"]);
    assert_eq!((rebuilt.code, rebuilt.stderr.as_str()), (0, ""));
    assert!(fs::read(&path).unwrap().starts_with(b"SCROLLBK"));

    fs::remove_dir_all(cache.path().join("scrollback")).unwrap();
    run(store.path(), cache.path(), &["ls", "--no-cache"]);
    assert_eq!(files(cache.path()), []);
}

#[test]
fn listed_values_are_verified_when_no_directory_changed() {
    let (store, cache) = (store_from_text(STORE), tempfile::tempdir().unwrap());
    let cost = |args: &[&str]| {
        let listed = run(store.path(), cache.path(), args).json();
        listed.as_array().unwrap().iter().map(|it| it["cost"].as_f64().unwrap()).sum::<f64>()
    };
    assert_eq!(cost(&["ls", "--json"]), 0.25);
    // A message is rewritten in place, in a session without recent changes.
    let path = store.path().join("storage/message/ses_1/msg_1.json");
    let text = fs::read_to_string(&path).unwrap().replace("0.25", "0.75");
    fs::write(&path, text).unwrap();
    let quiet = SystemTime::now() - Duration::from_secs(60);
    fs::File::options().append(true).open(&path).unwrap().set_modified(quiet).unwrap();
    assert_eq!(cost(&["ls", "--json"]), 0.75);
    assert_eq!(cost(&["ls", "--json", "--verify", "full"]), 0.75);
}

#[test]
fn cache_commands_list_and_clear_indexes() {
    let (store, cache) = (store_from_text(STORE), tempfile::tempdir().unwrap());
    let dir = cache.path().join("scrollback");
    let mut path = scrollback();
    path.env("XDG_CACHE_HOME", cache.path()).args(["cache", "path"]);
    let path = RunOutput::from(path.output().unwrap());
    assert_eq!(path.stdout.trim_end(), dir.to_str().unwrap());
    assert_eq!(
        run(store.path(), cache.path(), &["cache", "stats", "--json"]).json(),
        Value::Array(vec![])
    );
    run(store.path(), cache.path(), &["ls"]);
    let stats = run(store.path(), cache.path(), &["cache", "stats", "--json"]).json();
    assert_eq!(stats[0]["store"], store.path().to_str().unwrap());
    assert!(stats[0]["bytes"].as_u64().unwrap() > 500);
    assert!(run(store.path(), cache.path(), &["cache", "stats"]).stdout.contains("STORE"));
    let mut clear = scrollback();
    clear.env("XDG_CACHE_HOME", cache.path()).args(["cache", "clear"]);
    assert_eq!(RunOutput::from(clear.output().unwrap()).stdout, "1 index removed\n");
    assert_eq!(files(cache.path()), []);
}

#[test]
fn cache_commands_can_be_limited_to_one_store() {
    let (one, other, cache) =
        (store_from_text(STORE), store_from_text(STORE), tempfile::tempdir().unwrap());
    let cache_of = |store: &Path, args: &[&str]| run(store, cache.path(), args);
    let stores = || {
        let mut command = scrollback();
        command.env("XDG_CACHE_HOME", cache.path()).args(["cache", "stats", "--json"]);
        let stats = RunOutput::from(command.output().unwrap()).json();
        let stores = stats.as_array().unwrap().iter();
        let mut stores: Vec<_> =
            stores.map(|it| it["store"].as_str().unwrap().to_owned()).collect();
        stores.sort();
        stores
    };
    let root = |store: &tempfile::TempDir| store.path().to_path_buf();
    for store in [&one, &other] {
        assert_eq!(cache_of(store.path(), &["ls"]).code, 0);
    }
    assert_eq!(stores().len(), 2);
    let listed = cache_of(one.path(), &["cache", "stats", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["store"], root(&one).to_str().unwrap());

    // A path that only has the other path as a prefix is another store.
    let longer = format!("{}x", root(&one).display());
    let cleared = cache_of(Path::new(&longer), &["cache", "clear"]);
    assert_eq!((cleared.code, cleared.stdout), (0, format!("0 indexes of {longer} removed\n")));
    let cleared = cache_of(one.path(), &["cache", "clear"]);
    assert_eq!(cleared.stdout, format!("1 index of {} removed\n", one.path().display()));
    assert_eq!(stores(), [root(&other).to_str().unwrap()]);

    // A store that was removed, by a relative path.
    let gone = other.path().to_owned();
    other.close().unwrap();
    let mut command = scrollback();
    command.env("XDG_CACHE_HOME", cache.path()).current_dir(gone.parent().unwrap());
    command.args(["cache", "clear", "--json", "--store"]).arg(gone.file_name().unwrap());
    assert_eq!(
        RunOutput::from(command.output().unwrap()).json(),
        serde_json::json!({"removed": 1})
    );
    assert_eq!(files(cache.path()), []);
}

#[test]
fn several_processes_at_once_keep_one_sound_index() {
    let (store, cache) = (corpus_paths().data_dir, tempfile::tempdir().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let listed = run(&store, cache.path(), &["ls", "--json"]).json();
                assert_eq!(listed.as_array().unwrap().len(), 59);
            });
        }
    });
    assert_eq!(files(cache.path()).len(), 1);
}

/// Creates a database of 2.x with a session that has a message, and an empty session.
fn database() -> tempfile::TempDir {
    let store = tempfile::tempdir().unwrap();
    let db = Connection::open(store.path().join("opencode.db")).unwrap();
    db.execute_batch(SCHEMA).unwrap();
    db.execute_batch(
        r#"PRAGMA foreign_keys=OFF;
        INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
            VALUES ('p', '/d', 1, 1, '[]');
        INSERT INTO session_v2 (id, project_id, slug, directory, version, time_created, time_updated)
            VALUES ('ses_1', 'p', '', '/d', '', 1, 2), ('ses_empty', 'p', '', '/d', '', 1, 2);
        INSERT INTO session_message VALUES ('msg_1', 'ses_1', 'user', 1, 1, 1, '{"text":"hi"}');"#,
    )
    .unwrap();
    let sound = run(store.path(), Path::new("/nonexistent"), &["ls", "--no-cache"]);
    assert_eq!((sound.code, sound.stderr.as_str()), (0, ""));
    store
}

/// Asserts that an issue of a store is reported on every run, not only on the first.
fn assert_reported_each_time(store: &Path, issue: &str) {
    // An old time, so that the stamp of the file shows no change.
    let file = fs::File::options().append(true).open(store.join("opencode.db")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let cold = run(store, cache.path(), &["ls", "--issues"]);
    assert!(cold.stderr.contains(issue), "{issue}: {}", cold.stderr);
    for _ in 0..3 {
        let warm = run(store, cache.path(), &["ls", "--issues"]);
        assert_eq!(
            (warm.stderr, warm.stdout),
            (cold.stderr.clone(), cold.stdout.clone()),
            "{issue}"
        );
        assert_eq!(warm.code, cold.code, "{issue}");
    }
    let brief = run(store, cache.path(), &["ls"]).stderr;
    assert!(brief.contains("; --issues lists them"), "{issue}: {brief}");
}

#[test]
fn issues_are_reported_from_a_cold_and_a_warm_index() {
    let large = "printf('%.*c', 70000000, 'x')";
    for (sql, issue) in [
        (
            format!("UPDATE session_v2 SET directory = {large} WHERE id = 'ses_empty'"),
            "(session ses_empty)",
        ),
        (format!("UPDATE project SET worktree = {large} WHERE id = 'p'"), "(project p)"),
        ("UPDATE session_message SET data = '{' WHERE id = 'msg_1'".into(), "msg_1)"),
        ("UPDATE session_v2 SET id = char(27) WHERE id = 'ses_empty'".into(), "not a valid id"),
        ("UPDATE project SET id = char(27)".into(), "not a valid id"),
    ] {
        let store = database();
        let db = Connection::open(store.path().join("opencode.db")).unwrap();
        db.execute_batch(&format!("PRAGMA foreign_keys=OFF; {sql}")).unwrap();
        drop(db);
        assert_reported_each_time(store.path(), issue);
    }
}

/// Only the id of the empty session remains, in an index of the table.
#[test]
fn sessions_of_a_damaged_page_are_reported_on_each_run() {
    let store = database();
    let path = store.path().join("opencode.db");
    let db = Connection::open(&path).unwrap();
    let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, u16>(0)).map(usize::from);
    let page = one("SELECT rootpage FROM sqlite_master WHERE name = 'session_v2'").unwrap();
    let size = one("PRAGMA page_size").unwrap();
    drop(db);
    let mut bytes = fs::read(&path).unwrap();
    bytes[(page - 1) * size..page * size].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert_reported_each_time(store.path(), "(session ses_empty)");
}
