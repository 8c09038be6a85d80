//! Stores that come, go, and become others, while they are followed.

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

use crate::support::{FEEDS, files, go_on, live, settle};

fn titles(live: &Live) -> Vec<String> {
    let view = live.index().view();
    view.sessions().map(|meta| meta.title.as_deref().unwrap_or_default().to_owned()).collect()
}

fn until(live: &Live, expected: &[&str]) {
    let start = Instant::now();
    while titles(live) != expected {
        let (now, stats) = (titles(live), live.stats());
        assert!(start.elapsed() < Duration::from_secs(15), "{now:?}, not {expected:?}: {stats:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn session(storage: &Path, number: u8, title: &str) {
    let record = format!(
        r#"{{"id":"ses_{number}","projectID":"p","title":"{title}","time":{{"updated":{number}}}}}"#
    );
    let path = storage.join(format!("session/p/ses_{number}.json"));
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
}

#[test]
fn a_store_comes_goes_and_comes_again() {
    for feed in FEEDS {
        let dir = TempDir::new().unwrap();
        let storage = dir.path().join("data/opencode/storage");
        let source = files(&storage);
        let live = live(&source, feed);
        until(&live, &[]);
        session(&storage, 1, "came");
        until(&live, &["came"]);
        fs::remove_dir_all(dir.path().join("data")).unwrap();
        until(&live, &[]);
        session(&storage, 2, "again");
        until(&live, &["again"]);
        // Moved away as a whole, and another in its place: no directory in it tells of that.
        fs::rename(&storage, dir.path().join("aside")).unwrap();
        session(&storage, 3, "another");
        until(&live, &["another"]);
        session(&storage, 4, "and more");
        until(&live, &["and more", "another"]);
        settle(&live, &source, Duration::from_secs(5));
    }
}

#[test]
fn a_poll_that_is_interrupted_all_the_time_looks_all_the_same() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    // It waits for longer than it takes until the driver has something else to do.
    let slow = Duration::from_millis(1500);
    let options = LiveOptions {
        feed: FeedChoice::Only(FeedKind::Poll),
        poll: (slow, slow),
        ..LiveOptions::default()
    };
    let live = Live::start(files(&storage), None, options, &go_on).unwrap();
    session(&storage, 1, "came");
    until(&live, &["came"]);
}

/// The database of a data directory, and the files that it was made from; either may be missing.
fn both(data: &Path) -> Arc<dyn Source> {
    let id = |name| SourceId::new(name).unwrap();
    let database = SqliteReader::new(data.join("opencode.db"), id("db"), Arc::new(SystemClock));
    let there = |source| -> Arc<dyn Source> { Arc::new(OptionalSource::new(source)) };
    let merged = MergedSource::new(id("both"), there(Arc::new(database)));
    Arc::new(merged.with_source(there(files(&data.join("storage")))))
}

#[test]
fn files_become_a_database() {
    for feed in FEEDS {
        let dir = TempDir::new().unwrap();
        let storage = dir.path().join("storage");
        session(&storage, 1, "old");
        let source = both(dir.path());
        let live = live(&source, feed);
        until(&live, &["old"]);
        let db = scrollback_fixtures::writer::database(dir.path(), "migrated").unwrap();
        until(&live, &["migrated"]);
        db.execute_batch("UPDATE session SET title = 'renamed', time_updated = 2").unwrap();
        until(&live, &["renamed"]);
        session(&storage, 2, "left over");
        until(&live, &["renamed", "left over"]);
        settle(&live, &source, Duration::from_secs(5));
        assert_eq!(live.stats().feed, feed, "{:?}", live.stats());
    }
}
