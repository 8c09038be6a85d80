//! What was handed out stays until a clock comes back that covers it.

use scrollback_source::DirtyScope;

use super::clock::FeedClock;
use super::contract::{Answer, Heard};
use crate::dirty::{Claim, DirtyTracker};
use crate::generation::Generation;

/// What a feed handed out last.
#[derive(Debug, Default)]
pub(super) struct Handover {
    given: Option<(Claim<DirtyScope>, FeedClock)>,
    /// How often all of the store was to be looked at.
    pub(super) rescans: u64,
}

impl Handover {
    /// Hands out all that is dirty, with the clock that says so.
    pub(super) fn hand_out(
        &mut self,
        dirty: &DirtyTracker<DirtyScope>,
        clock: impl FnOnce(Generation) -> FeedClock,
    ) -> Heard {
        let claim = dirty.take();
        let scopes: Vec<DirtyScope> = claim.scopes().cloned().collect();
        let clock = clock(claim.upto());
        let answer = match scopes.contains(&DirtyScope::Store) {
            true => Answer::Rescan,
            false => Answer::Complete,
        };
        self.rescans += u64::from(answer == Answer::Rescan);
        self.given = Some((claim, clock.clone()));
        Heard { scopes, clock, answer }
    }

    /// What was handed out with this clock was looked at. Without it, all of that is dirty still.
    pub(super) fn settle(&mut self, dirty: &DirtyTracker<DirtyScope>, clock: Option<&FeedClock>) {
        if let Some((claim, given)) = self.given.take()
            && clock == Some(&given)
        {
            dirty.settle(claim);
        }
    }
}
