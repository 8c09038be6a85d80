//! Calls on any Source, and a clock that stands still. Shared by the tests of every Source.

use std::ops::ControlFlow;
use std::time::Duration;

use scrollback_core_id::{Clock, EntityKey, Scope, SessionId, SessionKey, UnixNanos};
use scrollback_source::{Each, Entry, Listing, Result, Source};

/// Stands still, long after every file was written.
pub(crate) struct StoppedClock(pub(crate) UnixNanos);

impl Clock for StoppedClock {
    fn now(&self) -> UnixNanos {
        self.0
    }

    fn pause(&self, _: Duration) {}
}

/// 2100-01-01: every file is old.
pub(crate) const LATE: UnixNanos = UnixNanos(4_102_444_800_000_000_000);

pub(crate) fn key(session: &str) -> SessionKey {
    SessionId::new(session).unwrap().into()
}

pub(crate) fn scan(store: &dyn Source, scope: &Scope) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|each| reader.scan(scope, each)).unwrap()
}

pub(crate) fn tree(store: &dyn Source, session: &SessionKey) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|each| reader.tree(session, each)).unwrap()
}

pub(crate) fn spans(store: &dyn Source, keys: &[EntityKey]) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|each| reader.spans(keys, each)).unwrap()
}

pub(crate) fn orphans(store: &dyn Source) -> Listing {
    let mut reader = store.open().unwrap();
    Listing::collect(|each| reader.orphans(each)).unwrap()
}

/// How many things a call hands out when it is told to end after `most`.
pub(crate) fn cut_short(most: usize, call: impl FnOnce(&mut Each<'_>) -> Result<()>) -> usize {
    let mut handed_out = 0;
    call(&mut |_| {
        handed_out += 1;
        if handed_out >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    handed_out
}

/// The last words of each key.
pub(crate) fn names(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| entry.key.to_string().rsplit([' ', '/']).next().unwrap().to_owned();
    entries.iter().map(name).collect()
}
