//! A cache of record bytes that reads dirty records again.

use std::sync::Arc;

use scrollback_core_id::{EntityKey, SourceId, Stamp};
use scrollback_source::DirtyScope;
use scrollback_stor_mmap::{MappedFileCache, MappedSpan};

use crate::dirty::DirtyTracker;

/// A cache of spans that returns no stale bytes. A record is read again if it is dirty, if its
/// stamp differs from the indexed stamp, or if its last read was provisional. An older span that a
/// caller holds stays valid.
#[derive(Clone)]
pub struct TrackedMappedFileCache {
    cache: Arc<MappedFileCache>,
    dirty: Arc<DirtyTracker<DirtyScope>>,
    source: SourceId,
    is_current: Arc<IsCurrent>,
}

type IsCurrent = dyn Fn(&EntityKey, &Stamp) -> bool + Send + Sync;

impl TrackedMappedFileCache {
    /// Returns a tracked view of `cache` for the store `source`. `dirty` holds the scopes that may
    /// have changed. `is_current` checks whether the index has a record with this stamp; for an
    /// unknown record it returns `false`, and the record is read.
    pub fn new(
        cache: Arc<MappedFileCache>,
        dirty: Arc<DirtyTracker<DirtyScope>>,
        source: SourceId,
        is_current: impl Fn(&EntityKey, &Stamp) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { cache, dirty, source, is_current: Arc::new(is_current) }
    }

    /// Returns the bytes of a record: from the cache while they are current, otherwise from `load`.
    /// Dirty scopes stay dirty; the driver settles them.
    ///
    /// # Errors
    /// The error of `load`. The cache is then unchanged.
    pub fn get<E>(
        &self,
        key: &EntityKey,
        load: impl FnOnce() -> Result<MappedSpan, E>,
    ) -> Result<MappedSpan, E> {
        let scope = DirtyScope::Entity(key.clone());
        if self.dirty.dirtied_at(&scope).is_none()
            && let Some(span) = self.cache.get(&self.source, key)
            && span.is_settled()
            && (self.is_current)(key, span.stamp())
        {
            return Ok(span);
        }
        let span = load()?;
        self.cache.insert(self.source.clone(), key.clone(), span.clone());
        Ok(span)
    }

    /// Returns the underlying cache.
    pub fn cache(&self) -> &Arc<MappedFileCache> {
        &self.cache
    }
}

impl std::fmt::Debug for TrackedMappedFileCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrackedMappedFileCache")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
