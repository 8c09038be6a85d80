//! Saves the snapshot that the next run starts from.

use std::sync::PoisonError;

use scrollback_core_err::PathError;
use scrollback_core_id::Cursor;

use super::state::SessionMaterializer;
use crate::indexing::Snapshots;

impl SessionMaterializer {
    /// Saves a snapshot for the next run, if it is worth a write. Returns whether it was saved.
    ///
    /// It is not saved if fewer than 32 keys changed since the last snapshot, if another process has
    /// saved a snapshot meanwhile, or if another process follows the store. The next refresh finds
    /// unsaved changes again.
    ///
    /// # Errors
    /// If the snapshot cannot be written. Only time is lost: the next run refreshes an older snapshot.
    pub fn save_snapshot(&self) -> Result<bool, PathError> {
        /// Finding this many changed keys again takes about as long as writing a snapshot.
        const MIN_CHANGES: usize = 32;
        let Some(snapshots) = &self.snapshots else { return Ok(false) };
        let mut saved = self.saved_cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = self.index.stats();
        // A large overlay may have been merged into the base meanwhile, which empties the overlay:
        // then the number of revisions counts.
        if let Some(saved) = &*saved {
            let changes = stats.cursor.revision.0.saturating_sub(saved.revision.0);
            if stats.overlay_keys < MIN_CHANGES && changes < MIN_CHANGES as u64 {
                return Ok(false);
            }
        }
        self.write_snapshot(snapshots, &mut saved)
    }

    /// Saves a snapshot so that the cursors of this process stay valid in the next run. Returns whether
    /// a snapshot was written.
    ///
    /// Nothing is written if the saved snapshot already continues from the present cursor. If several
    /// processes follow the same store, only the cursors of the first one continue.
    ///
    /// # Errors
    /// If the snapshot cannot be written. Cursors that were handed out then give `Fresh` in the next
    /// run.
    pub fn save_cursors(&self) -> Result<bool, PathError> {
        let Some(snapshots) = &self.snapshots else { return Ok(false) };
        let mut saved = self.saved_cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let cursor = self.index.cursor();
        if snapshots.load(self.source.id()).is_ok_and(|saved| saved.continues(&cursor)) {
            return Ok(false);
        }
        self.write_snapshot(snapshots, &mut saved)
    }

    /// Writes a snapshot, unless another process has written one that this index does not continue.
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
