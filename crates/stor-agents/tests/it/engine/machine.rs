//! Random changes of logs: after each step the refreshed index equals a rebuilt one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use scrollback_core_id::{Clock, SessionId, SessionKey, UnixNanos};
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock};

use scrollback_stor_agents::engine::Dialect;

use super::notes::Notes;
use super::papers::Papers;
use crate::index::{open, refresh_and_check};
use crate::support::{check_single_reads, store_at};

#[derive(Debug, Clone)]
enum Step {
    /// Appends this record, one of [`RECORDS`].
    Append(u8),
    /// Appends two records without a line feed between them.
    Glued(u8, u8),
    /// Appends the first bytes of a record, without a line feed.
    Torn(u8, u8),
    /// Ends a torn line.
    LineFeed,
    /// Appends a line that is not JSON.
    Damaged,
    /// Truncates the log to a part of its length.
    Truncate(u8),
    /// Renames another file to the log: a copy without its last line.
    Replace,
    Remove,
    /// Renames a document to the log, which has the same records in an array.
    Document,
}

const RECORDS: [&str; 9] = [
    r#"{"title":"a title"}"#,
    r#"{"user":"a question"}"#,
    r#"{"model":"some words"}"#,
    r#"{"call":"c1","tool":"ls"}"#,
    r#"{"call":"c2","tool":"cat"}"#,
    r#"{"result":"out","of":"c1"}"#,
    r#"{"result":"put","of":"c2"}"#,
    r#"{"usage":9}"#,
    r#"{"event":"switch"}"#,
];

fn record(index: u8) -> &'static str {
    RECORDS[usize::from(index) % RECORDS.len()]
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        12 => any::<u8>().prop_map(Step::Append),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Glued(a, b)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Torn(a, b)),
        2 => Just(Step::LineFeed),
        1 => Just(Step::Damaged),
        1 => any::<u8>().prop_map(Step::Truncate),
        1 => Just(Step::Replace),
        1 => Just(Step::Remove),
        1 => Just(Step::Document),
    ];
    prop::collection::vec((any::<bool>(), step), 1..40)
}

fn path(root: &Path, second: bool) -> PathBuf {
    root.join(if second { "deep/second.jsonl" } else { "first.jsonl" })
}

fn append(path: &Path, text: &str) {
    File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

fn apply(path: &Path, step: &Step) {
    match step {
        Step::Append(index) => append(path, &format!("{}\n", record(*index))),
        Step::Glued(a, b) => append(path, &format!("{}{}\n", record(*a), record(*b))),
        Step::Torn(index, len) => {
            let text = record(*index);
            append(path, &text[..usize::from(*len) % text.len()]);
        }
        Step::LineFeed => append(path, "\n"),
        Step::Damaged => append(path, "{\"user\": nonsense\n"),
        Step::Truncate(part) if path.exists() => {
            let len = fs::metadata(path).unwrap().len() * u64::from(*part) / 256;
            File::options().write(true).open(path).unwrap().set_len(len).unwrap();
        }
        Step::Replace if path.exists() => {
            let text = fs::read(path).unwrap();
            let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            lines.pop();
            let temporary = path.with_extension("tmp");
            fs::write(&temporary, lines.concat()).unwrap();
            fs::rename(&temporary, path).unwrap();
        }
        Step::Document if path.exists() => {
            let text = fs::read_to_string(path).unwrap();
            let lines: Vec<&str> = text
                .lines()
                .filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
                .collect();
            let temporary = path.with_extension("tmp");
            fs::write(&temporary, format!("{{\"messages\":[{}]}}", lines.join(","))).unwrap();
            fs::rename(&temporary, path).unwrap();
        }
        Step::Remove if path.exists() => fs::remove_file(path).unwrap(),
        _ => {}
    }
}

/// Runs the steps under a clock, and checks the index after each.
fn run<D: Dialect>(dialect: D, steps: &[(bool, Step)], clock: Arc<dyn Clock>, is_watched: bool) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("deep")).unwrap();
    let source = Arc::new(store_at(dialect, dir.path(), clock));
    let materializer = open(source.clone());
    for (second, step) in steps {
        apply(&path(dir.path(), *second), step);
        let session = if *second { "deep/second" } else { "first" };
        let session = SessionKey::from(SessionId::new(session).unwrap());
        check_single_reads(&*source, &session);
        refresh_and_check(&materializer, &*source, vec![session], is_watched);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// All files count as old, so that the ends of logs without a line feed are read.
    #[test]
    fn an_index_of_old_logs_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(Notes, &steps, Arc::new(StoppedClock(FAR_FUTURE)), is_watched);
    }

    /// All files count as young, so that the ends of logs without a line feed are left out.
    #[test]
    fn an_index_of_young_logs_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(Notes, &steps, Arc::new(StoppedClock(UnixNanos(0))), is_watched);
    }

    /// Ids count messages, and a log may become a document and a log again.
    #[test]
    fn an_index_of_rewritten_files_equals_a_rebuilt_one(
        steps in steps(),
        is_watched in any::<bool>(),
        is_old in any::<bool>(),
    ) {
        let now = if is_old { FAR_FUTURE } else { UnixNanos(0) };
        run(Papers, &steps, Arc::new(StoppedClock(now)), is_watched);
    }
}
