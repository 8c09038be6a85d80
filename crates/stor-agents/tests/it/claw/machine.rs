//! Random changes of sessions, as the program makes them: after each step the refreshed index equals
//! a rebuilt one.

use std::fs::{self, File};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use scrollback_core_id::{Clock, Scope, SessionId, SessionKey, UnixNanos};
use scrollback_source::{Probe, Source};
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock, scan};
use scrollback_stor_agents::claw::Claw;

use crate::index::{open, refresh_and_check};
use crate::support::store_at;

#[derive(Debug, Clone)]
enum Step {
    /// Appends this record, one of [`RECORDS`]; a missing or empty file becomes a snapshot.
    Append(u8),
    /// Appends two records without a line feed between them, as two writers can.
    Glued(u8, u8),
    /// Appends the first bytes of a record.
    Torn(u8, u8),
    /// Writes a snapshot: a temporary file, then a rename.
    Save,
    /// Moves the file away as a rotation, writes a snapshot, and deletes all but one rotation.
    Rotate(u8),
    /// Replaces all messages but the last by a summary.
    Compact,
    /// Copies the file, and writes a new session to it.
    Clear(u8),
    /// Writes the session as a document, or again as a log.
    Legacy(bool),
    /// Truncates the file to a part of its length.
    Truncate(u8),
    /// Leaves a temporary file of a writer that died.
    Leftover,
    Delete,
}

const RECORDS: [&str; 8] = [
    r#"{"message":{"blocks":[{"text":"a question","type":"text"}],"role":"user"},"type":"message"}"#,
    r#"{"message":{"blocks":[{"text":"an answer","type":"text"}],"role":"assistant","usage":{"cache_creation_input_tokens":1,"cache_read_input_tokens":2,"input_tokens":3,"output_tokens":4}},"type":"message"}"#,
    r#"{"message":{"blocks":[{"id":"c1","input":"{}","name":"ls","type":"tool_use"}],"role":"assistant"},"type":"message"}"#,
    r#"{"message":{"blocks":[{"id":"c2","input":"x","name":"cat","type":"tool_use"}],"role":"assistant"},"type":"message"}"#,
    r#"{"message":{"blocks":[{"is_error":false,"output":"out","tool_name":"ls","tool_use_id":"c1","type":"tool_result"}],"role":"tool"},"type":"message"}"#,
    r#"{"message":{"blocks":[{"is_error":true,"output":"no","tool_name":"cat","tool_use_id":"c2","type":"tool_result"}],"role":"tool"},"type":"message"}"#,
    r#"{"text":"a prompt","timestamp_ms":1795220061141,"type":"prompt_history"}"#,
    r#"{"type":"heartbeat"}"#,
];

fn record(index: u8) -> &'static str {
    RECORDS[usize::from(index) % RECORDS.len()]
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        12 => any::<u8>().prop_map(Step::Append),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Glued(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Torn(a, b)),
        2 => Just(Step::Save),
        1 => any::<u8>().prop_map(Step::Rotate),
        1 => Just(Step::Compact),
        1 => any::<u8>().prop_map(Step::Clear),
        1 => any::<bool>().prop_map(Step::Legacy),
        1 => any::<u8>().prop_map(Step::Truncate),
        1 => Just(Step::Leftover),
        1 => Just(Step::Delete),
    ];
    prop::collection::vec((any::<bool>(), step), 1..40)
}

/// Two sessions: one in the directory of a workspace, one beside it.
struct World {
    root: PathBuf,
    saves: u32,
}

const DIRECTORY: &str = "8d09d5bbd9c78a87";

impl World {
    fn path(&self, second: bool) -> PathBuf {
        match second {
            true => self.root.join(DIRECTORY).join("session-1-0.jsonl"),
            false => self.root.join("session-2-0.jsonl"),
        }
    }

    fn meta(&self) -> String {
        format!(
            r#"{{"created_at_ms":1,"session_id":"session-1-0","type":"session_meta","updated_at_ms":{},"version":1}}"#,
            self.saves
        )
    }

    /// Writes lines as the program does: a temporary file, then a rename.
    fn save(&mut self, path: &Path, records: &[String]) {
        self.saves += 1;
        let lines: Vec<&str> = records.iter().map(String::as_str).collect();
        let text = format!("{}\n{}", self.meta(), lines.concat());
        let temporary = path.with_extension("jsonl.tmp-1-1");
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, path).unwrap();
    }

    fn append(&mut self, path: &Path, text: &str) {
        if fs::metadata(path).map_or(0, |metadata| metadata.len()) == 0 {
            return self.save(path, &[text.to_owned()]);
        }
        let mut file = File::options().append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Returns the whole lines of a file that are no head.
    fn records(path: &Path) -> Vec<String> {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.filter(|line| !line.contains("session_meta")).map(str::to_owned).collect()
    }

    fn beside(path: &Path, name: &str) -> PathBuf {
        path.with_file_name(name.replace('*', path.file_stem().unwrap().to_str().unwrap()))
    }

    fn apply(&mut self, second: bool, step: &Step) {
        let path = self.path(second);
        match step {
            Step::Append(index) => self.append(&path, &format!("{}\n", record(*index))),
            Step::Glued(a, b) => {
                self.append(&path, &format!("{}{}\n", record(*a), record(*b)));
            }
            Step::Torn(index, len) => {
                let text = record(*index);
                self.append(&path, &text[..usize::from(*len) % text.len()]);
            }
            Step::Save => self.save(&path, &Self::records(&path)),
            Step::Rotate(time) if path.exists() => {
                let records = Self::records(&path);
                let kept = format!("*.rot-{}.jsonl", time % 2);
                fs::rename(&path, Self::beside(&path, &kept)).unwrap();
                self.save(&path, &records);
                let _ = fs::remove_file(Self::beside(&path, "*.rot-1.jsonl"));
            }
            Step::Compact => {
                let mut records = Self::records(&path);
                let last = records.pop().unwrap_or_default();
                let compaction = format!(
                    "{{\"count\":1,\"removed_message_count\":{},\"summary\":\"s\",\"type\":\"compaction\"}}\n",
                    records.len()
                );
                self.save(&path, &[compaction, last]);
            }
            Step::Clear(time) if path.exists() => {
                let backup = format!("*.jsonl.before-clear-{}.bak", time % 2);
                fs::copy(&path, Self::beside(&path, &backup)).unwrap();
                self.save(&path, &[]);
            }
            Step::Legacy(is_document) => {
                let records = Self::records(&path);
                let messages: Vec<serde_json::Value> =
                    records.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
                self.save(&path, &records);
                if *is_document {
                    let messages: Vec<_> = messages.iter().map(|it| &it["message"]).collect();
                    let document = serde_json::json!({"messages": messages, "version": 1});
                    let temporary = path.with_extension("jsonl.tmp-1-2");
                    fs::write(&temporary, document.to_string()).unwrap();
                    fs::rename(&temporary, &path).unwrap();
                }
            }
            Step::Truncate(part) if path.exists() => {
                let len = fs::metadata(&path).unwrap().len() * u64::from(*part) / 256;
                File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
            }
            Step::Leftover => fs::write(path.with_extension("jsonl.tmp-7-7"), "{\"par").unwrap(),
            Step::Delete if path.exists() => fs::remove_file(&path).unwrap(),
            _ => {}
        }
    }

    /// Returns the sessions that a step of one session can change.
    fn dirty(second: bool) -> Vec<SessionKey> {
        let id = if second { format!("{DIRECTORY}/session-1-0") } else { "session-2-0".to_owned() };
        ["", ".rot-0", ".rot-1", ".jsonl.before-clear-0.bak", ".jsonl.before-clear-1.bak"]
            .iter()
            .map(|end| SessionId::new(&format!("{id}{end}")).unwrap().into())
            .collect()
    }
}

fn run(steps: &[(bool, Step)], clock: Arc<dyn Clock>, is_watched: bool) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(DIRECTORY)).unwrap();
    let mut world = World { root: dir.path().to_owned(), saves: 0 };
    let source = Arc::new(store_at(Claw, dir.path(), clock));
    let materializer = open(source.clone());
    for (second, step) in steps {
        world.apply(*second, step);
        refresh_and_check(&materializer, &*source, World::dirty(*second), is_watched);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_index_of_old_sessions_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(&steps, Arc::new(StoppedClock(FAR_FUTURE)), is_watched);
    }

    #[test]
    fn an_index_of_young_sessions_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(&steps, Arc::new(StoppedClock(UnixNanos(0))), is_watched);
    }
}

#[test]
fn an_append_is_resumed_and_a_snapshot_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World { root: dir.path().to_owned(), saves: 0 };
    let source = store_at(Claw, dir.path(), Arc::new(StoppedClock(FAR_FUTURE)));
    let session = World::dirty(false).remove(0);
    for index in [0, 1, 2] {
        world.apply(false, &Step::Append(index));
    }
    let resume = |world: &mut World, step: Step| {
        let scope = Scope::Messages(session.clone());
        let token = scan(&source, &scope).set.unwrap().resume.unwrap();
        world.apply(false, &step);
        let go_on = &mut |_| ControlFlow::Continue(());
        source.open().unwrap().resume(&session, &token, go_on).unwrap().probe
    };
    assert!(matches!(resume(&mut world, Step::Append(4)), Probe::Changed(_)));
    for step in [Step::Save, Step::Rotate(0), Step::Compact, Step::Clear(0)] {
        assert_eq!(resume(&mut world, step), Probe::Rescan);
    }
}
