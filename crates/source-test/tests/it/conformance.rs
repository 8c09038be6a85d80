//! The conformance tests on JSONL logs.

use std::sync::Arc;

use scrollback_core_id::SourceId;
use scrollback_source::Source;
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock};
use scrollback_source_test::jsonl::{JsonlSource, LogWriter};
use scrollback_source_test::{Content, Expectations, check_all};

scrollback_source_test::conformance_tests!(on_all);

/// Checks two logs at different depths, with replaced records, late parts, an orphaned part, items,
/// and an unfinished last line.
fn on_all(check: impl Fn(&dyn Source, &Expectations)) {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(dir.path(), "2026/11/30/first").unwrap();
    log.append_session("a title").unwrap();
    let question = log.append_user_message().unwrap();
    log.append_text(question, "a question").unwrap();
    let answer = log.append_answer().unwrap();
    log.append_item("switch").unwrap();
    log.append_text(answer, "an").unwrap();
    log.append_text(answer, "answer").unwrap();
    log.append_finished_answer(answer, 3).unwrap();
    log.append_session("another title").unwrap();
    log.append_text(question, "more of the question").unwrap();
    log.append_text(1 << 30, "a text of nothing").unwrap();
    log.append_raw(br#"{"record":"message","role":"us"#).unwrap();
    let mut second = LogWriter::open(dir.path(), "second").unwrap();
    second.append_session("second").unwrap();
    second.append_user_message().unwrap();
    let id = SourceId::new("logs").unwrap();
    let source = JsonlSource::new(dir.path(), id, Arc::new(StoppedClock(FAR_FUTURE)));
    check(&source, &Expectations::everything().without(Content::Projects));
}

#[test]
fn check_all_accepts_jsonl_logs() {
    on_all(check_all);
}
