//! What can be asked of an open directory, whatever the platform.

use std::fs::File;
use std::io;

use scrollback_core_err::IssueKind;
use scrollback_core_id::Stamp;

/// What a name in a directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, whatever it leads to.
    Link,
    /// A socket, pipe, device, or what cannot be told.
    Other,
}

/// The buffer that directories are listed through; one serves for all of a run.
#[derive(Debug)]
pub struct ListBuffer(#[cfg_attr(not(target_os = "linux"), allow(dead_code))] pub(super) Vec<u8>);

impl Default for ListBuffer {
    fn default() -> Self {
        Self(Vec::with_capacity(32 << 10))
    }
}

/// An open directory, and how files are opened, read and looked at from it.
///
/// Names are the bytes of one path component; anything else (`..`, a slash) is
/// [`IssueKind::BadId`]. Links are never followed, and a pipe never makes a caller wait.
pub trait Directory: Sized {
    /// Opens a directory in this one.
    ///
    /// # Errors
    /// [`IssueKind::Link`], [`IssueKind::NotADirectory`], [`IssueKind::Vanished`] and the like.
    fn open_dir(&self, name: &[u8]) -> Result<Self, IssueKind>;

    /// Opens a file in this directory for reading. That it is a regular one is only known after
    /// [`Directory::stat_open`].
    ///
    /// # Errors
    /// [`IssueKind::Link`], [`IssueKind::Vanished`] and the like.
    fn open_file(&self, name: &[u8]) -> Result<File, IssueKind>;

    /// Calls `each` with every name in this directory, in the directory's order, which means
    /// nothing.
    ///
    /// # Errors
    /// [`IssueKind::Unreadable`], or [`IssueKind::Vanished`] if the directory is gone; `each` may
    /// have been called before.
    fn list(
        &self,
        buffer: &mut ListBuffer,
        visitor: impl FnMut(&[u8], FileKind),
    ) -> Result<(), IssueKind>;

    /// Says what a name stands for, without opening or following it.
    ///
    /// # Errors
    /// [`IssueKind::Vanished`] and the like.
    fn stat(&self, name: &[u8]) -> Result<(FileKind, Stamp), IssueKind>;

    /// Says what this directory looks like; an entry that joins or leaves it changes that, a file
    /// that is rewritten in place does not.
    ///
    /// # Errors
    /// [`IssueKind::Vanished`] and the like.
    fn stamp(&self) -> Result<Stamp, IssueKind>;

    /// Says what an open file is.
    ///
    /// # Errors
    /// Those of the system.
    fn stat_open(&self, file: &File) -> io::Result<(FileKind, Stamp)>;

    /// Reads once from `offset` on into the spare capacity of `into` and says how much. Takes
    /// nothing out of a pipe.
    ///
    /// # Errors
    /// Those of the system.
    fn read_at(&self, file: &File, offset: u64, into: &mut Vec<u8>) -> io::Result<usize>;
}

/// Refuses what is not the name of an entry, so that no name leads out of its directory.
pub(super) fn check_name(name: &[u8]) -> Result<(), IssueKind> {
    // `|` and not `||`, and words of eight: without early exits a word is one vector.
    let bad = |bytes: &[u8]| {
        bytes.iter().fold(false, |found, &byte| {
            found | (byte == 0) | (byte == b'/') | (cfg!(windows) & matches!(byte, b'\\' | b':'))
        })
    };
    let (words, rest) = name.as_chunks::<8>();
    let separator = words.iter().any(|word| bad(word)) || bad(rest);
    if separator || matches!(name, b"" | b"." | b"..") {
        return Err(IssueKind::BadId { reason: "not the name of a file".to_owned() });
    }
    Ok(())
}
