//! What may have been in the middle of a write, and is looked at again until it was not.

use std::collections::HashMap;
use std::time::Duration;

use scrollback_source::DirtyScope;
use tokio::time::Instant;

/// Scopes that are due again.
#[derive(Debug, Default)]
pub(crate) struct RetryQueue {
    due: HashMap<DirtyScope, (Instant, Duration)>,
}

/// A file is as old as this before its stamp is believed; a little more, so that once is enough.
const MIN_WAIT: Duration = Duration::from_millis(110);
/// What is not settled then is broken, and left to the sweep.
const MAX_WAIT: Duration = Duration::from_secs(4);
/// Of more than so many, all of the store is looked at.
const MAX_ENTRIES: usize = 4096;

impl RetryQueue {
    /// Looked at, and not settled.
    pub(crate) fn schedule(&mut self, scope: DirtyScope, tries: Option<Duration>) {
        let wait = tries.map_or(MIN_WAIT, |wait| wait * 2);
        if wait > MAX_WAIT {
            return;
        }
        let mut scope = scope;
        if self.due.len() >= MAX_ENTRIES && !self.due.contains_key(&scope) {
            self.due.clear();
            scope = DirtyScope::Store;
        }
        self.due.insert(scope, (Instant::now() + wait, wait));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// When the next is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.values().map(|(due_at, _)| *due_at).min()
    }

    /// Those that are due, and how long each was waited for.
    pub(crate) fn take_due(&mut self) -> HashMap<DirtyScope, Duration> {
        let now = Instant::now();
        let due = self.due.extract_if(|_, (due_at, _)| *due_at <= now);
        due.map(|(scope, (_, waited))| (scope, waited)).collect()
    }

    /// They were looked at for another reason.
    pub(crate) fn remove(&mut self, scope: &DirtyScope) {
        self.due.remove(scope);
    }
}
