//! What a driver and its users share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scrollback_core_id::{Cursor, EntityKey, Stamp};
use scrollback_flow::SessionMaterializer;
use scrollback_source::DirtyScope;
use tokio::sync::watch;

use crate::dirty::DirtyTracker;
use crate::feed::FeedClock;
use crate::stats::LiveStats;

/// What a driver and its users share.
pub(crate) struct Shared {
    pub(crate) materializer: SessionMaterializer,
    pub(crate) dirty: Arc<DirtyTracker<DirtyScope>>,
    /// The state of the index: whoever waits for it to move pulls what changed.
    pub(crate) cursor_updates: watch::Receiver<Cursor>,
    pub(crate) stats: Mutex<LiveStats>,
    /// Where the feed was when all that it had said was looked at.
    pub(crate) checked_clock: Mutex<Option<FeedClock>>,
    /// Whether a look that takes long is to end.
    pub(crate) is_stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn stats(&self) -> MutexGuard<'_, LiveStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn checked_clock(&self) -> MutexGuard<'_, Option<FeedClock>> {
        self.checked_clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the index has a record as it looks so.
    pub(crate) fn is_indexed(&self, key: &EntityKey, stamp: &Stamp) -> bool {
        let view = self.materializer.view();
        let observed = match key {
            EntityKey::Session(key) => view.session(&key.session).map(|meta| meta.observed),
            EntityKey::Message(key) => view.message_by_key(key).map(|meta| meta.observed),
            EntityKey::Part(key) => view.message(&key.message).and_then(|message| {
                let list = message.parts.as_ref()?;
                list.refs.iter().find(|part| part.id == key.part)?.observed
            }),
            _ => None,
        };
        observed.is_some_and(|observed| observed.is_unchanged(stamp))
    }
}
