//! The poll feed: asks for comparisons of the records at intervals, which are shorter while
//! something changes.

use std::time::Duration;

use scrollback_source::{DirtyScope, Probe, SourceToken};
use tokio::time::{self, Instant};

use super::clock::{FeedClock, unique_clock_prefix};
use super::context::FeedContext;
use super::contract::{BatchCoverage, BatchFuture, Feed, FeedBatch, FeedStats};
use super::kind::FeedKind;

/// A feed without watches. At intervals it reports that any record may have changed, unless the
/// store's own probe reports no change. The verification compares stamps.
#[derive(Debug)]
pub struct PollFeed {
    context: FeedContext,
    min_interval: Duration,
    max_interval: Duration,
    /// The present interval.
    interval: Duration,
    /// The time of the next probe. Kept here, so that a caller that drops the future does not
    /// postpone the probe.
    due: Option<Instant>,
    /// The probe token of the last verified state.
    token: Option<SourceToken>,
    /// The number of the last batch, and the probe token of its state.
    last_batch: (u64, Option<SourceToken>),
    /// The prefix of this feed's clocks. A clock with another prefix belongs to another feed.
    clock_prefix: String,
    has_begun: bool,
    stats: FeedStats,
}

impl PollFeed {
    /// Creates a feed with a shortest and a longest interval. Usual: 100 ms and 1 s.
    pub fn with_intervals(
        context: FeedContext,
        min_interval: Duration,
        max_interval: Duration,
    ) -> Self {
        Self {
            context,
            min_interval,
            max_interval,
            interval: min_interval,
            due: None,
            token: None,
            last_batch: (0, None),
            clock_prefix: unique_clock_prefix(),
            has_begun: false,
            stats: FeedStats::default(),
        }
    }

    fn make_batch(&mut self, scopes: Vec<DirtyScope>, coverage: BatchCoverage) -> FeedBatch {
        self.last_batch.0 += 1;
        FeedBatch { scopes, clock: self.clock(), coverage }
    }

    /// Returns the clock of the last batch.
    fn clock(&self) -> FeedClock {
        FeedClock(format!("{}{}", self.clock_prefix, self.last_batch.0).into())
    }

    /// Probes the store and returns the scopes to verify.
    fn probe_scopes(&mut self) -> Vec<DirtyScope> {
        let Ok(probed) = self.context.source.probe(self.token.as_ref()) else {
            self.last_batch.1 = None;
            return vec![DirtyScope::Records]; // the verification reports the error
        };
        match probed.probe {
            Probe::Unchanged => {
                self.token = probed.token;
                Vec::new()
            }
            _ => {
                self.last_batch.1 = probed.token;
                vec![DirtyScope::Records]
            }
        }
    }

    fn lengthen_interval(&mut self) {
        self.interval = (self.interval * 3 / 2).min(self.max_interval);
    }
}

impl Feed for PollFeed {
    fn kind(&self) -> FeedKind {
        FeedKind::Poll
    }

    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> BatchFuture<'f> {
        Box::pin(async move {
            let is_own =
                |clock: &FeedClock| self.has_begun && clock.0.starts_with(&self.clock_prefix);
            if !clock.is_some_and(is_own) {
                self.has_begun = true;
                (self.token, self.last_batch.1) = (None, None);
                self.stats.rescans += 1;
                return Ok(self.make_batch(vec![DirtyScope::Store], BatchCoverage::Rescan));
            }
            if clock == Some(&self.clock()) {
                self.token.clone_from(&self.last_batch.1);
            }
            loop {
                let due = *self.due.get_or_insert_with(|| Instant::now() + self.interval);
                time::sleep_until(due).await;
                self.due = None;
                let scopes = self.probe_scopes();
                self.stats.events += 1;
                if !scopes.is_empty() {
                    return Ok(self.make_batch(scopes, BatchCoverage::Complete));
                }
                self.lengthen_interval();
            }
        })
    }

    fn note_refresh_result(&mut self, found_changes: bool) {
        match found_changes {
            true => self.interval = self.min_interval,
            false => self.lengthen_interval(),
        }
    }

    fn stats(&self) -> FeedStats {
        self.stats
    }
}
