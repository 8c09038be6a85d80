//! Where indexes are saved between runs, and the directories where they never are.

use std::path::{Path, PathBuf};

use scrollback_flow::Snapshots;
use scrollback_source::DiscoveredRoot;
use scrollback_stor_path::Environment;
use scrollback_stor_path::layout::STORAGE;

use crate::{Error, Result};
use scrollback_source::canonical_path;

/// Where indexes are saved between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CacheLocation {
    /// `$XDG_CACHE_HOME/scrollback`, else `~/.cache/scrollback`.
    Default,
    /// This directory.
    At(PathBuf),
    /// Indexes are not saved.
    Off,
}

impl CacheLocation {
    /// Returns the directory of the indexes, or `None` if there is none.
    ///
    /// # Errors
    /// [`Error::UnsafeCache`] if the directory is inside a store, because scrollback never writes to a
    /// store, or if other users can replace an index there.
    pub(crate) fn snapshots(
        &self,
        environment: &Environment,
        roots: &[DiscoveredRoot],
    ) -> Result<Option<Snapshots>> {
        let dir = match self {
            Self::Default => environment.cache_dir(),
            Self::At(dir) => Some(dir.clone()),
            Self::Off => None,
        };
        let Some(dir) = dir else { return Ok(None) };
        let real_dir = canonical_path(&dir);
        let usual_data_dir = environment.data_dir().map(|(dir, _)| dir);
        let is_in_usual =
            usual_data_dir.is_some_and(|it| real_dir.starts_with(canonical_path(&it)));
        let snapshots = Snapshots::new(&dir);
        let reason = match is_in_usual || roots.iter().any(|root| is_inside(&real_dir, root)) {
            true => "it is inside a store".to_owned(),
            false => match snapshots.unsafe_reason() {
                Some(reason) => reason.to_string(),
                None => return Ok(Some(snapshots)),
            },
        };
        Err(Error::UnsafeCache { dir, reason })
    }
}

/// Checks whether a canonical path is inside the stores of a root.
fn is_inside(path: &Path, root: &DiscoveredRoot) -> bool {
    let data_dir = canonical_path(&root.data_dir);
    if root.path == root.data_dir {
        return path.starts_with(data_dir);
    }
    // A store by itself can lie anywhere, also in the home directory that has the cache directory.
    path.starts_with(canonical_path(&root.path))
        || path.starts_with(data_dir.join(STORAGE))
        || path == data_dir
        || path.parent() == Some(&data_dir)
}
