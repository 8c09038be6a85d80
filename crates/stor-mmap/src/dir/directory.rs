//! The operations of an open directory, independent of the platform.

use std::fs::File;
use std::io;

use scrollback_core_err::IssueKind;
use scrollback_core_id::Stamp;

/// The kind of file that a name in a directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to any target.
    Link,
    /// A socket, a pipe, a device, or an unknown kind of file.
    Other,
}

/// The buffer for listing directories. One buffer serves for any number of directories.
#[derive(Debug)]
pub struct ListBuffer(#[cfg_attr(not(target_os = "linux"), allow(dead_code))] pub(super) Vec<u8>);

impl Default for ListBuffer {
    fn default() -> Self {
        Self(Vec::with_capacity(32 << 10))
    }
}

/// An open directory, from which files are opened, read and stat'ed.
///
/// Names are the bytes of one path component. Anything else (`..`, a slash) is
/// [`IssueKind::BadId`]. Links are never followed, and a pipe never blocks a caller.
pub trait Directory: Sized {
    /// Opens a directory in this directory.
    ///
    /// # Errors
    /// [`IssueKind::Link`], [`IssueKind::NotADirectory`], [`IssueKind::Vanished`] and the like.
    fn open_dir(&self, name: &[u8]) -> Result<Self, IssueKind>;

    /// Opens a file in this directory for reading. The file may be of another kind than a regular
    /// file; check the kind with [`Directory::stat_open`].
    ///
    /// # Errors
    /// [`IssueKind::Link`], [`IssueKind::Vanished`] and the like.
    fn open_file(&self, name: &[u8]) -> Result<File, IssueKind>;

    /// Calls `visitor` with every name in this directory, in no order.
    ///
    /// # Errors
    /// [`IssueKind::Unreadable`], or [`IssueKind::Vanished`] if the directory was deleted. `visitor`
    /// may have been called before the error.
    fn list(
        &self,
        buffer: &mut ListBuffer,
        visitor: impl FnMut(&[u8], FileKind),
    ) -> Result<(), IssueKind>;

    /// Returns kind and stamp of a name, without opening or following it.
    ///
    /// # Errors
    /// [`IssueKind::Vanished`] and the like.
    fn stat(&self, name: &[u8]) -> Result<(FileKind, Stamp), IssueKind>;

    /// Returns the stamp of this directory. The stamp changes when an entry joins or leaves the
    /// directory, and not when a file is rewritten in place.
    ///
    /// # Errors
    /// [`IssueKind::Vanished`] and the like.
    fn stamp(&self) -> Result<Stamp, IssueKind>;

    /// Returns kind and stamp of an open file.
    ///
    /// # Errors
    /// The operating system's error.
    fn stat_open(&self, file: &File) -> io::Result<(FileKind, Stamp)>;

    /// Reads once from `offset` into the spare capacity of `into`, and returns the number of bytes.
    /// Nothing is taken out of a pipe.
    ///
    /// # Errors
    /// The operating system's error.
    fn read_at(&self, file: &File, offset: u64, into: &mut Vec<u8>) -> io::Result<usize>;
}

/// Checks that a name is one entry of a directory, so that no name leads out of its directory.
pub(super) fn check_name(name: &[u8]) -> Result<(), IssueKind> {
    // `|` instead of `||`, and words of eight bytes: without early exits a word is one vector.
    let has_bad_byte = |bytes: &[u8]| {
        bytes.iter().fold(false, |is_bad, &byte| {
            is_bad | (byte == 0) | (byte == b'/') | (cfg!(windows) & matches!(byte, b'\\' | b':'))
        })
    };
    let (words, rest) = name.as_chunks::<8>();
    let is_bad = words.iter().any(|word| has_bad_byte(word)) || has_bad_byte(rest);
    if is_bad || matches!(name, b"" | b"." | b"..") {
        return Err(IssueKind::BadId { reason: "not the name of a file".to_owned() });
    }
    Ok(())
}
