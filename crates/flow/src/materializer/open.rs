//! Opens a materializer: from a snapshot, from the store, or empty.

use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_type::StageResult;
use scrollback_index::SessionIndex;
use scrollback_source::{Result, Source};

use super::state::{IndexOrigin, SessionMaterializer};
use crate::indexing::{
    NoSnapshot, OnProgress, RefreshOptions, Snapshots, Verify, build_index, has_token,
    refresh_index,
};

impl SessionMaterializer {
    /// Opens the index of a store.
    ///
    /// If `snapshots` has a usable snapshot of the store, the index starts from it and is refreshed.
    /// Otherwise the index is built from the store. Without `snapshots` no snapshot is read or
    /// written. Returns `Break` if `progress` breaks.
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
                if has_token(&value) {
                    // A build reads for a while, and the agent may write meanwhile. A store that
                    // keeps an account of itself names those changes at little cost.
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
        value.replace_found_issues(&report.issues);
        Ok(ControlFlow::Continue(StageResult { value, report }))
    }

    /// Creates a materializer with an empty index, for a pending store: one that does not exist yet.
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
