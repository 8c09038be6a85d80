//! The outstanding batch: its scopes stay dirty until its clock comes back.

use scrollback_source::DirtyScope;

use super::clock::FeedClock;
use super::contract::{BatchCoverage, FeedBatch};
use crate::dirty::{Claim, DirtyTracker};
use crate::tick::Tick;

/// The last batch of a feed, and its claim.
#[derive(Debug, Default)]
pub(super) struct OutstandingBatch {
    last: Option<(Claim<DirtyScope>, FeedClock)>,
    /// The number of batches that asked for a rescan.
    pub(super) rescans: u64,
}

impl OutstandingBatch {
    /// Returns a batch of all dirty scopes. `clock` makes its clock from the last tick.
    pub(super) fn take_batch(
        &mut self,
        dirty: &DirtyTracker<DirtyScope>,
        clock: impl FnOnce(Tick) -> FeedClock,
    ) -> FeedBatch {
        let claim = dirty.claim();
        let scopes: Vec<DirtyScope> = claim.scopes().cloned().collect();
        let clock = clock(claim.last_tick());
        let coverage = match scopes.contains(&DirtyScope::Store) {
            true => BatchCoverage::Rescan,
            false => BatchCoverage::Complete,
        };
        self.rescans += u64::from(coverage == BatchCoverage::Rescan);
        self.last = Some((claim, clock.clone()));
        FeedBatch { scopes, clock, coverage }
    }

    /// Settles the last batch if its clock came back. With another clock, its scopes stay dirty.
    pub(super) fn settle(&mut self, dirty: &DirtyTracker<DirtyScope>, clock: Option<&FeedClock>) {
        if let Some((claim, batch_clock)) = self.last.take()
            && clock == Some(&batch_clock)
        {
            dirty.settle(claim);
        }
    }
}
