//! The files of the directory of sessions.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use scrollback_core_err::IssueKind;
use scrollback_core_id::{Discipline, Stamp, SystemClock};
use scrollback_stor_mmap::{
    Dir, Directory, FileKind, ListBuffer, MapPolicy, MappedFile, MappedSpan, ReadContext,
    ReadOptions,
};

use crate::files::{open_dir, to_io};

/// An open directory of sessions. Links in it are not followed.
pub(super) struct SessionsDir {
    dir: Dir,
    path: PathBuf,
}

impl SessionsDir {
    /// Opens the directory. `None` if it does not exist.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        Ok(open_dir(path)?.map(|dir| Self { dir, path: path.to_owned() }))
    }

    /// Returns the path of a file in the directory.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the names that end in `.json`, in the order of the directory.
    pub(super) fn json_names(&self) -> io::Result<Vec<String>> {
        let mut names = self.names()?;
        names.retain(|name| name.len() > ".json".len() && name.ends_with(".json"));
        Ok(names)
    }

    /// Returns all names, in the order of the directory. A name that is not UTF-8 is left out; the
    /// program makes none.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let listed = self.dir.list(&mut ListBuffer::default(), |name, _| {
            names.extend(std::str::from_utf8(name).map(String::from));
        });
        listed.map_err(to_io)?;
        Ok(names)
    }

    /// Returns the stamp of a name, whatever its kind. A name that vanished has the oldest time.
    pub(super) fn stamp(&self, name: &str) -> Stamp {
        self.dir.stat(name.as_bytes()).map(|(_, stamp)| stamp).unwrap_or_default()
    }

    /// Returns all bytes of a file: mapped if it is large, read otherwise.
    pub(super) fn read(&self, name: &str) -> io::Result<MappedSpan> {
        let options = ReadOptions { max_len: u64::MAX, ..ReadOptions::default() };
        let context = ReadContext::begin(&SystemClock, options);
        let (name, policy) = (name.as_bytes(), MapPolicy::default());
        let discipline = Discipline::Replace;
        let file = MappedFile::open(&self.dir, name, discipline, &policy, &context, &mut |_| true);
        file.map(MappedFile::into_span).map_err(to_io)
    }

    /// Returns the first bytes of a file, at most `len`, and whether they are the whole file.
    pub(super) fn read_start(&self, name: &str, len: usize) -> io::Result<(Vec<u8>, bool)> {
        let file: File = self.dir.open_file(name.as_bytes()).map_err(to_io)?;
        if self.dir.stat_open(&file)?.0 != FileKind::File {
            return Err(to_io(IssueKind::NotAFile));
        }
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            if self.dir.read_at(&file, bytes.len() as u64, &mut bytes)? == 0 {
                return Ok((bytes, true));
            }
        }
        Ok((bytes, false))
    }
}
