//! Random changes of step files: after each step the refreshed index equals a rebuilt one.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use scrollback_core_id::{Clock, Scope, SessionId, SessionKey, UnixNanos};
use scrollback_source::{Probe, Source, SourceChange};
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock, scan};
use scrollback_stor_agents::crabtalk::Crabtalk;

use crate::index::{open, refresh_and_check};
use crate::support::{check_single_reads, store_at};

#[derive(Debug, Clone)]
enum Step {
    /// Writes the next file with this content, one of [`STEPS`].
    Append(u8),
    /// Writes the next file with the first bytes of a step.
    Torn(u8, u8),
    /// Replaces a file that is there by another step.
    Replace(u8, u8),
    /// Deletes a file that is there.
    Delete(u8),
    /// Leaves a temporary file of a writer that died.
    Leftover(u8),
    /// Writes `meta` again.
    Meta(u8),
    /// Deletes all files and begins with higher numbers, as a later version does.
    Compact,
    /// Deletes the session.
    DeleteSession,
}

const STEPS: [&str; 9] = [
    r#"{"message":{"role":"user","content":[{"type":"text","text":"a question"}]}}"#,
    r#"{"message":{"role":"assistant","content":[{"type":"text","text":"an answer"}]}}"#,
    r#"{"message":{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"ls","input":{}}]}}"#,
    r#"{"message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"x"}]}}"#,
    r#"{"event":"done","model":"m","iterations":1,"stop_reason":"text_response","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"ts":"2026-11-21T00:10:53Z"}"#,
    r#"{"event":"user_steered","content":"stop","ts":"2026-11-21T00:10:53Z"}"#,
    r#"{"archive_name":"a-1","archived_at":"2026-11-21T00:10:53Z"}"#,
    r#"{"compact":"a summary"}"#,
    r#"{"event":"unheard_of"}"#,
];

fn content(index: u8) -> &'static str {
    STEPS[usize::from(index) % STEPS.len()]
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        12 => any::<u8>().prop_map(Step::Append),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Torn(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Replace(a, b)),
        1 => any::<u8>().prop_map(Step::Delete),
        1 => any::<u8>().prop_map(Step::Leftover),
        1 => any::<u8>().prop_map(Step::Meta),
        1 => Just(Step::Compact),
        1 => Just(Step::DeleteSession),
    ];
    prop::collection::vec((any::<bool>(), step), 1..40)
}

/// The sessions of two slugs. Every change gets a time of its own, as it has in a store whose writer
/// is not faster than the file system's clock.
struct World {
    root: PathBuf,
    next: u64,
    changes: u64,
}

impl World {
    fn tick(&mut self, path: &Path) {
        self.changes += 1;
        let time = SystemTime::UNIX_EPOCH
            + Duration::from_nanos(1_700_000_000_000_000_001 + self.changes * 1_000_000_007);
        File::open(path).unwrap().set_modified(time).unwrap();
    }

    /// Writes a file as crabtalk does: a temporary file, then a rename.
    fn write(&mut self, dir: &Path, name: &str, content: &str) {
        if !dir.exists() {
            fs::create_dir(dir).unwrap();
        }
        let temporary = dir.join(format!("{name}.tmp.1.2"));
        fs::write(&temporary, content).unwrap();
        self.tick(&temporary);
        fs::rename(&temporary, dir.join(name)).unwrap();
    }

    fn names(dir: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("step-")).collect();
        names.sort();
        names
    }

    fn append(&mut self, dir: &Path, content: &str) {
        self.next += 1;
        let name = format!("step-{:06}", self.next);
        self.write(dir, &name, content);
    }

    fn apply(&mut self, slug: &str, step: &Step) {
        let dir = self.root.join(slug);
        let names = Self::names(&dir);
        let chosen = |index: u8| names.get(usize::from(index) % names.len().max(1)).cloned();
        match step {
            Step::Append(index) => self.append(&dir, content(*index)),
            Step::Torn(index, len) => {
                let content = content(*index);
                self.append(&dir, &content[..usize::from(*len) % content.len()]);
            }
            Step::Replace(file, index) => {
                if let Some(name) = chosen(*file) {
                    self.write(&dir, &name, content(*index));
                }
            }
            Step::Delete(file) => {
                if let Some(name) = chosen(*file) {
                    fs::remove_file(dir.join(name)).unwrap();
                }
            }
            Step::Leftover(index) if dir.exists() => {
                let name = format!("step-{:06}.tmp.42.{index}", self.next);
                fs::write(dir.join(&name), content(*index)).unwrap();
                self.tick(&dir.join(name));
            }
            Step::Meta(index) => {
                let meta = format!(
                    r#"{{"agent":"a","created_by":"b","created_at":"2026-11-21T00:10:53Z","title":"{index}"}}"#
                );
                self.write(&dir, "meta", &meta);
            }
            Step::Compact => {
                for name in names {
                    fs::remove_file(dir.join(name)).unwrap();
                }
                self.append(&dir, content(6));
                self.append(&dir, content(0));
            }
            Step::DeleteSession if dir.exists() => fs::remove_dir_all(&dir).unwrap(),
            _ => {}
        }
        if dir.exists() {
            self.tick(&dir);
        }
    }
}

fn run(steps: &[(bool, Step)], clock: Arc<dyn Clock>, is_watched: bool) {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World { root: dir.path().to_owned(), next: 0, changes: 0 };
    let source = Arc::new(store_at(Crabtalk, dir.path(), clock));
    let materializer = open(source.clone());
    for (second, step) in steps {
        let slug = if *second { "a_b_2" } else { "a_b_1" };
        world.apply(slug, step);
        let session = SessionKey::from(SessionId::new(slug).unwrap());
        check_single_reads(&*source, &session);
        refresh_and_check(&materializer, &*source, vec![session], is_watched);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_index_of_old_steps_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(&steps, Arc::new(StoppedClock(FAR_FUTURE)), is_watched);
    }

    #[test]
    fn an_index_of_young_steps_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(&steps, Arc::new(StoppedClock(UnixNanos(0))), is_watched);
    }
}

#[test]
fn an_appended_step_is_resumed_and_a_replaced_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World { root: dir.path().to_owned(), next: 0, changes: 0 };
    let source = store_at(Crabtalk, dir.path(), Arc::new(StoppedClock(FAR_FUTURE)));
    let session = SessionKey::from(SessionId::new("a_b_1").unwrap());
    let steps = [Step::Meta(1), Step::Append(0), Step::Append(1), Step::Append(2)];
    steps.iter().for_each(|step| world.apply("a_b_1", step));
    let resume = |world: &mut World, step: Step| {
        let scope = Scope::Messages(session.clone());
        let token = scan(&source, &scope).set.unwrap().resume.unwrap();
        world.apply("a_b_1", &step);
        let go_on = &mut |_| ControlFlow::Continue(());
        source.open().unwrap().resume(&session, &token, go_on).unwrap().probe
    };
    // Number 3 is the call that waits for its result, so it is read again.
    let appended = vec![SourceChange::Appended { session: session.clone(), offset: 3 }];
    assert_eq!(resume(&mut world, Step::Append(3)), Probe::Changed(appended));
    for step in [Step::Replace(0, 1), Step::Delete(1)] {
        assert_eq!(resume(&mut world, step), Probe::Rescan);
    }
}
