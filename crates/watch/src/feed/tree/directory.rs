//! Directories as they are on disk: which one is at a path, and what is in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer};

/// What makes a directory this one and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DirectoryId(u64, u64);

#[cfg(unix)]
pub(super) fn directory_id(path: &Path) -> Option<DirectoryId> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|metadata| DirectoryId(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(path: &Path) -> Option<DirectoryId> {
    fs::metadata(path).ok().map(|_| DirectoryId(0, 0))
}

/// The directories in a directory, and its files if they are asked for. What cannot be listed is
/// an issue of whoever reads it, and empty here.
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

/// What is in a directory.
#[derive(Debug, Default)]
pub(super) struct DirectoryEntries {
    pub(super) directories: Vec<PathBuf>,
    pub(super) files: Vec<PathBuf>,
}
