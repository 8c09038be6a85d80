//! Refreshes the whole index, and empties it after the store was removed.

use std::ops::ControlFlow;
use std::sync::PoisonError;

use scrollback_core_type::StageResult;
use scrollback_index::Batch;
use scrollback_source::Result;

use super::state::SessionMaterializer;
use crate::indexing::{Byproducts, OnProgress, RefreshOptions, RefreshSummary, refresh};

impl SessionMaterializer {
    /// Makes the index equal to the store again. Returns `Break` if `progress` breaks; the index is
    /// then unchanged.
    ///
    /// # Errors
    /// If the store cannot be opened or walked; the index is then unchanged.
    pub fn refresh(
        &self,
        options: &RefreshOptions,
        progress: &OnProgress<'_>,
    ) -> Result<ControlFlow<(), StageResult<RefreshSummary>>> {
        let _guard = self.refresh_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut byproducts = Byproducts::default();
        let refreshed = refresh(&*self.source, &self.index, options, progress, &mut byproducts);
        self.store_byproducts(byproducts);
        if let Ok(ControlFlow::Continue(refreshed)) = &refreshed {
            self.replace_found_issues(&refreshed.report.issues);
        }
        refreshed
    }

    /// Adds up the counters of a refresh, and caches the settled bytes that it read.
    pub(super) fn store_byproducts(&self, byproducts: Byproducts) {
        let Byproducts { spans, counters, has_other_copy } = byproducts;
        if has_other_copy {
            self.cache.clear();
        }
        *self.counters.lock().unwrap_or_else(PoisonError::into_inner) += counters;
        for (key, span) in spans.into_iter().filter(|(_, span)| span.is_settled()) {
            self.cache.insert(self.source.id().clone(), key, span);
        }
    }

    /// Removes all records from the index. Call it when the store has been removed.
    pub fn forget_all(&self) {
        let _guard = self.refresh_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let (view, mut batch) = (self.index.view(), Batch::new());
        view.projects().iter().for_each(|project| batch.remove_project(project.id.clone()));
        for id in view.session_ids() {
            let messages = view.by_session(&id);
            messages.iter().for_each(|meta| batch.remove_message(meta.key.clone()));
            batch.remove_session(id.into());
        }
        batch.set_token(None);
        drop(view);
        self.index.commit(batch);
        self.cache.clear();
    }
}
