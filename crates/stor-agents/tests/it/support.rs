//! Copies of corpora, and stores over them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, SessionKey, SourceId, SystemClock};
use scrollback_source::{Agent, OpenOptions, Source, SourceExt};
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock, spans, tree};
use scrollback_stor_agents::engine::{AgentSource, Dialect};
use scrollback_stor_mmap::{MapPolicy, ReadOptions};

/// Returns a directory of the fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

/// Copies a directory with all that is in it.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Returns the number of sessions in the store that an agent finds at a path.
pub(crate) fn count_sessions(agent: &dyn Agent, path: &Path) -> usize {
    let options = OpenOptions {
        clock: Arc::new(SystemClock),
        read: ReadOptions::default(),
        map: MapPolicy::default(),
        from_store: None,
    };
    let found = agent.find(path);
    let source = agent.open(&found.roots[0], &options);
    source.list_sessions().unwrap().entries.len()
}

/// Returns a store whose files all count as old.
pub(crate) fn settled_store<D: Dialect>(dialect: D, root: &Path) -> AgentSource<D> {
    store_at(dialect, root, Arc::new(StoppedClock(FAR_FUTURE)))
}

/// Checks that each record of a session has the same bytes when it is read by itself.
#[track_caller]
pub(crate) fn check_single_reads(store: &dyn Source, session: &SessionKey) {
    for entry in tree(store, session).entries {
        // Each call opens a read transaction, so nothing is cached.
        let single = spans(store, std::slice::from_ref(&entry.key));
        let bytes = single.entries.first().and_then(|single| single.span.as_deref());
        let expected = entry.span.as_deref();
        let text = |bytes: Option<&[u8]>| bytes.map(String::from_utf8_lossy).map(String::from);
        assert_eq!(text(bytes), text(expected), "{}", entry.key);
    }
}

/// Returns a store that is read under this clock.
pub(crate) fn store_at<D: Dialect>(
    dialect: D,
    root: &Path,
    clock: Arc<dyn Clock>,
) -> AgentSource<D> {
    AgentSource::new(dialect, root, SourceId::new(D::AGENT).unwrap(), clock)
}
