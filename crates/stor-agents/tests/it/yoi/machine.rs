//! Random changes of segments: after each step the refreshed index equals a rebuilt one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use scrollback_core_id::{Clock, SessionId, SessionKey, UnixNanos};
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock};
use scrollback_stor_agents::yoi::Yoi;

use crate::index::{open, refresh_and_check};
use crate::support::{check_single_reads, store_at};

#[derive(Debug, Clone)]
enum Step {
    /// Appends this record, one of [`RECORDS`].
    Append(u8),
    /// Appends two records without a line feed between them, as two writers can.
    Glued(u8, u8),
    /// Appends the first bytes of a record.
    Torn(u8, u8),
    /// Truncates the log behind its last line feed, and appends, as the newer version does.
    Commit(u8),
    /// Appends to the trace.
    Trace,
    /// Writes the log anew with fewer records.
    Truncate(u8),
    /// Writes the segment anew as a fork or a compaction of the other one.
    Begin(bool),
    Delete,
}

const RECORDS: [&str; 12] = [
    r#"{"kind":"invoke","ts":1,"trigger":"user_send"}"#,
    r#"{"kind":"user_input","ts":2,"segments":[{"kind":"text","content":"a question"}]}"#,
    r#"{"kind":"assistant_item","ts":3,"item":{"kind":"reasoning","text":"hm"}}"#,
    r#"{"kind":"assistant_item","ts":4,"item":{"kind":"message","role":"assistant","content":[{"kind":"text","text":"an answer"}]}}"#,
    r#"{"kind":"assistant_item","ts":5,"item":{"kind":"tool_call","call_id":"c1","name":"ls","arguments":"{}"}}"#,
    r#"{"kind":"assistant_item","ts":6,"item":{"kind":"tool_call","call_id":"c2","name":"cat","arguments":"x"}}"#,
    r#"{"kind":"tool_result","ts":7,"item":{"kind":"tool_result","call_id":"c1","summary":"out"}}"#,
    r#"{"kind":"tool_result","ts":8,"item":{"kind":"tool_result","call_id":"c2","summary":"no","is_error":true}}"#,
    r#"{"kind":"turn_end","ts":9,"turn_count":1}"#,
    r#"{"kind":"llm_usage","ts":10,"history_len":3,"input_total_tokens":9,"cache_read_tokens":1,"cache_write_tokens":2,"output_tokens":3}"#,
    r#"{"kind":"system_item","ts":11,"item":{"kind":"interrupt","body":"stop"}}"#,
    r#"{"kind":"brand_new","ts":12}"#,
];

const SESSION: &str = "01900000-0000-7000-8000-000000000001";
const SEGMENTS: [&str; 2] =
    ["01900000-0000-7000-8000-000000000101", "01900000-0000-7000-8000-000000000102"];

fn record(index: u8) -> &'static str {
    RECORDS[usize::from(index) % RECORDS.len()]
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        16 => any::<u8>().prop_map(Step::Append),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Glued(a, b)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Torn(a, b)),
        1 => any::<u8>().prop_map(Step::Commit),
        1 => Just(Step::Trace),
        1 => any::<u8>().prop_map(Step::Truncate),
        1 => any::<bool>().prop_map(Step::Begin),
        1 => Just(Step::Delete),
    ];
    prop::collection::vec((any::<bool>(), step), 1..40)
}

fn append(path: &Path, text: &str) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn apply(root: &Path, second: bool, step: &Step) {
    let directory: PathBuf = root.join(SESSION);
    fs::create_dir_all(&directory).unwrap();
    let (segment, other) = (SEGMENTS[usize::from(second)], SEGMENTS[usize::from(!second)]);
    let path = directory.join(format!("{segment}.jsonl"));
    match step {
        Step::Append(index) => append(&path, &format!("{}\n", record(*index))),
        Step::Glued(a, b) => append(&path, &format!("{}{}\n", record(*a), record(*b))),
        Step::Torn(index, len) => {
            let text = record(*index);
            append(&path, &text[..usize::from(*len) % text.len()]);
        }
        Step::Commit(index) => {
            let bytes = fs::read(&path).unwrap_or_default();
            let len = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            append(&path, "");
            File::options().write(true).open(&path).unwrap().set_len(len as u64).unwrap();
            append(&path, &format!("{}\n", record(*index)));
        }
        Step::Trace => append(
            &directory.join(format!("{segment}.trace.jsonl")),
            "{\"ts\":1,\"turn\":1,\"kind\":\"lifecycle\",\"label\":\"x\"}\n",
        ),
        Step::Truncate(count) if path.exists() => {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            fs::write(&path, lines[..usize::from(*count) % (lines.len() + 1)].concat()).unwrap();
        }
        Step::Begin(is_fork) => {
            let origin = if *is_fork { "forked_from" } else { "compacted_from" };
            let start = format!(
                r#"{{"kind":"segment_start","ts":1,"session_id":"{SESSION}","system_prompt":null,"config":{{}},"history":[{{"kind":"message","role":"system","content":[{{"kind":"text","text":"summary"}}]}},{{"kind":"tool_call","call_id":"c1","name":"ls","arguments":"{{}}"}}],"{origin}":{{"segment_id":"{other}","at_turn_index":1}}}}"#
            );
            fs::write(&path, format!("{start}\n")).unwrap();
        }
        Step::Delete if path.exists() => fs::remove_file(&path).unwrap(),
        _ => {}
    }
}

fn run(steps: &[(bool, Step)], clock: Arc<dyn Clock>, is_watched: bool) {
    let dir = tempfile::tempdir().unwrap();
    let source = Arc::new(store_at(Yoi, dir.path(), clock));
    let materializer = open(source.clone());
    for (second, step) in steps {
        apply(dir.path(), *second, step);
        let id = format!("{SESSION}/{}", SEGMENTS[usize::from(*second)]);
        let session = SessionKey::from(SessionId::new(&id).unwrap());
        check_single_reads(&*source, &session);
        refresh_and_check(&materializer, &*source, vec![session], is_watched);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_index_of_old_segments_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(&steps, Arc::new(StoppedClock(FAR_FUTURE)), is_watched);
    }

    #[test]
    fn an_index_of_young_segments_equals_a_rebuilt_one(steps in steps(), is_watched in any::<bool>()) {
        run(&steps, Arc::new(StoppedClock(UnixNanos(0))), is_watched);
    }
}
