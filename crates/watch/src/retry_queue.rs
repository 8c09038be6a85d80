//! The retry queue: records whose last read was provisional. The driver reads each record again
//! until the read is settled.

use std::collections::HashMap;
use std::time::Duration;

use scrollback_source::DirtyScope;
use tokio::time::Instant;

/// The scopes to read again, each with the time of its next read and the wait before that read.
#[derive(Debug, Default)]
pub(crate) struct RetryQueue {
    due: HashMap<DirtyScope, (Instant, Duration)>,
}

/// The first wait. A stamp younger than 100 ms is not trusted; 10 ms more make a single retry
/// enough for a write that has ended.
const MIN_WAIT: Duration = Duration::from_millis(110);
/// The longest wait. A record that is still provisional after the last read counts as damaged; the
/// sweep verifies it later.
const MAX_WAIT: Duration = Duration::from_secs(4);
/// The most scopes in the queue. A longer queue is replaced by one scan of the store, so that
/// memory stays bounded.
const MAX_ENTRIES: usize = 4096;

impl RetryQueue {
    /// Adds a scope whose last read was provisional. `last_wait` is the wait before that read,
    /// or `None` after a first read.
    pub(crate) fn schedule(&mut self, scope: DirtyScope, last_wait: Option<Duration>) {
        // Doubling bounds the number of reads to six per record: 110 ms, 220 ms, up to 3.5 s. A
        // file that is always young, such as one with a time in the future, would otherwise be read
        // for ever.
        let wait = last_wait.map_or(MIN_WAIT, |wait| wait * 2);
        if wait > MAX_WAIT {
            return;
        }
        let mut scope = scope;
        // A known scope replaces its own entry, so it never makes the queue longer.
        if self.due.len() >= MAX_ENTRIES && !self.due.contains_key(&scope) {
            self.due.clear();
            scope = DirtyScope::Store;
        }
        self.due.insert(scope, (Instant::now() + wait, wait));
    }

    /// Returns the number of scopes in the queue.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// Returns the time of the next read, or `None` if the queue is empty.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.values().map(|(due_at, _)| *due_at).min()
    }

    /// Takes out the scopes that are due, each with the wait before this read.
    pub(crate) fn take_due(&mut self) -> HashMap<DirtyScope, Duration> {
        let now = Instant::now();
        let due = self.due.extract_if(|_, (due_at, _)| *due_at <= now);
        due.map(|(scope, (_, wait))| (scope, wait)).collect()
    }

    /// Removes a scope that is read for another reason.
    pub(crate) fn remove(&mut self, scope: &DirtyScope) {
        self.due.remove(scope);
    }
}
