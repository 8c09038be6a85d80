//! What was handed out stays until a clock comes back that covers it.

use scrollback_source::DirtyScope;

use super::clock::FeedClock;
use super::contract::{BatchCoverage, FeedBatch};
use crate::dirty::{Claim, DirtyTracker};
use crate::tick::Tick;

/// What a feed handed out last.
#[derive(Debug, Default)]
pub(super) struct OutstandingBatch {
    last: Option<(Claim<DirtyScope>, FeedClock)>,
    /// How often all of the store was to be looked at.
    pub(super) rescans: u64,
}

impl OutstandingBatch {
    /// Hands out all that is dirty, with the clock that says so.
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

    /// What was handed out with this clock was looked at. Without it, all of that is dirty still.
    pub(super) fn settle(&mut self, dirty: &DirtyTracker<DirtyScope>, clock: Option<&FeedClock>) {
        if let Some((claim, batch_clock)) = self.last.take()
            && clock == Some(&batch_clock)
        {
            dirty.settle(claim);
        }
    }
}
