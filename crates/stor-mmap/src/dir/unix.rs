//! Directories as file descriptors: each operation is one short system call, and no path is built.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::buffer::spare_capacity;
use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, Stat, accessat, fstat, openat, statat,
};
use rustix::io::{Errno, pread, retry_on_intr};
use scrollback_core_err::{AtPath, IssueKind};
use scrollback_core_id::{Stamp, UnixNanos};

use super::directory::{Directory, FileKind, ListBuffer, check_name};
use crate::Error;

/// The open directory of this platform: a file descriptor.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    /// Listing moves the descriptor's offset, so only the first listing may use the descriptor.
    was_listed: AtomicBool,
}

/// The flags for opening a file: a pipe must not block, and a terminal must not become ours.
const FILE_FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOFOLLOW);
const DIRECTORY_FLAGS: OFlags = FILE_FLAGS.union(OFlags::DIRECTORY);

impl Dir {
    /// Opens the directory that the user named. Only this call follows a link.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory does not exist or may not be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let flags = DIRECTORY_FLAGS.difference(OFlags::NOFOLLOW);
        let fd = retry_on_intr(|| openat(CWD, path, flags, Mode::empty())).at_path("open", path)?;
        Ok(fd.into())
    }

    /// Checks whether this process may make files in this directory.
    pub fn is_writable(&self) -> bool {
        retry_on_intr(|| accessat(&self.fd, c".", Access::WRITE_OK, AtFlags::empty())).is_ok()
    }

    fn open_at(&self, name: &[u8], flags: OFlags) -> Result<OwnedFd, IssueKind> {
        check_name(name)?;
        retry_on_intr(|| openat(&self.fd, name, flags, Mode::empty()))
            .map_err(|error| self.explain_open_error(name, flags, error))
    }

    /// Returns the issue of a failed open. Operating systems return different errors for a link, and
    /// a socket cannot be opened at all, so the kind of the file is a better answer than the error.
    #[cold]
    fn explain_open_error(&self, name: &[u8], flags: OFlags, error: Errno) -> IssueKind {
        if error == Errno::NOENT {
            return IssueKind::Vanished; // a link without a target is ELOOP, not ENOENT
        }
        match self.stat(name) {
            Ok((FileKind::Link, _)) => IssueKind::Link,
            Ok((FileKind::Other | FileKind::Directory, _)) if flags == FILE_FLAGS => {
                IssueKind::NotAFile
            }
            Ok((FileKind::Other | FileKind::File, _)) if flags != FILE_FLAGS => {
                IssueKind::NotADirectory
            }
            _ => IssueKind::from_io("open", &error.into()),
        }
    }
}

impl Directory for Dir {
    fn open_dir(&self, name: &[u8]) -> Result<Self, IssueKind> {
        self.open_at(name, DIRECTORY_FLAGS).map(Self::from)
    }

    fn open_file(&self, name: &[u8]) -> Result<File, IssueKind> {
        self.open_at(name, FILE_FLAGS).map(File::from)
    }

    fn list(
        &self,
        buffer: &mut ListBuffer,
        mut visitor: impl FnMut(&[u8], FileKind),
    ) -> Result<(), IssueKind> {
        let reopened = match self.was_listed.swap(true, Ordering::Relaxed) {
            false => None,
            true => {
                Some(openat(&self.fd, c".", DIRECTORY_FLAGS, Mode::empty()).map_err(unlistable)?)
            }
        };
        list(reopened.as_ref().unwrap_or(&self.fd), buffer, |name, file_type| {
            if matches!(name, b"." | b"..") {
                return;
            }
            let kind = match file_type {
                // Some file systems do not keep the kind with the name.
                FileType::Unknown => self.stat(name).map_or(FileKind::Other, |(kind, _)| kind),
                known => kind(known),
            };
            visitor(name, kind);
        })
        .map_err(unlistable)
    }

    fn stat(&self, name: &[u8]) -> Result<(FileKind, Stamp), IssueKind> {
        check_name(name)?;
        statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
            .map(|stat| kind_and_stamp(&stat))
            .map_err(|error| IssueKind::from_io("stat", &error.into()))
    }

    fn stamp(&self) -> Result<Stamp, IssueKind> {
        let stat = fstat(&self.fd).map_err(|error| IssueKind::from_io("stat", &error.into()))?;
        Ok(kind_and_stamp(&stat).1)
    }

    fn stat_open(&self, file: &File) -> io::Result<(FileKind, Stamp)> {
        Ok(kind_and_stamp(&fstat(file)?))
    }

    fn read_at(&self, file: &File, offset: u64, into: &mut Vec<u8>) -> io::Result<usize> {
        Ok(retry_on_intr(|| pread(file, spare_capacity(into), offset))?)
    }
}

impl From<OwnedFd> for Dir {
    fn from(fd: OwnedFd) -> Self {
        Self { fd, was_listed: AtomicBool::new(false) }
    }
}

#[cfg(target_os = "linux")]
fn list(
    fd: &OwnedFd,
    buffer: &mut ListBuffer,
    mut visitor: impl FnMut(&[u8], FileType),
) -> Result<(), Errno> {
    let mut entries = rustix::fs::RawDir::new(fd, buffer.0.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        visitor(entry.file_name().to_bytes(), entry.file_type());
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn list(
    fd: &OwnedFd,
    _: &mut ListBuffer,
    mut visitor: impl FnMut(&[u8], FileType),
) -> Result<(), Errno> {
    for entry in rustix::fs::Dir::read_from(fd)? {
        let entry = entry?;
        visitor(entry.file_name().to_bytes(), entry.file_type());
    }
    Ok(())
}

fn unlistable(error: Errno) -> IssueKind {
    IssueKind::from_io("list", &error.into())
}

fn kind(file_type: FileType) -> FileKind {
    match file_type {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    }
}

// The types of these fields differ between operating systems.
#[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "not on every platform")]
fn kind_and_stamp(stat: &Stat) -> (FileKind, Stamp) {
    let seconds = (stat.st_mtime as i64).saturating_mul(1_000_000_000);
    let stamp = Stamp {
        size: stat.st_size as u64,
        mtime: UnixNanos(seconds.saturating_add(stat.st_mtime_nsec as i64)),
        inode: stat.st_ino as u64,
    };
    (kind(FileType::from_raw_mode(stat.st_mode)), stamp)
}
