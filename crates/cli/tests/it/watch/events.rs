//! Tests of JSON events: applying them gives the state that the other commands print.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use rusqlite::{Connection, params};
use rustix::process::{Pid, Signal, kill_process};
use scrollback_fixtures::writer::Script;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::state::{Replica, State};
use super::{FollowProcess, TestStore};
use crate::support::{corpus_paths, scrollback};

#[test]
fn events_add_up_to_the_store() {
    let world = TestStore::new();
    let mut script = Script::new(world.storage(), 3, 5);
    let (following, mut taken) = (world.follow(&["watch", "--json"]), Replica::default());
    taken.apply(&following.next_event());
    for _ in 0..600 {
        script.step().unwrap();
    }
    taken.catch_up(&following, &world);
    assert_eq!(taken.restarts, 1);
    assert!(taken.state.parts.len() > 10 && taken.state.sessions.len() > 2, "{taken:?}");
    following.stop(Signal::TERM);
}

/// A database that a test writes as opencode does, word by word.
struct Database(Connection);

impl Database {
    fn new(world: &TestStore) -> Self {
        std::fs::create_dir_all(world.data()).unwrap();
        let db = scrollback_fixtures::writer::database(&world.data(), "a title").unwrap();
        db.execute_batch(
            "INSERT INTO message (id, session_id, time_created, time_updated, data)
                 VALUES ('msg_1', 'ses_1', 1, 1, '{\"role\":\"assistant\",\"modelID\":\"m\"}')",
        )
        .unwrap();
        Self(db)
    }

    fn text(&self, text: &str, at: i64) {
        let data = json!({"type": "text", "text": text}).to_string();
        self.0
            .execute(
                "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data)
                     VALUES ('prt_1', 'msg_1', 'ses_1', 1, ?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET data = ?2, time_updated = ?1",
                params![at, data],
            )
            .unwrap();
    }
}

#[test]
fn events_add_up_to_a_database() {
    let world = TestStore::new();
    let database = Database::new(&world);
    let (following, mut taken) = (world.follow(&["watch", "--json"]), Replica::default());
    taken.catch_up(&following, &world);
    let mut text = String::new();
    for word in ["The ", "text ", "grows ", "wörd ", "by word"] {
        text.push_str(word);
        database.text(&text, text.len() as i64);
        taken.catch_up(&following, &world);
    }
    database.text("and is written anew", 99);
    taken.catch_up(&following, &world);
    assert_eq!(taken.state, State::from_commands(&world));
    assert_eq!(taken.restarts, 1);
    database.0.execute_batch("DELETE FROM part; DELETE FROM message").unwrap();
    taken.catch_up(&following, &world);
    assert!(taken.state.parts.is_empty());
    following.stop(Signal::INT);
}

#[test]
fn watching_one_session_sends_its_parts() {
    let step = crate::support::step_session("fix");
    let store = corpus_paths().data_dir;
    let cache = tempfile::tempdir().unwrap();
    let following = FollowProcess::start(&store, cache.path(), &["watch", "--json", &step]);
    let all = following.events_until(|event| event["cursor"] != "fresh");
    let exported = crate::support::run_on_corpus(&["export", &step]).json();
    let mut parts = all.iter().filter(|event| event["type"] == "part");
    for part in exported["messages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|it| it["parts"].as_array().unwrap())
    {
        assert_eq!(&parts.next().unwrap()["part"], part);
    }
    assert_eq!(parts.next(), None);
    let is_in_session = |event: &Value| event["sessionID"].as_str().is_none_or(|id| id == step);
    assert!(all.iter().all(is_in_session));
    assert!(all[1..].iter().all(|event| event["what"] == "present"));
    following.stop(Signal::TERM);
}

/// The store was written within the last hour, and nothing writes to it any more.
#[test]
fn an_idle_store_sends_no_events() {
    let (store, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    corpus_paths().copy_to(store.path()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    for args in [&["watch", "--json"][..], &["watch", "--json", "--since", "fresh"]] {
        let following = FollowProcess::start(store.path(), cache.path(), args);
        let all = following.events_until(|event| event["cursor"] != "fresh");
        assert!(all.iter().filter(|event| event["type"] == "part").count() > 200);
        assert!(all[1..].iter().all(|event| event["what"] == "present"));
        assert_eq!(following.next_line_within(Duration::from_secs(2)), None, "{args:?}");
        following.stop(Signal::TERM);
    }
    let following =
        FollowProcess::start(store.path(), cache.path(), &["watch"]).wait_until_started();
    assert_eq!(following.next_line_within(Duration::from_secs(2)), None);
    following.stop(Signal::TERM);
}

#[test]
fn stats_are_printed_at_the_end() {
    let world = TestStore::new();
    let following = world.follow(&["watch", "--json", "--stats", "--feed", "poll"]);
    following.next_event();
    let stderr = following.stop(Signal::TERM);
    let stats: Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!((&stats["feed"], &stats["failures"]), (&json!("poll"), &json!(0)), "{stderr}");
}

#[test]
fn parts_are_left_out_on_request() {
    let step = crate::support::step_session("fix");
    let cache = tempfile::tempdir().unwrap();
    let args = ["watch", "--json", "--no-parts", &step];
    let following = FollowProcess::start(&corpus_paths().data_dir, cache.path(), &args);
    let all = following.events_until(|event| event["cursor"] != "fresh");
    let has = |kind: &str| all.iter().any(|event| event["type"] == kind);
    assert!(has("message") && !has("part"), "{all:#?}");
    following.stop(Signal::TERM);
}

/// Starts the binary and reads its first line. The rest of the output is larger than a pipe buffer.
fn spawn_unread() -> (Child, BufReader<ChildStdout>, TempDir) {
    let mut command = scrollback();
    let cache = tempfile::tempdir().unwrap();
    command.env("XDG_CACHE_HOME", cache.path()).arg("--store").arg(corpus_paths().data_dir);
    command.args(["watch", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::with_capacity(512, child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with(r#"{"type":"fresh""#), "{line}");
    (child, stdout, cache)
}

/// Waits for the end of the process, and asserts exit code 0 and an empty standard error.
fn assert_clean_exit(child: Child) {
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn watch_ends_when_its_output_is_closed() {
    // No event occurs: the process must notice the closed pipe itself.
    let (child, stdout, _cache) = spawn_unread();
    drop(stdout);
    assert_clean_exit(child);
}

#[test]
fn watch_ends_on_a_signal_while_its_output_is_blocked() {
    let (child, _stdout, cache) = spawn_unread();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_clean_exit(child);
    let kept = std::fs::read_dir(cache.path().join("scrollback")).unwrap();
    let is_index =
        |it: &std::fs::DirEntry| it.path().extension().is_some_and(|it| it == "snapshot");
    assert_eq!(kept.filter(|it| is_index(it.as_ref().unwrap())).count(), 1);
}
