//! The handle of an index: one writer, any number of views and followers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use scrollback_core_id::{Cursor, Epoch, Revision, SourceId};

use crate::batch::Batch;
use crate::epoch::{lineage_contains, random_u64};
use crate::layers::Layers;
use crate::pins::Pins;
use crate::shared::{SharedState, WriterState};
use crate::snapshot::Snapshot;
use crate::sync::{Mutex, lock};
use crate::{Stats, View, rebase, write};

/// How many keys the overlay may have, beside a quarter of the base, before both become a new base.
const MAX_OVERLAY_KEYS: usize = 4096;

/// An index of the sessions, messages and parts of one store.
///
/// Readers take a [`View`], the writer commits a [`Batch`], and followers call
/// [`changes`](SessionIndex::changes). Clones are handles of the same index.
///
/// ```
/// use scrollback_core_id::{SessionId, SessionKey, SourceId};
/// use scrollback_index::{Batch, Delta, SessionIndex, SessionMeta, SessionState};
///
/// let index = SessionIndex::new(SourceId::new("a store")?);
/// let cursor = index.cursor();
///
/// let key = SessionKey::from(SessionId::new("ses_1")?);
/// let mut batch = Batch::new();
/// batch.put_session(key.clone(), SessionState::with_record(SessionMeta::new(key.clone())));
/// index.commit(batch);
///
/// let answer = index.changes(Some(&cursor));
/// match answer.delta {
///     Delta::Changed(changes) => assert_eq!(changes[0].key, key.into()),
///     Delta::Fresh => unreachable!("the cursor is of this index"),
/// }
/// # Ok::<(), scrollback_core_id::IdError>(())
/// ```
#[derive(Clone)]
pub struct SessionIndex {
    pub(crate) shared: Arc<SharedState>,
}

impl SessionIndex {
    /// Returns an empty index of a store.
    pub fn new(store: SourceId) -> Self {
        Self::from_base(store, None, Vec::new(), Epoch(random_u64()), None)
    }

    /// Starts an index from a snapshot, for a process that hands out no cursors.
    ///
    /// Unlike [`SessionIndex::from_snapshot`], the new epoch does not join the lineage. The lineage
    /// holds 64 epochs, so any number of such processes leave the cursors of others valid.
    pub fn from_snapshot_without_cursors(snapshot: Snapshot) -> Self {
        let info = snapshot.info().clone();
        let (store, epoch) = (info.store, Epoch(random_u64()));
        Self::from_parts(store, Some(snapshot), info.lineage, epoch, info.token, false)
    }

    /// Starts an index with the state of a snapshot, and continues the index that wrote it: cursors
    /// of that index stay valid up to the revision of the snapshot.
    pub fn from_snapshot(snapshot: Snapshot) -> Self {
        let info = snapshot.info().clone();
        Self::from_base(info.store, Some(snapshot), info.lineage, Epoch(random_u64()), info.token)
    }

    pub(crate) fn from_base(
        store: SourceId,
        base: Option<Snapshot>,
        lineage: Vec<(Epoch, Revision)>,
        epoch: Epoch,
        token: Option<Arc<[u8]>>,
    ) -> Self {
        Self::from_parts(store, base, lineage, epoch, token, true)
    }

    fn from_parts(
        store: SourceId,
        base: Option<Snapshot>,
        lineage: Vec<(Epoch, Revision)>,
        epoch: Epoch,
        token: Option<Arc<[u8]>>,
        has_cursors: bool,
    ) -> Self {
        let published = base.as_ref().map_or(0, |base| base.revision().0);
        let layers = Arc::new(Layers::new(base));
        let pins = Pins::new(layers, published);
        let writer = Mutex::new(WriterState { retained: BTreeMap::new(), token });
        Self { shared: Arc::new(SharedState { store, epoch, lineage, has_cursors, pins, writer }) }
    }

    /// Returns the id of the indexed store.
    pub fn store(&self) -> &SourceId {
        &self.shared.store
    }

    /// Returns the latest state, as a cursor. A view that is taken now shows this state.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.shared.epoch, revision: Revision(self.shared.pins.published()) }
    }

    /// Returns what the caller keeps about the Source, as [`Batch::set_token`](crate::Batch::set_token)
    /// got it last: the token that the Source returned before it was last read whole, and its memo.
    pub fn token(&self) -> Option<Arc<[u8]>> {
        lock(&self.shared.writer).token.clone()
    }

    /// Pins the current state and returns a view of it. Taking a view is cheap. Drop it soon: the
    /// index keeps every version that a live view shows.
    pub fn view(&self) -> View {
        View::new(Arc::clone(&self.shared))
    }

    /// Commits a batch, and returns a revision that shows it. Readers see all of its changes
    /// or none. A batch that leaves every value as it was makes no new revision.
    pub fn commit(&self, batch: Batch) -> Revision {
        let mut writer = lock(&self.shared.writer);
        if let Some(token) = &batch.token {
            writer.token.clone_from(token);
        }
        let layers = self.shared.pins.layers();
        write::commit(&self.shared, &mut writer, &layers, batch);
        if layers.overlay_len() > MAX_OVERLAY_KEYS + layers.base_len() / 4 {
            rebase::rebase(&self.shared, &mut writer);
        }
        self.shared.collect_garbage(&mut writer);
        drop(writer);
        self.shared.try_collect_garbage();
        Revision(self.shared.pins.published())
    }

    /// Checks whether a cursor is of this index, or of an index that it continues. False if the
    /// snapshot that this index began with is older than the cursor.
    pub fn continues(&self, cursor: &Cursor) -> bool {
        let current = self.cursor();
        let is_of_this_epoch = current.epoch == cursor.epoch && cursor.revision <= current.revision;
        is_of_this_epoch || lineage_contains(&self.shared.lineage, cursor)
    }

    /// Returns the whole state as a snapshot. Merges the overlay into the base first. An index that
    /// starts from the snapshot accepts all cursors that were handed out until now.
    pub fn snapshot(&self) -> Snapshot {
        let mut writer = lock(&self.shared.writer);
        let layers = self.shared.pins.layers();
        if let Some(base) = &layers.base
            && layers.overlay_len() == 0
            && base.info().epoch == self.shared.epoch
        {
            return base.clone();
        }
        rebase::rebase(&self.shared, &mut writer)
    }

    /// Returns the size of the index, and what it keeps for views.
    pub fn stats(&self) -> Stats {
        let writer = lock(&self.shared.writer);
        let layers = self.shared.pins.layers();
        Stats::collect(&self.shared, &writer, &layers)
    }
}

impl fmt::Debug for SessionIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionIndex")
            .field("store", &self.shared.store)
            .field("cursor", &self.cursor())
            .finish_non_exhaustive()
    }
}
