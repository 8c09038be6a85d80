//! Stores to test on, and a clock that the test holds.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{Clock, EntityKey, Scope, SessionId, SessionKey, SourceId, UnixNanos};
use scrollback_fixtures::{Corpus, corpus, write_tree};
use scrollback_stor_read::{Each, Entry, FileReader, Listing, Result, Source};
use tempfile::TempDir;

/// Stands still, long after every file was written.
struct StoppedClock(UnixNanos);

impl Clock for StoppedClock {
    fn now(&self) -> UnixNanos {
        self.0
    }

    fn pause(&self, _: Duration) {}
}

/// 2100-01-01: every file is old.
pub(crate) const LATE: UnixNanos = UnixNanos(4_102_444_800_000_000_000);

pub(crate) fn open_at(storage: &Path, now: UnixNanos) -> FileReader {
    FileReader::new(storage, SourceId::new("test").unwrap(), Arc::new(StoppedClock(now)))
}

pub(crate) fn open(storage: &Path) -> FileReader {
    open_at(storage, LATE)
}

pub(crate) fn real() -> FileReader {
    open(&corpus(Corpus::OpencodeJson).storage)
}

/// A store stated as text; it goes away with the directory.
pub(crate) fn stated(text: &str) -> (TempDir, FileReader) {
    let dir = tempfile::tempdir().unwrap();
    write_tree(dir.path(), text).unwrap();
    let store = open(dir.path());
    (dir, store)
}

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

/// The issues, with their places.
pub(crate) fn placed(listing: &Listing) -> Vec<(String, IssueKind)> {
    let place = |issue: &Issue| issue.place.path.as_ref().map(|path| path.display().to_string());
    let issues = listing.issues.iter();
    issues.map(|(_, issue)| (place(issue).unwrap_or_default(), issue.kind.clone())).collect()
}

/// Says that a test leaves something out, where the gate collects such lines.
pub(crate) fn skip(what: &str, why: &str) {
    if let Some(path) = std::env::var_os("SCROLLBACK_SKIPS") {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        writeln!(file, "{what}: {why}").unwrap();
    }
}
