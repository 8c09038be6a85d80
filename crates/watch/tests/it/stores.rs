//! Stores that appear, disappear or are replaced while they are followed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scrollback_core_id::{SourceId, SystemClock};
use scrollback_flow::{MergedSource, OptionalSource};
use scrollback_source::Source;
use scrollback_stor_sqlite::SqliteReader;
use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};
use tempfile::TempDir;

use crate::support::{FEEDS, continue_progress, file_source, start_live, wait_until_settled};

fn titles(live: &Live) -> Vec<String> {
    let view = live.index().view();
    view.sessions().map(|meta| meta.title.as_deref().unwrap_or_default().to_owned()).collect()
}

fn wait_for_titles(live: &Live, expected: &[&str]) {
    let start = Instant::now();
    while titles(live) != expected {
        let (now, stats) = (titles(live), live.stats());
        assert!(start.elapsed() < Duration::from_secs(15), "{now:?}, not {expected:?}: {stats:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn write_session(storage: &Path, number: u8, title: &str) {
    let record = format!(
        r#"{{"id":"ses_{number}","projectID":"p","title":"{title}","time":{{"updated":{number}}}}}"#
    );
    let path = storage.join(format!("session/p/ses_{number}.json"));
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
}

#[test]
fn store_is_followed_through_removal_and_return() {
    for feed in FEEDS {
        let dir = TempDir::new().unwrap();
        let storage = dir.path().join("data/opencode/storage");
        let source = file_source(&storage);
        let live = start_live(&source, feed);
        wait_for_titles(&live, &[]);
        write_session(&storage, 1, "came");
        wait_for_titles(&live, &["came"]);
        fs::remove_dir_all(dir.path().join("data")).unwrap();
        wait_for_titles(&live, &[]);
        write_session(&storage, 2, "again");
        wait_for_titles(&live, &["again"]);
        // The storage directory is moved away and replaced; no directory in it reports that.
        fs::rename(&storage, dir.path().join("aside")).unwrap();
        write_session(&storage, 3, "another");
        wait_for_titles(&live, &["another"]);
        write_session(&storage, 4, "and more");
        wait_for_titles(&live, &["and more", "another"]);
        wait_until_settled(&live, &source, Duration::from_secs(5));
    }
}

#[test]
fn interrupted_poll_still_probes() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    // The interval is longer than the driver's tick, so each tick interrupts the feed.
    let slow = Duration::from_millis(1500);
    let options = LiveOptions {
        feed: FeedChoice::Only(FeedKind::Poll),
        poll_intervals: (slow, slow),
        ..LiveOptions::default()
    };
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    write_session(&storage, 1, "came");
    wait_for_titles(&live, &["came"]);
}

/// Returns the database of a data directory merged with the files that it was migrated from. Either
/// may be missing.
fn merged_source(data: &Path) -> Arc<dyn Source> {
    let id = |name| SourceId::new(name).unwrap();
    let database = SqliteReader::new(data.join("opencode.db"), id("db"), Arc::new(SystemClock));
    let optional = |source| -> Arc<dyn Source> { Arc::new(OptionalSource::new(source)) };
    let merged = MergedSource::new(id("both"), optional(Arc::new(database)));
    Arc::new(merged.with_source(optional(file_source(&data.join("storage")))))
}

#[test]
fn files_become_a_database() {
    for feed in FEEDS {
        let dir = TempDir::new().unwrap();
        let storage = dir.path().join("storage");
        write_session(&storage, 1, "old");
        let source = merged_source(dir.path());
        let live = start_live(&source, feed);
        wait_for_titles(&live, &["old"]);
        let db = scrollback_fixtures::writer::database(dir.path(), "migrated").unwrap();
        wait_for_titles(&live, &["migrated"]);
        db.execute_batch("UPDATE session SET title = 'renamed', time_updated = 2").unwrap();
        wait_for_titles(&live, &["renamed"]);
        write_session(&storage, 2, "left over");
        wait_for_titles(&live, &["renamed", "left over"]);
        wait_until_settled(&live, &source, Duration::from_secs(5));
        assert_eq!(live.stats().feed, feed, "{:?}", live.stats());
    }
}
