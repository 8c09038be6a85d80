//! Logs whose writer keeps them open: under every feed each append is an event, at any depth, in
//! directories that were there and in those that came.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scrollback_core_id::MessageId;
use scrollback_source::{DirtyScope, Source};
use scrollback_watch::{
    Feed, FeedChoice, FeedClock, FeedKind, Follower, Heard, Live, LiveOptions, NativeFeed, Of,
    Watched, What,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::jsonl::Jsonl;
use crate::server::Server;
use crate::support::{files, go_on};

/// A log that is open for appending.
struct Log {
    file: File,
    session: String,
    messages: u64,
}

impl Log {
    /// Makes the log, and its directory if that is not there.
    fn create(dir: &Path, session: &str) -> Self {
        fs::create_dir_all(dir).unwrap();
        let file = File::options()
            .create(true)
            .append(true)
            .open(dir.join(format!("{session}.jsonl")))
            .unwrap();
        let mut log = Self { file, session: session.to_owned(), messages: 0 };
        log.put(&format!(r#"{{"id":"{session}","projectID":"p","title":"a log"}}"#));
        log
    }

    fn put(&mut self, record: &str) {
        self.file.write_all(format!("{record}\n").as_bytes()).unwrap();
    }

    /// Appends a message, closes nothing, and gives the message's id.
    fn append(&mut self) -> MessageId {
        self.messages += 1;
        let id = format!("msg_{}_{}", self.session, self.messages);
        let of = &self.session;
        self.put(&format!(r#"{{"id":"{id}","sessionID":"{of}","role":"user"}}"#));
        id.parse().unwrap()
    }
}

/// Logs that are followed by one feed.
struct Followed {
    root: PathBuf,
    source: Arc<Jsonl>,
    live: Live,
    follower: Follower,
    runtime: Runtime,
    _server: Option<Server>,
    _dir: TempDir,
}

impl Followed {
    /// Nothing but the feed tells of a change, save the comparison of the records every 5 s. None where the
    /// feed is not on this machine. `before` is there before it begins.
    fn by(feed: FeedKind, before: impl FnOnce(&Path)) -> Option<Self> {
        let is_watchman = feed == FeedKind::Watchman;
        if is_watchman && !Server::is_there() {
            return None;
        }
        let dir = TempDir::new().unwrap();
        let root = dir.path().join("home/sessions");
        // The sweep takes one session a second: it is busy with these.
        (0..SWEPT)
            .for_each(|number| drop(Log::create(&root.join("old"), &format!("ses_x{number}"))));
        before(&root);
        let server = is_watchman.then(Server::start);
        let options = LiveOptions {
            feed: FeedChoice::Only(feed),
            sweep: Duration::from_secs(86_400),
            server: server.as_ref().map(|server| server.socket().to_owned()),
            ..LiveOptions::default()
        };
        let source = Arc::new(Jsonl::new(&root));
        let live = Live::start(source.clone(), None, options, &go_on).unwrap();
        let mut follower = live.follow(None, None);
        follower.pull().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_server, _dir) = (server, dir);
        Some(Self { root, source, live, follower, runtime, _server, _dir })
    }

    /// Waits for the event that tells of a message.
    fn told(&mut self, id: &MessageId) {
        let Self { follower, runtime, live, .. } = self;
        let told = async {
            loop {
                let events = follower.next().await.unwrap();
                let is_it = |of: &Of| matches!(of, Of::Message { key, .. } if key.message == *id);
                if events.iter().any(|event| event.what == What::Created && is_it(&event.of)) {
                    return;
                }
            }
        };
        let told = runtime.block_on(async { tokio::time::timeout(LONGEST, told).await });
        assert!(told.is_ok(), "{id} is not told of: {:?}", live.stats());
    }

    /// Waits until the index has a message.
    fn is_indexed(&self, id: &MessageId) {
        let start = Instant::now();
        while self.live.index().view().message(id).is_none() {
            assert!(start.elapsed() < LONGEST, "{id} is not seen: {:?}", self.live.stats());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether the feed, and not the look at the records, told of so many appends.
    fn was_told_by_the_feed(&self, refreshes: u64, appends: u64) {
        let stats = self.live.stats();
        if stats.feed != FeedKind::Poll {
            assert!((stats.refreshes - refreshes) * 4 <= appends, "{appends} appends: {stats:?}");
        }
        assert!(stats.demotions.is_empty() && stats.failures == 0, "{stats:?}");
    }
}

/// More sessions than a test takes seconds.
const SWEPT: usize = 200;
const LONGEST: Duration = Duration::from_secs(30);
const ALL: [FeedKind; 4] =
    [FeedKind::Inotify, FeedKind::Notify, FeedKind::Poll, FeedKind::Watchman];
const NATIVE: [FeedKind; 2] = [FeedKind::Inotify, FeedKind::Notify];

#[test]
fn each_append_is_an_event() {
    for feed in ALL {
        let mut log = None;
        let before = |root: &Path| log = Some(Log::create(&root.join("2026/11/29"), "ses_1"));
        let Some(mut followed) = Followed::by(feed, before) else { continue };
        let mut log = log.unwrap();
        let refreshes = followed.live.stats().refreshes;
        for _ in 0..24 {
            let id = log.append();
            followed.told(&id);
        }
        followed.was_told_by_the_feed(refreshes, 24);
    }
}

#[test]
fn each_append_is_an_event_in_a_directory_that_came_three_levels_deep() {
    for feed in ALL {
        let Some(mut followed) = Followed::by(feed, |_| {}) else { continue };
        let refreshes = followed.live.stats().refreshes;
        // Its first lines may be older than the watches on what is above it.
        let mut log = Log::create(&followed.root.join("2026/11/30"), "ses_1");
        for _ in 0..24 {
            let id = log.append();
            followed.told(&id);
        }
        if feed != FeedKind::Poll {
            // What came with new directories is looked at by comparing the records, once for each.
            assert!(
                followed.live.stats().refreshes - refreshes <= 6,
                "{:?}",
                followed.live.stats()
            );
        }
    }
}

/// Directories come faster than they are watched, each with a log that is never closed.
#[test]
fn nothing_is_lost_while_directories_come() {
    for feed in ALL {
        let Some(followed) = Followed::by(feed, |_| {}) else { continue };
        let mut logs: Vec<Log> = (0..40)
            .map(|number| {
                let (year, month, day) = (number % 3, number % 7, number);
                let dir = followed.root.join(format!("{year}/{month}/{day}"));
                Log::create(&dir, &format!("ses_{number}"))
            })
            .collect();
        for _ in 0..2 {
            let last: Vec<MessageId> = logs.iter_mut().map(Log::append).collect();
            last.iter().for_each(|id| followed.is_indexed(id));
        }
        // All of them are watched by now.
        let refreshes = followed.live.stats().refreshes;
        for log in &mut logs {
            let id = log.append();
            followed.is_indexed(&id);
        }
        followed.was_told_by_the_feed(refreshes, logs.len() as u64);
    }
}

#[test]
fn a_tree_that_is_moved_away_gives_its_place_to_another() {
    for feed in ALL {
        let mut old = None;
        let before = |root: &Path| old = Some(Log::create(&root.join("2026/11/30"), "ses_1"));
        let Some(mut followed) = Followed::by(feed, before) else { continue };
        let mut old = old.unwrap();
        let id = old.append();
        followed.told(&id);
        let year = followed.root.join("2026");
        fs::rename(&year, followed.root.with_file_name("aside")).unwrap();
        let mut log = Log::create(&year.join("11/30"), "ses_2");
        let id = log.append();
        followed.told(&id);
        let refreshes = followed.live.stats().refreshes;
        for _ in 0..24 {
            old.append(); // of the store no more
            let id = log.append();
            followed.told(&id);
        }
        followed.was_told_by_the_feed(refreshes, 24);
        let view = followed.live.index().view();
        let is_there = |id: &str| view.session(&id.parse().unwrap()).is_some();
        assert!(is_there("ses_2") && !is_there("ses_1"), "{feed}");
    }
}

#[test]
fn a_burst_of_appends_is_looked_at_together() {
    const APPENDS: u64 = 1000;
    for feed in ALL {
        let mut log = None;
        let before = |root: &Path| log = Some(Log::create(&root.join("2026/11/30"), "ses_1"));
        let Some(followed) = Followed::by(feed, before) else { continue };
        let mut log = log.unwrap();
        let looks = followed.source.looks();
        let last = (0..APPENDS).map(|_| log.append()).last().unwrap();
        followed.is_indexed(&last);
        let looks = followed.source.looks() - looks;
        assert!(looks * 10 <= APPENDS, "{feed}: {looks} looks at {APPENDS} appends");
        let view = followed.live.index().view();
        assert_eq!(view.by_session(&"ses_1".parse().unwrap()).len() as u64, APPENDS, "{feed}");
    }
}

async fn next(feed: &mut dyn Feed, clock: Option<&FeedClock>) -> Heard {
    tokio::time::timeout(LONGEST, feed.next(clock)).await.unwrap().unwrap()
}

/// All that a feed says until it speaks of `last`.
async fn all_until(
    feed: &mut dyn Feed,
    clock: &mut FeedClock,
    last: &DirtyScope,
) -> Vec<DirtyScope> {
    let mut all = Vec::new();
    while !all.contains(last) {
        let heard = next(feed, Some(clock)).await;
        all.extend(heard.scopes);
        *clock = heard.clock;
    }
    all
}

fn native(kind: FeedKind, source: Arc<dyn Source>) -> NativeFeed {
    let watched = Watched::new(source);
    match kind {
        #[cfg(target_os = "linux")]
        FeedKind::Inotify => NativeFeed::inotify(watched).unwrap(),
        _ => NativeFeed::notify(watched).unwrap(),
    }
}

/// Files that are written in place are told of when they are closed, and not before: also beside
/// logs, whose directory is asked for modify events.
#[test]
#[cfg(target_os = "linux")]
fn documents_are_told_of_when_they_are_closed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for kind in NATIVE {
        let dir = TempDir::new().unwrap();
        let day = dir.path().join("2026/11/30");
        let mut log = Log::create(&day, "ses_1");
        let mut document = File::create(day.join("settings.json")).unwrap();
        runtime.block_on(async {
            let source = Arc::new(Jsonl::new(dir.path()));
            let mut feed = native(kind, source);
            let mut clock = next(&mut feed, None).await.clock;
            document.write_all(b"{}").unwrap();
            log.append();
            let appended = DirtyScope::Session(
                "ses_1".parse::<scrollback_core_id::SessionId>().unwrap().into(),
            );
            let all = all_until(&mut feed, &mut clock, &appended).await;
            assert!(!all.contains(&DirtyScope::Records), "{kind}: {all:?}");
            drop(document);
            let all = all_until(&mut feed, &mut clock, &DirtyScope::Records).await;
            assert!(!all.contains(&DirtyScope::Store), "{kind}: {all:?}");
        });
    }
}

/// Of opencode's records the system is not even asked for modify events.
#[test]
#[cfg(target_os = "linux")]
fn writes_to_opencodes_records_are_no_events_until_they_are_closed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for kind in NATIVE {
        let dir = TempDir::new().unwrap();
        let messages = dir.path().join("storage/message/ses_1");
        fs::create_dir_all(&messages).unwrap();
        let [first, second] = [1, 2].map(|number| messages.join(format!("msg_{number}.json")));
        let (mut open, mut other) = (File::create(&first).unwrap(), File::create(&second).unwrap());
        runtime.block_on(async {
            let source = files(&dir.path().join("storage"));
            let scopes = [&first, &second].map(|path| source.concerns(path).unwrap());
            let mut feed = native(kind, source);
            let mut clock = next(&mut feed, None).await.clock;
            for _ in 0..10 {
                open.write_all(b"{").unwrap();
            }
            other.write_all(b"{}").unwrap();
            drop(other);
            let all = all_until(&mut feed, &mut clock, &scopes[1]).await;
            assert!(!all.contains(&scopes[0]), "{kind}: {all:?}");
            assert_eq!(feed.stats().events, 1, "{kind}");
            drop(open);
            all_until(&mut feed, &mut clock, &scopes[0]).await;
        });
    }
}
