//! Directories as paths, by `std::fs` alone: for platforms without directory descriptors, and as a
//! second implementation that tests compare with.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str;
use std::time::{SystemTime, UNIX_EPOCH};

use scrollback_core_err::{AtPath, IssueKind};
use scrollback_core_id::{Stamp, UnixNanos};

use super::directory::{Directory, FileKind, ListBuffer, check_name};
use crate::Error;

/// A directory by its path. A link is refused when it is found. A link that is swapped in between the
/// stat and the open is not refused. Names must be UTF-8.
#[derive(Debug)]
pub struct PortableDir {
    path: PathBuf,
}

impl PortableDir {
    /// Opens the directory that the user named. Only this call follows a link.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory does not exist or may not be read.
    #[expect(clippy::disallowed_methods, reason = "this crate wraps these calls for all others")]
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        fs::read_dir(path).at_path("open", path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Checks by its mode whether this process may make files in this directory.
    pub fn is_writable(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| !metadata.permissions().readonly())
    }

    fn path(&self, name: &[u8]) -> Result<PathBuf, IssueKind> {
        check_name(name)?;
        let name = str::from_utf8(name)
            .map_err(|error| IssueKind::BadId { reason: format!("not UTF-8: {error}") })?;
        Ok(self.path.join(name))
    }
}

impl Directory for PortableDir {
    fn open_dir(&self, name: &[u8]) -> Result<Self, IssueKind> {
        match self.stat(name)?.0 {
            FileKind::Directory => Ok(Self { path: self.path(name)? }),
            FileKind::Link => Err(IssueKind::Link),
            FileKind::File | FileKind::Other => Err(IssueKind::NotADirectory),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this crate wraps these calls for all others")]
    fn open_file(&self, name: &[u8]) -> Result<File, IssueKind> {
        match self.stat(name)?.0 {
            FileKind::File => {
                File::open(self.path(name)?).map_err(|error| IssueKind::from_io("open", &error))
            }
            FileKind::Link => Err(IssueKind::Link),
            FileKind::Directory | FileKind::Other => Err(IssueKind::NotAFile),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this crate wraps these calls for all others")]
    fn list(
        &self,
        _: &mut ListBuffer,
        mut visitor: impl FnMut(&[u8], FileKind),
    ) -> Result<(), IssueKind> {
        let unlistable = |error| IssueKind::from_io("list", &error);
        for entry in fs::read_dir(&self.path).map_err(unlistable)? {
            let entry = entry.map_err(unlistable)?;
            let kind = entry.file_type().map_or(FileKind::Other, kind);
            visitor(entry.file_name().as_encoded_bytes(), kind);
        }
        Ok(())
    }

    fn stat(&self, name: &[u8]) -> Result<(FileKind, Stamp), IssueKind> {
        fs::symlink_metadata(self.path(name)?)
            .and_then(|metadata| kind_and_stamp(&metadata))
            .map_err(|error| IssueKind::from_io("stat", &error))
    }

    fn stamp(&self) -> Result<Stamp, IssueKind> {
        fs::metadata(&self.path)
            .and_then(|metadata| kind_and_stamp(&metadata))
            .map(|(_, stamp)| stamp)
            .map_err(|error| IssueKind::from_io("stat", &error))
    }

    fn stat_open(&self, file: &File) -> io::Result<(FileKind, Stamp)> {
        kind_and_stamp(&file.metadata()?)
    }

    fn read_at(&self, mut file: &File, offset: u64, into: &mut Vec<u8>) -> io::Result<usize> {
        let room = into.capacity() - into.len();
        file.seek(SeekFrom::Start(offset))?;
        file.take(room as u64).read_to_end(into)
    }
}

fn kind(file_type: fs::FileType) -> FileKind {
    if file_type.is_symlink() {
        FileKind::Link
    } else if file_type.is_file() {
        FileKind::File
    } else if file_type.is_dir() {
        FileKind::Directory
    } else {
        FileKind::Other
    }
}

fn kind_and_stamp(metadata: &Metadata) -> io::Result<(FileKind, Stamp)> {
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    let stamp = Stamp { size: metadata.len(), mtime: nanos(metadata.modified()?), inode };
    Ok((kind(metadata.file_type()), stamp))
}

fn nanos(time: SystemTime) -> UnixNanos {
    UnixNanos(match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    })
}
