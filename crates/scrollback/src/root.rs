//! A root: one [`Source`], one index, one snapshot.

use std::ops::{ControlFlow, Deref};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use scrollback_core_id::SessionKey;
use scrollback_core_type::{StageIssue, StageResult};
use scrollback_flow::{Progress, RefreshOptions, SessionMaterializer, Snapshots, Verify};
use scrollback_index::{SessionMeta, View};
use scrollback_source::{DiscoveredRoot, DiscoveredStore, OpenOptions, Source, StoreState};
use scrollback_stor_path::is_backup_name;
use scrollback_stor_path::opencode::{TABLES_V1, TABLES_V2};

use crate::opencode::is_tree;
use crate::{Error, Result};

/// The progress callback of a read. `Break` ends the read with [`Error::Stopped`].
pub(crate) type ProgressCallback = Arc<dyn Fn(Progress) -> ControlFlow<()> + Send + Sync>;

/// A data directory of an agent with all its stores, or one store. A root has one index.
///
/// ```
/// use scrollback::Store;
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let store = Store::builder().path(path).without_cache().build()?;
/// for root in store.roots() {
///     println!("{} at {}: {} sessions", root.agent(), root.id(), root.view()?.sessions().count());
/// }
/// # Ok::<(), scrollback::Error>(())
/// ```
pub struct Root {
    discovered_root: DiscoveredRoot,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) options: OpenOptions,
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) refresh: RefreshOptions,
    pub(crate) progress: ProgressCallback,
    index: RwLock<Option<Arc<Index>>>,
    /// The lock of opening the index, so that only one thread opens it.
    opening_lock: Mutex<()>,
}

/// The index of a root.
pub(crate) enum Index {
    /// The state of the root at the time when the index was opened.
    Opened(Box<SessionMaterializer>),
    /// An index that follows the root.
    #[cfg(feature = "watch")]
    Live(scrollback_watch::Live),
}

impl Index {
    pub(crate) fn materializer(&self) -> &SessionMaterializer {
        match self {
            Self::Opened(materializer) => materializer,
            #[cfg(feature = "watch")]
            Self::Live(live) => live.materializer(),
        }
    }
}

/// A handle to the materializer of a root, which has the index and loads sessions. The handle keeps the
/// index open.
#[derive(Clone)]
pub struct Materializer(Arc<Index>);

impl Deref for Materializer {
    type Target = SessionMaterializer;

    fn deref(&self) -> &SessionMaterializer {
        self.0.materializer()
    }
}

impl Root {
    pub(crate) fn new(
        discovered_root: DiscoveredRoot,
        source: Arc<dyn Source>,
        options: OpenOptions,
        snapshots: Option<Snapshots>,
        (refresh, progress): (RefreshOptions, ProgressCallback),
    ) -> Self {
        Self {
            discovered_root,
            source,
            options,
            snapshots,
            refresh,
            progress,
            index: RwLock::new(None),
            opening_lock: Mutex::new(()),
        }
    }

    /// Returns the agent, the path, and the stores of the root.
    pub fn discovered_root(&self) -> &DiscoveredRoot {
        &self.discovered_root
    }

    /// Returns the name of the agent, such as `opencode`.
    pub fn agent(&self) -> &'static str {
        self.discovered_root.agent
    }

    /// Returns the id of the root: its canonical path.
    pub fn id(&self) -> &str {
        self.discovered_root.id.as_str()
    }

    /// Returns the root as a [`Source`], for the crates below the facade.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Returns the options for reading the files of the root.
    pub fn open_options(&self) -> &OpenOptions {
        &self.options
    }

    /// Returns the index of the root. The first call opens it from its snapshot, if one exists, and brings
    /// it up to date. Later calls return the same state, unless the root is watched.
    ///
    /// # Errors
    /// [`Error::Store`] if the root cannot be read; [`Error::Stopped`] if the progress callback ended the
    /// read.
    pub fn materializer(&self) -> Result<Materializer> {
        if let Some(index) = self.index() {
            return Ok(Materializer(index));
        }
        let _opening = self.lock_opening();
        if let Some(index) = self.index() {
            return Ok(Materializer(index));
        }
        let snapshots = self.snapshots.clone().map(Snapshots::without_cursors);
        let source = Arc::clone(&self.source);
        let opened = SessionMaterializer::open(source, snapshots, self.refresh, &*self.progress)?;
        let ControlFlow::Continue(StageResult { value, .. }) = opened else {
            return Err(Error::Stopped);
        };
        let index = Arc::new(Index::Opened(Box::new(value)));
        self.set_index(Arc::clone(&index));
        Ok(Materializer(index))
    }

    /// Returns the present state of the index.
    ///
    /// # Errors
    /// The errors of [`Root::materializer`].
    pub fn view(&self) -> Result<View> {
        Ok(self.materializer()?.view())
    }

    /// Checks every record of these sessions against the store and updates the index.
    ///
    /// # Errors
    /// [`Error::Store`] if the root cannot be read.
    pub fn verify(&self, sessions: &[SessionKey]) -> Result<()> {
        // Above this number, one parallel check of all sessions is faster than single checks.
        const MAX_SINGLE_VERIFIES: usize = 64;
        let materializer = self.materializer()?;
        if sessions.len() > MAX_SINGLE_VERIFIES {
            let full = RefreshOptions { verify: Verify::Full, ..self.refresh };
            let _ = materializer.refresh(&full, &|_| ControlFlow::Continue(()))?;
        } else {
            materializer.verify_sessions(sessions)?;
        }
        Ok(())
    }

    /// Returns the issues of the root as far as it was read.
    pub fn issues(&self) -> Vec<StageIssue> {
        self.index().map(|index| index.materializer().issues()).unwrap_or_default()
    }

    /// Finds parts whose message is missing, and diffs and todo lists whose session is missing. Reads the
    /// names of all records, so it takes time in a large root.
    ///
    /// # Errors
    /// The errors of [`Root::materializer`].
    pub fn find_orphans(&self) -> Result<Vec<StageIssue>> {
        Ok(self.materializer()?.find_orphans()?)
    }

    /// Returns the path of the store that supplies a session.
    pub fn store_of<'a>(&'a self, session: &'a SessionMeta) -> &'a str {
        session.origin.as_deref().unwrap_or(self.source.id().as_str())
    }

    /// Checks whether a session is only in JSON files, although a database has replaced them.
    pub fn is_left_over(&self, session: &SessionMeta) -> bool {
        let has_database = self.discovered_root.stores.iter().any(|store| {
            store.state == StoreState::Present
                && !is_tree(&store.path)
                && !is_backup_name(&store.path)
        });
        let is_in_database =
            session.provenance.also_in().any(|format| [TABLES_V1, TABLES_V2].contains(&format));
        let store = self.discovered_store_of(session);
        has_database && !is_in_database && store.is_some_and(|store| is_tree(&store.path))
    }

    /// Checks whether a session was read from a database that has the name of a backup.
    pub fn is_from_backup(&self, session: &SessionMeta) -> bool {
        let store = self.discovered_store_of(session);
        store.is_some_and(|store| !is_tree(&store.path) && is_backup_name(&store.path))
    }

    /// Returns the store of the root that supplies a session.
    fn discovered_store_of(&self, session: &SessionMeta) -> Option<&DiscoveredStore> {
        let origin = session.origin.as_deref()?;
        self.discovered_root.stores.iter().find(|store| store.id.as_str() == origin)
    }

    /// Saves the index for the next process if enough has changed. Returns whether it was written.
    ///
    /// # Errors
    /// [`Error::Cache`] if the file cannot be written.
    pub fn save(&self) -> Result<bool> {
        let Some(index) = self.index() else { return Ok(false) };
        Ok(match &*index {
            Index::Opened(materializer) => materializer.save_snapshot()?,
            #[cfg(feature = "watch")]
            Index::Live(live) => live.materializer().save_cursors()?,
        })
    }

    pub(crate) fn index(&self) -> Option<Arc<Index>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_index(&self, index: Arc<Index>) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Some(index);
    }

    pub(crate) fn lock_opening(&self) -> MutexGuard<'_, ()> {
        self.opening_lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Root {
    /// Saves the index for the next process. Ignores a failure, which only makes the next process slower.
    /// Call [`Root::save`] to see the error.
    fn drop(&mut self) {
        let _ = self.save();
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Root")
            .field("discovered_root", &self.discovered_root)
            .finish_non_exhaustive()
    }
}
