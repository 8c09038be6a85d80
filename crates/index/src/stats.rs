//! The size of an index, and what it keeps for views.

use scrollback_core_id::{Cursor, Revision};

use crate::layers::Layers;
use crate::shared::{SharedState, WriterState};

/// The size of an index, and what it keeps for views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// The latest state, which a new view shows.
    pub cursor: Cursor,
    /// The sessions, messages and parts in the base.
    pub base: Counts,
    /// The size of the base, in bytes.
    pub base_bytes: usize,
    /// The number of keys in the overlay.
    pub overlay_keys: usize,
    /// The number of live views.
    pub views: usize,
    /// The oldest revision that a view reads. A view far behind the cursor keeps every version that it
    /// shows in memory, and perhaps an old base.
    pub oldest_view: Option<Revision>,
    /// The number of replaced versions that are kept because a view shows them.
    pub retained_versions: usize,
}

/// The numbers of sessions, messages and parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// The number of sessions with a record, or with messages and no record.
    pub sessions: usize,
    /// The number of messages.
    pub messages: usize,
    /// The number of listed parts.
    pub parts: usize,
}

impl Stats {
    pub(crate) fn collect(shared: &SharedState, writer: &WriterState, layers: &Layers) -> Self {
        let base = layers.base.as_ref();
        let (views, oldest_revision) = shared.pins.view_stats();
        let revision = Revision(shared.pins.published());
        Self {
            cursor: Cursor { epoch: shared.epoch, revision },
            base: base.map_or_else(Counts::default, |base| Counts {
                sessions: base.session_count() as usize,
                messages: base.message_count() as usize,
                parts: base.part_count() as usize,
            }),
            base_bytes: base.map_or(0, |base| base.size()),
            overlay_keys: layers.overlay_len(),
            views,
            oldest_view: oldest_revision.map(Revision),
            retained_versions: writer.retained.values().map(Vec::len).sum(),
        }
    }
}
