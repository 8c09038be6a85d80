//! The refresher: verifies dirty scopes against the store, commits the changes to the index, and
//! publishes the new cursor.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use scrollback_core_id::{Cursor, EntityKey, SessionKey};
use scrollback_flow::{Dirty, PartDetail, RefreshOptions, Verify, is_absent};
use scrollback_index::{Delta, View};
use scrollback_source::{DirtyScope, Error};
use tokio::sync::watch;

use crate::retry_queue::RetryQueue;
use crate::shared::Shared;

/// The part of the driver that verifies dirty scopes and keeps the index.
pub(super) struct Refresher {
    pub(super) shared: Arc<Shared>,
    /// The sender of new cursors. It belongs to the driver, so that a waiting follower learns of
    /// the driver's end.
    pub(super) cursor_sender: watch::Sender<Cursor>,
    pub(super) retry_queue: RetryQueue,
    pub(super) refresh: RefreshOptions,
}

impl Refresher {
    /// Verifies the scopes of the retry queue that are due. Returns whether the store could be
    /// read.
    pub(super) fn retry_due(&mut self) -> bool {
        let due = self.retry_queue.take_due();
        self.shared.stats().retries += due.len() as u64;
        let scopes: Vec<DirtyScope> = due.keys().cloned().collect();
        let Some(outcome) = self.refresh_once(&scopes) else { return false };
        for key in outcome.provisional {
            let wait = due.get(&DirtyScope::Entity(key.clone()));
            // A session is queued under its scope, and comes back as the key of its record.
            let wait = wait.or_else(|| match &key {
                EntityKey::Session(key) => due.get(&DirtyScope::Session(key.clone())),
                _ => None,
            });
            self.retry_queue.schedule(retry_scope(key), wait.copied());
        }
        self.publish();
        true
    }

    /// Verifies scopes that a feed reported. Returns whether the store could be read.
    pub(super) fn refresh_scopes(&mut self, scopes: &[DirtyScope]) -> bool {
        self.shared.stats().scopes += scopes.len() as u64;
        let before = self.shared.materializer.index().cursor();
        scopes.iter().for_each(|scope| self.retry_queue.remove(scope));
        let Some(outcome) = self.refresh_once(scopes) else { return false };
        // A wide comparison returns no provisional records of its own, so the changed sessions are
        // checked for them.
        let mut whole_sessions =
            if outcome.is_wide { self.unsettled_since(&before) } else { Vec::new() };
        for key in outcome.provisional {
            match key {
                EntityKey::Session(key) => whole_sessions.push(key),
                key => self.retry_queue.schedule(DirtyScope::Entity(key), None),
            }
        }
        let succeeded = self.refresh_sessions(whole_sessions);
        self.publish();
        succeeded
    }

    /// Verifies whole sessions that may contain writes under way. A comparison of stamps reads no
    /// parts; this call reads them, because a later read is compared with these bytes. Returns
    /// whether the store could be read.
    pub(super) fn refresh_sessions(&mut self, sessions: Vec<SessionKey>) -> bool {
        if sessions.is_empty() {
            return true;
        }
        let scopes: Vec<DirtyScope> = sessions.into_iter().map(DirtyScope::Session).collect();
        let Some(outcome) = self.refresh_once(&scopes) else { return false };
        outcome
            .provisional
            .into_iter()
            .for_each(|key| self.retry_queue.schedule(retry_scope(key), None));
        true
    }

    /// Verifies scopes and commits the changes. Returns the provisional records, or `None` if the
    /// store could not be read. The scopes then stay dirty.
    fn refresh_once(&mut self, scopes: &[DirtyScope]) -> Option<RefreshOutcome> {
        // Counted before the commit, so that an observer who sees a new cursor also sees that work
        // is pending.
        self.shared.stats().pending_scopes = self.retry_queue.len() + 1;
        // Marked and claimed, not used directly: the cache shows a dirty record as stale during the
        // refresh, and a failed refresh leaves everything dirty for the next call.
        for scope in scopes {
            self.shared.dirty.mark(scope.clone()).ok()?;
        }
        let claim = self.shared.dirty.claim();
        let mut dirty = Dirty::default();
        let mut verify = None;
        for scope in claim.scopes() {
            match scope {
                DirtyScope::Store => verify = Some(Verify::Full),
                DirtyScope::Session(key) => dirty.sessions.push(key.clone()),
                DirtyScope::Message(id) => dirty.messages.push(id.clone()),
                DirtyScope::Entity(key) => dirty.records.push(key.clone()),
                // A scope without a precise target, such as `Records`, needs a comparison of all
                // stamps.
                _ => verify = verify.or(Some(Verify::Fast)),
            }
        }
        let materializer = &self.shared.materializer;
        let mut outcome = Ok(Vec::new());
        if let Some(verify) = verify {
            // The parts were listed at the start and are followed since. Listing them again would
            // read every message directory.
            let options = RefreshOptions { verify, parts: PartDetail::Later, ..self.refresh };
            let is_stopping = || self.shared.is_stopping.load(Ordering::Relaxed);
            let refreshed = materializer.refresh(&options, &|_| match is_stopping() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            });
            outcome = match refreshed {
                Ok(ControlFlow::Break(())) => return None,
                Ok(ControlFlow::Continue(refreshed)) => {
                    self.shared.issues().add(refreshed.report.issues);
                    Ok(Vec::new())
                }
                Err(error) => Err(error),
            };
            let mut stats = self.shared.stats();
            stats.refreshes += 1;
            stats.rescans += u64::from(verify == Verify::Full);
        }
        // A full comparison covers everything. A fast comparison misses records of cold sessions
        // that were rewritten in place, so the dirty records are read as well.
        if outcome.is_ok() && verify != Some(Verify::Full) && dirty != Dirty::default() {
            outcome = materializer.refresh_dirty(&dirty).map(|outcome| {
                self.shared.issues().add(outcome.report.issues);
                outcome.provisional
            });
        }
        let outcome = match outcome {
            Err(error) if is_absent(&error) => {
                materializer.forget_all();
                Ok(Vec::new())
            }
            outcome => outcome,
        };
        let provisional = match outcome {
            Ok(provisional) => provisional,
            Err(error) => {
                self.note_result(Err(error));
                return None;
            }
        };
        self.shared.dirty.settle(claim);
        Some(RefreshOutcome { provisional, is_wide: verify.is_some() })
    }

    /// Returns the sessions that changed since a cursor and may contain a write under way.
    pub(super) fn unsettled_since(&self, before: &Cursor) -> Vec<SessionKey> {
        let changes = self.shared.materializer.index().changes(Some(before));
        let Delta::Changed(changed_entries) = changes.delta else { return Vec::new() };
        let sessions: BTreeSet<SessionKey> = changed_entries
            .into_iter()
            .filter_map(|change| match change.key {
                EntityKey::Session(key) => Some(key),
                EntityKey::Message(key) => Some(key.session.into()),
                _ => None,
            })
            .collect();
        sessions.into_iter().filter(|key| is_unsettled(&changes.view, key)).collect()
    }

    /// Counts a failed read. Returns whether the read succeeded; a missing store counts as success.
    pub(super) fn note_result(&self, outcome: Result<(), Error>) -> bool {
        match outcome {
            Ok(()) => true,
            Err(error) if is_absent(&error) => true,
            Err(error) => {
                let mut stats = self.shared.stats();
                stats.failures += 1;
                stats.last_failure = Some(error.to_string());
                false
            }
        }
    }

    /// Publishes the cursor of the index. Called after the retry queue is filled, so that a
    /// follower sees the correct number of pending scopes.
    pub(super) fn publish(&self) {
        self.shared.stats().pending_scopes = self.retry_queue.len();
        let cursor = self.shared.materializer.index().cursor();
        self.cursor_sender.send_if_modified(|last| {
            let has_moved = *last != cursor;
            *last = cursor;
            has_moved
        });
    }
}

/// Checks whether a record of a session was read during a possible write.
pub(super) fn is_unsettled(view: &View, key: &SessionKey) -> bool {
    view.refresh_state(&key.session).is_some_and(|(_, state)| state.unsettled)
}

/// The result of a refresh.
struct RefreshOutcome {
    /// The records whose read was provisional; they go to the retry queue.
    provisional: Vec<EntityKey>,
    /// Whether the refresh compared more than the named records.
    is_wide: bool,
}

fn retry_scope(key: EntityKey) -> DirtyScope {
    match key {
        EntityKey::Session(key) => DirtyScope::Session(key),
        key => DirtyScope::Entity(key),
    }
}
