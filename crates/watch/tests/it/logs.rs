//! Logs of sessions, whose writers keep them open, followed by one feed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scrollback_core_id::{MessageId, SourceId, SystemClock};
use scrollback_source_test::jsonl::{JsonlSource, LogWriter};
use scrollback_watch::{ChangeKind, FeedChoice, FeedKind, Follower, Live, LiveOptions, Subject};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::server::Server;
use crate::support::continue_progress;

/// The number of sessions for the sweep; more than a test takes seconds.
const OLD_SESSIONS: usize = 200;
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(30);
pub(crate) const ALL_FEEDS: [FeedKind; 4] =
    [FeedKind::Inotify, FeedKind::Notify, FeedKind::Poll, FeedKind::Watchman];

/// A log that is open for appending.
pub(crate) struct Log {
    writer: LogWriter,
    session: String,
}

impl Log {
    /// Creates the log of a session, and its directory if it is missing.
    pub(crate) fn create(root: &Path, session: &str) -> Self {
        let mut writer = LogWriter::open(root, session).unwrap();
        writer.append_session("a log").unwrap();
        Self { writer, session: session.to_owned() }
    }

    /// Appends a message without closing the file, and returns the id of the message.
    pub(crate) fn append(&mut self) -> MessageId {
        let offset = self.writer.append_user_message().unwrap();
        format!("{}:{offset:012x}", self.session).parse().unwrap()
    }
}

pub(crate) fn logs(root: &Path) -> JsonlSource {
    JsonlSource::new(root, SourceId::new("logs").unwrap(), Arc::new(SystemClock))
}

/// Logs that are followed by one feed.
pub(crate) struct FollowedLogs {
    pub(crate) root: PathBuf,
    pub(crate) live: Live,
    follower: Follower,
    runtime: Runtime,
    _server: Option<Server>,
    _dir: TempDir,
}

impl FollowedLogs {
    /// Starts a feed. Apart from the feed only the comparison of the records, every 5 s, reports
    /// changes. Returns `None` if the feed is not available here. `prepare` runs before the start.
    pub(crate) fn start(feed: FeedKind, prepare: impl FnOnce(&Path)) -> Option<Self> {
        Self::start_with_options(feed, LiveOptions::default(), prepare)
    }

    /// Starts with other options. The feed, the sweep and the server are set here.
    pub(crate) fn start_with_options(
        feed: FeedKind,
        options: LiveOptions,
        prepare: impl FnOnce(&Path),
    ) -> Option<Self> {
        let is_watchman = feed == FeedKind::Watchman;
        if is_watchman && !Server::is_installed() {
            return None;
        }
        let dir = TempDir::new().unwrap();
        let root = dir.path().join("home/sessions");
        // The sweep verifies one session a second, so these keep it busy.
        (0..OLD_SESSIONS).for_each(|number| drop(Log::create(&root, &format!("old/ses_{number}"))));
        prepare(&root);
        let server = is_watchman.then(Server::start);
        let options = LiveOptions {
            feed: FeedChoice::Only(feed),
            sweep_interval: Duration::from_secs(86_400),
            server_socket: server.as_ref().map(|server| server.socket().to_owned()),
            ..options
        };
        let live = Live::start(Arc::new(logs(&root)), None, options, &continue_progress).unwrap();
        let mut follower = live.follow(None, None);
        follower.pull().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_server, _dir) = (server, dir);
        Some(Self { root, live, follower, runtime, _server, _dir })
    }

    /// Waits for the event of a message.
    pub(crate) fn wait_for_event(&mut self, id: &MessageId) {
        let Self { follower, runtime, live, .. } = self;
        let notification = async {
            loop {
                let events = follower.next().await.unwrap();
                let is_message = |subject: &Subject| matches!(subject, Subject::Message { key, .. } if key.message == *id);
                if events
                    .iter()
                    .any(|event| event.kind == ChangeKind::Created && is_message(&event.subject))
                {
                    return;
                }
            }
        };
        let notification =
            runtime.block_on(async { tokio::time::timeout(MAX_WAIT, notification).await });
        assert!(notification.is_ok(), "no event for {id}: {:?}", live.stats());
    }

    /// Waits until the index has a message.
    pub(crate) fn wait_until_indexed(&self, id: &MessageId) {
        let start = Instant::now();
        while self.live.index().view().message(id).is_none() {
            assert!(start.elapsed() < MAX_WAIT, "{id} is not indexed: {:?}", self.live.stats());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Checks that the feed reported the appends, and not the comparison of the records.
    pub(crate) fn assert_reported_by_feed(&self, refreshes: u64, appends: u64) {
        let stats = self.live.stats();
        if stats.feed != FeedKind::Poll {
            assert!((stats.refreshes - refreshes) * 4 <= appends, "{appends} appends: {stats:?}");
        }
        assert!(stats.demotions.is_empty() && stats.failures == 0, "{stats:?}");
    }
}
