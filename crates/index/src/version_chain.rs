//! Revision cells: the versions of one key that someone can still see.

use std::ops::Range;
use std::sync::Arc;

/// The value of a key from a revision on.
#[derive(Debug)]
pub(crate) struct Version<V> {
    /// The first revision that shows it.
    pub(crate) since: u64,
    /// The number of the change that made it. Smaller than `since` at times: what only a refresh
    /// cares for is replaced without a change.
    pub(crate) sequence: u64,
    /// None where the key was removed.
    pub(crate) value: Option<Arc<V>>,
}

impl<V> Clone for Version<V> {
    fn clone(&self) -> Self {
        Self { since: self.since, sequence: self.sequence, value: self.value.clone() }
    }
}

/// Versions of one key, the newest first; at least one. A cell never changes: it is replaced.
#[derive(Debug)]
pub(crate) struct VersionChain<V>(Arc<[Version<V>]>);

impl<V> Clone for VersionChain<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> VersionChain<V> {
    pub(crate) fn new(first: Version<V>) -> Self {
        Self(Arc::new([first]))
    }

    /// The version that a revision shows; none if the key came later, or is the base's.
    pub(crate) fn visible_at(&self, revision: u64) -> Option<&Version<V>> {
        self.0.iter().find(|version| version.since <= revision)
    }

    /// The newest version.
    pub(crate) fn newest(&self) -> &Version<V> {
        &self.0[0]
    }

    /// The cell with a newer version in front.
    pub(crate) fn with_newest(&self, newest: Version<V>) -> Self {
        Self(std::iter::once(newest).chain(self.0.iter().cloned()).collect())
    }

    /// The revisions that show the version which came at `since`, if it is not the newest.
    pub(crate) fn visible_range(&self, since: u64) -> Option<Range<u64>> {
        let at = self.0.iter().position(|version| version.since == since)?;
        Some(since..self.0.get(at.checked_sub(1)?)?.since)
    }

    /// The cell without the version that came at `since`.
    pub(crate) fn without_version(&self, since: u64) -> Self {
        Self(self.0.iter().filter(|version| version.since != since).cloned().collect())
    }
}
