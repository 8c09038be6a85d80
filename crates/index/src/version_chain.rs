//! The versions of one key that the newest revision or a view still shows.

use std::ops::Range;
use std::sync::Arc;

/// The value of a key from a revision on.
#[derive(Debug)]
pub(crate) struct Version<V> {
    /// The first revision that shows the version.
    pub(crate) since: u64,
    /// The number of the change that made the value. It can be smaller than `since`: data that only a
    /// refresh uses is replaced without a new change number.
    pub(crate) sequence: u64,
    /// The value; `None` if the key was removed.
    pub(crate) value: Option<Arc<V>>,
}

impl<V> Clone for Version<V> {
    fn clone(&self) -> Self {
        Self { since: self.since, sequence: self.sequence, value: self.value.clone() }
    }
}

/// The versions of one key, newest first, at least one. A chain never changes; the writer replaces it.
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

    /// Returns the version that a revision shows; `None` if the overlay got the key later.
    pub(crate) fn visible_at(&self, revision: u64) -> Option<&Version<V>> {
        self.0.iter().find(|version| version.since <= revision)
    }

    /// Returns the newest version.
    pub(crate) fn newest(&self) -> &Version<V> {
        &self.0[0]
    }

    /// Returns the chain with a newer version in front.
    pub(crate) fn with_newest(&self, newest: Version<V>) -> Self {
        Self(std::iter::once(newest).chain(self.0.iter().cloned()).collect())
    }

    /// Returns the revisions that show the version which came at `since`, if it is not the newest.
    pub(crate) fn visible_range(&self, since: u64) -> Option<Range<u64>> {
        let at = self.0.iter().position(|version| version.since == since)?;
        Some(since..self.0.get(at.checked_sub(1)?)?.since)
    }

    /// Returns the chain without the version that came at `since`.
    pub(crate) fn without_version(&self, since: u64) -> Self {
        Self(self.0.iter().filter(|version| version.since != since).cloned().collect())
    }
}
