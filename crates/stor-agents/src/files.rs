//! Opens directories, and makes the errors of the operating system.

use std::io;
use std::path::Path;

use scrollback_core_err::IssueKind;
use scrollback_stor_mmap::{Dir, Error};

/// Opens a directory. `None` if it does not exist.
pub(crate) fn open_dir(path: &Path) -> io::Result<Option<Dir>> {
    match Dir::open(path) {
        Ok(dir) => Ok(Some(dir)),
        Err(Error::Io(error)) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Returns the operating system's error for a file that does not exist.
pub(crate) fn not_found() -> io::Error {
    /// Its number on all operating systems.
    const NOT_FOUND: i32 = 2;
    io::Error::from_raw_os_error(NOT_FOUND)
}

pub(crate) fn to_io(kind: IssueKind) -> io::Error {
    match kind {
        IssueKind::Vanished => not_found(),
        IssueKind::Unreadable { kind, error, .. } => io::Error::new(kind, error),
        other => io::Error::other(other.to_string()),
    }
}
