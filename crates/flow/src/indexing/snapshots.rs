//! Saves snapshots as files: one for each store, in a directory of cache files.

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

/// The suffix of snapshot files.
const SNAPSHOT_SUFFIX: &[u8] = b".snapshot";
/// The suffix of snapshot files that are being written.
const TEMPORARY_SUFFIX: &[u8] = b".tmp";
/// The suffix of lock files. A lock is held while a snapshot is replaced or its store is followed.
const LOCK_SUFFIX: &[u8] = b".lock";
/// The age at which a temporary file counts as left behind by a process that died.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// A directory of snapshot files, such as `$XDG_CACHE_HOME/scrollback`. It is never inside a store.
///
/// Pass it to [`SessionMaterializer::open`](crate::SessionMaterializer::open), which loads the
/// snapshot of its store.
///
/// ```
/// use scrollback_core_id::SourceId;
/// use scrollback_flow::{NoSnapshot, Snapshots};
///
/// let snapshots = Snapshots::new("no/such/directory").with_budget(64 << 20);
/// let store = SourceId::new("opencode")?;
/// assert_eq!(snapshots.load(&store).unwrap_err(), NoSnapshot::Missing);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Snapshots {
    dir: PathBuf,
    budget: u64,
    /// The lock of the store that this process follows.
    lock: Option<(SourceId, FileLock)>,
    has_cursors: bool,
}

/// The reason why a store has no usable snapshot. The index is then built from the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSnapshot {
    /// No snapshot was saved, or saving is switched off.
    #[error("no snapshot was found")]
    Missing,
    /// The file cannot be read.
    #[error("the snapshot cannot be read: {0}")]
    Unreadable(String),
    /// The bytes are damaged, foreign or of another version.
    #[error(transparent)]
    Unusable(#[from] SnapshotError),
    /// The snapshot belongs to this other store, whose name has the same hash.
    #[error("the snapshot belongs to another store, {0}")]
    OtherStore(SourceId),
}

/// A snapshot file. [`Snapshots::list`] returns them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The size of the file and the time when it was written.
    pub stamp: Stamp,
    /// The store of the snapshot; `None` if this version cannot use the snapshot.
    pub store: Option<SourceId>,
}

/// The reason why other users could replace a snapshot in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsafeDirectory {
    /// The directory belongs to another user.
    #[error("it belongs to another user")]
    OtherOwner,
    /// The group or all users can write to the directory.
    #[error("other users can write to it (`chmod go-w` forbids that)")]
    OthersCanWrite,
}

impl Snapshots {
    /// The default budget for all snapshots, in bytes: 512 MiB.
    pub const BUDGET: u64 = 512 << 20;

    /// Uses this directory, which is created with the first snapshot that is saved.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), budget: Self::BUDGET, lock: None, has_cursors: true }
    }

    /// Sets another budget, in bytes. The snapshot that was saved last always stays.
    #[must_use]
    pub fn with_budget(self, budget: u64) -> Self {
        Self { budget, ..self }
    }

    /// Marks this process as one that hands out no cursors. Its snapshots then keep the cursors of
    /// other processes valid, no matter how many snapshots are written.
    #[must_use]
    pub fn without_cursors(self) -> Self {
        Self { has_cursors: false, ..self }
    }

    /// Checks whether cursors of an index that is saved here may be handed out.
    pub fn has_cursors(&self) -> bool {
        self.has_cursors
    }

    /// Locks the snapshot of a store, until the last clone of the result is dropped. No other process
    /// replaces the snapshot meanwhile.
    ///
    /// Nothing is locked if another process has the lock, or if the file system has no locks.
    /// [`Snapshots::is_locked`] returns whether it worked.
    #[must_use]
    pub fn with_lock(self, store: &SourceId) -> Self {
        let lock = self.make_dir().ok().and_then(|()| self.take_lock(store).ok().flatten());
        Self { lock: lock.map(|lock| (store.clone(), lock)), ..self }
    }

    /// Checks whether [`Snapshots::with_lock`] got the lock of a store.
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

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the reason why other users could replace a snapshot here; `None` if they cannot, or if the
    /// directory does not exist. A new directory is private.
    #[cfg(unix)]
    pub fn unsafe_reason(&self) -> Option<UnsafeDirectory> {
        use std::os::unix::fs::MetadataExt;
        const ROOT: u32 = 0;
        const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
        let metadata = self.dir.metadata().ok().filter(fs::Metadata::is_dir)?;
        if ![ROOT, rustix::process::geteuid().as_raw()].contains(&metadata.uid()) {
            return Some(UnsafeDirectory::OtherOwner);
        }
        let is_unsafe = metadata.mode() & GROUP_OR_OTHERS_WRITE != 0;
        is_unsafe.then_some(UnsafeDirectory::OthersCanWrite)
    }

    /// Returns `None`: the directory is in the user's profile.
    #[cfg(not(unix))]
    pub fn unsafe_reason(&self) -> Option<UnsafeDirectory> {
        None
    }

    /// Returns the path of a store's snapshot.
    pub fn path(&self, store: &SourceId) -> PathBuf {
        self.dir.join(snapshot_file_name(store))
    }

    /// Loads the snapshot of a store: maps the file and checks all of its bytes.
    ///
    /// # Errors
    /// The reason why the store has no usable snapshot.
    pub fn load(&self, store: &SourceId) -> Result<Snapshot, NoSnapshot> {
        let snapshot = open_snapshot(&self.path(store))?;
        if snapshot.store() != store {
            return Err(NoSnapshot::OtherStore(snapshot.store().clone()));
        }
        Ok(snapshot)
    }

    /// Saves a snapshot, if that overwrites nothing of another process. Returns whether it was saved.
    ///
    /// The saved snapshot of the same store is replaced if its cursor is `before` (the snapshot that
    /// the index started from or wrote last), or if the new snapshot continues it. It stays if another
    /// process has saved it meanwhile, or if another process follows the store.
    ///
    /// # Errors
    /// If the snapshot cannot be written; the old one is then unchanged.
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
            // Without file locks, the check of the cursor below is the only protection.
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

    /// Saves a snapshot and replaces the saved one of the same store. Removes the oldest snapshots of
    /// other stores while all together are over the budget.
    ///
    /// The file is replaced atomically: a process that opens it at the same time reads the whole old
    /// snapshot or the whole new one.
    ///
    /// # Errors
    /// If the snapshot cannot be written; the old one is then unchanged.
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

    /// Returns the saved snapshots, newest first.
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

    /// Removes every snapshot, every temporary file, and every lock file that is not held. Returns the
    /// number of snapshots.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn clear(&self) -> Result<usize, PathError> {
        let snapshots = self.files_with_suffix(SNAPSHOT_SUFFIX);
        for (path, _) in snapshots.iter().chain(&self.files_with_suffix(TEMPORARY_SUFFIX)) {
            remove(path)?;
        }
        for (path, _) in self.files_with_suffix(LOCK_SUFFIX) {
            // A held lock file stays. If it were removed, the next process would create and lock
            // another file, and two processes would hold the lock.
            if let Ok(Some(_lock)) = FileLock::try_take(&path) {
                remove(&path)?;
            }
        }
        Ok(snapshots.len())
    }

    /// Removes the snapshots of the stores for which `is_wanted` returns `true`. Returns those stores.
    ///
    /// # Errors
    /// If a file cannot be removed.
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

    /// Removes the oldest snapshots while all are over the budget, and the temporary files of
    /// processes that died.
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

    /// Returns the cache files whose names have this suffix. Other files in the directory belong to
    /// someone else and are left alone.
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

/// Removes a file. A file that is already gone is not an error.
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
