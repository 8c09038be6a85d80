//! The state of a materializer.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use scrollback_core_id::Cursor;
use scrollback_core_type::StageIssue;
use scrollback_index::{SessionIndex, View};
use scrollback_source::Source;
use scrollback_stor_mmap::{CacheStats, MappedFileCache};

use super::sweep_schedule::SweepSchedule;
use crate::indexing::{NoSnapshot, RefreshCounters, RefreshOptions, RefreshSummary, Snapshots};

/// An index of one store that answers queries, refreshes itself and loads whole sessions.
///
/// The index is as the store was at the last [`refresh`](Self::refresh).
/// [`load_session_tree`](Self::load_session_tree) verifies its session first, so a loaded session is
/// as it is now. Call [`save_snapshot`](Self::save_snapshot) at the end, so that the next run starts
/// from the snapshot.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{RefreshOptions, SessionMaterializer, Snapshots};
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let cache = tempfile::tempdir()?;
/// let snapshots = Snapshots::new(cache.path());
/// let options = RefreshOptions::default();
/// let progress = |_| ControlFlow::Continue(());
/// let opened = SessionMaterializer::open(Arc::new(store), Some(snapshots), options, &progress)?;
/// let materializer = opened.continue_value().unwrap().value; // `progress` never breaks
///
/// let newest = &materializer.sessions_by_time()[0];
/// let tree = materializer.load_session_tree(&newest.key)?;
/// assert!(!tree.hydrate().value.messages.is_empty());
/// assert!(materializer.save_snapshot()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SessionMaterializer {
    pub(super) source: Arc<dyn Source>,
    pub(super) index: SessionIndex,
    pub(super) cache: Arc<MappedFileCache>,
    pub(super) snapshots: Option<Snapshots>,
    pub(super) options: RefreshOptions,
    pub(super) origin: IndexOrigin,
    /// The cursor of the snapshot file as this process last loaded or wrote it; `None` if it did
    /// neither. Another cursor in the file means that another process has written it since.
    pub(super) saved_cursor: Mutex<Option<Cursor>>,
    pub(super) sweep: Mutex<SweepSchedule>,
    /// The counters of all refreshes, added up.
    pub(super) counters: Mutex<RefreshCounters>,
    /// The issues of the last read of each record that has any.
    pub(super) found_issues: Mutex<Vec<StageIssue>>,
    /// Held from the first read of the store to the commit. Otherwise two refreshes could run side by
    /// side, and the one that read first could commit last and put old records over new ones.
    pub(super) refresh_lock: Mutex<()>,
}

/// The start of an index: a snapshot or the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexOrigin {
    /// The index started from a snapshot and was refreshed, with this result.
    Snapshot(RefreshSummary),
    /// The index was built from the store, for this reason.
    Store(NoSnapshot),
}

/// Figures about a materializer. [`SessionMaterializer::stats`] returns them.
#[derive(Debug, Clone, PartialEq)]
pub struct MaterializerStats {
    /// The start of the index.
    pub origin: IndexOrigin,
    /// Figures about the index.
    pub index: scrollback_index::Stats,
    /// The number of hot sessions, which are verified file by file at every refresh.
    pub hot: usize,
    /// The number of all other sessions.
    pub cold: usize,
    /// Figures about the cache of bytes.
    pub cache: CacheStats,
    /// The counters of all refreshes since the materializer was opened, added up.
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
            found_issues: Mutex::default(),
            refresh_lock: Mutex::new(()),
        }
    }

    /// Returns the cache of bytes that were read and may be needed again.
    pub fn cache(&self) -> &Arc<MappedFileCache> {
        &self.cache
    }

    /// Returns the store.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Returns the index.
    pub fn index(&self) -> &SessionIndex {
        &self.index
    }

    /// Returns a view: the state of the index now, which stays as it is.
    pub fn view(&self) -> View {
        self.index.view()
    }

    /// Returns figures about the index and the cache.
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
