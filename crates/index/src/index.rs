//! The index: one writer, any number of views and followers.

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

/// How large the overlay may grow before it becomes part of the base.
const MAX_OVERLAY_KEYS: usize = 4096;

/// What is known of the sessions, messages and parts of one store.
///
/// Whoever reads takes a [`View`]; whoever writes commits a [`Batch`]; whoever follows asks for
/// [`changes`](SessionIndex::changes). Clones are the same index.
#[derive(Clone)]
pub struct SessionIndex {
    pub(crate) shared: Arc<SharedState>,
}

impl SessionIndex {
    /// An empty index of a store.
    pub fn new(store: SourceId) -> Self {
        Self::from_base(store, None, Vec::new(), Epoch(random_u64()), None)
    }

    /// The same as [`SessionIndex::from_snapshot`] for a process that hands out no cursors: its
    /// epoch does not join the lineage, which holds 64 epochs, so that any number of such
    /// processes leave the cursors of others good.
    pub fn from_snapshot_without_cursors(snapshot: Snapshot) -> Self {
        let info = snapshot.info().clone();
        let (store, epoch) = (info.store, Epoch(random_u64()));
        Self::from_parts(store, Some(snapshot), info.lineage, epoch, info.token, false)
    }

    /// An index that begins with the state of a snapshot, and continues it: cursors of the index
    /// that wrote it stay good up to the revision that it was written at.
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

    /// The store that it is of.
    pub fn store(&self) -> &SourceId {
        &self.shared.store
    }

    /// The state that a view taken now would show, as a cursor.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.shared.epoch, revision: Revision(self.shared.pins.published()) }
    }

    /// What the store was like when it was last looked at whole, in its own words: the index has
    /// everything that was there then. None if the store keeps no account of itself, or some of it
    /// could not be read.
    pub fn token(&self) -> Option<Arc<[u8]>> {
        lock(&self.shared.writer).token.clone()
    }

    /// Pins the state as it is now. Views are cheap, and should be short-lived: what they can see
    /// is kept for them.
    pub fn view(&self) -> View {
        View::new(Arc::clone(&self.shared))
    }

    /// Makes the changes of a batch, all at once for whoever looks, and says which revision shows
    /// them. Changes that change nothing make no revision.
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

    /// Whether a cursor names a state of this index, or of one that it continues, and what changed
    /// since can be told. Not so if the snapshot that it began with was older than the cursor.
    pub fn continues(&self, cursor: &Cursor) -> bool {
        let current = self.cursor();
        let is_of_this_epoch = current.epoch == cursor.epoch && cursor.revision <= current.revision;
        is_of_this_epoch || lineage_contains(&self.shared.lineage, cursor)
    }

    /// The whole state as a snapshot. What the overlay holds becomes part of the base first.
    /// Whoever begins with it continues all cursors that were handed out until now.
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

    /// What it holds, and what it holds for views.
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
