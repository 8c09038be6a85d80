//! The contract of every feed: it reports a change, and repeats it until the change is confirmed.

use std::path::Path;
use std::time::Duration;

use scrollback_source::{DirtyScope, Source};
use scrollback_watch::WatchmanFeed;
use scrollback_watch::{
    BatchCoverage, Feed, FeedBatch, FeedClock, FeedContext, FeedKind, NativeFeed, PollFeed,
};
use tempfile::TempDir;

use crate::server::Server;
use crate::support::file_source;

fn write_message(storage: &Path, number: u8) {
    let path = storage.join(format!("message/ses_1/msg_{number}.json"));
    let record = format!(r#"{{"id":"msg_{number}","sessionID":"ses_1","role":"user"}}"#);
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
}

async fn next_batch(feed: &mut dyn Feed, clock: Option<&FeedClock>) -> FeedBatch {
    tokio::time::timeout(Duration::from_secs(20), feed.next(clock)).await.unwrap().unwrap()
}

/// Checks whether a batch covers a message.
fn covers(batch: &FeedBatch, source: &dyn Source, message: &Path) -> bool {
    let scope = source.scope_of_path(message).unwrap();
    let covers_scope = |dirty_scope: &DirtyScope| {
        *dirty_scope == scope
            || matches!(
                dirty_scope,
                DirtyScope::Records | DirtyScope::Store | DirtyScope::Session(_)
            )
    };
    batch.scopes.iter().any(covers_scope)
}

async fn check_feed(feed: &mut dyn Feed, storage: &Path) {
    let kind = feed.kind();
    let source = file_source(storage);
    // A feed starts with the whole store.
    let first_batch = next_batch(feed, None).await;
    assert_eq!(
        (first_batch.coverage, &first_batch.scopes[..]),
        (BatchCoverage::Rescan, &[DirtyScope::Store][..])
    );
    write_message(storage, 2);
    let path = storage.join("message/ses_1/msg_2.json");
    let mut batch = next_batch(feed, Some(&first_batch.clock)).await;
    while !covers(&batch, &*source, &path) {
        batch = next_batch(feed, Some(&batch.clock)).await;
    }
    if kind != FeedKind::Poll {
        assert_eq!(batch.coverage, BatchCoverage::Complete, "{kind}");
    }
    // An unconfirmed batch is repeated.
    let repeated_batch = next_batch(feed, Some(&first_batch.clock)).await;
    assert!(covers(&repeated_batch, &*source, &path), "{kind}: {repeated_batch:?}");
    // A clock of another feed causes a rescan.
    let foreign_batch = next_batch(feed, Some(&"of another".parse().unwrap())).await;
    assert_eq!(foreign_batch.coverage, BatchCoverage::Rescan, "{kind}: {foreign_batch:?}");
}

#[test]
fn every_feed_reports_changes_until_confirmed() {
    let server = Server::is_installed().then(Server::start);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for kind in [FeedKind::Inotify, FeedKind::Notify, FeedKind::Poll, FeedKind::Watchman] {
            let dir = TempDir::new().unwrap();
            let storage = dir.path().join("storage");
            write_message(&storage, 1);
            let mut context = FeedContext::new(file_source(&storage));
            let mut feed: Box<dyn Feed> = match kind {
                #[cfg(target_os = "linux")]
                FeedKind::Inotify => Box::new(NativeFeed::inotify(context).unwrap()),
                FeedKind::Poll => {
                    let (shortest, longest) =
                        (Duration::from_millis(20), Duration::from_millis(50));
                    Box::new(PollFeed::with_intervals(context, shortest, longest))
                }
                FeedKind::Watchman => {
                    let Some(server) = &server else { continue };
                    context.server_socket = Some(server.socket().to_owned());
                    Box::new(WatchmanFeed::connect(context, true).await.unwrap())
                }
                _ => Box::new(NativeFeed::notify(context).unwrap()),
            };
            check_feed(&mut *feed, &storage).await;
        }
    });
}
