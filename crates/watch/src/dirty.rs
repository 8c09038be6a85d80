//! What may have changed since someone last looked at it. Nothing is ever dropped: it is looked at,
//! or it stays, or it becomes part of something wider.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::tick::{ClockExhausted, GenerationClock, Tick};

/// Something that can be dirty: a path, a key, a directory of them.
pub trait Widen: Clone + Eq + Hash {
    /// The next wider scope that has all of this one; none if this is everything.
    fn wider(&self) -> Option<Self>;

    /// Whether looking at all of this looks at all of the other, too.
    fn covers(&self, other: &Self) -> bool;
}

/// Scopes, each with the generation that it was last dirtied at. Shared by threads.
#[derive(Debug)]
pub struct DirtyTracker<S> {
    clock: GenerationClock,
    limit: usize,
    dirty: Mutex<HashMap<S, Tick>>,
}

/// Scopes that someone is to look at. Whoever did hands it to [`DirtyTracker::settle`]; whoever
/// drops it has looked at nothing, and all of it is still dirty.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what is claimed is to be looked at, and then settled"]
pub struct Claim<S> {
    scopes: Vec<(S, Tick)>,
}

impl<S: Widen> DirtyTracker<S> {
    /// A tracker of at most `limit` scopes: beyond that they join.
    pub fn new(limit: usize) -> Self {
        let dirty = Mutex::new(HashMap::new());
        Self { clock: GenerationClock::default(), limit: limit.max(1), dirty }
    }

    /// Says that a scope may have changed.
    ///
    /// # Errors
    /// If no generation is left.
    pub fn mark(&self, scope: S) -> Result<Tick, ClockExhausted> {
        let mut dirty = self.lock();
        // Under the lock, so that what is claimed has no generation later than what is not.
        let generation = self.clock.tick()?;
        dirty.insert(scope, generation);
        if dirty.len() > self.limit {
            merge_narrowest(&mut dirty, self.limit);
        }
        Ok(generation)
    }

    /// All that is dirty, the longest first. It stays dirty until it is settled.
    pub fn claim(&self) -> Claim<S> {
        let dirty = self.lock();
        let mut scopes: Vec<(S, Tick)> =
            dirty.iter().map(|(scope, generation)| (scope.clone(), *generation)).collect();
        scopes.sort_unstable_by_key(|(_, generation)| *generation);
        Claim { scopes }
    }

    /// Forgets what was looked at, but for what was dirtied again meanwhile.
    pub fn settle(&self, claim: Claim<S>) {
        let mut dirty = self.lock();
        for (scope, generation) in claim.scopes {
            if dirty.get(&scope).is_some_and(|now| *now <= generation) {
                dirty.remove(&scope);
            }
        }
    }

    /// When a scope was last dirtied, by itself or as part of a wider one; none if it is clean.
    pub fn dirtied_at(&self, scope: &S) -> Option<Tick> {
        let dirty = self.lock();
        let covering_tick = |(wide, generation): (&S, &Tick)| {
            (wide == scope || wide.covers(scope)).then_some(*generation)
        };
        dirty.iter().filter_map(covering_tick).max()
    }

    /// How many scopes are dirty.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing is dirty.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<S, Tick>> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Claim<S> {
    /// The scopes, those that are dirty for the longest first.
    pub fn scopes(&self) -> impl Iterator<Item = &S> {
        self.scopes.iter().map(|(scope, _)| scope)
    }

    /// Whether nothing is to be looked at.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// The latest generation in it: all that was dirtied until then is in it.
    pub fn last_tick(&self) -> Tick {
        self.scopes.last().map(|(_, generation)| *generation).unwrap_or_default()
    }
}

/// Joins the narrowest scopes into wider ones until few enough are left that there is room again.
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
        for (scope, generation) in std::mem::take(dirty) {
            let wider = if depth(&scope) == deepest { scope.wider() } else { None };
            let latest = dirty.entry(wider.unwrap_or(scope)).or_insert(generation);
            *latest = generation.max(*latest);
        }
    }
}
