//! Modify events are requested only for files that stay open; for other files the close is the
//! event.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::{Clock, Discipline, SourceId};
use scrollback_source::{DirtyScope, Reader, Source, WatchRoot, WatchedFiles};
use scrollback_source_test::jsonl::JsonlSource;
use scrollback_watch::{Feed, FeedBatch, FeedClock, FeedContext, FeedKind, NativeFeed};
use tempfile::TempDir;

use crate::logs::{Log, MAX_WAIT, logs};
use crate::support::file_source;

const NATIVE_FEEDS: [FeedKind; 2] = [FeedKind::Inotify, FeedKind::Notify];

/// Logs, and documents beside them that are rewritten in place.
struct WithDocuments(JsonlSource);

impl Source for WithDocuments {
    fn id(&self) -> &SourceId {
        self.0.id()
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        self.0.clock()
    }

    fn open(&self) -> scrollback_source::Result<Box<dyn Reader + '_>> {
        self.0.open()
    }

    fn watch_plan(&self) -> Vec<WatchRoot> {
        let mut plan = self.0.watch_plan();
        let files = WatchedFiles::Ending(".json");
        plan.push(WatchRoot { files, discipline: Discipline::InPlace, ..plan[0].clone() });
        plan
    }

    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        let is_document = path.extension().is_some_and(|end| end == "json");
        self.0.scope_of_path(path).or_else(|| is_document.then_some(DirtyScope::Records))
    }
}

async fn next_batch(feed: &mut dyn Feed, clock: Option<&FeedClock>) -> FeedBatch {
    tokio::time::timeout(MAX_WAIT, feed.next(clock)).await.unwrap().unwrap()
}

/// Returns all reported scopes up to and including `last`.
async fn scopes_until(
    feed: &mut dyn Feed,
    clock: &mut FeedClock,
    last: &DirtyScope,
) -> Vec<DirtyScope> {
    let mut scopes = Vec::new();
    while !scopes.contains(last) {
        let batch = next_batch(feed, Some(clock)).await;
        scopes.extend(batch.scopes);
        *clock = batch.clock;
    }
    scopes
}

fn native_feed(kind: FeedKind, source: Arc<dyn Source>) -> NativeFeed {
    let context = FeedContext::new(source);
    match kind {
        #[cfg(target_os = "linux")]
        FeedKind::Inotify => NativeFeed::inotify(context).unwrap(),
        _ => NativeFeed::notify(context).unwrap(),
    }
}

/// Documents that are written in place are reported at their close and not earlier, also beside
/// logs, whose directory has modify events.
#[test]
fn documents_are_reported_when_they_are_closed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for kind in NATIVE_FEEDS {
        let dir = TempDir::new().unwrap();
        let mut log = Log::create(dir.path(), "2026/11/30/ses_1");
        let mut document = File::create(dir.path().join("2026/11/30/settings.json")).unwrap();
        runtime.block_on(async {
            let source = Arc::new(WithDocuments(logs(dir.path())));
            let mut feed = native_feed(kind, source);
            let mut clock = next_batch(&mut feed, None).await.clock;
            document.write_all(b"{}").unwrap();
            log.append();
            let appended = DirtyScope::Session(
                "2026/11/30/ses_1".parse::<scrollback_core_id::SessionId>().unwrap().into(),
            );
            let reported = scopes_until(&mut feed, &mut clock, &appended).await;
            assert!(!reported.contains(&DirtyScope::Records), "{kind}: {reported:?}");
            drop(document);
            let reported = scopes_until(&mut feed, &mut clock, &DirtyScope::Records).await;
            assert!(!reported.contains(&DirtyScope::Store), "{kind}: {reported:?}");
        });
    }
}

/// Modify events are not requested for opencode's records.
#[test]
fn opencode_records_are_reported_when_they_are_closed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for kind in NATIVE_FEEDS {
        let dir = TempDir::new().unwrap();
        let messages = dir.path().join("storage/message/ses_1");
        fs::create_dir_all(&messages).unwrap();
        let [first, second] = [1, 2].map(|number| messages.join(format!("msg_{number}.json")));
        let (mut open, mut other) = (File::create(&first).unwrap(), File::create(&second).unwrap());
        runtime.block_on(async {
            let source = file_source(&dir.path().join("storage"));
            let scopes = [&first, &second].map(|path| source.scope_of_path(path).unwrap());
            let mut feed = native_feed(kind, source);
            let mut clock = next_batch(&mut feed, None).await.clock;
            for _ in 0..10 {
                open.write_all(b"{").unwrap();
            }
            other.write_all(b"{}").unwrap();
            drop(other);
            let reported = scopes_until(&mut feed, &mut clock, &scopes[1]).await;
            assert!(!reported.contains(&scopes[0]), "{kind}: {reported:?}");
            assert_eq!(feed.stats().events, 1, "{kind}");
            drop(open);
            scopes_until(&mut feed, &mut clock, &scopes[0]).await;
        });
    }
}
