//! Writes and opens cache files, such as an index snapshot: a file is written whole, then renamed into
//! place. The workspace writes no other files, and it never writes into a store.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use scrollback_core_err::{AtPath, Issue, Place};
use scrollback_core_id::Discipline;

use crate::{Dir, Error, MapPolicy, MappedFile, MappedSpan, ReadOptions};

/// Makes or replaces a cache file. A program that opens the file finds all of the old bytes or all of
/// `pieces`, one after the other, also after a crash. Only the file's owner may read it (mode 0600).
/// Spans of the old file keep the old bytes.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written. The old file is then as it was.
pub fn write_atomic(path: &Path, pieces: &[impl AsRef<[u8]>]) -> Result<(), Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);

    let (parent, name) = split(path).at_path("write", path)?;
    let (temporary, mut file) = loop {
        let mut temporary = name.to_owned();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        temporary.push(format!(".{}-{count}.tmp", process::id()));
        let temporary = parent.join(temporary);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&temporary) {
            // A process with the same number as ours left this file when it died.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => break (temporary.clone(), opened.at_path("create", &temporary)?),
        }
    };
    let mut pieces = pieces.iter();
    let written = pieces.try_for_each(|piece| file.write_all(piece.as_ref()));
    let written = written.and_then(|()| file.sync_all());
    drop(file); // Windows cannot rename an open file.
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // Report the first error, and ignore an error of the cleanup.
        let _ = fs::remove_file(&temporary);
    }
    renamed.and_then(|()| sync_directory(&parent)).at_path("write", path)?;
    Ok(())
}

/// Opens a cache file that [`write_atomic`] wrote. A large file is mapped.
///
/// # Errors
/// [`Error::Io`] if the directory does not exist; [`Error::Issue`] with
/// [`IssueKind::Vanished`](scrollback_core_err::IssueKind::Vanished) if the file does not exist.
pub fn open_cache_file(path: &Path) -> Result<MappedSpan, Error> {
    let (parent, name) = split(path).at_path("open", path)?;
    let dir = Dir::open(parent)?;
    let policy = MapPolicy::long_lived();
    let name = name.as_encoded_bytes();
    let no_limits =
        ReadOptions { max_len: u64::MAX, max_total: u64::MAX, ..ReadOptions::default() };
    let file = MappedFile::open_stable(&dir, name, Discipline::Snapshot, &policy, &no_limits)
        .map_err(|kind| Issue::new(Place::path(path), kind))?;
    Ok(file.into_span())
}

/// An exclusive lock on a cache file, shared by its clones. The operating system releases the lock
/// when the last clone is dropped or the process ends.
#[derive(Debug, Clone)]
pub struct FileLock {
    _file: Arc<fs::File>,
}

impl FileLock {
    /// Takes the lock on the file at `path`, and makes the file if it is missing. Returns `None` if
    /// another process, or another lock of this process, has it.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be made, or the file system has no locks.
    pub fn try_take(path: &Path) -> Result<Option<Self>, Error> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).at_path("create", path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: Arc::new(file) })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error).at_path("lock", path)?,
        }
    }
}

fn split(path: &Path) -> io::Result<(PathBuf, &OsStr)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((parent.unwrap_or(Path::new(".")).to_owned(), name))
}

/// Syncs a directory, so that the new name survives a crash.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "this crate wraps these calls for all others")]
fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
