//! Calls on any Source, each in its own read transaction, and a clock that stands still.

use std::ops::ControlFlow;
use std::time::Duration;

use scrollback_core_id::{Clock, EntityKey, Scope, SessionId, SessionKey, UnixNanos};
use scrollback_source::{Entry, Listing, Result, ScanVisitor, Source};

/// A clock that always returns the same time.
pub struct StoppedClock(pub UnixNanos);

impl Clock for StoppedClock {
    fn now(&self) -> UnixNanos {
        self.0
    }

    fn pause(&self, _: Duration) {}
}

/// 2100-01-01: later than every file was written, so that every file is settled.
pub const FAR_FUTURE: UnixNanos = UnixNanos(4_102_444_800_000_000_000);

/// Returns the key of a session.
///
/// # Panics
/// If the text is not a valid id.
pub fn session_key(session: &str) -> SessionKey {
    SessionId::new(session).unwrap().into()
}

/// Collects the items of a scan.
///
/// # Panics
/// If the call fails.
pub fn scan(store: &dyn Source, scope: &Scope) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|visitor| reader.scan(scope, visitor)).unwrap()
}

/// Collects the items of a session's tree.
///
/// # Panics
/// If the call fails.
pub fn tree(store: &dyn Source, session: &SessionKey) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|visitor| reader.tree(session, visitor)).unwrap()
}

/// Collects the spans of these keys.
///
/// # Panics
/// If the call fails.
pub fn spans(store: &dyn Source, keys: &[EntityKey]) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|visitor| reader.spans(keys, visitor)).unwrap()
}

/// Collects the orphans of a store.
///
/// # Panics
/// If the call fails.
pub fn orphans(store: &dyn Source) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|visitor| reader.orphans(visitor)).unwrap()
}

/// Counts the items of a call whose visitor breaks after `limit` items.
///
/// # Panics
/// If the call fails.
pub fn count_until_break(
    limit: usize,
    call: impl FnOnce(&mut ScanVisitor<'_>) -> Result<()>,
) -> usize {
    let mut visited = 0;
    call(&mut |_| {
        visited += 1;
        if visited >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    visited
}

/// Returns the last word of each key, as keys are printed.
pub fn key_names(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| entry.key.to_string().rsplit([' ', '/']).next().unwrap().to_owned();
    entries.iter().map(name).collect()
}
