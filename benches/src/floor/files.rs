//! Reads files in the shortest way: through directory handles, with one large read, without paths
//! and without an allocation for each file.

#![expect(clippy::disallowed_methods, reason = "the floor reads the system clock itself")]

use std::ffi::CStr;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat, fstat, openat, statat};
use rustix::io::{Errno, read};

const FILE_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
const DIRECTORY_FLAGS: OFlags = FILE_FLAGS.union(OFlags::DIRECTORY);
/// The capacity of the first read: 99 % of the files are under 18 KB.
const READ_CAPACITY: usize = 32 << 10;
/// A file that changed less than this before the read started may be in the middle of a write.
const SETTLE_MARGIN_NS: i64 = 100_000_000;

/// The stamp of a file when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// The size in bytes.
    pub size: u64,
    /// The mtime in Unix nanoseconds.
    pub mtime_ns: i64,
    /// The inode: a name whose inode changed is another file.
    pub inode: u64,
}

impl From<Stat> for Stamp {
    fn from(stat: Stat) -> Self {
        Self {
            size: stat.st_size.unsigned_abs(),
            mtime_ns: stat.st_mtime * 1_000_000_000 + stat.st_mtime_nsec.cast_signed(),
            inode: stat.st_ino,
        }
    }
}

/// The place of a file's bytes and name in the buffers of [`Files`].
#[derive(Debug, Clone)]
pub(super) struct ArenaFile {
    pub(super) name: Range<usize>,
    pub(super) bytes: Range<usize>,
    pub(super) stamp: Stamp,
    pub(super) settled: bool,
}

/// Buffers that all files share: file contents, names of directory entries, and directory listings
/// of the kernel.
#[derive(Debug)]
pub(super) struct Files {
    bytes: Vec<u8>,
    names: Vec<u8>,
    listing: Vec<u8>,
    started_ns: i64,
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(1 << 20),
            names: Vec::with_capacity(32 << 10),
            listing: Vec::with_capacity(32 << 10),
            started_ns: 0,
        }
    }

    /// Clears the buffers, and takes the time from which files are judged as settled.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
        self.names.clear();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.started_ns = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
    }

    pub(super) fn bytes(&self, piece: &ArenaFile) -> &[u8] {
        &self.bytes[piece.bytes.clone()]
    }

    /// Returns the name of a file without `.json`.
    pub(super) fn id(&self, piece: &ArenaFile) -> &[u8] {
        self.stem(&piece.name)
    }

    /// Adds the name of the directory that has the name of a file without `.json`.
    pub(super) fn directory_of(&mut self, piece: &ArenaFile) -> Range<usize> {
        let start = self.names.len();
        self.names.extend_from_within(piece.name.start..piece.name.end - b".json\0".len());
        self.names.push(0);
        start..self.names.len()
    }

    /// Adds the name of the file of an id in a listed directory.
    pub(super) fn file_in(&mut self, directory: &Range<usize>, id: &[u8]) -> Range<usize> {
        let start = self.names.len();
        self.names.extend_from_within(directory.start..directory.end - 1);
        self.names.push(b'/');
        self.names.extend_from_slice(id);
        self.names.extend_from_slice(b".json\0");
        start..self.names.len()
    }

    pub(super) fn stem(&self, name: &Range<usize>) -> &[u8] {
        let name = &self.names[name.start..name.end - 1];
        name.strip_suffix(b".json").unwrap_or(name)
    }

    /// Lists the entries of one kind, unsorted: files `*.json`, or directories.
    pub(super) fn list(
        &mut self,
        dir: &OwnedFd,
        kind: FileType,
        names: &mut Vec<Range<usize>>,
    ) -> io::Result<()> {
        let mut entries = RawDir::new(dir, self.listing.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes_with_nul();
            if entry.file_type() == kind && is_wanted(name, kind) {
                let start = self.names.len();
                self.names.extend_from_slice(name);
                names.push(start..self.names.len());
            }
        }
        Ok(())
    }

    /// Adds a name that does not come from a listing.
    pub(super) fn push_name(&mut self, parts: &[&[u8]]) -> Range<usize> {
        let start = self.names.len();
        parts.iter().for_each(|part| self.names.extend_from_slice(part));
        self.names.push(0);
        start..self.names.len()
    }

    /// Opens a directory; `None` if it does not exist, as before its first file.
    pub(super) fn open_dir(
        &self,
        dir: impl AsFd,
        name: &Range<usize>,
    ) -> io::Result<Option<OwnedFd>> {
        match openat(dir, c_str(&self.names[name.clone()])?, DIRECTORY_FLAGS, Mode::empty()) {
            Ok(dir) => Ok(Some(dir)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a file to its end, and takes its stamp.
    pub(super) fn read(&mut self, dir: impl AsFd, name: Range<usize>) -> io::Result<ArenaFile> {
        let file = openat(dir, c_str(&self.names[name.clone()])?, FILE_FLAGS, Mode::empty())?;
        let start = self.bytes.len();
        loop {
            self.bytes.reserve(READ_CAPACITY);
            let room = self.bytes.capacity() - self.bytes.len();
            if read(&file, spare_capacity(&mut self.bytes))? < room {
                break; // a short read means end of file
            }
        }
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let stamp = Stamp::from(stat);
        let bytes = start..self.bytes.len();
        let settled = stamp.size == bytes.len() as u64 && self.is_settled(&stamp);
        Ok(ArenaFile { name, bytes, stamp, settled })
    }

    /// Clears the contents of all files, and keeps the names.
    pub(super) fn forget_bytes(&mut self) {
        self.bytes.clear();
    }

    /// Checks whether a stamp is old enough that an equal stamp means equal bytes.
    pub(super) fn is_settled(&self, stamp: &Stamp) -> bool {
        stamp.mtime_ns < self.started_ns.saturating_sub(SETTLE_MARGIN_NS)
    }

    /// Counts the entries of one kind.
    pub(super) fn count(&mut self, dir: &OwnedFd, kind: FileType) -> io::Result<usize> {
        let mut count = 0;
        let mut entries = RawDir::new(dir, self.listing.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes_with_nul();
            count += usize::from(entry.file_type() == kind && is_wanted(name, kind));
        }
        Ok(count)
    }
}

/// Returns the stamp of an open file or directory.
pub(super) fn stamp_of(open: impl AsFd) -> io::Result<Stamp> {
    Ok(fstat(open)?.into())
}

/// Returns the stamp of the entry with this name and extension; `None` if it does not exist.
pub(super) fn stamp_at(dir: impl AsFd, name: &[u8], end: &[u8]) -> io::Result<Option<Stamp>> {
    let mut text = [0; 256];
    let whole = name.len() + end.len();
    if whole >= text.len() {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    text[..name.len()].copy_from_slice(name);
    text[name.len()..whole].copy_from_slice(end);
    match statat(dir, c_str(&text[..=whole])?, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_wanted(name: &[u8], kind: FileType) -> bool {
    match kind {
        FileType::RegularFile => name.ends_with(b".json\0"),
        _ => name[0] != b'.',
    }
}

fn c_str(name: &[u8]) -> io::Result<&CStr> {
    CStr::from_bytes_with_nul(name).map_err(|_| io::ErrorKind::InvalidInput.into())
}
