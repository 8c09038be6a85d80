//! How a store is followed.

use std::path::PathBuf;
use std::time::Duration;

use scrollback_flow::{PartDetail, RefreshOptions};

use crate::feed::{CustomFeed, FeedClock, FeedKind, HOT, PATIENCE, SCOPES};

/// How a store is followed.
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// By which feed.
    pub feed: FeedChoice,
    /// How long it has to be quiet before what changed is looked at. Nothing: at once.
    pub quiet: Duration,
    /// How long what changed may wait at most.
    pub dirty: Duration,
    /// Within which time every record is looked at, whether a feed spoke of it or not.
    pub sweep: Duration,
    /// How long the poll feed waits, while something happens and while nothing does.
    pub poll: (Duration, Duration),
    /// How many scopes are kept apart before they join.
    pub scopes: usize,
    /// How many directories are watched while they are hot.
    pub hot: usize,
    /// How many watches there may be at all.
    pub watches: Option<usize>,
    /// The socket of the watchman server; none for where this user's is.
    pub server: Option<PathBuf>,
    /// How long a feed may take to begin, and a server to answer.
    pub patience: Duration,
    /// How long a feed that could not go on is left alone, at first; then ever longer.
    pub retry: Duration,
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
            quiet: Duration::ZERO,
            dirty: Duration::from_millis(200),
            sweep: Duration::from_secs(60),
            poll: (Duration::from_millis(100), Duration::from_secs(1)),
            scopes: SCOPES,
            hot: HOT,
            watches: None,
            server: None,
            patience: PATIENCE,
            retry: Duration::from_secs(30),
            since: None,
            refresh: RefreshOptions {
                parts_of_dirty: PartDetail::Stamps,
                ..RefreshOptions::default()
            },
        }
    }
}
