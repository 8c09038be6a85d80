//! Pins: which revision is published, and which ones some view still reads.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::layers::Layers;
use crate::sync::{Mutex, lock};

/// Shared by the index and all of its views.
pub(crate) struct Pins {
    state: Mutex<PinState>,
}

struct PinState {
    layers: Arc<Layers>,
    published: u64,
    /// How many views read each revision.
    view_counts: BTreeMap<u64, usize>,
    /// Revisions that lost their last view, for the writer to clear up after.
    released: Vec<u64>,
}

impl Pins {
    pub(crate) fn new(layers: Arc<Layers>, published: u64) -> Self {
        let (view_counts, released) = (BTreeMap::new(), Vec::new());
        Self { state: Mutex::new(PinState { layers, published, view_counts, released }) }
    }

    /// Pins the published revision.
    pub(crate) fn pin(&self) -> (Arc<Layers>, u64) {
        let mut state = lock(&self.state);
        let revision = state.published;
        *state.view_counts.entry(revision).or_default() += 1;
        (Arc::clone(&state.layers), revision)
    }

    /// Pins a revision once more that is pinned.
    pub(crate) fn add_pin(&self, revision: u64) {
        *lock(&self.state).view_counts.entry(revision).or_default() += 1;
    }

    /// Takes one pin away, and says whether it was the last of its revision.
    pub(crate) fn unpin(&self, revision: u64) -> bool {
        let mut state = lock(&self.state);
        let Some(count) = state.view_counts.get_mut(&revision) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        state.view_counts.remove(&revision);
        state.released.push(revision);
        true
    }

    pub(crate) fn published(&self) -> u64 {
        lock(&self.state).published
    }

    pub(crate) fn layers(&self) -> Arc<Layers> {
        Arc::clone(&lock(&self.state).layers)
    }

    /// Makes a revision the one that new views see. Everything in it was written before.
    pub(crate) fn publish(&self, revision: u64) {
        let mut state = lock(&self.state);
        let previous = state.published;
        state.published = revision;
        // Until now a view could have come to the last one.
        if !state.view_counts.contains_key(&previous) {
            state.released.push(previous);
        }
    }

    /// Makes a generation the one that new views read, at a revision of it.
    pub(crate) fn replace(&self, layers: Arc<Layers>, revision: u64) {
        let mut state = lock(&self.state);
        state.layers = layers;
        state.published = revision;
        state.released.clear(); // what they held went with the old generation
    }

    /// Revisions that nobody can see any more and that were not cleared up after.
    pub(crate) fn take_released(&self) -> Vec<u64> {
        let mut state = lock(&self.state);
        let PinState { view_counts, released, published, .. } = &mut *state;
        released.retain(|revision| !view_counts.contains_key(revision) && revision != published);
        std::mem::take(released)
    }

    pub(crate) fn has_released(&self) -> bool {
        !lock(&self.state).released.is_empty()
    }

    /// The newest revision among these that a view reads or may come to.
    pub(crate) fn newest_reader_in(&self, range: Range<u64>) -> Option<u64> {
        let state = lock(&self.state);
        if range.contains(&state.published) {
            return Some(state.published);
        }
        state.view_counts.range(range).next_back().map(|(revision, _)| *revision)
    }

    /// How many views there are, and the oldest revision that one reads.
    pub(crate) fn view_stats(&self) -> (usize, Option<u64>) {
        let state = lock(&self.state);
        (state.view_counts.values().sum(), state.view_counts.keys().next().copied())
    }
}
