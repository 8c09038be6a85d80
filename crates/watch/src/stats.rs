//! Counters of a driver, for logs and tests.

use crate::feed::{Feed, FeedKind, FeedStats};

/// The counters of a driver since its start, and its present feed.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveStats {
    /// The feed in use.
    pub feed: FeedKind,
    /// The counters of that feed.
    pub feed_stats: FeedStats,
    /// The last 16 changes to a lesser feed.
    pub demotions: Vec<Demotion>,
    /// A better feed that is being started beside the present feed.
    pub attempted_feed: Option<FeedKind>,
    /// The number of changes back to a better feed.
    pub promotions: u64,
    /// The number of scopes that were verified because a feed reported them.
    pub scopes: u64,
    /// The number of comparisons of records, including the comparisons of the whole store.
    pub refreshes: u64,
    /// The number of comparisons of the whole store.
    pub rescans: u64,
    /// The number of scopes that were read again because their last read was provisional.
    pub retries: u64,
    /// The number of scopes in the retry queue, plus 1 while a refresh runs.
    pub pending_scopes: usize,
    /// The number of refreshes that failed as a whole.
    pub failures: u64,
    /// The error of the last failed refresh.
    pub last_failure: Option<String>,
}

impl LiveStats {
    pub(crate) fn new(feed: &dyn Feed, demotions: Vec<Demotion>) -> Self {
        Self {
            feed: feed.kind(),
            feed_stats: feed.stats(),
            demotions,
            attempted_feed: None,
            promotions: 0,
            scopes: 0,
            refreshes: 0,
            rescans: 0,
            retries: 0,
            pending_scopes: 0,
            failures: 0,
            last_failure: None,
        }
    }

    /// Adds demotions, and keeps the last 16.
    pub(crate) fn add_demotions(&mut self, demotions: Vec<Demotion>) {
        const MAX_DEMOTIONS: usize = 16;
        self.demotions.extend(demotions);
        let surplus = self.demotions.len().saturating_sub(MAX_DEMOTIONS);
        self.demotions.drain(..surplus);
    }
}

/// A change from a feed that failed to a lesser feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demotion {
    /// The feed that failed.
    pub from: FeedKind,
    /// The feed that replaced it.
    pub to: FeedKind,
    /// The error of the feed that failed.
    pub reason: String,
}
