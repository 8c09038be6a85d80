//! Checks the stamps of the database files by stat.
//!
//! The database is never opened here: closing a descriptor would drop the POSIX locks that SQLite
//! holds on the same file in this process.

use std::fs::File;
use std::path::{Path, PathBuf};

use scrollback_core_id::Stamp;
use scrollback_stor_mmap::{Dir, Directory, FileKind};

use crate::error::{Error, Result};

/// The directory and names of the files of a database.
#[derive(Debug)]
pub(crate) struct DatabaseFiles {
    dir: Dir,
    /// The path of the database with all links resolved. The side files lie beside this path.
    pub(crate) path: PathBuf,
    names: [Vec<u8>; 4],
}

/// The stamps of the files of a database. A file that does not exist has no stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FileStamps {
    pub(crate) database: Option<Stamp>,
    /// The write-ahead log.
    pub(crate) wal: Option<Stamp>,
    /// The index of the log. All connections to the database share it.
    pub(crate) shm: Option<Stamp>,
    /// The rollback journal of a database that is not in WAL mode.
    pub(crate) journal: Option<Stamp>,
}

impl DatabaseFiles {
    pub(crate) fn find(database: &Path) -> std::io::Result<Self> {
        let path = database.canonicalize()?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(std::io::ErrorKind::IsADirectory.into());
        };
        // SQLite would wait for a writer of a pipe.
        let metadata = path.metadata()?;
        if metadata.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return Err(std::io::Error::other("not a file"));
        }
        let dir = Dir::open(parent).map_err(std::io::Error::other)?;
        let names = ["", "-wal", "-shm", "-journal"]
            .map(|suffix| [name.as_encoded_bytes(), suffix.as_bytes()].concat());
        Ok(Self { dir, names, path })
    }

    /// Checks that neither the database nor a file beside it is a pipe, a socket or a device. SQLite
    /// would open it and wait.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NotAFile`] for the first such file.
    pub(crate) fn refuse_special_files(&self) -> Result<()> {
        for name in &self.names {
            let kind = match self.dir.stat(name) {
                // SQLite follows links, so what a link leads to counts.
                Ok((FileKind::Link, _)) => {
                    let path = self.path.with_file_name(&*String::from_utf8_lossy(name));
                    match std::fs::metadata(path) {
                        Ok(target) if target.is_file() => FileKind::File,
                        Ok(target) if target.is_dir() => FileKind::Directory,
                        Ok(_) => FileKind::Other,
                        Err(_) => continue, // missing, or SQLite reports why it cannot be opened
                    }
                }
                Ok((kind, _)) => kind,
                Err(_) => continue,
            };
            if kind == FileKind::Other {
                return Err(Error::NotAFile { name: String::from_utf8_lossy(name).into_owned() });
            }
        }
        Ok(())
    }

    /// Checks whether a path, through any links, still leads to the database with these stamps.
    #[cfg(unix)]
    pub(crate) fn is_at(&self, database: &Path, files: &FileStamps) -> bool {
        use std::os::unix::fs::MetadataExt;
        let inode = std::fs::metadata(database).ok().map(|metadata| metadata.ino());
        inode.is_some() && inode == files.database.map(|stamp| stamp.inode)
    }

    /// Checks whether a path, through any links, still leads to the database.
    #[cfg(not(unix))]
    pub(crate) fn is_at(&self, database: &Path, _: &FileStamps) -> bool {
        database.canonicalize().is_ok_and(|path| path == self.path)
    }

    /// Returns the present stamps of all files.
    pub(crate) fn stat(&self) -> FileStamps {
        let [database, wal, shm, journal] = self.names.each_ref().map(|name| self.stamp_of(name));
        FileStamps { database, wal, shm, journal }
    }

    /// Opens the log for reading. SQLite has no locks on it.
    pub(crate) fn open_log(&self) -> Option<File> {
        self.dir.open_file(&self.names[1]).ok()
    }

    fn stamp_of(&self, name: &[u8]) -> Option<Stamp> {
        Some(self.dir.stat(name).ok()?.1)
    }

    /// Checks whether the database and its log still have these stamps. A new journal alone does
    /// not change what is stored.
    pub(crate) fn is_unchanged(&self, files: &FileStamps) -> bool {
        let [database, wal, ..] = &self.names;
        self.stamp_of(database) == files.database && self.stamp_of(wal) == files.wal
    }

    /// Checks whether SQLite could make side files in the directory.
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

    /// Checks whether the database, its log and its journal have the same stamps in both.
    pub(crate) fn has_same_content(&self, other: &Self) -> bool {
        self.database == other.database && self.wal == other.wal && self.journal == other.journal
    }

    /// Returns the stamp with the latest mtime among the database, its log and its journal.
    pub(crate) fn newest_stamp(&self) -> Option<Stamp> {
        let all = [self.database, self.wal, self.journal];
        all.into_iter().flatten().max_by_key(|stamp| stamp.mtime)
    }
}
