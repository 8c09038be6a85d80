//! How a materializer begins: with a snapshot, with the store, or with nothing.

use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_type::StageResult;
use scrollback_index::SessionIndex;
use scrollback_source::{Result, Source};

use super::state::{IndexOrigin, SessionMaterializer};
use crate::indexing::{
    NoSnapshot, OnProgress, RefreshOptions, Snapshots, Verify, build_index, refresh_index,
};

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
        let (index, origin, saved_cursor, report) = match loaded {
            Ok(snapshot) => {
                let saved_cursor = Some(snapshot.cursor());
                let has_cursors = snapshots.as_ref().is_none_or(Snapshots::has_cursors);
                let index = match has_cursors {
                    true => SessionIndex::from_snapshot(snapshot),
                    false => SessionIndex::from_snapshot_without_cursors(snapshot),
                };
                let refreshed = refresh_index(&*source, &index, &options, progress)?;
                let ControlFlow::Continue(StageResult { value, report }) = refreshed else {
                    return Ok(ControlFlow::Break(()));
                };
                (index, IndexOrigin::Snapshot(value), saved_cursor, report)
            }
            Err(reason) => {
                let built = build_index(&*source, options.parts, progress)?;
                let ControlFlow::Continue(StageResult { value, report }) = built else {
                    return Ok(ControlFlow::Break(()));
                };
                let mut report = report;
                if value.token().is_some() {
                    // What changed while it was read, where that is known.
                    let fast = RefreshOptions { verify: Verify::Fast, ..options };
                    match refresh_index(&*source, &value, &fast, progress)? {
                        ControlFlow::Continue(refreshed) => {
                            report.merge_new_issues(refreshed.report)
                        }
                        ControlFlow::Break(()) => return Ok(ControlFlow::Break(())),
                    }
                }
                (value, IndexOrigin::Store(reason), None, report)
            }
        };
        let value = Self::assemble(source, index, snapshots, options, (origin, saved_cursor));
        Ok(ControlFlow::Continue(StageResult { value, report }))
    }

    /// Begins with nothing, for a store that is not there yet.
    pub fn empty(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: RefreshOptions,
    ) -> Self {
        let index = SessionIndex::new(source.id().clone());
        let origin = (IndexOrigin::Store(NoSnapshot::Missing), None);
        Self::assemble(source, index, snapshots, options, origin)
    }
}
