//! Options for following a store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use scrollback_flow::{PartDetail, RefreshOptions};

use crate::feed::{
    CustomFeed, DEFAULT_MAX_HOT_DIRECTORIES, DEFAULT_MAX_SCOPES, DEFAULT_TIMEOUT, FeedClock,
    FeedKind,
};

/// Options for following a store; see [`Live::start`](crate::Live::start).
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// The feed to use. Default: [`FeedChoice::Best`].
    pub feed: FeedChoice,
    /// The quiet time before changes are verified. Default: zero, which verifies at once.
    pub debounce: Duration,
    /// The longest time that a change waits for quiet. Default: 200 ms.
    pub max_delay: Duration,
    /// The time within which the sweep verifies every record, whether a feed reported it or not.
    /// Default: 60 s.
    pub sweep_interval: Duration,
    /// The shortest and the longest interval of the poll feed: during changes, and without changes.
    /// Default: 100 ms and 1 s.
    pub poll_intervals: (Duration, Duration),
    /// The most dirty scopes before the narrowest scopes merge. Default: 4,096.
    pub max_scopes: usize,
    /// The most directories that are watched while they are hot. Default: 2,048.
    pub max_hot_directories: usize,
    /// The most watches in total. Default: no limit except the system's.
    pub max_watches: Option<usize>,
    /// The socket of the watchman server. Default: the socket of this user's server.
    pub server_socket: Option<PathBuf>,
    /// The longest time for the start of a feed and for an answer of a server. Default: 10 s.
    pub timeout: Duration,
    /// The longest time for the start of a watchman server, which reads the whole store first.
    /// [`FeedChoice::Best`] waits at most 1 s of it before it takes the next feed, and goes on in the
    /// background. Default: 60 s.
    pub server_start_timeout: Duration,
    /// A callback for a feed that was chosen by name and has not started after 1 s. Default: none.
    pub on_slow_start: Option<OnSlowStart>,
    /// The first wait before a failed feed is tried again; later waits double. Default: 30 s.
    pub retry_wait: Duration,
    /// The value of [`Live::clock`](crate::Live::clock) that was kept with the snapshot. A watchman
    /// server that has run since then reports all later writes, including writes in place.
    pub since: Option<FeedClock>,
    /// Options for refreshing the index. Default: parts are listed with their stamps once their
    /// message is dirty.
    pub refresh: RefreshOptions,
}

/// A callback that receives the kind of a feed that takes long to start.
#[derive(Clone)]
pub struct OnSlowStart(Arc<dyn Fn(FeedKind) + Send + Sync>);

impl OnSlowStart {
    /// Returns a callback. It is called at most once for each start, on the thread of the start.
    pub fn new(callback: impl Fn(FeedKind) + Send + Sync + 'static) -> Self {
        Self(Arc::new(callback))
    }

    pub(crate) fn call(&self, feed: FeedKind) {
        (self.0)(feed);
    }
}

impl fmt::Debug for OnSlowStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnSlowStart").finish_non_exhaustive()
    }
}

/// The choice of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedChoice {
    /// The best feed that works: a watchman server that already watches the store, then the
    /// system's watches, then polling. A feed that fails is replaced by the next feed.
    Best,
    /// This feed. Polling replaces it if it fails later.
    Only(FeedKind),
    /// The caller's own feed. Polling replaces it if it fails later.
    Custom(CustomFeed),
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            feed: FeedChoice::Best,
            debounce: Duration::ZERO,
            max_delay: Duration::from_millis(200),
            sweep_interval: Duration::from_secs(60),
            poll_intervals: (Duration::from_millis(100), Duration::from_secs(1)),
            max_scopes: DEFAULT_MAX_SCOPES,
            max_hot_directories: DEFAULT_MAX_HOT_DIRECTORIES,
            max_watches: None,
            server_socket: None,
            timeout: DEFAULT_TIMEOUT,
            server_start_timeout: Duration::from_secs(60),
            on_slow_start: None,
            retry_wait: Duration::from_secs(30),
            since: None,
            refresh: RefreshOptions {
                parts_of_dirty: PartDetail::Stamps,
                ..RefreshOptions::default()
            },
        }
    }
}
