//! The dirty tracker: scopes that may have changed and are waiting to be verified. A scope is
//! verified, stays dirty, or becomes part of a wider scope; it is never dropped.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::tick::{ClockExhausted, GenerationClock, Tick};

/// A scope that can be dirty, such as a key, a path or a directory.
pub trait Widen: Clone + Eq + Hash {
    /// Returns the next wider scope, which contains all of this scope. Returns `None` for the
    /// widest scope.
    fn wider(&self) -> Option<Self>;

    /// Checks whether a verification of this scope also verifies `other`.
    fn covers(&self, other: &Self) -> bool;
}

/// Dirty scopes, each with the tick at which it last became dirty. Threads may share it.
///
/// ```
/// use scrollback_source::DirtyScope;
/// use scrollback_watch::DirtyTracker;
///
/// let dirty = DirtyTracker::new(4096);
/// dirty.mark(DirtyScope::Records)?;
/// let claim = dirty.claim();
/// for scope in claim.scopes() {
///     println!("verify {scope:?}");
/// }
/// dirty.mark(DirtyScope::Records)?; // another change during the verification
/// dirty.settle(claim);
/// assert_eq!(dirty.len(), 1); // the later change is still to be verified
/// # Ok::<(), scrollback_watch::ClockExhausted>(())
/// ```
#[derive(Debug)]
pub struct DirtyTracker<S> {
    clock: GenerationClock,
    limit: usize,
    dirty: Mutex<HashMap<S, Tick>>,
}

/// Dirty scopes to verify. Pass the claim to [`DirtyTracker::settle`] after the verification. A
/// claim that is dropped changes nothing: its scopes stay dirty.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "verify the claimed scopes, and then settle the claim"]
pub struct Claim<S> {
    scopes: Vec<(S, Tick)>,
}

impl<S: Widen> DirtyTracker<S> {
    /// Returns a tracker of at most `limit` scopes. Beyond the limit, the narrowest scopes merge
    /// into wider scopes.
    pub fn new(limit: usize) -> Self {
        let dirty = Mutex::new(HashMap::new());
        Self { clock: GenerationClock::default(), limit: limit.max(1), dirty }
    }

    /// Marks a scope that may have changed, and returns its tick.
    ///
    /// # Errors
    /// [`ClockExhausted`] if the clock has no tick left.
    pub fn mark(&self, scope: S) -> Result<Tick, ClockExhausted> {
        let mut dirty = self.lock();
        // The tick is taken under the lock, so every claimed scope has an earlier tick than a scope
        // that is marked after the claim.
        let tick = self.clock.tick()?;
        dirty.insert(scope, tick);
        if dirty.len() > self.limit {
            merge_narrowest(&mut dirty, self.limit);
        }
        Ok(tick)
    }

    /// Claims all dirty scopes, the longest dirty first. They stay dirty until the claim is
    /// settled.
    pub fn claim(&self) -> Claim<S> {
        let dirty = self.lock();
        let mut scopes: Vec<(S, Tick)> =
            dirty.iter().map(|(scope, tick)| (scope.clone(), *tick)).collect();
        scopes.sort_unstable_by_key(|(_, tick)| *tick);
        Claim { scopes }
    }

    /// Removes the claimed scopes, except scopes that were marked again after the claim.
    pub fn settle(&self, claim: Claim<S>) {
        let mut dirty = self.lock();
        for (scope, tick) in claim.scopes {
            if dirty.get(&scope).is_some_and(|now| *now <= tick) {
                dirty.remove(&scope);
            }
        }
    }

    /// Returns the tick at which a scope last became dirty, by itself or as part of a wider scope.
    /// Returns `None` for a clean scope.
    pub fn dirtied_at(&self, scope: &S) -> Option<Tick> {
        let dirty = self.lock();
        let covering_tick =
            |(wide, tick): (&S, &Tick)| (wide == scope || wide.covers(scope)).then_some(*tick);
        dirty.iter().filter_map(covering_tick).max()
    }

    /// Returns the number of dirty scopes.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Checks whether no scope is dirty.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<S, Tick>> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Claim<S> {
    /// Returns the scopes, the longest dirty first.
    pub fn scopes(&self) -> impl Iterator<Item = &S> {
        self.scopes.iter().map(|(scope, _)| scope)
    }

    /// Checks whether the claim has no scopes.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Returns the latest tick in the claim. The claim covers every change up to this tick.
    pub fn last_tick(&self) -> Tick {
        self.scopes.last().map(|(_, tick)| *tick).unwrap_or_default()
    }
}

/// Merges the narrowest scopes into wider scopes until at most half of the limit is left. Half, so
/// that the next marks do not merge again at once.
fn merge_narrowest<S: Widen>(dirty: &mut HashMap<S, Tick>, limit: usize) {
    let depth = |scope: &S| {
        let mut steps = 0_u32;
        let mut scope = scope.wider();
        while let Some(wider) = scope {
            steps += 1;
            scope = wider.wider();
        }
        steps
    };
    while dirty.len() > limit / 2 {
        let Some(deepest) = dirty.keys().map(depth).max().filter(|deepest| *deepest > 0) else {
            return;
        };
        for (scope, tick) in std::mem::take(dirty) {
            let wider = if depth(&scope) == deepest { scope.wider() } else { None };
            // The wider scope takes the latest tick: a claim that was made before must not settle
            // it.
            let latest = dirty.entry(wider.unwrap_or(scope)).or_insert(tick);
            *latest = tick.max(*latest);
        }
    }
}
