//! Calls on any Source, each in a look of its own, and a clock that stands still.

use std::ops::ControlFlow;
use std::time::Duration;

use scrollback_core_id::{Clock, EntityKey, Scope, SessionId, SessionKey, UnixNanos};
use scrollback_source::{Entry, Listing, Result, ScanVisitor, Source};

/// Stands still, long after every file was written.
pub struct StoppedClock(pub UnixNanos);

impl Clock for StoppedClock {
    fn now(&self) -> UnixNanos {
        self.0
    }

    fn pause(&self, _: Duration) {}
}

/// 2100-01-01: every file is old.
pub const FAR_FUTURE: UnixNanos = UnixNanos(4_102_444_800_000_000_000);

/// The key of a session.
///
/// # Panics
/// If the text is no id.
pub fn session_key(session: &str) -> SessionKey {
    SessionId::new(session).unwrap().into()
}

/// What a scan hands out.
///
/// # Panics
/// If the call fails.
pub fn scan(store: &dyn Source, scope: &Scope) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|visitor| reader.scan(scope, visitor)).unwrap()
}

/// What a tree hands out.
///
/// # Panics
/// If the call fails.
pub fn tree(store: &dyn Source, session: &SessionKey) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|visitor| reader.tree(session, visitor)).unwrap()
}

/// What is handed out for these keys.
///
/// # Panics
/// If the call fails.
pub fn spans(store: &dyn Source, keys: &[EntityKey]) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|visitor| reader.spans(keys, visitor)).unwrap()
}

/// What belongs to nothing.
///
/// # Panics
/// If the call fails.
pub fn orphans(store: &dyn Source) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|visitor| reader.orphans(visitor)).unwrap()
}

/// How many things a call hands out when it is told to end after `most`.
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

/// The last word of each key, as it is printed.
pub fn key_names(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| entry.key.to_string().rsplit([' ', '/']).next().unwrap().to_owned();
    entries.iter().map(name).collect()
}
