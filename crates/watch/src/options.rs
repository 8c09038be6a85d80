//! How a store is followed.

use std::path::PathBuf;
use std::time::Duration;

use scrollback_flow::{PartDetail, RefreshOptions};

use crate::feed::{
    CustomFeed, DEFAULT_MAX_HOT_DIRECTORIES, DEFAULT_MAX_SCOPES, DEFAULT_TIMEOUT, FeedClock,
    FeedKind,
};

/// How a store is followed.
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// By which feed.
    pub feed: FeedChoice,
    /// How long it has to be quiet before what changed is looked at. Nothing: at once.
    pub debounce: Duration,
    /// How long what changed may wait at most.
    pub max_delay: Duration,
    /// Within which time every record is looked at, whether a feed spoke of it or not.
    pub sweep_interval: Duration,
    /// How long the poll feed waits, while something happens and while nothing does.
    pub poll_intervals: (Duration, Duration),
    /// How many scopes are kept apart before they join.
    pub max_scopes: usize,
    /// How many directories are watched while they are hot.
    pub max_hot_directories: usize,
    /// How many watches there may be at all.
    pub max_watches: Option<usize>,
    /// The socket of the watchman server; none for where this user's is.
    pub server_socket: Option<PathBuf>,
    /// How long a feed may take to begin, and a server to answer.
    pub timeout: Duration,
    /// How long a feed that could not go on is left alone, at first; then ever longer.
    pub retry_wait: Duration,
    /// What [`Live::clock`](crate::Live::clock) said when a snapshot was about to be kept, that is opened now: a server
    /// that ran all the time says what was written since, also in place.
    pub since: Option<FeedClock>,
    /// How the index is kept.
    pub refresh: RefreshOptions,
}

/// Which feed is listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedChoice {
    /// The best there is: a watchman server that watches the store already, the system's watches,
    /// else polling. One that cannot go on is replaced by the next.
    Best,
    /// This one; polling takes its place if it cannot go on.
    Only(FeedKind),
    /// One that this crate does not have; polling takes its place if it cannot go on.
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
            retry_wait: Duration::from_secs(30),
            since: None,
            refresh: RefreshOptions {
                parts_of_dirty: PartDetail::Stamps,
                ..RefreshOptions::default()
            },
        }
    }
}
