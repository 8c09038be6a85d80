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
    Listing::collect(|each| reader.scan(scope, each)).unwrap()
}

/// What a tree hands out.
///
/// # Panics
/// If the call fails.
pub fn tree(store: &dyn Source, session: &SessionKey) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|each| reader.tree(session, each)).unwrap()
}

/// What is handed out for these keys.
///
/// # Panics
/// If the call fails.
pub fn spans(store: &dyn Source, keys: &[EntityKey]) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|each| reader.spans(keys, each)).unwrap()
}

/// What belongs to nothing.
///
/// # Panics
/// If the call fails.
pub fn orphans(store: &dyn Source) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|each| reader.orphans(each)).unwrap()
}

/// How many things a call hands out when it is told to end after `most`.
///
/// # Panics
/// If the call fails.
pub fn count_until_break(
    most: usize,
    call: impl FnOnce(&mut ScanVisitor<'_>) -> Result<()>,
) -> usize {
    let mut handed_out = 0;
    call(&mut |_| {
        handed_out += 1;
        if handed_out >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    handed_out
}

/// The last word of each key, as it is printed.
pub fn key_names(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| entry.key.to_string().rsplit([' ', '/']).next().unwrap().to_owned();
    entries.iter().map(name).collect()
}
