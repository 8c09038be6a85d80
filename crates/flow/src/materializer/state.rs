//! What a materializer holds.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use scrollback_core_id::Cursor;
use scrollback_index::{SessionIndex, View};
use scrollback_source::Source;
use scrollback_stor_mmap::{CacheStats, MappedFileCache};

use super::sweep_schedule::SweepSchedule;
use crate::indexing::{NoSnapshot, RefreshCounters, RefreshOptions, RefreshSummary, Snapshots};

/// Answers about the sessions of one store from an index, and loads what the index does not keep.
///
/// The index is true as of the last refresh. What is said of one session is true as of now when it
/// was verified, which whatever loads a session does by itself.
pub struct SessionMaterializer {
    pub(super) source: Arc<dyn Source>,
    pub(super) index: SessionIndex,
    pub(super) cache: Arc<MappedFileCache>,
    pub(super) snapshots: Option<Snapshots>,
    pub(super) options: RefreshOptions,
    pub(super) origin: IndexOrigin,
    /// The state that the snapshot's file had when the index began with it or wrote it last; none
    /// if it did neither.
    pub(super) saved_cursor: Mutex<Option<Cursor>>,
    pub(super) sweep: Mutex<SweepSchedule>,
    /// What all refreshes did.
    pub(super) counters: Mutex<RefreshCounters>,
    /// Held from looking at the store to committing what was seen: of two that look side by side,
    /// the one that looked first must not commit last.
    pub(super) refresh_lock: Mutex<()>,
}

/// Where an index began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexOrigin {
    /// With a snapshot, which was refreshed.
    Snapshot(RefreshSummary),
    /// With the store, because there was no snapshot.
    Store(NoSnapshot),
}

/// What a materializer has.
#[derive(Debug, Clone, PartialEq)]
pub struct MaterializerStats {
    /// Where the index began.
    pub origin: IndexOrigin,
    /// The index.
    pub index: scrollback_index::Stats,
    /// Sessions that are looked at file by file at every refresh.
    pub hot: usize,
    /// The others.
    pub cold: usize,
    /// The cache of bytes.
    pub cache: CacheStats,
    /// What all refreshes since the materializer was opened did with records.
    pub counters: RefreshCounters,
}

impl SessionMaterializer {
    pub(super) fn assemble(
        source: Arc<dyn Source>,
        index: SessionIndex,
        snapshots: Option<Snapshots>,
        options: RefreshOptions,
        (origin, saved_cursor): (IndexOrigin, Option<Cursor>),
    ) -> Self {
        Self {
            source,
            index,
            cache: Arc::new(MappedFileCache::new()),
            snapshots,
            options,
            origin,
            saved_cursor: Mutex::new(saved_cursor),
            sweep: Mutex::new(SweepSchedule::default()),
            counters: Mutex::new(RefreshCounters::default()),
            refresh_lock: Mutex::new(()),
        }
    }

    /// The bytes that were read and may be asked for again.
    pub fn cache(&self) -> &Arc<MappedFileCache> {
        &self.cache
    }

    /// The store.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// The index.
    pub fn index(&self) -> &SessionIndex {
        &self.index
    }

    /// The state of the index as it is now.
    pub fn view(&self) -> View {
        self.index.view()
    }

    /// What it has.
    pub fn stats(&self) -> MaterializerStats {
        let view = self.index.view();
        let known = view.session_ids();
        let is_hot =
            |id: &_| view.refresh_state(id).is_some_and(|(_, state)| self.options.is_hot(&state));
        let hot = known.iter().filter(|id| is_hot(id)).count();
        MaterializerStats {
            origin: self.origin.clone(),
            index: self.index.stats(),
            hot,
            cold: known.len() - hot,
            cache: self.cache.stats(),
            counters: *self.counters.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl fmt::Debug for SessionMaterializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMaterializer")
            .field("index", &self.index)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
