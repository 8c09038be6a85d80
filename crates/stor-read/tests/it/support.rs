//! Stores for tests, with a clock that the test sets.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{SourceId, UnixNanos};
use scrollback_fixtures::{Corpus, corpus, write_tree};
use scrollback_source::{Listing, Source};
use scrollback_source_test::{Content, Expectations};
use scrollback_stor_read::FileReader;
use tempfile::TempDir;

use crate::calls::{FAR_FUTURE, StoppedClock};

pub(crate) fn open_at(storage: &Path, now: UnixNanos) -> FileReader {
    FileReader::new(storage, SourceId::new("test").unwrap(), Arc::new(StoppedClock(now)))
}

pub(crate) fn open(storage: &Path) -> FileReader {
    open_at(storage, FAR_FUTURE)
}

pub(crate) fn open_corpus() -> FileReader {
    open(&corpus(Corpus::OpencodeJson).storage)
}

/// Writes a store from its text form. The store is deleted with the directory.
pub(crate) fn store_from_text(text: &str) -> (TempDir, FileReader) {
    let dir = tempfile::tempdir().unwrap();
    write_tree(dir.path(), text).unwrap();
    let store = open(dir.path());
    (dir, store)
}

/// Returns the issues of a listing, each with its path.
pub(crate) fn issues_with_paths(listing: &Listing) -> Vec<(String, IssueKind)> {
    let place = |issue: &Issue| issue.place.path.as_ref().map(|path| path.display().to_string());
    let issues = listing.issues.iter();
    issues.map(|(_, issue)| (place(issue).unwrap_or_default(), issue.kind.clone())).collect()
}

/// Reports that a test skips something, in the file where the gate collects such lines.
pub(crate) fn report_skip(subject: &str, reason: &str) {
    if let Some(path) = std::env::var_os("SCROLLBACK_SKIPS") {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        writeln!(file, "{subject}: {reason}").unwrap();
    }
}

/// Runs a check on each store with the store's expected content.
pub(crate) fn on_all(check: impl Fn(&dyn Source, &Expectations)) {
    let expected = Expectations::everything().without(Content::Items).without(Content::Resume);
    check(&open_corpus(), &expected);
    let (_dir, small) = store_from_text(
        r#"
        //- project/p.json
        {"id":"p"}
        //- session/p/ses_1.json
        {"id":"ses_1","time":{"created":1,"updated":1}}
        //- session/q/ses_2.json
        {"id":"ses_2","time":{"created":1,"updated":2}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","role":"user","time":{"created":1}}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","type":"text"}
        //- part/msg_gone/prt_2.json
        {"id":"prt_2","type":"text"}
        "#,
    );
    check(&small, &expected);
}
