//! A feed that this crate does not have: here the writer itself says what it wrote.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use scrollback_source::DirtyScope;
use scrollback_watch::{
    Answer, CustomFeed, Feed, FeedChoice, FeedClock, FeedError, FeedKind, FeedStats, Heard,
    Hearing, Live, LiveError, LiveOptions, Watched,
};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{files, go_on};

const NAME: &str = "the writer";

/// Says what comes through a channel, and that it cannot go on when the channel closes.
struct ChannelFeed {
    watched: Watched,
    paths: UnboundedReceiver<PathBuf>,
    /// What was said since the last clock that came back.
    said: Vec<DirtyScope>,
    clock: u64,
    events: u64,
}

impl ChannelFeed {
    fn say(&mut self, answer: Answer) -> Heard {
        self.clock += 1;
        let clock = format!("{NAME} {}", self.clock).parse().unwrap();
        Heard { scopes: self.said.clone(), clock, answer }
    }
}

impl Feed for ChannelFeed {
    fn kind(&self) -> FeedKind {
        FeedKind::Custom(NAME)
    }

    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> Hearing<'f> {
        Box::pin(async move {
            if self.clock == 0 || clock.is_none() {
                self.said = vec![DirtyScope::Store];
                return Ok(self.say(Answer::Rescan));
            }
            if clock.is_some_and(|clock| clock.to_string() == format!("{NAME} {}", self.clock)) {
                self.said.clear();
            }
            let path = self.paths.recv().await;
            let path = path.ok_or_else(|| FeedError::Custom("the writer went away".into()))?;
            self.events += 1;
            self.said.extend(self.watched.source.scope_of_path(&path));
            Ok(self.say(Answer::Complete))
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

/// A writer that may be listened to, and how often a feed was made of it.
#[derive(Clone, Default)]
struct Writer {
    listener: Arc<Mutex<Option<UnboundedSender<PathBuf>>>>,
    made: Arc<AtomicUsize>,
}

impl Writer {
    fn feed(&self) -> CustomFeed {
        let writer = self.clone();
        CustomFeed::new(NAME, move |watched| {
            writer.made.fetch_add(1, Ordering::Relaxed);
            let (listener, paths) = unbounded_channel();
            *writer.listener.lock().unwrap() = Some(listener);
            Ok(Box::new(ChannelFeed { watched, paths, said: Vec::new(), clock: 0, events: 0 }))
        })
    }

    fn writes(&self, storage: &Path, title: &str) {
        let record = format!(r#"{{"id":"ses_1","projectID":"p","title":"{title}"}}"#);
        let path = storage.join("session/p/ses_1.json");
        scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
        if let Some(listener) = &*self.listener.lock().unwrap() {
            listener.send(path).unwrap();
        }
    }

    fn goes_away(&self) {
        *self.listener.lock().unwrap() = None;
    }
}

fn until(live: &Live, is_it: impl Fn(&Live) -> bool) {
    let start = Instant::now();
    while !is_it(live) {
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
        sweep: Duration::from_secs(86_400),
        retry: Duration::from_millis(200),
        ..LiveOptions::default()
    }
}

#[test]
fn a_feed_of_somebody_else_is_listened_to_and_replaced_while_it_cannot_go_on() {
    let dir = TempDir::new().unwrap();
    let (storage, writer) = (dir.path().join("storage"), Writer::default());
    writer.writes(&storage, "0");
    let options = options(FeedChoice::Custom(writer.feed()));
    let live = Live::start(files(&storage), None, options, &go_on).unwrap();
    assert_eq!(live.stats().feed, FeedKind::Custom(NAME));
    let refreshes = live.stats().refreshes;
    for number in 1..=24 {
        let title = number.to_string();
        writer.writes(&storage, &title);
        until(&live, has_title(&title));
    }
    let stats = live.stats();
    assert_eq!(stats.feed_stats.events, 24, "{stats:?}");
    assert!(stats.refreshes - refreshes <= 6, "told by the feed, and not found: {stats:?}");

    writer.goes_away();
    until(&live, |live| !live.stats().demotions.is_empty());
    let stats = live.stats();
    let gone = &stats.demotions[0];
    assert_eq!((gone.from, gone.to), (FeedKind::Custom(NAME), FeedKind::Poll), "{stats:?}");
    assert_eq!(gone.why, "the writer went away");
    // Polling finds what nobody tells of, and then the feed is taken up again.
    until(&live, |live| live.stats().promotions == 1);
    assert_eq!(writer.made.load(Ordering::Relaxed), 2);
    writer.writes(&storage, "again");
    until(&live, has_title("again"));
    assert_eq!(live.stats().feed, FeedKind::Custom(NAME));
}

#[test]
fn polling_goes_on_where_a_feed_of_somebody_else_does_not_come_back() {
    let dir = TempDir::new().unwrap();
    let (storage, writer) = (dir.path().join("storage"), Writer::default());
    writer.writes(&storage, "0");
    let options = LiveOptions {
        retry: Duration::from_secs(86_400),
        ..options(FeedChoice::Custom(writer.feed()))
    };
    let live = Live::start(files(&storage), None, options, &go_on).unwrap();
    writer.goes_away();
    until(&live, |live| live.stats().feed == FeedKind::Poll);
    writer.writes(&storage, "1");
    until(&live, has_title("1"));
}

#[test]
fn a_feed_of_somebody_else_that_cannot_begin_is_an_error() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    Writer::default().writes(&storage, "0");
    let none = CustomFeed::new(NAME, |_| Err(FeedError::Custom("nobody writes".into())));
    for (choice, expected) in [
        (FeedChoice::Custom(none), "the feed the writer cannot begin: nobody writes"),
        (
            FeedChoice::Only(FeedKind::Custom(NAME)),
            "the feed the writer cannot begin: no feed is supplied under this name",
        ),
    ] {
        let error = Live::start(files(&storage), None, options(choice), &go_on).unwrap_err();
        assert!(matches!(error, LiveError::Feed { kind: FeedKind::Custom(NAME), .. }), "{error}");
        assert_eq!(error.to_string(), expected);
    }
}
