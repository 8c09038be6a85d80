//! The state that an index shares with its views, and the state of its writer.

use std::collections::BTreeMap;
use std::sync::Arc;

use scrollback_core_id::{Epoch, MessageKey, ProjectId, Revision, SessionId, SourceId};

use crate::pins::Pins;
use crate::snapshot::SnapshotInfo;
use crate::sync::Mutex;

/// The state that an index, its clones and its views share.
pub(crate) struct SharedState {
    pub(crate) store: SourceId,
    pub(crate) epoch: Epoch,
    /// The epochs that this index continues, each with its last revision.
    pub(crate) lineage: Vec<(Epoch, Revision)>,
    /// Whether this index hands out cursors. If so, its epoch joins the lineage.
    pub(crate) has_cursors: bool,
    pub(crate) pins: Pins,
    pub(crate) writer: Mutex<WriterState>,
}

/// The state that only the writer uses.
pub(crate) struct WriterState {
    /// Replaced versions that a view of the revision still shows.
    pub(crate) retained: BTreeMap<u64, Vec<RetainedVersion>>,
    /// The token of the store; see [`SessionIndex::token`](crate::SessionIndex::token).
    pub(crate) token: Option<Arc<[u8]>>,
}

impl WriterState {
    /// Records that the views of a revision need a replaced version, which came at `since`.
    pub(crate) fn retain(&mut self, revision: u64, key: RetainedKey, since: Option<u64>) {
        if let Some(since) = since {
            self.retained.entry(revision).or_default().push(RetainedVersion { key, since });
        }
    }
}

/// A replaced version that a view needs: its key, and the first revision that showed it.
pub(crate) struct RetainedVersion {
    pub(crate) key: RetainedKey,
    pub(crate) since: u64,
}

/// The key of a replaced version.
pub(crate) enum RetainedKey {
    Project(ProjectId),
    Session(SessionId),
    Message(MessageKey),
    /// The usage of all messages of a session.
    Usage(SessionId),
}

impl SharedState {
    /// Returns the info of a snapshot of this revision.
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
        // The oldest epochs are dropped: a cursor from one of them gets `fresh`.
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
