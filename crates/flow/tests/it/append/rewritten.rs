//! Logs that are longer than the tail that a `LogMark` compares, changed in other ways than by
//! appending.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime};

use scrollback_flow::{RefreshOptions, SessionMaterializer, Verify};
use scrollback_source::LogMark;
use scrollback_source_test::jsonl::{JsonlSource, LogWriter};

use super::{check_equals_rebuild, log_source, open, rebuilt_state, refresh};
use crate::index::state::State;

struct World {
    _dir: tempfile::TempDir,
    log: LogWriter,
    source: JsonlSource,
    materializer: SessionMaterializer,
}

/// Writes a log of 20 KiB, and opens an index that was resumed once.
fn begin() -> World {
    let dir = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(dir.path(), "2026/11/30/first").unwrap();
    log.append_session("a title").unwrap();
    let source = log_source(dir.path());
    let materializer = open(source.clone(), None);
    while log.len() < 5 * LogMark::MAX_TAIL {
        let answer = log.append_answer().unwrap();
        log.append_text(answer, "some words").unwrap();
        log.append_finished_answer(answer, 1).unwrap();
    }
    refresh(&materializer);
    check_equals_rebuild(&materializer, &source);
    assert_eq!(materializer.stats().counters.resumed, 1);
    World { _dir: dir, log, source, materializer }
}

/// Changes one digit of a file in place, at or after byte `at`.
fn rewrite(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    let digit = bytes[at..].iter_mut().find(|byte| byte.is_ascii_digit()).unwrap();
    *digit = if *digit == b'1' { b'2' } else { b'1' };
    let mut file = File::options().write(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    // The clock of the file system may not have advanced since the last append.
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)).unwrap();
}

/// Refreshes, and returns whether the log was read again as a whole.
fn reads_anew(world: &World) -> bool {
    let before = world.materializer.stats().counters.resumed;
    refresh(&world.materializer);
    check_equals_rebuild(&world.materializer, &world.source);
    world.materializer.stats().counters.resumed == before
}

#[test]
fn a_rewrite_in_place_is_recognised() {
    for at in [0, 19_000] {
        let mut world = begin();
        rewrite(world.log.path(), at);
        assert!(reads_anew(&world), "{at}");
        world.log.append_user_message().unwrap();
        assert!(!reads_anew(&world), "then it resumes again");
    }
}

#[test]
fn a_rewrite_followed_by_an_append_is_recognised() {
    let mut world = begin();
    rewrite(world.log.path(), 19_000);
    world.log.append_user_message().unwrap();
    assert!(reads_anew(&world));
}

/// The only rewrite that a fast refresh misses (`docs/refresh.md`).
#[test]
fn a_rewrite_far_before_the_mark_needs_a_full_refresh() {
    let mut world = begin();
    rewrite(world.log.path(), 0); // in the head of the session
    world.log.append_user_message().unwrap();
    let World { materializer, source, .. } = &world;
    refresh(materializer);
    assert_ne!(State::from_view(&materializer.view()).entities, rebuilt_state(source).entities);
    let full = RefreshOptions { verify: Verify::Full, ..RefreshOptions::default() };
    assert!(materializer.refresh(&full, &|_| ControlFlow::Continue(())).unwrap().is_continue());
    check_equals_rebuild(materializer, source);
    world.log.append_user_message().unwrap();
    assert!(!reads_anew(&world), "then it resumes again");
}

#[test]
fn truncated_and_replaced_logs_are_recognised() {
    let world = begin();
    File::options().write(true).open(world.log.path()).unwrap().set_len(9_000).unwrap();
    assert!(reads_anew(&world), "truncated in a line");

    let world = begin();
    let copy = world.log.path().with_extension("tmp");
    fs::copy(world.log.path(), &copy).unwrap();
    fs::rename(&copy, world.log.path()).unwrap();
    assert!(reads_anew(&world), "replaced by a copy");

    let world = begin();
    fs::rename(world.log.path(), world.log.path().with_extension("1.jsonl")).unwrap();
    let root = world.log.path().ancestors().nth(4).unwrap();
    LogWriter::open(root, "2026/11/30/first").unwrap().append_session("rotated").unwrap();
    assert!(reads_anew(&world), "rotated");
}
