//! A store on disk with a clock that the test advances. Every file and directory that is written gets
//! the clock's time as its modification time, as a file system would set it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use scrollback_core_id::{Clock, EntityKey, SourceId, UnixNanos};
use scrollback_stor_read::FileReader;
use serde_json::json;
use tempfile::TempDir;

/// A clock that stands still until it is advanced. Waiting advances it.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Self {
        // Not on a whole second: a modification time on a whole second is trusted later.
        Self(AtomicI64::new(1_780_000_000_123_456_789))
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.0.load(Ordering::Relaxed))
    }

    fn pause(&self, time: Duration) {
        self.0.fetch_add(time.as_nanos() as i64, Ordering::Relaxed);
    }
}

pub(crate) struct World {
    dir: TempDir,
    pub(crate) clock: Arc<TestClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("storage")).unwrap();
        let clock = Arc::new(TestClock::new());
        Self { dir, clock }
    }

    pub(crate) fn storage(&self) -> PathBuf {
        self.dir.path().join("storage")
    }

    pub(crate) fn snapshots(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    pub(crate) fn source(&self) -> FileReader {
        let id = SourceId::new("a store").unwrap();
        FileReader::new(self.storage(), id, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// Returns the clock's time in Unix milliseconds.
    pub(crate) fn clock_ms(&self) -> i64 {
        self.clock.now().as_millis()
    }

    pub(crate) fn advance_clock(&self, time: Duration) {
        self.clock.pause(time);
    }

    fn stamp(&self, path: &Path) {
        let mtime = UNIX_EPOCH + Duration::from_nanos(self.clock.now().0 as u64);
        File::open(path).unwrap().set_modified(mtime).unwrap();
    }

    /// Writes a file as opencode does: in place if it exists.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.storage().join(path);
        let parent = path.parent().unwrap();
        let missing: Vec<_> = parent.ancestors().take_while(|dir| !dir.exists()).collect();
        fs::create_dir_all(parent).unwrap();
        for dir in missing {
            self.stamp(dir);
            self.stamp(dir.parent().unwrap());
        }
        let is_new = !path.exists();
        fs::write(&path, text).unwrap();
        self.stamp(&path);
        if is_new {
            self.stamp(parent);
        }
    }

    /// Replaces a file: writes a new file and renames it to the old one.
    pub(crate) fn replace(&self, path: &str, text: &str) {
        let (path, beside) = (self.storage().join(path), self.dir.path().join("beside"));
        if path.exists() {
            fs::write(&beside, text).unwrap();
            self.stamp(&beside);
            fs::rename(&beside, &path).unwrap();
            self.stamp(path.parent().unwrap());
        }
    }

    /// Removes a file, if it exists.
    pub(crate) fn remove(&self, path: &str) {
        let path = self.storage().join(path);
        if fs::remove_file(&path).is_ok() {
            self.stamp(path.parent().unwrap());
        }
    }

    /// Removes a directory with its contents.
    pub(crate) fn remove_all(&self, path: &str) {
        let path = self.storage().join(path);
        if fs::remove_dir_all(&path).is_ok() {
            self.stamp(path.parent().unwrap());
        }
    }

    /// Moves a file to another directory without touching it.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        let (from, to) = (self.storage().join(from), self.storage().join(to));
        if from.exists() {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::rename(&from, &to).unwrap();
            self.stamp(from.parent().unwrap());
            self.stamp(to.parent().unwrap());
        }
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.storage().join(path).exists()
    }
}

/// Returns a session's record, as opencode writes it.
pub(crate) fn session(id: &str, project: &str, value: u8, updated: i64) -> String {
    let parent = (value % 3 == 1).then(|| format!("ses_{}", value % 4));
    json!({
        "id": id, "projectID": project, "parentID": parent, "directory": "/home/me",
        "title": format!("title {value}"), "version": "1.1.65",
        "time": {"created": 1, "updated": updated},
    })
    .to_string()
}

/// Returns a message's record. A message is unfinished if `value` is a multiple of three.
pub(crate) fn message(id: &str, session: &str, value: u8) -> String {
    let completed = (!value.is_multiple_of(3)).then_some(i64::from(value));
    let role = ["user", "assistant"][usize::from(value % 2)];
    json!({
        "id": id, "sessionID": session, "role": role,
        "time": {"created": value / 4, "completed": completed},
        "modelID": format!("m{value}"), "providerID": "p", "cost": 0.5, "agent": "build",
        "tokens": {"input": value, "output": 1, "reasoning": 0, "cache": {"read": 2, "write": 3}},
    })
    .to_string()
}

/// Returns a text part with `value` letters.
pub(crate) fn part(id: &str, message: &str, value: u8) -> String {
    let text = "x".repeat(usize::from(value));
    json!({"id": id, "messageID": message, "sessionID": "s", "type": "text", "text": text})
        .to_string()
}

/// Returns the spans of a tree with their keys.
pub(crate) fn spans(
    tree: &scrollback_flow::SessionRefTree,
) -> Vec<(EntityKey, &scrollback_stor_mmap::MappedSpan)> {
    let session = tree.session.span.iter().map(|span| (tree.session.key.clone().into(), span));
    let messages = tree.messages.iter().flat_map(|node| {
        let parts = node
            .parts
            .iter()
            .filter_map(|part| Some((EntityKey::Part(part.key.clone()), part.span.as_ref()?)));
        let message_span =
            node.span.iter().map(|span| (EntityKey::Message(node.key.clone()), span));
        message_span.chain(parts)
    });
    session.chain(messages).collect()
}

/// Returns the path of a record in the storage directory.
pub(crate) fn path_of(key: &EntityKey, project: Option<u8>) -> String {
    match key {
        EntityKey::Session(key) => format!("session/p{}/{key}.json", project.unwrap()),
        EntityKey::Message(key) => format!("message/{key}.json"),
        EntityKey::Part(key) => format!("part/{key}.json"),
        other => panic!("{other}"),
    }
}
