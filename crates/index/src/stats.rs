//! How large an index is, and what it holds for views.

use scrollback_core_id::{Cursor, Revision};

use crate::layers::Layers;
use crate::shared::{SharedState, WriterState};

/// How large an index is, and what it holds for views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// The state that a view taken now would show.
    pub cursor: Cursor,
    /// Sessions, messages and parts in the base.
    pub base: Counts,
    /// Bytes of the base.
    pub base_bytes: usize,
    /// Keys in the overlay.
    pub overlay_keys: usize,
    /// Views that are alive.
    pub views: usize,
    /// The oldest revision that a view reads. One that falls far behind the cursor keeps every
    /// version alive that it can see, and a base of its own.
    pub oldest_view: Option<Revision>,
    /// Versions that were replaced and are kept because a view sees them.
    pub retained_versions: usize,
}

/// Numbers of sessions, messages and parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Sessions, with a record or with messages alone.
    pub sessions: usize,
    /// Messages.
    pub messages: usize,
    /// Parts that were listed.
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
