//! The directories that the operations of the programs read.

use std::io;
use std::path::Path;

use scrollback_core_err::IssueKind;
use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer};

use crate::files::{open_dir, to_io};

/// An open directory. Links in it are not followed.
pub(super) struct OpenDir(Dir);

impl OpenDir {
    /// Opens a directory. `None` if it does not exist.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        open_dir(path).map(|dir| dir.map(Self))
    }

    /// Opens a directory in this directory. `None` if it does not exist, or is not a directory.
    pub(super) fn directory(&self, name: &str) -> Option<Self> {
        self.0.open_dir(name.as_bytes()).ok().map(Self)
    }

    /// Returns the names in the directory with their kinds, sorted by name. A name that is not UTF-8
    /// is left out; the program makes none.
    pub(super) fn names(&self) -> io::Result<Vec<(String, FileKind)>> {
        let mut names = Vec::new();
        let listed = self.0.list(&mut ListBuffer::default(), |name, kind| {
            if let Ok(name) = std::str::from_utf8(name) {
                names.push((name.to_owned(), kind));
            }
        });
        listed.map_err(to_io)?;
        names.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(names)
    }

    /// Reads a file. `None` if it does not exist.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match self.0.open_file(name.as_bytes()) {
            Ok(file) => file,
            Err(IssueKind::Vanished) => return Ok(None),
            Err(kind) => return Err(to_io(kind)),
        };
        let (kind, stamp) = self.0.stat_open(&file)?;
        if kind != FileKind::File {
            return Err(to_io(IssueKind::NotAFile));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or(0) + 1);
        while self.0.read_at(&file, bytes.len() as u64, &mut bytes)? > 0 {
            bytes.reserve(1);
        }
        Ok(Some(bytes))
    }
}
