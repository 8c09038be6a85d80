//! The program's own operations return what the program itself returned (`oracle*.json`).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use scrollback_stor_agents::Version;
use scrollback_stor_agents::codetether::program::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::RICH;
use crate::support::{copy_tree, fixture};

/// The path of the store when the program read it. Its files hold it, so a copy needs a path of the
/// same length.
const ROOT: &str = "/tmp/codetether-main";

const VERSION: Version = Version::Seed;

/// A copy of the store, with the times of its files and the workspaces.
struct World {
    dir: TempDir,
    oracle: Value,
}

impl World {
    fn new(oracle: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("codetether-").rand_bytes(4).tempdir_in("/tmp");
        let dir = dir.unwrap();
        assert_eq!(dir.path().to_str().unwrap().len(), ROOT.len());
        copy_tree(&fixture("codetether/root"), dir.path());
        let oracle = fs::read_to_string(fixture("codetether").join(oracle)).unwrap();
        let oracle = oracle.replace(&format!("{ROOT}/probe/"), &format!("{ROOT}/data/"));
        let oracle = oracle.replace(ROOT, dir.path().to_str().unwrap());
        let world = Self { oracle: serde_json::from_str(&oracle).unwrap(), dir };
        for workspace in ["ws-a", "ws-b"] {
            fs::create_dir(world.workspace(workspace)).unwrap();
        }
        world.restore();
        world
    }

    /// Replaces the path in all files, and sets their times.
    fn restore(&self) {
        let times = fs::read(fixture("codetether/MTIMES.json")).unwrap();
        let times: Value = serde_json::from_slice(&times).unwrap();
        for (name, time) in times.as_object().unwrap() {
            let path = self.dir.path().join(name);
            let Ok(text) = fs::read_to_string(&path) else { continue };
            fs::write(&path, text.replace(ROOT, self.dir.path().to_str().unwrap())).unwrap();
            // Four files have the same time. The program's directory had this one first.
            let is_first = name.ends_with("-000000000004.json");
            let nanos = time.as_u64().unwrap() + u64::from(is_first);
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
    }

    fn sessions(&self) -> PathBuf {
        self.dir.path().join("data/sessions")
    }

    fn workspace(&self, name: &str) -> PathBuf {
        let name = if name == "ws-b" { "ws \"b\" Ünï\\x" } else { name };
        self.dir.path().join(name)
    }

    fn index_file(&self) -> PathBuf {
        self.sessions().join(WorkspaceIndex::FILE_NAME)
    }

    /// Writes the index as another program than codetether wrote it.
    fn set_index(&self, text: Option<&str>) {
        match text {
            Some(text) => fs::write(self.index_file(), text).unwrap(),
            None => fs::remove_file(self.index_file()).unwrap(),
        }
    }
}

fn edge(session: &Session) -> Value {
    json!({"first": session.messages.first(), "last": session.messages.last()})
}

fn loaded(result: Result<Session, Error>) -> Value {
    match result {
        Err(error) => json!({"error": error.to_string()}),
        Ok(session) => json!({
            "agent": session.agent,
            "edge": edge(&session),
            "id": session.id,
            "messages": session.messages.len(),
            "metadata": session.metadata,
            "pages": session.pages,
            "title": session.title,
            "tool_uses": session.tool_uses.len(),
            "usage": session.usage,
        }),
    }
}

fn tail_loaded(result: Result<TailLoad, Error>) -> Value {
    match result {
        Err(error) => json!({"error": error.to_string()}),
        Ok(loaded) => json!({
            "dropped": loaded.dropped,
            "edge": edge(&loaded.session),
            "file_bytes": loaded.file_bytes,
            "id": loaded.session.id,
            "messages": loaded.session.messages.len(),
            "pages": loaded.session.pages,
            "tool_uses": loaded.session.tool_uses.len(),
        }),
    }
}

fn window(name: &str) -> usize {
    name.parse().unwrap_or(usize::MAX)
}

fn check_loads(world: &World) {
    let loads = world.oracle["load"].as_object().unwrap();
    assert!(loads.len() >= 11);
    for (id, expected) in loads {
        assert_eq!(loaded(load(&world.sessions(), id, VERSION)), *expected, "{id}");
    }
    for (id, windows) in world.oracle["load_tail"].as_object().unwrap() {
        assert_eq!(windows.as_object().unwrap().len(), 5);
        for (name, expected) in windows.as_object().unwrap() {
            let by_id = tail_loaded(load_tail(&world.sessions(), id, window(name), VERSION));
            assert_eq!(by_id, *expected, "{id} {name}");
            let path = world.sessions().join(format!("{id}.json"));
            let by_path = tail_loaded(load_tail_from_path(&path, window(name), VERSION));
            assert_eq!(by_path, *expected, "{id} {name}");
        }
    }
}

fn check_lists(world: &World) {
    // Two sessions have the same time, and the order of the directory.
    let sorted = |mut list: Vec<Value>| {
        let key = |it: &Value| (it["updated_at"].to_string(), it["id"].to_string());
        let is_descending = list.windows(2).all(|it| key(&it[0]).0 >= key(&it[1]).0);
        assert!(is_descending, "{list:?}");
        list.sort_by_key(key);
        list
    };
    let listed = list_sessions(&world.sessions(), VERSION).unwrap();
    let listed = listed.iter().map(|session| json!(session)).collect();
    let expected = world.oracle["list_sessions"].as_array().unwrap().clone();
    assert_eq!(sorted(listed), sorted(expected));
    let ids = |list: Result<Vec<SessionSummary>, Error>| -> Value {
        list.unwrap().into_iter().map(|session| session.id).collect()
    };
    for name in ["ws-a", "ws-b"] {
        let directory = world.workspace(name);
        let listed = list_sessions_for_directory(&world.sessions(), &directory, VERSION);
        assert_eq!(ids(listed), world.oracle[format!("list_sessions_for_directory {name}")]);
        let paged = list_sessions_paged(&world.sessions(), &directory, 2, 1, VERSION);
        let expected = &world.oracle[format!("list_sessions_paged {name} limit=2 offset=1")];
        assert_eq!(ids(paged), *expected);
    }
}

/// Finds the last sessions in the order in which the program did, and writes the index each time, as
/// the program does.
fn check_last(world: &World) {
    for name in ["ws-a", "ws-b", "none", "unknown"] {
        let workspace = (name != "none").then(|| world.workspace(name));
        for window_name in ["max", "2"] {
            let window = window(window_name);
            let before = fs::read(world.index_file()).ok();
            let last =
                last_for_directory_tail(&world.sessions(), workspace.as_deref(), window, VERSION);
            assert_eq!(fs::read(world.index_file()).ok(), before, "a read does not write");
            let repaired = last.as_ref().ok().and_then(|last| last.repaired_index.clone());
            let found = tail_loaded(last.map(|last| last.loaded));
            let call = format!("last_for_directory_tail {name} window={window_name}");
            assert_eq!(found, world.oracle[&call], "{call}");
            if let Some(index) = repaired {
                world.set_index(Some(&serde_json::to_string(&index).unwrap()));
            }
        }
        let index = json!(WorkspaceIndex::load_sync(&world.sessions()));
        assert_eq!(index, world.oracle[format!("index_after {name}")], "{name}");
    }
}

fn check_all(world: &World) {
    check_loads(world);
    check_lists(world);
    check_last(world);
    let log = format!("TaskLog::read_all {RICH}");
    assert_eq!(json!(read_all(&world.sessions(), RICH).unwrap()), world.oracle[log]);
}

#[test]
fn with_its_index_as_it_is() {
    let world = World::new("oracle.json");
    let index = json!(WorkspaceIndex::load_sync(&world.sessions()));
    assert_eq!(index, world.oracle["index_before"]);
    check_all(&world);
}

#[test]
fn with_a_corrupt_index() {
    let world = World::new("oracle-index-corrupt.json");
    world.set_index(world.oracle["index_before"].as_str());
    check_all(&world);
}

#[test]
fn without_an_index() {
    let world = World::new("oracle-index-missing.json");
    assert!(world.oracle["index_before"].is_null());
    world.set_index(None);
    check_all(&world);
}

#[test]
fn with_the_entries_of_the_index_swapped() {
    let world = World::new("oracle-index-swapped.json");
    let entries = world.oracle["index_before"]["entries"].as_object().unwrap();
    // This index was written with spaces, and in ASCII.
    let entry = |(path, id): (&String, &Value)| {
        let path = json!(path).to_string().replace('Ü', "\\u00dc").replace('ï', "\\u00ef");
        format!("{path}: {id}")
    };
    let entries: Vec<String> = entries.iter().map(entry).collect();
    world.set_index(Some(&format!("{{\"entries\": {{{}}}}}", entries.join(", "))));
    assert_eq!(json!(WorkspaceIndex::load_sync(&world.sessions())), world.oracle["index_before"]);
    check_all(&world);
}

#[test]
fn the_views_of_the_history_are_those_of_the_program() {
    let root = fixture("codetether/root");
    let session = load(&root.join("data/sessions"), RICH, VERSION).unwrap();
    let dir = history_dir_for_session(&root.join("data"), &session);
    let ids: Value =
        serde_json::from_slice(&fs::read(fixture("codetether/ids.json")).unwrap()).unwrap();
    let mut written = Vec::new();
    for (turn, message) in session.messages.iter().enumerate() {
        let path = format_turn_path(&dir, turn, message.role);
        assert_eq!(fs::read_to_string(&path).unwrap(), render_turn(message));
        written.push(json!(path.strip_prefix(&root).unwrap()));
    }
    assert_eq!(Value::from(written), ids["rich_history_files"]);
}

#[test]
fn titles_are_those_of_the_program() {
    let sessions = fixture("codetether/root/data/sessions");
    let session = load(&sessions, "813ef857-5bb9-4436-910b-e9a06a57909e", VERSION).unwrap();
    assert!(session.title.is_some());
    assert_eq!(generate_title(&session.messages), session.title);
}

#[test]
fn journals_are_read_with_all_their_changes() {
    let sessions = fixture("codetether/root/data/sessions");
    let mut lines = 0;
    for entry in fs::read_dir(&sessions).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(id) = name.strip_suffix(".journal.jsonl") else { continue };
        let journal = read_journal(&sessions, id).unwrap();
        assert!(journal.damaged.is_empty());
        let text = fs::read_to_string(sessions.join(&name)).unwrap();
        let expected: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(json!(journal.entries), Value::from(expected), "{name}");
        lines += journal.entries.len();
    }
    assert_eq!(lines, 37);
    let rich = read_journal(&sessions, RICH).unwrap();
    assert_eq!(pending_count(&rich.entries), 1);
    assert_eq!(read_journal(&sessions, "no-such-id").unwrap(), JournalRead::default());
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.journal.jsonl"), "{\"phase\":\"staged\"\n\n{}").unwrap();
    assert_eq!(read_journal(dir.path(), "a").unwrap().damaged, [0..17, 19..21]);
}

#[test]
fn a_task_log_amounts_to_its_tasks() {
    let sessions = fixture("codetether/root/data/sessions");
    let mut events = read_all(&sessions, RICH).unwrap();
    let state = TaskState::from_log(&events);
    assert_eq!(state.goal, None);
    assert_eq!(state.tasks["t1"].status, TaskStatus::InProgress);
    assert_eq!(state.tasks["t2"].last_note.as_deref(), Some("ci"));
    events.pop(); // the end of the goal
    assert_eq!(TaskState::from_log(&events).goal.unwrap().objective, "ship it");
    assert!(read_all(Path::new("/not/there"), "a").unwrap().is_empty());
}
