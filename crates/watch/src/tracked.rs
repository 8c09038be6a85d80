//! A cache of bytes that knows what is dirty.

use std::sync::Arc;

use scrollback_core_id::{EntityKey, SourceId, Stamp};
use scrollback_source::DirtyScope;
use scrollback_stor_mmap::{MappedFileCache, MappedSpan};

use crate::dirty::DirtyTracker;

/// The spans of a store, each as young as what is known of it: what is dirty, and what is known to look
/// otherwise by now, is read again when it is asked for, as is what may have been in the middle of a write
/// when it was read. Whoever holds an older span keeps it.
#[derive(Clone)]
pub struct TrackedMappedFileCache {
    cache: Arc<MappedFileCache>,
    dirty: Arc<DirtyTracker<DirtyScope>>,
    source: SourceId,
    is_current: Arc<IsCurrent>,
}

type IsCurrent = dyn Fn(&EntityKey, &Stamp) -> bool + Send + Sync;

impl TrackedMappedFileCache {
    /// A view of `cache` for one store, whose changes `dirty` is told of. Whoever settles those says by
    /// `is_current` whether a record still looks as a span does: what it does not know, is read.
    pub fn new(
        cache: Arc<MappedFileCache>,
        dirty: Arc<DirtyTracker<DirtyScope>>,
        source: SourceId,
        is_current: impl Fn(&EntityKey, &Stamp) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { cache, dirty, source, is_current: Arc::new(is_current) }
    }

    /// The bytes of an entity: those in the cache while they are current, else what `load` reads now.
    /// What is dirty stays dirty: whoever keeps the index settles it.
    ///
    /// # Errors
    /// Those of `load`; the cache is then as it was.
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

    /// The cache itself.
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
