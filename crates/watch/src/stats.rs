//! What a driver did, for whoever wonders.

use crate::feed::{Feed, FeedKind, FeedStats};

/// What a driver did.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveStats {
    /// The feed that it listens to now.
    pub feed: FeedKind,
    /// What that feed does.
    pub feed_stats: FeedStats,
    /// Feeds that could not go on, the last ones.
    pub demotions: Vec<Demotion>,
    /// How often a better feed was found again.
    pub promotions: u64,
    /// How many scopes were looked at because a feed said so.
    pub scopes: u64,
    /// How often the records were compared, and how often all of the store.
    pub refreshes: u64,
    /// Of those, all of the store.
    pub rescans: u64,
    /// How often something was looked at again, because it may have been in the middle of a write.
    pub retries: u64,
    /// How many scopes wait for that, and one more while a look is under way.
    pub pending_scopes: usize,
    /// How often looking failed as a whole.
    pub failures: u64,
    /// Why the last time.
    pub last_failure: Option<String>,
}

impl LiveStats {
    pub(crate) fn new(feed: &dyn Feed, demotions: Vec<Demotion>) -> Self {
        Self {
            feed: feed.kind(),
            feed_stats: feed.stats(),
            demotions,
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

    /// The last ones are kept.
    pub(crate) fn add_demotions(&mut self, demotions: Vec<Demotion>) {
        const MAX_DEMOTIONS: usize = 16;
        self.demotions.extend(demotions);
        let surplus = self.demotions.len().saturating_sub(MAX_DEMOTIONS);
        self.demotions.drain(..surplus);
    }
}

/// A feed that was given up for a lesser one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demotion {
    /// The feed that could not go on.
    pub from: FeedKind,
    /// The one in its place.
    pub to: FeedKind,
    /// Why.
    pub reason: String,
}
