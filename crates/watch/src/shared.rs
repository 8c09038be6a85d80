//! The state that a driver shares with its users.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scrollback_core_id::{Cursor, EntityKey, Stamp};
use scrollback_flow::SessionMaterializer;
use scrollback_source::DirtyScope;
use tokio::sync::watch;

use crate::dirty::DirtyTracker;
use crate::feed::FeedClock;
use crate::issues::FoundIssues;
use crate::stats::LiveStats;

/// The state that a driver shares with [`Live`](crate::Live) and its followers.
pub(crate) struct Shared {
    pub(crate) materializer: SessionMaterializer,
    pub(crate) dirty: Arc<DirtyTracker<DirtyScope>>,
    /// The cursor of the index. A follower waits for a new cursor and then pulls the changes.
    pub(crate) cursor_updates: watch::Receiver<Cursor>,
    pub(crate) stats: Mutex<LiveStats>,
    pub(crate) issues: Mutex<FoundIssues>,
    /// The clock of the last feed batch that was verified completely; `None` after a failed rescan.
    pub(crate) checked_clock: Mutex<Option<FeedClock>>,
    /// Set to interrupt a long refresh.
    pub(crate) is_stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn stats(&self) -> MutexGuard<'_, LiveStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn issues(&self) -> MutexGuard<'_, FoundIssues> {
        self.issues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn checked_clock(&self) -> MutexGuard<'_, Option<FeedClock>> {
        self.checked_clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks whether the index has a record with this stamp.
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
