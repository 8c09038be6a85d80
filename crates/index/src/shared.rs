//! What an index shares with its views, and what only its writer needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use scrollback_core_id::{Epoch, MessageKey, ProjectId, Revision, SessionId, SourceId};

use crate::pins::Pins;
use crate::snapshot::SnapshotInfo;
use crate::sync::Mutex;

/// What an index, its clones and its views share.
pub(crate) struct SharedState {
    pub(crate) store: SourceId,
    pub(crate) epoch: Epoch,
    /// The epochs that this index continues, and up to where.
    pub(crate) lineage: Vec<(Epoch, Revision)>,
    /// Whether somebody may keep cursors of this epoch: then it joins the lineage.
    pub(crate) has_cursors: bool,
    pub(crate) pins: Pins,
    pub(crate) writer: Mutex<WriterState>,
}

/// What only the writer needs.
pub(crate) struct WriterState {
    /// Versions that were replaced and that a view of this revision still sees.
    pub(crate) retained: BTreeMap<u64, Vec<RetainedVersion>>,
    /// What the store was like when it was last looked at whole.
    pub(crate) token: Option<Arc<[u8]>>,
}

impl WriterState {
    /// Keeps a version that was replaced, and came at `since`, for the views of a revision.
    pub(crate) fn retain(&mut self, revision: u64, key: RetainedKey, since: Option<u64>) {
        if let Some(since) = since {
            self.retained.entry(revision).or_default().push(RetainedVersion { key, since });
        }
    }
}

/// A version that was replaced: its key, and the revision that it came with.
pub(crate) struct RetainedVersion {
    pub(crate) key: RetainedKey,
    pub(crate) since: u64,
}

/// What a version that was replaced is of.
pub(crate) enum RetainedKey {
    Project(ProjectId),
    Session(SessionId),
    Message(MessageKey),
    /// The sum of what the messages of a session used.
    Usage(SessionId),
}

impl SharedState {
    /// What a snapshot of a revision says of itself.
    pub(crate) fn snapshot_info(
        &self,
        revision: u64,
        floor: Revision,
        token: Option<Arc<[u8]>>,
    ) -> SnapshotInfo {
        let mut lineage = self.lineage.clone();
        if self.has_cursors {
            lineage.push((self.epoch, Revision(revision)));
        }
        // The oldest epochs are dropped: a cursor from one of them gives `fresh`.
        const MAX_LINEAGE: usize = 64;
        lineage.drain(..lineage.len().saturating_sub(MAX_LINEAGE));
        SnapshotInfo {
            store: self.store.clone(),
            epoch: self.epoch,
            revision: Revision(revision),
            floor,
            lineage,
            token,
        }
    }
}
