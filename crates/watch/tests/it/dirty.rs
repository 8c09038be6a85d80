//! The dirty tracker: a scope stays dirty until it is verified.

use std::collections::BTreeSet;

use proptest::prelude::*;
use scrollback_watch::{DirtyTracker, GenerationClock, Tick, Widen};

/// A path of small numbers. The empty path is the widest scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place(Vec<u8>);

impl Widen for Place {
    fn wider(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Mark(Vec<u8>),
    Take,
    Settle,
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(0..3_u8, 0..4).prop_map(Step::Mark),
        2 => Just(Step::Take),
        2 => Just(Step::Settle),
        1 => Just(Step::Drop),
    ]
}

proptest! {
    /// A scope that was marked since its last verification is dirty, by itself or within a wider
    /// scope, and the number of scopes never exceeds the limit.
    #[test]
    fn marked_scopes_stay_dirty_until_settled(limit in 1..8_usize, steps in prop::collection::vec(step(), 1..80)) {
        let tracker = DirtyTracker::new(limit);
        let (mut dirty, mut claim) = (BTreeSet::new(), None);
        let mut claimed = BTreeSet::new();
        for step in steps {
            match step {
                Step::Mark(path) => {
                    let place = Place(path);
                    tracker.mark(place.clone()).unwrap();
                    claimed.remove(&place); // marked again after the claim
                    dirty.insert(place);
                }
                Step::Take => {
                    claim = Some(tracker.claim());
                    claimed = dirty.clone();
                }
                Step::Settle => {
                    if let Some(claim) = claim.take() {
                        for place in &claimed {
                            prop_assert!(claim.scopes().any(|wide| wide.covers(place)));
                        }
                        tracker.settle(claim);
                        dirty.retain(|place| !claimed.contains(place));
                        claimed.clear();
                    }
                }
                Step::Drop => {
                    claim = None;
                    claimed.clear();
                }
            }
            prop_assert!(tracker.len() <= limit.max(1), "{} of {limit}", tracker.len());
            for place in &dirty {
                prop_assert!(tracker.dirtied_at(place).is_some(), "{place:?}");
            }
        }
    }
}

#[test]
fn scope_marked_after_a_claim_stays_dirty() {
    let tracker = DirtyTracker::new(10);
    let (a, b) = (Place(vec![1]), Place(vec![2]));
    tracker.mark(a.clone()).unwrap();
    tracker.mark(b.clone()).unwrap();
    let claim = tracker.claim();
    let later = tracker.mark(a.clone()).unwrap();
    assert!(claim.last_tick() < later);
    tracker.settle(claim);
    assert_eq!((tracker.dirtied_at(&a), tracker.dirtied_at(&b)), (Some(later), None));
}

#[test]
fn exhausted_clock_is_an_error() {
    let clock = GenerationClock::resume_after(Tick(u64::MAX - 1));
    assert_eq!(clock.tick(), Ok(Tick(u64::MAX)));
    assert!(clock.tick().is_err() && clock.tick().is_err());
    assert_eq!(clock.now(), Tick(u64::MAX));
}
