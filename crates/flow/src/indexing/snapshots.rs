//! Snapshots in files: one for each store, in a directory of our own.

use std::fs::{self, DirBuilder};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use scrollback_core_err::{AtPath, PathError};
use scrollback_core_id::{Cursor, SourceId, Stamp, UnixNanos};
use scrollback_index::{Snapshot, SnapshotError, snapshot_file_name};
use scrollback_stor_mmap::{
    Dir, Directory, FileKind, FileLock, ListBuffer, open_cache_file, write_atomic,
};

/// Ends the names of snapshots.
const SNAPSHOT_SUFFIX: &[u8] = b".snapshot";
/// Ends the names of snapshots that are being written.
const TEMPORARY_SUFFIX: &[u8] = b".tmp";
/// Ends the names of files that are locked while a snapshot is replaced, or followed.
const LOCK_SUFFIX: &[u8] = b".lock";
/// A snapshot that is being written for longer than this was left by a process that died.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// Where snapshots are kept between runs: `$XDG_CACHE_HOME/scrollback`, never a store.
#[derive(Debug, Clone)]
pub struct Snapshots {
    dir: PathBuf,
    budget: u64,
    /// Held by a process that follows a store, for as long as it does.
    lock: Option<(SourceId, FileLock)>,
    has_cursors: bool,
}

/// Why there is no snapshot to begin with: the index is then built anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSnapshot {
    /// None was kept, or keeping them is switched off.
    #[error("there is no snapshot")]
    Missing,
    /// The file cannot be read.
    #[error("the snapshot cannot be read: {0}")]
    Unreadable(String),
    /// The bytes are of no use.
    #[error(transparent)]
    Unusable(#[from] SnapshotError),
    /// It is of another store, whose name has the same hash.
    #[error("the snapshot is of another store, {0}")]
    OtherStore(SourceId),
}

/// A snapshot in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// The file.
    pub path: PathBuf,
    /// Its size and when it was written.
    pub stamp: Stamp,
    /// The store that it is of; none if it is of no use to this version.
    pub store: Option<SourceId>,
}

impl Snapshots {
    /// How many bytes of snapshots are kept: 512 MiB.
    pub const BUDGET: u64 = 512 << 20;

    /// Snapshots in this directory, which is made when the first is kept.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), budget: Self::BUDGET, lock: None, has_cursors: true }
    }

    /// The same with another budget, in bytes. The one that was kept last always stays.
    #[must_use]
    pub fn with_budget(self, budget: u64) -> Self {
        Self { budget, ..self }
    }

    /// The same for a process that hands out no cursors: the snapshots that it writes leave the
    /// cursors of other processes good, however many there are.
    #[must_use]
    pub fn without_cursors(self) -> Self {
        Self { has_cursors: false, ..self }
    }

    /// Whether cursors of an index that is kept here may be handed out.
    pub fn has_cursors(&self) -> bool {
        self.has_cursors
    }

    /// The same with the snapshot of a store for itself, as long as a clone of this lives: no other
    /// process replaces it meanwhile. Unchanged if another process has it already, or where files
    /// cannot be locked.
    #[must_use]
    pub fn with_lock(self, store: &SourceId) -> Self {
        let lock = self.make_dir().ok().and_then(|()| self.take_lock(store).ok().flatten());
        Self { lock: lock.map(|lock| (store.clone(), lock)), ..self }
    }

    /// Whether [`Snapshots::with_lock`] got the lock of a store.
    pub fn is_locked(&self, store: &SourceId) -> bool {
        self.lock.as_ref().is_some_and(|(locked, _)| locked == store)
    }

    fn take_lock(&self, store: &SourceId) -> Result<Option<FileLock>, PathError> {
        let path = self.lock_path(store);
        FileLock::try_take(&path).map_err(|error| path_error(error, &path))
    }

    fn lock_path(&self, store: &SourceId) -> PathBuf {
        let mut path = self.path(store).into_os_string();
        path.push(".lock");
        path.into()
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of a store's snapshot.
    pub fn path(&self, store: &SourceId) -> PathBuf {
        self.dir.join(snapshot_file_name(store))
    }

    /// Opens the snapshot of a store: maps it, and checks all of it.
    ///
    /// # Errors
    /// Why there is none that is of use.
    pub fn load(&self, store: &SourceId) -> Result<Snapshot, NoSnapshot> {
        let snapshot = open_snapshot(&self.path(store))?;
        if snapshot.store() != store {
            return Err(NoSnapshot::OtherStore(snapshot.store().clone()));
        }
        Ok(snapshot)
    }

    /// Keeps a snapshot in place of the one of the same store, but only if that is the one that the
    /// index began with or wrote last (`before`), or an ancestor: what another process kept
    /// meanwhile stays, and so does the snapshot of a store that another process follows. Says
    /// whether it was kept.
    ///
    /// # Errors
    /// If it cannot be written; the old one is then as it was.
    pub fn save_after(
        &self,
        snapshot: &Snapshot,
        before: Option<&Cursor>,
        now: UnixNanos,
    ) -> Result<bool, PathError> {
        self.make_dir()?;
        let store = snapshot.store();
        let _lock = match self.is_locked(store) {
            true => None,
            // Where files cannot be locked, the check below has to do.
            false => match self.take_lock(store) {
                Ok(None) => return Ok(false),
                Ok(lock) => lock,
                Err(_) => None,
            },
        };
        if let Ok(saved) = self.load(store) {
            let saved = saved.cursor();
            if before != Some(&saved) && !snapshot.continues(&saved) {
                return Ok(false);
            }
        }
        self.save(snapshot, now)?;
        Ok(true)
    }

    /// Keeps a snapshot in place of the one of the same store, whatever that is, and removes the oldest of others
    /// that are over the budget. Whoever opens it meanwhile has all of the old or all of the new.
    ///
    /// # Errors
    /// If it cannot be written; the old one is then as it was.
    pub fn save(&self, snapshot: &Snapshot, now: UnixNanos) -> Result<(), PathError> {
        self.make_dir()?;
        let path = self.path(snapshot.store());
        write_atomic(&path, &snapshot.to_header_and_body())
            .map_err(|error| path_error(error, &path))?;
        self.enforce_budget(&path, now);
        Ok(())
    }

    fn make_dir(&self) -> Result<(), PathError> {
        let mut private = DirBuilder::new();
        private.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
        private.create(&self.dir).at_path("make", &self.dir)
    }

    /// The snapshots that are kept, the newest first.
    pub fn list(&self) -> Vec<SnapshotFile> {
        let mut saved: Vec<SnapshotFile> = self
            .files_with_suffix(SNAPSHOT_SUFFIX)
            .into_iter()
            .map(|(path, stamp)| {
                let store = open_snapshot(&path).ok().map(|snapshot| snapshot.store().clone());
                SnapshotFile { path, stamp, store }
            })
            .collect();
        saved.sort_by(|a, b| b.stamp.mtime.cmp(&a.stamp.mtime).then_with(|| a.path.cmp(&b.path)));
        saved
    }

    /// Removes every snapshot, and what was left of unfinished ones. Says how many there were.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn clear(&self) -> Result<usize, PathError> {
        let snapshots = self.files_with_suffix(SNAPSHOT_SUFFIX);
        for (path, _) in snapshots.iter().chain(&self.files_with_suffix(TEMPORARY_SUFFIX)) {
            remove(path)?;
        }
        for (path, _) in self.files_with_suffix(LOCK_SUFFIX) {
            // One that a process holds has to stay what it holds.
            if let Ok(Some(_lock)) = FileLock::try_take(&path) {
                remove(&path)?;
            }
        }
        Ok(snapshots.len())
    }

    /// Removes the snapshots of these stores. Says which there were.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn clear_stores(
        &self,
        is_wanted: impl Fn(&SourceId) -> bool,
    ) -> Result<Vec<SourceId>, PathError> {
        let mut removed = Vec::new();
        for SnapshotFile { path, store, .. } in self.list() {
            if let Some(store) = store.filter(&is_wanted) {
                remove(&path)?;
                removed.push(store);
            }
        }
        Ok(removed)
    }

    /// Removes what is over the budget, the oldest first, and what dead processes left.
    fn enforce_budget(&self, newest: &Path, now: UnixNanos) {
        let mut others = self.files_with_suffix(SNAPSHOT_SUFFIX);
        let mut all: u64 = others.iter().map(|(_, stamp)| stamp.size).sum();
        others.retain(|(path, _)| path != newest);
        others.sort_by_key(|(_, stamp)| stamp.mtime);
        for (path, stamp) in others {
            if all > self.budget && fs::remove_file(path).is_ok() {
                all -= stamp.size;
            }
        }
        for (path, stamp) in self.files_with_suffix(TEMPORARY_SUFFIX) {
            if now.duration_since(stamp.mtime) > ABANDONED_AFTER {
                let _ = fs::remove_file(path); // the next process will try again
            }
        }
    }

    /// Our files whose names end so. Others in the directory are not ours to touch.
    fn files_with_suffix(&self, suffix: &[u8]) -> Vec<(PathBuf, Stamp)> {
        let Ok(dir) = Dir::open(&self.dir) else { return Vec::new() };
        let mut names = Vec::new();
        let listed = dir.list(&mut ListBuffer::default(), |name, kind| {
            let is_snapshot_file =
                name.windows(SNAPSHOT_SUFFIX.len()).any(|part| part == SNAPSHOT_SUFFIX);
            if kind == FileKind::File && is_snapshot_file && name.ends_with(suffix) {
                names.extend(String::from_utf8(name.to_vec()));
            }
        });
        if listed.is_err() {
            return Vec::new();
        }
        let stamp = |name: &String| Some(dir.stat(name.as_bytes()).ok()?.1);
        names.into_iter().filter_map(|name| Some((self.dir.join(&name), stamp(&name)?))).collect()
    }
}

/// Removes a file, unless somebody did already.
fn remove(path: &Path) -> Result<(), PathError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.at_path("remove", path),
    }
}

fn open_snapshot(path: &Path) -> Result<Snapshot, NoSnapshot> {
    if !path.exists() {
        return Err(NoSnapshot::Missing);
    }
    let span = open_cache_file(path).map_err(|error| NoSnapshot::Unreadable(error.to_string()))?;
    Ok(Snapshot::open(Arc::new(span))?)
}

fn path_error(error: scrollback_stor_mmap::Error, path: &Path) -> PathError {
    match error {
        scrollback_stor_mmap::Error::Io(error) => error,
        other => PathError {
            action: "write",
            path: path.to_owned(),
            source: std::io::Error::other(other),
        },
    }
}
