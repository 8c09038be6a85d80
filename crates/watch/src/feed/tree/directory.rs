//! Directories on disk: their identity and their entries.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer};

/// The identity of a directory: device and inode. It changes when another directory takes its
/// place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DirectoryId(u64, u64);

#[cfg(unix)]
pub(super) fn directory_id(path: &Path) -> Option<DirectoryId> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|metadata| DirectoryId(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(super) fn directory_id(path: &Path) -> Option<DirectoryId> {
    fs::metadata(path).ok().map(|_| DirectoryId(0, 0))
}

/// Lists the directories in a directory, and with `with_files` also its files. A directory that
/// cannot be listed counts as empty; the read of the store reports it as an issue.
pub(super) fn list_directory(path: &Path, with_files: bool) -> DirectoryEntries {
    let mut entries = DirectoryEntries::default();
    let Ok(directory) = Dir::open(path) else { return entries };
    let result = directory.list(&mut ListBuffer::default(), |name, kind| {
        let Some(name) = os_name(name) else { return };
        match kind {
            FileKind::Directory => entries.directories.push(path.join(name)),
            FileKind::File if with_files => entries.files.push(path.join(name)),
            _ => {}
        }
    });
    let _ = result;
    entries
}

#[cfg(unix)]
fn os_name(name: &[u8]) -> Option<&OsStr> {
    Some(std::os::unix::ffi::OsStrExt::from_bytes(name))
}

#[cfg(not(unix))]
fn os_name(name: &[u8]) -> Option<&OsStr> {
    std::str::from_utf8(name).ok().map(OsStr::new)
}

/// The entries of a directory.
#[derive(Debug, Default)]
pub(super) struct DirectoryEntries {
    pub(super) directories: Vec<PathBuf>,
    pub(super) files: Vec<PathBuf>,
}
