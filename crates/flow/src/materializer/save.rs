//! Writing the snapshot that the next run begins with.

use std::sync::PoisonError;

use scrollback_core_err::PathError;
use scrollback_core_id::Cursor;

use super::state::SessionMaterializer;
use crate::indexing::Snapshots;

impl SessionMaterializer {
    /// Keeps the index for the next run, if it differs enough from what is kept to be worth a
    /// write, and no other process kept one meanwhile or follows the store: a refresh finds the
    /// rest again. Says whether it did.
    ///
    /// # Errors
    /// If it cannot be written; nothing is lost but time.
    pub fn save_snapshot(&self) -> Result<bool, PathError> {
        /// So many changed keys take about as long to find again as a snapshot to write.
        const MIN_CHANGES: usize = 32;
        let Some(snapshots) = &self.snapshots else { return Ok(false) };
        let mut saved = self.saved_cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = self.index.stats();
        // A large overlay may have become base meanwhile: then the revision tells.
        if let Some(saved) = &*saved {
            let changes = stats.cursor.revision.0.saturating_sub(saved.revision.0);
            if stats.overlay_keys < MIN_CHANGES && changes < MIN_CHANGES as u64 {
                return Ok(false);
            }
        }
        self.write_snapshot(snapshots, &mut saved)
    }

    /// Keeps the index unless the next run would go on from where it is now anyhow: the cursors that
    /// were handed out until now are good there too. Says whether it wrote.
    ///
    /// Of several processes that follow the same store, the first has its cursors go on.
    ///
    /// # Errors
    /// If it cannot be written; cursors that were handed out give `fresh` in the next run.
    pub fn save_cursors(&self) -> Result<bool, PathError> {
        let Some(snapshots) = &self.snapshots else { return Ok(false) };
        let mut saved = self.saved_cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let cursor = self.index.cursor();
        if snapshots.load(self.source.id()).is_ok_and(|saved| saved.continues(&cursor)) {
            return Ok(false);
        }
        self.write_snapshot(snapshots, &mut saved)
    }

    fn write_snapshot(
        &self,
        snapshots: &Snapshots,
        saved: &mut Option<Cursor>,
    ) -> Result<bool, PathError> {
        let snapshot = self.index.snapshot();
        let now = self.source.clock().now();
        let is_saved = snapshots.save_after(&snapshot, saved.as_ref(), now)?;
        if is_saved {
            *saved = Some(snapshot.cursor());
        }
        Ok(is_saved)
    }
}
