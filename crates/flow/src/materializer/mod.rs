//! The materializer: an index, the Source that it is of, and a cache of bytes, as one thing that
//! answers.

mod learn;
mod load;
mod queries;
mod records;
mod sweep;

pub use records::{Dirty, Looked};

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use scrollback_core_err::PathError;
use scrollback_core_id::{Cursor, SessionKey};
use scrollback_core_type::{StageReport, StageResult};
use scrollback_index::{Batch, SessionIndex, View};
use scrollback_source::{Result, Source};
use scrollback_stor_mmap::{CacheStats, MappedFileCache};

use self::sweep::Sweep;
use crate::indexing::{
    Byproducts, Effort, NoSnapshot, OnProgress, Parts, RefreshOptions, Refreshed, Snapshots,
    Verify, build_index, refresh, refresh_index,
};

/// Answers about the sessions of one store from an index, and loads what the index does not keep.
///
/// The index is true as of the last refresh. What is said of one session is true as of now when it
/// was verified, which whatever loads a session does by itself.
pub struct SessionMaterializer {
    source: Arc<dyn Source>,
    index: SessionIndex,
    cache: Arc<MappedFileCache>,
    snapshots: Option<Snapshots>,
    options: RefreshOptions,
    origin: Origin,
    /// The state that the snapshot's file had when the index began with it or wrote it last; none
    /// if it did neither.
    kept: Mutex<Option<Cursor>>,
    sweep: Mutex<Sweep>,
    /// What all refreshes did.
    effort: Mutex<Effort>,
    /// Held from looking at the store to committing what was seen: of two that look side by side,
    /// the one that looked first must not commit last.
    looking: Mutex<()>,
}

/// Where an index began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// With a snapshot, which was refreshed.
    Snapshot(Refreshed),
    /// With the store, because there was no snapshot.
    Store(NoSnapshot),
}

/// What a materializer has.
#[derive(Debug, Clone, PartialEq)]
pub struct MaterializerStats {
    /// Where the index began.
    pub origin: Origin,
    /// The index.
    pub index: scrollback_index::Stats,
    /// Sessions that are looked at file by file at every refresh.
    pub hot: usize,
    /// The others.
    pub cold: usize,
    /// The cache of bytes.
    pub cache: CacheStats,
    /// What all refreshes since the materializer was opened did with records.
    pub effort: Effort,
}

impl SessionMaterializer {
    /// Begins with the snapshot of a store and refreshes it, or builds the index anew where there
    /// is none that is of use. Without `snapshots` none is looked for, and none kept. Breaks if
    /// `progress` does.
    ///
    /// # Errors
    /// If the store cannot be opened or walked.
    pub fn open(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: RefreshOptions,
        progress: &OnProgress<'_>,
    ) -> Result<ControlFlow<(), StageResult<Self>>> {
        let loaded = snapshots
            .as_ref()
            .ok_or(NoSnapshot::Missing)
            .and_then(|snapshots| snapshots.load(source.id()));
        let (index, origin, kept, report) = match loaded {
            Ok(snapshot) => {
                let kept = Some(snapshot.cursor());
                let has_cursors = snapshots.as_ref().is_none_or(Snapshots::has_cursors);
                let index = match has_cursors {
                    true => SessionIndex::from_snapshot(snapshot),
                    false => SessionIndex::from_snapshot_without_cursors(snapshot),
                };
                let refreshed = refresh_index(&*source, &index, &options, progress)?;
                let ControlFlow::Continue(StageResult { value, report }) = refreshed else {
                    return Ok(ControlFlow::Break(()));
                };
                (index, Origin::Snapshot(value), kept, report)
            }
            Err(why) => {
                let built = build_index(&*source, options.parts, progress)?;
                let ControlFlow::Continue(StageResult { value, report }) = built else {
                    return Ok(ControlFlow::Break(()));
                };
                let mut report = report;
                if value.token().is_some() {
                    // What changed while it was read, where that is known.
                    let fast = RefreshOptions { verify: Verify::Fast, ..options };
                    match refresh_index(&*source, &value, &fast, progress)? {
                        ControlFlow::Continue(again) => add_new(&mut report, again.report),
                        ControlFlow::Break(()) => return Ok(ControlFlow::Break(())),
                    }
                }
                (value, Origin::Store(why), None, report)
            }
        };
        let value = Self::over(source, index, snapshots, options, (origin, kept));
        Ok(ControlFlow::Continue(StageResult { value, report }))
    }

    /// Begins with nothing, for a store that is not there yet.
    pub fn empty(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: RefreshOptions,
    ) -> Self {
        let index = SessionIndex::new(source.id().clone());
        let origin = (Origin::Store(NoSnapshot::Missing), None);
        Self::over(source, index, snapshots, options, origin)
    }

    fn over(
        source: Arc<dyn Source>,
        index: SessionIndex,
        snapshots: Option<Snapshots>,
        options: RefreshOptions,
        (origin, kept): (Origin, Option<Cursor>),
    ) -> Self {
        Self {
            source,
            index,
            cache: Arc::new(MappedFileCache::new()),
            snapshots,
            options,
            origin,
            kept: Mutex::new(kept),
            sweep: Mutex::new(Sweep::default()),
            effort: Mutex::new(Effort::default()),
            looking: Mutex::new(()),
        }
    }

    /// Removes all that is known, as the store is not there any more.
    pub fn forget_all(&self) {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let (view, mut batch) = (self.index.view(), Batch::new());
        view.projects().iter().for_each(|project| batch.remove_project(project.id.clone()));
        for id in view.known_sessions() {
            let messages = view.by_session(&id);
            messages.iter().for_each(|meta| batch.remove_message(meta.key.clone()));
            batch.remove_session(id.into());
        }
        batch.set_token(None);
        drop(view);
        self.index.commit(batch);
        self.cache.clear();
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

    /// Makes the index equal to the store again. Breaks if `progress` does.
    ///
    /// # Errors
    /// If the store cannot be opened or walked; the index is then as it was.
    pub fn refresh(
        &self,
        options: &RefreshOptions,
        progress: &OnProgress<'_>,
    ) -> Result<ControlFlow<(), StageResult<Refreshed>>> {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let mut byproducts = Byproducts::default();
        let refreshed = refresh(&*self.source, &self.index, options, progress, &mut byproducts);
        self.take(byproducts);
        refreshed
    }

    /// Keeps what a refresh leaves besides the index.
    fn take(&self, Byproducts { spans, effort }: Byproducts) {
        *self.effort.lock().unwrap_or_else(PoisonError::into_inner) += effort;
        for (key, span) in spans.into_iter().filter(|(_, span)| span.is_settled()) {
            self.cache.insert(self.source.id().clone(), key, span);
        }
    }

    /// Looks at every file of these sessions, so that what is said of them is true as of now.
    /// Some 80 stats a session.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn verify_sessions(&self, sessions: &[SessionKey]) -> Result<StageReport> {
        let sessions = sessions.to_vec();
        // Nobody said that they are dirty.
        let options = RefreshOptions { parts_of_dirty: Parts::Later, ..self.options };
        Ok(self.look(&Dirty { sessions, ..Dirty::default() }, &options)?.report)
    }

    /// Keeps the index for the next run, if it differs enough from what is kept to be worth a
    /// write, and no other process kept one meanwhile or follows the store: a refresh finds the
    /// rest again. Says whether it did.
    ///
    /// # Errors
    /// If it cannot be written; nothing is lost but time.
    pub fn keep(&self) -> std::result::Result<bool, PathError> {
        /// So many changed keys take about as long to find again as a snapshot to write.
        const WORTH: usize = 32;
        let Some(snapshots) = &self.snapshots else { return Ok(false) };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = self.index.stats();
        // A large overlay may have become base meanwhile: then the revision tells.
        if let Some(kept) = &*kept {
            let changes = stats.cursor.revision.0.saturating_sub(kept.revision.0);
            if stats.overlay < WORTH && changes < WORTH as u64 {
                return Ok(false);
            }
        }
        self.write(snapshots, &mut kept)
    }

    /// Keeps the index unless the next run would go on from where it is now anyhow: the cursors that
    /// were handed out until now are good there too. Says whether it wrote.
    ///
    /// Of several processes that follow the same store, the first has its cursors go on.
    ///
    /// # Errors
    /// If it cannot be written; the next run begins afresh for whoever has a cursor.
    pub fn keep_cursors(&self) -> std::result::Result<bool, PathError> {
        let Some(snapshots) = &self.snapshots else { return Ok(false) };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let cursor = self.index.cursor();
        if snapshots.load(self.source.id()).is_ok_and(|kept| kept.continues(&cursor)) {
            return Ok(false);
        }
        self.write(snapshots, &mut kept)
    }

    fn write(
        &self,
        snapshots: &Snapshots,
        kept: &mut Option<Cursor>,
    ) -> std::result::Result<bool, PathError> {
        let snapshot = self.index.snapshot();
        let now = self.source.clock().now();
        let is_kept = snapshots.keep_after(&snapshot, kept.as_ref(), now)?;
        if is_kept {
            *kept = Some(snapshot.cursor());
        }
        Ok(is_kept)
    }

    /// What it has.
    pub fn stats(&self) -> MaterializerStats {
        let view = self.index.view();
        let known = view.known_sessions();
        let is_hot = |id: &_| view.upkeep(id).is_some_and(|(_, it)| self.options.is_hot(&it));
        let hot = known.iter().filter(|id| is_hot(id)).count();
        MaterializerStats {
            origin: self.origin.clone(),
            index: self.index.stats(),
            hot,
            cold: known.len() - hot,
            cache: self.cache.stats(),
            effort: *self.effort.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// Adds what a second look met and the first did not.
fn add_new(report: &mut StageReport, mut again: StageReport) {
    again.issues.retain(|issue| !report.issues.contains(issue));
    report.merge(again);
}

impl fmt::Debug for SessionMaterializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMaterializer")
            .field("index", &self.index)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
