//! Rules of the program that the recorded calls do not show: other workspaces, empty and damaged
//! sessions, and names that stand for other things.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use scrollback_stor_agents::Version;
use scrollback_stor_agents::claw::program::*;
use scrollback_stor_path::Environment;

/// A directory with a workspace, and the stores in it.
struct World {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir(root.join("work")).unwrap();
        Self { _dir: dir, root }
    }

    fn store(&self, version: Version) -> SessionStore {
        SessionStore::from_cwd(&self.root.join("work"), version)
    }

    /// Writes a session that was saved, and whose file was changed, at this time.
    fn write(&self, path: &Path, id: &str, workspace: Option<&Path>, messages: usize, millis: u64) {
        let workspace = workspace
            .map(|path| format!(",\"workspace_root\":{:?}", path.to_str().unwrap()))
            .unwrap_or_default();
        let mut text = format!(
            "{{\"created_at_ms\":1,\"session_id\":\"{id}\",\"type\":\"session_meta\",\"updated_at_ms\":{millis},\"version\":1{workspace}}}\n"
        );
        text.push_str(
            &"{\"message\":{\"blocks\":[],\"role\":\"user\"},\"type\":\"message\"}\n"
                .repeat(messages),
        );
        self.write_text(path, &text, millis);
    }

    fn write_text(&self, path: &Path, text: &str, millis: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    }
}

fn ids(store: &SessionStore) -> Vec<String> {
    let listed = store.list_sessions().unwrap();
    listed.into_iter().map(|session| session.id.unwrap()).collect()
}

fn latest(store: &SessionStore) -> String {
    store.latest_session().unwrap().id.unwrap()
}

#[test]
fn a_session_that_cannot_be_loaded_is_listed_by_its_name() {
    let world = World::new();
    for version in [Version::Seed, Version::Head] {
        let store = world.store(version);
        let file = store.sessions_dir().join("session-77-0.jsonl");
        world.write_text(&file, "{\"type\":\"session_meta\"", 5000);
        world.write(&store.sessions_dir().join("good.jsonl"), "good", None, 1, 4000);
        let listed = store.list_sessions().unwrap();
        let damaged = listed.iter().find(|it| it.path == file).unwrap();
        assert_eq!(damaged.id.as_deref(), Some("session-77-0"));
        assert_eq!((damaged.message_count, damaged.created_at_ms), (0, Some(77)));
        let expected = if version == Version::Seed { "session-77-0" } else { "good" };
        assert_eq!(latest(&store), expected, "the seed takes the file that changed last");
    }
}

#[test]
fn the_head_orders_by_the_last_snapshot_and_the_seed_by_the_file() {
    let world = World::new();
    let dir = world.store(Version::Seed).sessions_dir().to_owned();
    world.write(&dir.join("a.jsonl"), "a", None, 1, 9000);
    world.write(&dir.join("b.jsonl"), "b", None, 1, 5000);
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(9001);
    File::options().append(true).open(dir.join("b.jsonl")).unwrap().set_modified(time).unwrap();
    assert_eq!(ids(&world.store(Version::Seed)), ["b", "a"]);
    assert_eq!(ids(&world.store(Version::Head)), ["a", "b"]);
}

#[test]
fn the_head_refuses_sessions_of_other_workspaces() {
    let world = World::new();
    let (seed, head) = (world.store(Version::Seed), world.store(Version::Head));
    let other = world.root.join("other");
    world.write(&head.sessions_dir().join("x.jsonl"), "x", Some(&other), 1, 5000);
    assert_eq!(seed.load_session("x").unwrap().session.messages.len(), 1);
    assert_eq!(head.resolve_reference("x").unwrap().id.as_deref(), Some("x"));
    let refused = head.load_session("x").unwrap_err();
    assert!(matches!(refused, SessionControlError::WorkspaceMismatch { .. }));
    let (work, other) = (world.root.join("work"), other.display().to_string());
    let text = format!("session workspace mismatch: expected {}, found {other}", work.display());
    assert_eq!(refused.to_string(), text);
    assert!(ids(&head).is_empty());
    // The latest of all workspaces is taken, and can be loaded by an alias alone.
    assert_eq!(latest(&head), "x");
    assert!(head.load_session("latest").is_err());
    assert_eq!(head.load_session_loose("latest").unwrap().handle.id.as_deref(), Some("x"));
    assert!(head.load_session_loose("x").is_err());
    let outside = world.root.join("y.jsonl");
    world.write(&outside, "y", None, 1, 5000);
    let refused = head.load_session(outside.to_str().unwrap()).unwrap_err().to_string();
    assert!(refused.starts_with("legacy session is missing workspace binding: "), "{refused}");
}

#[test]
fn the_head_skips_empty_sessions_and_looks_in_all_workspaces() {
    let world = World::new();
    let mut environment = Environment::default();
    let home = world.root.join("home");
    environment.agent_variables.insert("CLAW_CONFIG_HOME", home.clone().into_os_string());
    let store = world.store(Version::Head).with_environment(&environment);
    let problem = |store: &SessionStore| store.latest_session().unwrap_err().to_string();
    assert!(problem(&store).starts_with("no managed sessions found in .claw/sessions/"));
    assert!(problem(&store).ends_with("\nNote: /resume latest searches all workspaces."));
    world.write(&store.sessions_dir().join("empty.jsonl"), "empty", None, 0, 9000);
    assert!(problem(&store).starts_with("all sessions are empty (0 messages) in .claw/sessions/"));
    let elsewhere = home.join("sessions/0123456789abcdef/far.jsonl");
    world.write(&elsewhere, "far", Some(&world.root), 1, 1000);
    assert_eq!(latest(&store), "far");
    assert!(world.store(Version::Head).latest_session().is_err(), "without an environment");
    world.write(&store.sessions_dir().join("own.jsonl"), "own", None, 1, 500);
    assert_eq!(latest(&store), "own");
    let excluding = |id| store.latest_session_excluding(Some(id)).unwrap().id.unwrap();
    assert_eq!(excluding("own"), "far");
    let resolved = store.resolve_reference_excluding("LAST", Some("own")).unwrap();
    assert_eq!(resolved.path, elsewhere);
    assert_eq!(latest(&world.store(Version::Seed)), "empty", "the seed takes an empty one");
}

#[test]
fn the_head_also_searches_the_directory_above() {
    let world = World::new();
    let (seed, head) = (world.store(Version::Seed), world.store(Version::Head));
    let flat = world.root.join("work/.claw/sessions");
    world.write(&flat.join("old.json"), "old", None, 1, 5000);
    assert_eq!(ids(&head), ["old"]);
    assert_eq!(head.resolve_managed_path("old").unwrap(), flat.join("old.json"));
    assert!(head.session_exists("old") && !head.session_exists("new"));
    assert!(ids(&seed).is_empty() && seed.resolve_managed_path("old").is_err());
    // The seed's free functions use that directory itself.
    let base = world.root.join("work");
    assert_eq!(managed_sessions_dir_for(&base, Version::Seed), flat);
    let listed = list_managed_sessions_for(&base, Version::Seed).unwrap();
    assert_eq!(listed[0].id.as_deref(), Some("old"));
}

#[test]
fn a_name_in_the_workspace_comes_before_an_id() {
    let world = World::new();
    for version in [Version::Seed, Version::Head] {
        let store = world.store(version);
        world.write(&store.sessions_dir().join("src.jsonl"), "src", None, 1, 5000);
        world.write(&store.sessions_dir().join("both.jsonl"), "first", None, 1, 5000);
        world.write(&store.sessions_dir().join("both.json"), "second", None, 1, 5000);
        assert_eq!(store.load_session("both").unwrap().handle.id.as_deref(), Some("first"));
        assert!(store.load_session("src").is_ok());
    }
    fs::create_dir(world.root.join("work/src")).unwrap();
    for version in [Version::Seed, Version::Head] {
        let handle = world.store(version).resolve_reference("src").unwrap();
        assert_eq!(handle.path, world.root.join("work/src"));
        assert_eq!(handle.id.as_deref(), Some("src"));
        assert!(world.store(version).load_session("src").is_err(), "it is a directory");
    }
}

#[test]
fn nothing_is_created() {
    let world = World::new();
    let (seed, head) = (world.store(Version::Seed), world.store(Version::Head));
    assert_eq!(seed.missing_directory(), Some(seed.sessions_dir()));
    assert_eq!(head.missing_directory(), None);
    assert!(ids(&seed).is_empty() && ids(&head).is_empty());
    let handle = create_managed_session_handle_for(&world.root.join("work"), "n", Version::Seed);
    assert_eq!(handle.path, world.root.join("work/.claw/sessions/n.jsonl"));
    assert!(!world.root.join("work/.claw").exists());
    fs::create_dir_all(seed.sessions_dir()).unwrap();
    assert_eq!(seed.missing_directory(), None);
}

#[test]
fn a_session_without_an_id_is_the_newest() {
    let world = World::new();
    let store = world.store(Version::Head);
    world.write_text(
        &store.sessions_dir().join("session-5-0.json"),
        "{\"messages\":[{\"role\":\"user\",\"blocks\":[]}],\"version\":1}",
        1000,
    );
    world.write(&store.sessions_dir().join("a.jsonl"), "a", None, 1, 9000);
    let latest = store.latest_session().unwrap();
    assert_eq!((latest.id, latest.created_at_ms, latest.updated_at_ms), (None, None, None));
    assert!(latest.path.ends_with("session-5-0.json"));
}
