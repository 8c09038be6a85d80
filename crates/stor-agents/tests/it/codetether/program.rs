//! The rules of the program's operations that the corpus does not show.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use scrollback_stor_agents::Version::{Head, Seed};
use scrollback_stor_agents::codetether::program::*;
use serde_json::{Value, json};

/// A directory of sessions that a test writes, and a workspace.
struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("ws")).unwrap();
        fs::create_dir(dir.path().join("sessions")).unwrap();
        Self { dir }
    }

    fn workspace(&self) -> PathBuf {
        self.dir.path().join("ws").canonicalize().unwrap()
    }

    fn sessions(&self) -> PathBuf {
        self.dir.path().join("sessions")
    }

    /// Writes a file that was changed at this second.
    fn write(&self, name: &str, text: &str, second: u64) {
        let path = self.sessions().join(name);
        fs::write(&path, text).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    fn last(&self, window: usize) -> Result<LastSession, Error> {
        last_for_directory_tail(&self.sessions(), Some(&self.workspace()), window, Seed)
    }

    fn last_id(&self) -> Result<String, String> {
        let last = self.last(2).map_err(|error| error.to_string());
        last.map(|last| last.loaded.session.id)
    }
}

/// Returns a session as the program writes it: the metadata comes before the messages.
fn session(id: &str, directory: &Path, messages: &[Value]) -> String {
    format!(
        r#"{{"id":"{id}","title":null,"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","metadata":{{"directory":{},"shared":false}},"agent":"build","messages":{},"pages":[],"tool_uses":[],"usage":{{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}}}"#,
        json!(directory),
        Value::from(messages.to_vec()),
    )
}

/// Returns the same session with the messages before the metadata, as older files have it.
fn older_session(id: &str, directory: &Path, messages: &[Value]) -> String {
    let new = session(id, directory, messages);
    let (start, end) = (new.find(r#""metadata""#).unwrap(), new.find(r#""agent""#).unwrap());
    format!(
        "{}{},{}}}",
        &new[..start],
        &new[end..new.len() - 1],
        new[start..end].trim_end_matches(',')
    )
}

fn text(text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "text", "text": text}]})
}

#[test]
fn the_newest_session_of_the_workspace_is_found_in_both_orders_of_fields() {
    for write in [session, older_session] {
        let world = World::new();
        let long = vec![text(&"x".repeat(100)); 5000];
        world.write("a.json", &write("a", &world.workspace(), &long), 1);
        world.write("b.json", &write("b", &world.workspace(), &long), 2);
        world.write("c.json", &write("c", Path::new("/elsewhere"), &long), 3);
        // A message that names the workspace does not make its session one of the workspace.
        let decoy = text(world.workspace().to_str().unwrap());
        world.write("d.json", &write("d", Path::new("/elsewhere"), &[decoy]), 4);
        let last = world.last(2).unwrap();
        assert_eq!(last.loaded.session.id, "b");
        assert_eq!((last.loaded.dropped, last.loaded.session.messages.len()), (4998, 2));
        assert!(last.loaded.session.pages.is_empty(), "the pages are those of the file");
        let index = last.repaired_index.unwrap();
        assert_eq!(index.get(&world.workspace()), Some("b"));
        // The session in the index wins, although another is newer, and gets its pages.
        let index = json!({"entries": {world.workspace().to_str().unwrap(): "a"}});
        fs::write(world.sessions().join(WorkspaceIndex::FILE_NAME), index.to_string()).unwrap();
        let last = world.last(2).unwrap();
        assert_eq!((last.loaded.session.id.as_str(), last.repaired_index), ("a", None));
        assert_eq!(last.loaded.session.pages, [PageKind::Conversation; 2]);
    }
}

#[test]
fn every_position_of_the_match_is_found() {
    for count in [1, 2, 3, 9, 40] {
        for matching in [0, count / 2, count - 1] {
            let world = World::new();
            for at in 0..count {
                let elsewhere = PathBuf::from("/elsewhere");
                let directory = if at <= matching { world.workspace() } else { elsewhere };
                let (id, write) = (format!("s{at}"), [session, older_session][at % 2]);
                world.write(&format!("{id}.json"), &write(&id, &directory, &[]), at as u64);
            }
            assert_eq!(world.last_id(), Ok(format!("s{matching}")), "{count}");
        }
    }
}

#[test]
fn a_damaged_file_is_skipped_but_a_session_of_another_shape_is_an_error() {
    let world = World::new();
    let sound = session("a", &world.workspace(), &[]);
    world.write("a.json", &sound, 1);
    world.write("torn.json", &sound[..sound.len() - 1], 2);
    world.write("more.json", &format!("{sound}x"), 3);
    assert_eq!(world.last_id(), Ok("a".to_owned()), "the program sees the damage in the header");
    let bad = session("b", &world.workspace(), &[json!({"role": "robot", "content": []})]);
    world.write("b.json", &bad, 4);
    let problem = world.last_id().unwrap_err();
    assert!(problem.starts_with("unknown variant `robot`"), "{problem}");
    // With damage behind the bad message the header cannot be parsed either.
    world.write("b.json", &bad[..bad.len() - 1], 4);
    assert_eq!(world.last_id(), Ok("a".to_owned()));
    world.write(
        "b.json",
        r#"{"id":"x","title":null,"metadata":{"directory":null,"shared":false}}"#,
        4,
    );
    assert_eq!(world.last_id(), Ok("a".to_owned()));
    let newest = last(&world.sessions(), Seed).unwrap_err().to_string();
    assert!(newest.starts_with("missing field `created_at`"), "{newest}");
}

#[cfg(unix)]
#[test]
fn a_workspace_behind_a_link_is_found_only_in_a_single_file_or_by_the_index() {
    let world = World::new();
    let link = world.dir.path().join("link");
    std::os::unix::fs::symlink(world.workspace(), &link).unwrap();
    world.write("a.json", &session("a", &link, &[]), 1);
    assert_eq!(world.last_id(), Ok("a".to_owned()));
    world.write("b.json", &session("b", Path::new("/elsewhere"), &[]), 2);
    assert_eq!(world.last_id(), Err("No sessions found".to_owned()), "the text is not there");
    let listed = list_sessions_for_directory(&world.sessions(), &world.workspace(), Seed).unwrap();
    assert_eq!(listed[0].id, "a");
    let index = json!({"entries": {world.workspace().to_str().unwrap(): "a"}});
    fs::write(world.sessions().join(WorkspaceIndex::FILE_NAME), index.to_string()).unwrap();
    assert_eq!(world.last_id(), Ok("a".to_owned()));
    // A link to a session is no session here, and no id leads out of the directory.
    std::os::unix::fs::symlink("a.json", world.sessions().join("linked.json")).unwrap();
    assert!(load(&world.sessions(), "linked", Seed).is_err());
    fs::write(world.dir.path().join("out.json"), session("out", &link, &[])).unwrap();
    assert!(load(&world.sessions(), "../out", Seed).is_err());
}

#[test]
fn an_index_that_names_a_session_of_another_workspace_is_repaired() {
    let world = World::new();
    world.write("a.json", &session("inner", &world.workspace(), &[]), 1);
    world.write("b.json", &session("b", Path::new("/elsewhere"), &[]), 2);
    for id in ["b", "gone"] {
        let index = json!({"entries": {world.workspace().to_str().unwrap(): id, "/x": "y"}});
        fs::write(world.sessions().join(WorkspaceIndex::FILE_NAME), index.to_string()).unwrap();
        let last = world.last(usize::MAX).unwrap();
        assert_eq!(last.loaded.session.id, "inner");
        let index = last.repaired_index.unwrap();
        assert_eq!(index.get(&world.workspace()), Some("inner"), "not the name of the file");
        assert_eq!(index.get(Path::new("/x")), Some("y"));
    }
}

#[test]
fn a_window_counts_messages_and_tool_uses_each() {
    let world = World::new();
    let tool = json!({"id": "c", "name": "ls", "input": "", "output": "", "success": true});
    let whole = session("a", &world.workspace(), &[text("1"), text("2"), text("3")]);
    let whole = whole.replace(r#""tool_uses":[]"#, &format!(r#""tool_uses":[{tool},{tool}]"#));
    world.write("a.json", &whole, 1);
    for (window, dropped) in [(0, 5), (1, 3), (2, 1), (3, 0), (usize::MAX, 0)] {
        let loaded = load_tail(&world.sessions(), "a", window, Seed).unwrap();
        assert_eq!(loaded.dropped, dropped);
        assert_eq!(loaded.session.messages.len(), window.min(3));
        assert_eq!(loaded.session.pages.len(), window.min(3));
    }
    let bad = whole.replacen(r#""text":"1""#, r#""text":1"#, 1);
    world.write("a.json", &bad, 1);
    assert!(load_tail(&world.sessions(), "a", 1, Seed).is_err(), "all elements are parsed");
    assert!(list_sessions(&world.sessions(), Seed).unwrap().is_empty());
    assert_eq!(list_sessions(&world.sessions(), Head).unwrap()[0].message_count, 3);
}

#[test]
fn the_newer_program_knows_more_and_checks_more() {
    let world = World::new();
    let developer = json!({"role": "developer", "content": [{"type": "thinking", "text": "t", "signature": null}]});
    world.write("a.json", &session("a", &world.workspace(), &[developer]), 1);
    world.write("a.checkpoint.json", &session("a", &world.workspace(), &[]), 1);
    let seed = load(&world.sessions(), "a", Seed).unwrap_err().to_string();
    let expected =
        "unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`";
    assert!(seed.starts_with(expected), "{seed}");
    let head = load(&world.sessions(), "a", Head).unwrap();
    assert_eq!(head.pages, [PageKind::Bootstrap]);
    assert_eq!(
        list_sessions(&world.sessions(), Head).unwrap().len(),
        1,
        "a checkpoint is not listed"
    );
    world.write("b.json", &session("a", &world.workspace(), &[]), 2);
    assert!(load(&world.sessions(), "b", Seed).is_ok());
    assert!(matches!(load(&world.sessions(), "b", Head), Err(Error::WrongId)));
    for id in ["", "a b", "a.b", &"x".repeat(129)] {
        assert!(matches!(load(&world.sessions(), id, Head), Err(Error::InvalidId)), "{id}");
    }
}

#[test]
fn the_newer_program_finds_sessions_of_other_stores() {
    let world = World::new();
    let root = world.dir.path();
    let other = root.join("ws/.codetether-worktrees/one/.codetether-agent/sessions");
    fs::create_dir_all(&other).unwrap();
    fs::create_dir_all(root.join("registry")).unwrap();
    fs::create_dir_all(root.join("ws/deep/below")).unwrap();
    let locations = SessionLocations {
        registry: Some(root.join("registry")),
        current_dir: Some(root.join("ws/deep/below")),
    };
    let find = |version| session_path(&world.sessions(), "a", &locations, version).unwrap();
    let local = world.sessions().join("a.json");
    assert_eq!(find(Head), SessionPath { path: local.clone(), is_recorded: false });
    fs::write(other.join("a.json"), "{}").unwrap();
    assert_eq!(find(Head), SessionPath { path: other.join("a.json"), is_recorded: true });
    assert_eq!(find(Seed).path, local);
    let recorded = root.join("a.json");
    fs::write(&recorded, "{}").unwrap();
    fs::write(root.join("registry/a.path"), format!("{}\n", recorded.display())).unwrap();
    assert_eq!(find(Head), SessionPath { path: recorded.clone(), is_recorded: false });
    fs::rename(&recorded, root.join("b.json")).unwrap();
    fs::write(root.join("registry/a.path"), root.join("b.json").to_str().unwrap()).unwrap();
    assert_eq!(find(Head).path, other.join("a.json"), "a file of another name does not count");
    world.write("a.json", "{}", 1);
    assert_eq!(find(Head), SessionPath { path: local, is_recorded: true });
}

#[test]
fn times_are_written_with_as_few_digits_as_they_need() {
    for (text, written) in [
        ("2026-03-01T01:02:03.5Z", "2026-03-01T01:02:03.500Z"),
        ("2024-02-29T23:59:59+00:00", "2024-02-29T23:59:59Z"),
        ("1969-12-31T23:00:00.000001-01:00", "1970-01-01T00:00:00.000001Z"),
        ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
    ] {
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), written);
    }
    assert_eq!(Timestamp::parse("yesterday"), None);
}
