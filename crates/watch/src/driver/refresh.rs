//! Looks: what is dirty is compared with the store, and said to whoever waits.

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

/// Compares what is dirty with the store, and keeps the index.
pub(super) struct Refresher {
    pub(super) shared: Arc<Shared>,
    /// Goes with the driver, so that whoever waits for it to move knows that it does not any more.
    pub(super) cursor_sender: watch::Sender<Cursor>,
    pub(super) retry_queue: RetryQueue,
    pub(super) refresh: RefreshOptions,
}

impl Refresher {
    /// Looks at what may have been in the middle of a write.
    pub(super) fn retry_due(&mut self) -> bool {
        let due = self.retry_queue.take_due();
        self.shared.stats().retries += due.len() as u64;
        let scopes: Vec<DirtyScope> = due.keys().cloned().collect();
        let Some(outcome) = self.refresh_once(&scopes) else { return false };
        for key in outcome.provisional {
            let wait = due.get(&DirtyScope::Entity(key.clone()));
            let wait = wait.or_else(|| match &key {
                EntityKey::Session(key) => due.get(&DirtyScope::Session(key.clone())),
                _ => None,
            });
            self.retry_queue.schedule(retry_scope(key), wait.copied());
        }
        self.publish();
        true
    }

    /// Looks at scopes; whether it could.
    pub(super) fn refresh_scopes(&mut self, scopes: &[DirtyScope]) -> bool {
        self.shared.stats().scopes += scopes.len() as u64;
        let before = self.shared.materializer.index().cursor();
        scopes.iter().for_each(|scope| self.retry_queue.remove(scope));
        let Some(outcome) = self.refresh_once(scopes) else { return false };
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

    /// Reads what may be in the middle of a write in sessions that were looked at as a whole, which
    /// reads no part: what is read later is compared with these bytes. Whether it could.
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

    /// Looks at scopes, and gives what is to be looked at again. None if the store could not be read.
    fn refresh_once(&mut self, scopes: &[DirtyScope]) -> Option<RefreshOutcome> {
        // Said before anybody can be told of what it finds.
        self.shared.stats().pending_scopes = self.retry_queue.len() + 1;
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
                _ => verify = verify.or(Some(Verify::Fast)),
            }
        }
        let materializer = &self.shared.materializer;
        let mut outcome = Ok(Vec::new());
        if let Some(verify) = verify {
            // All parts that are wanted were looked at when it began, and are followed since.
            let options = RefreshOptions { verify, parts: PartDetail::Later, ..self.refresh };
            let is_stopping = || self.shared.is_stopping.load(Ordering::Relaxed);
            let refreshed = materializer.refresh(&options, &|_| match is_stopping() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            });
            if refreshed.as_ref().is_ok_and(ControlFlow::is_break) {
                return None;
            }
            outcome = refreshed.map(|_| Vec::new());
            let mut stats = self.shared.stats();
            stats.refreshes += 1;
            stats.rescans += u64::from(verify == Verify::Full);
        }
        if outcome.is_ok() && verify != Some(Verify::Full) && dirty != Dirty::default() {
            outcome = materializer.refresh_dirty(&dirty).map(|outcome| outcome.provisional);
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

    /// Sessions that changed since, and in which something may still be written.
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

    /// Notes that something could not be read; whether it could.
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

    /// Says how far it is to whoever waits, once it is known what is to be looked at again.
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

/// Whether something in a session may have been in the middle of a write when it was read.
pub(super) fn is_unsettled(view: &View, key: &SessionKey) -> bool {
    view.refresh_state(&key.session).is_some_and(|(_, state)| state.unsettled)
}

/// What a look came to.
struct RefreshOutcome {
    /// What is to be looked at again.
    provisional: Vec<EntityKey>,
    /// Whether more was looked at than was named.
    is_wide: bool,
}

fn retry_scope(key: EntityKey) -> DirtyScope {
    match key {
        EntityKey::Session(key) => DirtyScope::Session(key),
        key => DirtyScope::Entity(key),
    }
}
