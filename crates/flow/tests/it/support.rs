//! Merged stores for the conformance suite of Sources, and helpers that open stores.

use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::SourceId;
use scrollback_fixtures::{Corpus, corpus, write_tree};
use scrollback_flow::MergedSource;
use scrollback_source::Source;
use scrollback_source_test::{Content, Expectations};
use scrollback_stor_read::FileReader;
use scrollback_stor_sqlite::SqliteReader;

use crate::calls::{FAR_FUTURE, StoppedClock};

pub(crate) fn source_id(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

pub(crate) fn file_source(storage: &Path) -> Arc<dyn Source> {
    Arc::new(FileReader::new(storage, source_id("files"), Arc::new(StoppedClock(FAR_FUTURE))))
}

pub(crate) fn database_source(path: &Path) -> Arc<dyn Source> {
    Arc::new(SqliteReader::new(path, source_id("database"), Arc::new(StoppedClock(FAR_FUTURE))))
}

/// Runs a check on merged stores: a database and files with the same sessions, where the files have
/// additional sessions; a database and files with different sessions; and files with a store of diffs.
pub(crate) fn for_each_store(check: impl Fn(&dyn Source, &Expectations)) {
    let expected = Expectations::everything().without(Content::Items).without(Content::Resume);
    let json = corpus(Corpus::OpencodeJson);
    let dir = tempfile::tempdir().unwrap();
    let copy = json.copy_to(dir.path()).unwrap();
    let left = r#"
        //- project/p.json
        {"id":"p"}
        //- session/p/ses_left.json
        {"id":"ses_left","time":{"created":1,"updated":1}}
        //- message/ses_left/msg_left.json
        {"id":"msg_left","sessionID":"ses_left","role":"user","time":{"created":1}}
        //- part/msg_left/prt_left.json
        {"id":"prt_left","sessionID":"ses_left","messageID":"msg_left","type":"text"}
        //- part/msg_lost/prt_lost.json
        {"id":"prt_lost","sessionID":"ses_left","messageID":"msg_lost","type":"text"}
    "#;
    write_tree(&copy.storage, left).unwrap();
    for which in [Corpus::OpencodeMigrated, Corpus::OpencodeSqlite] {
        let database = database_source(&corpus(which).database);
        check(
            &MergedSource::new(source_id("both"), database).with_source(file_source(&copy.storage)),
            &expected,
        );
    }
    let files = file_source(&json.storage);
    let one = MergedSource::new(source_id("one"), Arc::clone(&files)).with_diff_source(files);
    check(&one, &expected);
}
