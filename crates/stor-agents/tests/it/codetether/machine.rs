//! Random saves of sessions: after each step the refreshed index equals a rebuilt one.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use scrollback_core_id::{Clock, SessionId, SessionKey, UnixNanos};
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock};
use scrollback_stor_agents::codetether::Codetether;
use serde_json::{Value, json};

use crate::index::{open, refresh_and_check};
use crate::support::{check_single_reads, store_at};

#[derive(Debug, Clone)]
enum Step {
    /// Saves the session with one message more, one of [`messages`], and writes the journal.
    Append(u8),
    /// Saves the session without its last messages: another process saves what it had loaded.
    Older(u8),
    /// Saves the session with one message changed.
    Change(u8, u8),
    /// Saves the session with another title.
    Title(u8),
    /// Saves the session with the messages before the metadata, as older versions do.
    OlderOrder,
    /// Leaves a temporary file of a save that failed.
    Leftover(u8),
    /// Leaves the file with a part of its bytes.
    Truncate(u8),
    /// Writes the first bytes of a line to the journal or the task log.
    Torn(bool, u8),
    /// Writes a line to the task log.
    Task,
    /// Writes the index of workspaces.
    Index,
    /// Deletes the session. Its journal stays.
    Delete,
}

fn messages() -> Vec<Value> {
    let call =
        |id: &str| json!({"type": "tool_call", "id": id, "name": "ls", "arguments": "{\"a\":1}"});
    let result = |id: &str| json!({"type": "tool_result", "tool_call_id": id, "content": "out"});
    vec![
        json!({"role": "system", "content": [{"type": "text", "text": "rules"}]}),
        json!({"role": "user", "content": [{"type": "text", "text": "a question"}]}),
        json!({"role": "assistant", "content": [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "an answer"}]}),
        json!({"role": "assistant", "content": [call("c1"), call("c2")]}),
        json!({"role": "tool", "content": [result("c1")]}),
        json!({"role": "tool", "content": [result("c2")]}),
        json!({"role": "user", "content": [result("c1"), {"type": "text", "text": "more"}]}),
        json!({"role": "robot", "content": [{"type": "hologram"}]}),
        json!({"role": "assistant", "content": []}),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        12 => any::<u8>().prop_map(Step::Append),
        1 => any::<u8>().prop_map(Step::Older),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Change(a, b)),
        1 => any::<u8>().prop_map(Step::Title),
        1 => Just(Step::OlderOrder),
        1 => any::<u8>().prop_map(Step::Leftover),
        1 => any::<u8>().prop_map(Step::Truncate),
        1 => (any::<bool>(), any::<u8>()).prop_map(|(a, b)| Step::Torn(a, b)),
        1 => Just(Step::Task),
        1 => Just(Step::Index),
        1 => Just(Step::Delete),
    ];
    prop::collection::vec((any::<bool>(), step), 1..40)
}

/// What the program has in memory of a session.
#[derive(Clone, Default)]
struct Memory {
    title: u8,
    messages: Vec<Value>,
    is_older: bool,
}

impl Memory {
    fn json(&self, id: &str) -> String {
        let title = self.title;
        let tools: Vec<Value> = (0..self.messages.len() / 4)
            .map(|_| json!({"id": "c1", "name": "ls", "input": "", "output": "out", "success": true}))
            .collect();
        let head = format!(
            r#""id":"{id}","title":"{title}","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:0{}.5Z""#,
            title % 10
        );
        let metadata =
            r#""metadata":{"directory":"/w","model":"p/m","shared":false},"agent":"build""#;
        let lists = format!(
            r#""messages":{},"pages":[],"tool_uses":{},"usage":{{"prompt_tokens":{title},"completion_tokens":0,"total_tokens":0}}"#,
            Value::from(self.messages.clone()),
            Value::from(tools)
        );
        match self.is_older {
            false => format!("{{{head},{metadata},{lists}}}"),
            true => format!("{{{head},{lists},{metadata}}}"),
        }
    }
}

/// Two sessions. Every change gets a time of its own.
struct World {
    root: PathBuf,
    memory: [Memory; 2],
    changes: u64,
}

impl World {
    fn tick(&mut self, path: &Path) {
        self.changes += 1;
        let time = SystemTime::UNIX_EPOCH
            + Duration::from_nanos(1_700_000_000_000_000_001 + self.changes * 1_000_000_007);
        File::open(path).unwrap().set_modified(time).unwrap();
    }

    fn append(&mut self, name: &str, text: &str) {
        let path = self.root.join(name);
        let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        self.tick(&path);
    }

    /// Saves a session as codetether does: a temporary file, a rename, then the journal.
    fn save(&mut self, second: bool, id: &str) {
        let json = self.memory[usize::from(second)].json(id);
        let temporary = self.root.join(format!("{id}.json.tmp"));
        fs::write(&temporary, json).unwrap();
        self.tick(&temporary);
        fs::rename(&temporary, self.root.join(format!("{id}.json"))).unwrap();
        let staged = r#"{"phase":"staged","txn":0,"at":"2026-01-01T00:00:00Z","op":{"op":"save"}}"#;
        let committed = r#"{"phase":"committed","txn":0,"at":"2026-01-01T00:00:00Z"}"#;
        self.append(&format!("{id}.journal.jsonl"), &format!("{staged}\n{committed}\n"));
    }

    fn apply(&mut self, second: bool, id: &str, step: &Step) {
        let path = self.root.join(format!("{id}.json"));
        let memory = &mut self.memory[usize::from(second)];
        let all = messages();
        let chosen = |index: u8| all[usize::from(index) % all.len()].clone();
        let count = memory.messages.len();
        match step {
            Step::Append(index) => memory.messages.push(chosen(*index)),
            Step::Older(kept) => memory.messages.truncate(usize::from(*kept) % (count + 1)),
            Step::Change(at, index) if count > 0 => {
                memory.messages[usize::from(*at) % count] = chosen(*index);
            }
            Step::Title(title) => memory.title = *title,
            Step::OlderOrder => memory.is_older = !memory.is_older,
            Step::Leftover(len) => {
                let json = memory.json(id);
                let temporary = self.root.join(format!("{id}.json.tmp"));
                return fs::write(temporary, &json[..usize::from(*len).min(json.len())]).unwrap();
            }
            Step::Truncate(len) if path.exists() => {
                let size = path.metadata().unwrap().len();
                let file = OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(size * u64::from(*len) / 256).unwrap();
                return self.tick(&path);
            }
            Step::Torn(is_journal, len) => {
                let line = r#"{"phase":"committed","kind":"goal_cleared","txn":0,"at":"2026-01-01T00:00:00Z"}"#;
                let kind = if *is_journal { "journal" } else { "tasks" };
                let end = usize::from(*len) % line.len();
                return self.append(&format!("{id}.{kind}.jsonl"), &line[..end]);
            }
            Step::Task => {
                let line = r#"{"kind":"goal_cleared","at":"2026-01-01T00:00:00Z","reason":"done"}"#;
                return self.append(&format!("{id}.tasks.jsonl"), &format!("{line}\n"));
            }
            Step::Index => {
                let index = json!({"entries": {"/w": id}}).to_string();
                return fs::write(self.root.join(".workspace_index.json"), index).unwrap();
            }
            Step::Delete => {
                *memory = Memory::default();
                let _ = fs::remove_file(path); // the program ignores a missing file
                return;
            }
            _ => return,
        }
        self.save(second, id);
    }
}

fn run(steps: &[(bool, Step)], clock: Arc<dyn Clock>, is_watched: bool) {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World { root: dir.path().to_owned(), memory: Default::default(), changes: 0 };
    let source = Arc::new(store_at(Codetether, dir.path(), clock));
    let materializer = open(source.clone());
    for (second, step) in steps {
        let id = if *second { "b" } else { "a" };
        let session = SessionKey::from(SessionId::new(id).unwrap());
        world.apply(*second, id, step);
        refresh_and_check(&materializer, &*source, vec![session.clone()], is_watched);
        if dir.path().join(format!("{id}.json")).exists() {
            check_single_reads(&*source, &session);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_index_of_old_saves_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(&steps, Arc::new(StoppedClock(FAR_FUTURE)), is_watched);
    }

    #[test]
    fn an_index_of_young_saves_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(&steps, Arc::new(StoppedClock(UnixNanos(0))), is_watched);
    }
}
