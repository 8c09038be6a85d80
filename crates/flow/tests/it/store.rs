//! Stores for tests: the JSON corpus, and small stores written as text.

use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::{SessionId, SessionKey, SourceId, SystemClock};
use scrollback_fixtures::{Corpus, CorpusPaths, corpus, write_tree};
use scrollback_stor_read::FileReader;
use tempfile::TempDir;

pub(crate) fn open_store(storage: &Path) -> FileReader {
    FileReader::new(storage, SourceId::new("test").unwrap(), Arc::new(SystemClock))
}

pub(crate) fn corpus_paths() -> CorpusPaths {
    corpus(Corpus::OpencodeJson)
}

/// Opens the corpus, and returns the session that a step of its scenario made.
pub(crate) fn corpus_session(step: &str) -> (FileReader, SessionKey) {
    let paths = corpus_paths();
    let id = paths.session_of_step(step).unwrap().expect("a step with a session");
    (open_store(&paths.storage), session_key(&id))
}

pub(crate) fn session_key(session: &str) -> SessionKey {
    SessionId::new(session).unwrap().into()
}

/// Writes a store from text. The store is removed when the directory is dropped.
pub(crate) fn store_from_text(text: &str) -> (TempDir, FileReader) {
    let dir = tempfile::tempdir().unwrap();
    write_tree(dir.path(), text).unwrap();
    let store = open_store(dir.path());
    (dir, store)
}
