//! Custom feeds: here the writer itself reports what it wrote.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use scrollback_source::DirtyScope;
use scrollback_watch::{
    BatchCoverage, BatchFuture, CustomFeed, Feed, FeedBatch, FeedChoice, FeedClock, FeedContext,
    FeedError, FeedKind, FeedStats, Live, LiveError, LiveOptions,
};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{continue_progress, file_source};

const NAME: &str = "the writer";

/// A feed that reports the paths of a channel, and fails when the channel closes.
struct ChannelFeed {
    context: FeedContext,
    paths: UnboundedReceiver<PathBuf>,
    /// The scopes since the last confirmed clock.
    unconfirmed: Vec<DirtyScope>,
    clock: u64,
    events: u64,
}

impl ChannelFeed {
    fn make_batch(&mut self, coverage: BatchCoverage) -> FeedBatch {
        self.clock += 1;
        let clock = format!("{NAME} {}", self.clock).parse().unwrap();
        FeedBatch { scopes: self.unconfirmed.clone(), clock, coverage }
    }
}

impl Feed for ChannelFeed {
    fn kind(&self) -> FeedKind {
        FeedKind::Custom(NAME)
    }

    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> BatchFuture<'f> {
        Box::pin(async move {
            if self.clock == 0 || clock.is_none() {
                self.unconfirmed = vec![DirtyScope::Store];
                return Ok(self.make_batch(BatchCoverage::Rescan));
            }
            if clock.is_some_and(|clock| clock.to_string() == format!("{NAME} {}", self.clock)) {
                self.unconfirmed.clear();
            }
            let path = self.paths.recv().await;
            let path = path.ok_or_else(|| FeedError::Custom("the writer went away".into()))?;
            self.events += 1;
            self.unconfirmed.extend(self.context.source.scope_of_path(&path));
            Ok(self.make_batch(BatchCoverage::Complete))
        })
    }

    fn stats(&self) -> FeedStats {
        FeedStats { events: self.events, ..FeedStats::default() }
    }
}

impl fmt::Debug for ChannelFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

/// A writer with an optional listener, and the number of feeds that were made for it.
#[derive(Clone, Default)]
struct Writer {
    listener: Arc<Mutex<Option<UnboundedSender<PathBuf>>>>,
    feeds_made: Arc<AtomicUsize>,
}

impl Writer {
    fn feed(&self) -> CustomFeed {
        let writer = self.clone();
        CustomFeed::new(NAME, move |context| {
            writer.feeds_made.fetch_add(1, Ordering::Relaxed);
            let (listener, paths) = unbounded_channel();
            *writer.listener.lock().unwrap() = Some(listener);
            Ok(Box::new(ChannelFeed {
                context,
                paths,
                unconfirmed: Vec::new(),
                clock: 0,
                events: 0,
            }))
        })
    }

    fn write_session(&self, storage: &Path, title: &str) {
        let record = format!(r#"{{"id":"ses_1","projectID":"p","title":"{title}"}}"#);
        let path = storage.join("session/p/ses_1.json");
        scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
        if let Some(listener) = &*self.listener.lock().unwrap() {
            listener.send(path).unwrap();
        }
    }

    fn disconnect(&self) {
        *self.listener.lock().unwrap() = None;
    }
}

fn wait_until(live: &Live, condition: impl Fn(&Live) -> bool) {
    let start = Instant::now();
    while !condition(live) {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", live.stats());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn has_title(title: &str) -> impl Fn(&Live) -> bool {
    move |live| {
        let view = live.index().view();
        view.sessions().next().is_some_and(|meta| meta.title.as_deref() == Some(title))
    }
}

fn options(feed: FeedChoice) -> LiveOptions {
    LiveOptions {
        feed,
        sweep_interval: Duration::from_secs(86_400),
        retry_wait: Duration::from_millis(200),
        ..LiveOptions::default()
    }
}

#[test]
fn custom_feed_is_used_and_replaced_while_it_fails() {
    let dir = TempDir::new().unwrap();
    let (storage, writer) = (dir.path().join("storage"), Writer::default());
    writer.write_session(&storage, "0");
    let options = options(FeedChoice::Custom(writer.feed()));
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    assert_eq!(live.stats().feed, FeedKind::Custom(NAME));
    let refreshes = live.stats().refreshes;
    for number in 1..=24 {
        let title = number.to_string();
        writer.write_session(&storage, &title);
        wait_until(&live, has_title(&title));
    }
    let stats = live.stats();
    assert_eq!(stats.feed_stats.events, 24, "{stats:?}");
    assert!(stats.refreshes - refreshes <= 6, "the feed must report the changes: {stats:?}");

    writer.disconnect();
    wait_until(&live, |live| !live.stats().demotions.is_empty());
    let stats = live.stats();
    let demotion = &stats.demotions[0];
    assert_eq!((demotion.from, demotion.to), (FeedKind::Custom(NAME), FeedKind::Poll), "{stats:?}");
    assert_eq!(demotion.reason, "the writer went away");
    // Polling finds the changes in between; then the custom feed is used again.
    wait_until(&live, |live| live.stats().promotions == 1);
    assert_eq!(writer.feeds_made.load(Ordering::Relaxed), 2);
    writer.write_session(&storage, "again");
    wait_until(&live, has_title("again"));
    assert_eq!(live.stats().feed, FeedKind::Custom(NAME));
}

#[test]
fn polling_replaces_a_custom_feed_that_does_not_return() {
    let dir = TempDir::new().unwrap();
    let (storage, writer) = (dir.path().join("storage"), Writer::default());
    writer.write_session(&storage, "0");
    let options = LiveOptions {
        retry_wait: Duration::from_secs(86_400),
        ..options(FeedChoice::Custom(writer.feed()))
    };
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    writer.disconnect();
    wait_until(&live, |live| live.stats().feed == FeedKind::Poll);
    writer.write_session(&storage, "1");
    wait_until(&live, has_title("1"));
}

#[test]
fn custom_feed_that_cannot_begin_is_an_error() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    Writer::default().write_session(&storage, "0");
    let failing_feed = CustomFeed::new(NAME, |_| Err(FeedError::Custom("no writer".into())));
    for (choice, expected) in [
        (FeedChoice::Custom(failing_feed), "the feed the writer cannot begin: no writer"),
        (
            FeedChoice::Only(FeedKind::Custom(NAME)),
            "the feed the writer cannot begin: no custom feed with this name is supplied: use FeedChoice::Custom",
        ),
    ] {
        let error = Live::start(file_source(&storage), None, options(choice), &continue_progress)
            .unwrap_err();
        assert!(matches!(error, LiveError::Feed { kind: FeedKind::Custom(NAME), .. }), "{error}");
        assert_eq!(error.to_string(), expected);
    }
}
