//! Copies of corpora, and stores over them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, SourceId};
use scrollback_source_test::calls::{FAR_FUTURE, StoppedClock};
use scrollback_stor_agents::engine::{AgentSource, Dialect};

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

/// Returns a store whose files all count as old.
pub(crate) fn settled_store<D: Dialect>(dialect: D, root: &Path) -> AgentSource<D> {
    store_at(dialect, root, Arc::new(StoppedClock(FAR_FUTURE)))
}

/// Returns a store that is read under this clock.
pub(crate) fn store_at<D: Dialect>(
    dialect: D,
    root: &Path,
    clock: Arc<dyn Clock>,
) -> AgentSource<D> {
    AgentSource::new(dialect, root, SourceId::new(D::AGENT).unwrap(), clock)
}
