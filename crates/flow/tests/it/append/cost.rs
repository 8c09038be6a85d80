//! Measures the cost of refreshing the index of an append log.

use scrollback_core_id::{Scope, SessionId, SessionKey};
use scrollback_flow::{Dirty, IndexOrigin, RefreshCounters, SessionMaterializer, Snapshots};
use scrollback_source::{LogMark, Source};
use scrollback_source_test::jsonl::{Counts, JsonlSource, LogWriter};

use super::{check_equals_rebuild, log_source, open, refresh};
use crate::calls::scan;

const APPENDS: u64 = 10_000;
/// The fixed cost that is allowed besides the appended records: bytes read, or records parsed,
/// compared or cloned.
const ALLOWED_OVERHEAD: u64 = 4096;

/// An agent that appends one record at a time: prompts, answers with texts, and items between them.
struct Agent {
    log: LogWriter,
    answer: Option<u64>,
    appended: u64,
}

impl Agent {
    fn append(&mut self, step: u64) {
        let before = self.log.len();
        match (step % 8, self.answer) {
            (1 | 4 | 5, Some(answer)) => {
                self.log.append_text(answer, "a text of some words").unwrap()
            }
            (6, Some(answer)) => self.log.append_finished_answer(answer, 7).unwrap(),
            (7, _) => self.log.append_item("switch").unwrap(),
            (3, _) => *self.answer.insert(self.log.append_answer().unwrap()),
            _ => self.log.append_user_message().unwrap(),
        };
        self.appended += self.log.len() - before;
    }
}

fn bytes_read(counts: Counts) -> u64 {
    counts.bytes_read
}

/// Appends records and refreshes after each one. Checks that the cost is proportional to the appended
/// records.
fn append_and_check_cost(
    source: &JsonlSource,
    materializer: &SessionMaterializer,
    agent: &mut Agent,
    steps: std::ops::Range<u64>,
    refresh: impl Fn(&SessionMaterializer),
) {
    let (counts, counters_before) = (source.counters().get(), materializer.stats().counters);
    let (appended, step_count) = (agent.appended, steps.end - steps.start);
    for step in steps {
        agent.append(step);
        refresh(materializer);
    }
    let (appended, now) = (agent.appended - appended, source.counters().get());
    assert!(
        bytes_read(now) - bytes_read(counts) <= 2 * appended + ALLOWED_OVERHEAD,
        "{counts:?} {now:?} {appended}"
    );
    assert!(now.records_parsed - counts.records_parsed <= 2 * step_count + ALLOWED_OVERHEAD);
    assert!(now.bytes_compared - counts.bytes_compared <= LogMark::MAX_TAIL * (step_count + 1));
    assert!(now.stat_calls - counts.stat_calls <= 4 * (step_count + 1));
    let done = materializer.stats().counters;
    let RefreshCounters { resumed, compared, cloned } = counters_before;
    assert_eq!(done.resumed - resumed, step_count, "each refresh resumes");
    assert!(
        done.compared - compared <= 2 * step_count + ALLOWED_OVERHEAD,
        "{counters_before:?} {done:?}"
    );
    assert!(
        done.cloned - cloned <= 2 * step_count + ALLOWED_OVERHEAD,
        "{counters_before:?} {done:?}"
    );
}

#[test]
fn an_append_costs_what_was_appended() {
    let dir = tempfile::tempdir().unwrap();
    let (root, saved) = (dir.path().join("logs"), dir.path().join("kept"));
    let mut log = LogWriter::open(&root, "2026/11/30/first").unwrap();
    log.append_session("a title").unwrap();
    let mut agent = Agent { log, answer: None, appended: 0 };
    let source = log_source(&root);

    let materializer = open(source.clone(), Some(Snapshots::new(&saved)));
    append_and_check_cost(&source, &materializer, &mut agent, 0..APPENDS / 2, refresh);
    check_equals_rebuild(&materializer, &source);
    assert!(materializer.save_snapshot().unwrap());
    drop(materializer);

    // Another process continues from the snapshot, and reads what was appended meanwhile.
    agent.append(APPENDS / 2);
    let before = source.counters().get();
    let materializer = open(source.clone(), Some(Snapshots::new(&saved)));
    assert!(matches!(materializer.stats().origin, IndexOrigin::Snapshot(_)));
    assert!(
        bytes_read(source.counters().get()) - bytes_read(before) < ALLOWED_OVERHEAD,
        "it does not read the log"
    );
    append_and_check_cost(&source, &materializer, &mut agent, APPENDS / 2 + 1..APPENDS, refresh);
    check_equals_rebuild(&materializer, &source);
    let messages = materializer.view().by_session(&SessionId::new("2026/11/30/first").unwrap());
    assert!(messages.len() as u64 > APPENDS / 4);
    assert!(
        messages
            .iter()
            .any(|message| message.parts.as_ref().is_some_and(|list| list.refs.len() == 3))
    );
}

#[test]
fn verifying_a_dirty_session_costs_what_was_appended() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(dir.path(), "first").unwrap();
    log.append_session("a title").unwrap();
    let mut agent = Agent { log, answer: None, appended: 0 };
    let source = log_source(dir.path());
    let materializer = open(source.clone(), None);
    let session = SessionKey::from(SessionId::new("first").unwrap());
    let dirty = Dirty { sessions: vec![session.clone()], ..Dirty::default() };
    append_and_check_cost(&source, &materializer, &mut agent, 0..1000, |materializer| {
        let outcome = materializer.refresh_dirty(&dirty).unwrap();
        assert!(outcome.provisional.is_empty() && outcome.report.issues.is_empty());
    });
    check_equals_rebuild(&materializer, &source);

    // The bytes of messages and parts are in the cache. Only the items of the tree are read.
    let before = bytes_read(source.counters().get());
    let tree = materializer.load_session_tree(&session).unwrap().tree;
    let items = scan(&source, &Scope::Items(session)).entries.len();
    let read = bytes_read(source.counters().get()) - before;
    assert_eq!((tree.items.len(), read), (items, 2 * agent.log.len()), "both scans read the log");
}

#[test]
fn a_survey_of_the_store_reads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a", "2026/11/30/b", "2026/12/01/c"] {
        LogWriter::open(dir.path(), name).unwrap().append_session(name).unwrap();
    }
    let source = log_source(dir.path());
    let materializer = open(source.clone(), None);
    let before = source.counters().get();
    refresh(&materializer);
    let now = source.counters().get();
    assert_eq!((bytes_read(now), now.records_parsed), (bytes_read(before), before.records_parsed));
    assert!(source.open().unwrap().has_session(&SessionId::new("a").unwrap().into()).unwrap());
    check_equals_rebuild(&materializer, &source);
}
