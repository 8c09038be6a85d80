//! The published revision, and the revisions that views still read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::layers::Layers;
use crate::sync::{Mutex, lock};

/// The pins of an index. The index and all of its views share them.
pub(crate) struct Pins {
    state: Mutex<PinState>,
}

struct PinState {
    layers: Arc<Layers>,
    published: u64,
    /// The number of views of each revision.
    view_counts: BTreeMap<u64, usize>,
    /// Revisions that lost their last view. The writer drops the versions that it kept for them.
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

    /// Adds a pin to a revision that is pinned already.
    pub(crate) fn add_pin(&self, revision: u64) {
        *lock(&self.state).view_counts.entry(revision).or_default() += 1;
    }

    /// Removes a pin. Returns whether it was the last one of its revision.
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

    /// Publishes a revision: new views show it. The caller has written everything in it before.
    pub(crate) fn publish(&self, revision: u64) {
        let mut state = lock(&self.state);
        let previous = state.published;
        state.published = revision;
        // The previous revision cannot gain a view any more, so its versions may be dropped.
        if !state.view_counts.contains_key(&previous) {
            state.released.push(previous);
        }
    }

    /// Publishes new layers: new views read them, at this revision.
    pub(crate) fn replace(&self, layers: Arc<Layers>, revision: u64) {
        let mut state = lock(&self.state);
        state.layers = layers;
        state.published = revision;
        state.released.clear(); // their versions are in the old layers
    }

    /// Returns the revisions that no view reads or can come to read, and whose versions are still to be
    /// dropped.
    pub(crate) fn take_released(&self) -> Vec<u64> {
        let mut state = lock(&self.state);
        let PinState { view_counts, released, published, .. } = &mut *state;
        released.retain(|revision| !view_counts.contains_key(revision) && revision != published);
        std::mem::take(released)
    }

    pub(crate) fn has_released(&self) -> bool {
        !lock(&self.state).released.is_empty()
    }

    /// Returns the newest revision in a range that a view reads or can come to read.
    pub(crate) fn newest_reader_in(&self, range: Range<u64>) -> Option<u64> {
        let state = lock(&self.state);
        if range.contains(&state.published) {
            return Some(state.published);
        }
        state.view_counts.range(range).next_back().map(|(revision, _)| *revision)
    }

    /// Returns the number of views, and the oldest revision that a view reads.
    pub(crate) fn view_stats(&self) -> (usize, Option<u64>) {
        let state = lock(&self.state);
        (state.view_counts.values().sum(), state.view_counts.keys().next().copied())
    }
}
