//! The files of a database, looked at from outside: never opened, because closing one of them
//! would drop the locks that SQLite holds on it in this process.

use std::path::{Path, PathBuf};

use scrollback_core_id::Stamp;
use scrollback_stor_mmap::{Dir, Directory};

/// Where the files of a database are.
#[derive(Debug)]
pub(crate) struct DatabaseFiles {
    dir: Dir,
    /// The database itself, behind any link that leads to it: its side files lie beside it.
    pub(crate) path: PathBuf,
    names: [Vec<u8>; 4],
}

/// What the files of a database look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FileStamps {
    pub(crate) database: Option<Stamp>,
    /// The write-ahead log.
    pub(crate) wal: Option<Stamp>,
    /// The index of the log, which all who have the database open share.
    pub(crate) shm: Option<Stamp>,
    /// The journal of a database that is not in WAL mode.
    pub(crate) journal: Option<Stamp>,
}

impl DatabaseFiles {
    pub(crate) fn find(database: &Path) -> std::io::Result<Self> {
        let path = database.canonicalize()?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(std::io::ErrorKind::IsADirectory.into());
        };
        let dir = Dir::open(parent).map_err(std::io::Error::other)?;
        let names = ["", "-wal", "-shm", "-journal"]
            .map(|suffix| [name.as_encoded_bytes(), suffix.as_bytes()].concat());
        Ok(Self { dir, names, path })
    }

    /// Whether a path, through any links, still leads to the database that looks so.
    #[cfg(unix)]
    pub(crate) fn is_at(&self, database: &Path, files: &FileStamps) -> bool {
        use std::os::unix::fs::MetadataExt;
        let inode = std::fs::metadata(database).ok().map(|metadata| metadata.ino());
        inode.is_some() && inode == files.database.map(|stamp| stamp.inode)
    }

    /// Whether a path, through any links, still leads to the database.
    #[cfg(not(unix))]
    pub(crate) fn is_at(&self, database: &Path, _: &FileStamps) -> bool {
        database.canonicalize().is_ok_and(|path| path == self.path)
    }

    /// What they look like now.
    pub(crate) fn stat(&self) -> FileStamps {
        let [database, wal, shm, journal] = self.names.each_ref().map(|name| self.stamp_of(name));
        FileStamps { database, wal, shm, journal }
    }

    fn stamp_of(&self, name: &[u8]) -> Option<Stamp> {
        Some(self.dir.stat(name).ok()?.1)
    }

    /// Whether what is stored is as it was: the database and its log. A journal alone changes
    /// nothing.
    pub(crate) fn is_unchanged(&self, files: &FileStamps) -> bool {
        let [database, wal, ..] = &self.names;
        self.stamp_of(database) == files.database && self.stamp_of(wal) == files.wal
    }

    /// Whether SQLite could make side files here.
    pub(crate) fn is_writable(&self) -> bool {
        self.dir.is_writable()
    }
}

impl FileStamps {
    pub(crate) fn has_log(&self) -> bool {
        self.wal.is_some_and(|wal| wal.size > 0)
    }

    pub(crate) fn has_journal(&self) -> bool {
        self.journal.is_some_and(|journal| journal.size > 0)
    }

    /// Whether what is stored is as it was: the database and its log.
    pub(crate) fn has_same_content(&self, other: &Self) -> bool {
        self.database == other.database && self.wal == other.wal && self.journal == other.journal
    }

    /// When what is stored last changed.
    pub(crate) fn newest_stamp(&self) -> Option<Stamp> {
        let all = [self.database, self.wal, self.journal];
        all.into_iter().flatten().max_by_key(|stamp| stamp.mtime)
    }
}
