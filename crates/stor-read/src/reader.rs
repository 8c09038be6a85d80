//! `FileReader`, the Source over opencode's JSON tree (`storage/`, 0.6 to 1.1), which
//! `docs/format/opencode.md` describes in section 3. A `FileReader` knows the place of the tree; a
//! `FileTransaction` reads it. The other modules each add one kind of walk to the transaction:
//! sessions and projects, messages and parts, whole trees, orphans.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use scrollback_core_id::{Clock, EntityKey, SourceId};
use scrollback_stor_mmap::{Dir, MapPolicy, ReadOptions};
use scrollback_stor_path::layout::{MESSAGE, SESSION};
use scrollback_stor_path::path_of;

use crate::transaction::{FileTransaction, ReadSettings};
use crate::watch;
use scrollback_source::{DirtyScope, Error, Reader, Result, ScanItem, Source, WatchRoot};

/// A reader of opencode's JSON tree. `new` opens nothing, so a `FileReader` is cheap to make.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_source::SourceExt;
/// use scrollback_stor_read::FileReader;
///
/// # let storage = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json/storage");
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// assert_eq!(store.list_sessions()?.entries.len(), 59);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FileReader {
    storage: PathBuf,
    id: SourceId,
    settings: ReadSettings,
}

impl FileReader {
    /// Returns a reader of the `storage/` directory at this path.
    pub fn new(storage: impl Into<PathBuf>, id: SourceId, clock: Arc<dyn Clock>) -> Self {
        let (options, policy) = (ReadOptions::default(), MapPolicy::default());
        Self { storage: storage.into(), id, settings: ReadSettings { clock, options, policy } }
    }

    /// Returns the same reader with other limits: size, margin, tries.
    #[must_use]
    pub fn with_options(self, options: ReadOptions) -> Self {
        let settings = ReadSettings { options, ..self.settings };
        Self { settings, ..self }
    }

    /// Returns the same reader with another policy. opencode rewrites its files in place, so only a
    /// policy for frozen stores makes a difference.
    #[must_use]
    pub fn with_policy(self, policy: MapPolicy) -> Self {
        let settings = ReadSettings { policy, ..self.settings };
        Self { settings, ..self }
    }

    /// Returns the path of the `storage/` directory.
    pub fn storage(&self) -> &Path {
        &self.storage
    }
}

impl Source for FileReader {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.settings.clock
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        let root = Dir::open(&self.storage).map_err(|source| Error::Store {
            path: self.storage.clone(),
            source: Box::new(source),
        })?;
        Ok(Box::new(FileTransaction::new(&self.settings, root)))
    }

    fn watch_plan(&self) -> Vec<WatchRoot> {
        watch::watch_plan(&self.storage)
    }

    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        watch::scope_of_path(path.strip_prefix(&self.storage).ok()?)
    }

    fn directory_of(&self, key: &EntityKey) -> Option<PathBuf> {
        Some(self.storage.join(watch::directory_of(key)?))
    }

    // `probe` keeps its default: a file that is rewritten in place changes no directory, so only a
    // stat of each file finds the changes.

    /// Checks whether the tree has no sessions. Newer versions leave trees behind that have only diffs.
    fn is_empty(&self) -> bool {
        let is_missing = |name| {
            let metadata = self.storage.join(name).symlink_metadata();
            metadata.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        [SESSION, MESSAGE].into_iter().all(is_missing)
    }

    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        let project = match key {
            EntityKey::Session(_) => {
                let mut project = None;
                let _ = self.open().ok()?.spans(std::slice::from_ref(key), &mut |item| {
                    if let ScanItem::Entry(entry) = item {
                        project = entry.project;
                    }
                    ControlFlow::Continue(())
                });
                project
            }
            _ => None,
        };
        path_of(key, project.as_ref()).ok()
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader")
            .field("storage", &self.storage)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
