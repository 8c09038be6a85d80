//! Marks in append-only log files. A mark records how far a log was read, and it recognises whether
//! the log still continues from there.

use std::fs::File;
use std::io;

use scrollback_core_id::{Stamp, UnixNanos};
use xxhash_rust::xxh3::xxh3_64;

use crate::ResumeToken;

/// The identity of a file, independent of its name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FileIdentity {
    /// The device that holds the file, or 0 if the system does not report it.
    pub device: u64,
    /// The inode number on the device, or 0 if the system does not report it.
    pub inode: u64,
}

impl FileIdentity {
    /// Returns the identity of an open file.
    ///
    /// # Errors
    /// The operating system's error if the file's metadata cannot be read.
    pub fn of_file(file: &File) -> io::Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let metadata = file.metadata()?;
            Ok(Self { device: metadata.dev(), inode: metadata.ino() })
        }
        #[cfg(not(unix))]
        {
            let _ = file.metadata()?;
            Ok(Self::default())
        }
    }
}

/// A mark in an append-only log: how far the log was read, as a ready-made [`ResumeToken`].
///
/// A mark recognises a log that was replaced (another identity), truncated (a shorter file) or
/// rewritten in place (other bytes before the mark). The mark covers the last
/// [`LogMark::MAX_TAIL`] bytes before it. A mark does not recognise a rewrite that
/// leaves these bytes as they were; only a read of the whole log finds such a rewrite.
///
/// ```
/// use scrollback_source::{FileIdentity, LogMark};
///
/// let file = FileIdentity { device: 1, inode: 2 };
/// let mark = LogMark::new(file, 6, b"line1\n", *b"state of the parser");
/// let token = mark.to_token(); // keep it
///
/// let mark = LogMark::from_token(&token).unwrap();
/// assert_eq!(LogMark::tail_range(mark.len), (0, 6)); // read these bytes, then compare them
/// assert!(mark.is_continued_by(file, 12, b"line1\n"));
/// assert!(!mark.is_continued_by(file, 12, b"other\n"), "rewritten: read the whole log");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMark {
    /// The identity of the file.
    pub file: FileIdentity,
    /// The number of bytes that were read, which are whole records.
    pub len: u64,
    /// The hash of the last bytes before the mark.
    tail: u64,
    /// The state that the Source needs to continue, in the Source's own format.
    pub state: Box<[u8]>,
}

impl LogMark {
    /// The largest number of bytes before a mark that are compared.
    pub const MAX_TAIL: u64 = 4096;

    /// Returns the bytes to compare for a log that was read up to `len`: their offset and count.
    pub fn tail_range(len: u64) -> (u64, u64) {
        let count = len.min(Self::MAX_TAIL);
        (len - count, count)
    }

    /// Returns a mark at `len`. `before` ends at the mark and has at least the bytes of
    /// [`LogMark::tail_range`].
    pub fn new(file: FileIdentity, len: u64, before: &[u8], state: impl Into<Box<[u8]>>) -> Self {
        Self { file, len, tail: hash_tail(len, before), state: state.into() }
    }

    /// Checks whether a log continues from this mark: it is the same file, it has at least the
    /// mark's length (`len` is its length now), and the bytes before the mark are the same.
    /// `before` are the bytes of [`LogMark::tail_range`].
    pub fn is_continued_by(&self, file: FileIdentity, len: u64, before: &[u8]) -> bool {
        self.file == file && self.len <= len && self.tail == hash_tail(self.len, before)
    }

    /// Returns the mark as a token.
    pub fn to_token(&self) -> ResumeToken {
        let mut bytes = Vec::with_capacity(MAGIC.len() + 32 + self.state.len());
        bytes.extend_from_slice(MAGIC);
        for word in [self.file.device, self.file.inode, self.len, self.tail] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&self.state);
        ResumeToken::new(bytes)
    }

    /// Returns the mark that a token holds, or `None` if the token is of another kind.
    pub fn from_token(token: &ResumeToken) -> Option<Self> {
        let rest = token.bytes().strip_prefix(MAGIC)?;
        let (words, state) = rest.split_first_chunk::<32>()?;
        let (words, _) = words.as_chunks::<8>();
        let [device, inode, len, tail] = <[_; 4]>::try_from(words).ok()?.map(u64::from_le_bytes);
        Some(Self { file: FileIdentity { device, inode }, len, tail, state: state.into() })
    }
}

/// The first bytes of a mark's token, which change with the layout of the token.
const MAGIC: &[u8] = b"log mark 1\n";

fn hash_tail(len: u64, before: &[u8]) -> u64 {
    let count = usize::try_from(LogMark::tail_range(len).1).unwrap_or(usize::MAX);
    xxh3_64(&before[before.len().saturating_sub(count)..])
}

/// Returns the stamp of a record that never changes after it was written, such as a line of a log.
/// The stamp is equal for equal bytes, and its time is 0.
pub fn content_stamp(bytes: &[u8]) -> Stamp {
    Stamp { size: bytes.len() as u64, mtime: UnixNanos(0), inode: xxh3_64(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileIdentity = FileIdentity { device: 1, inode: 2 };

    #[test]
    fn a_mark_survives_the_conversion_to_a_token() {
        let mark = LogMark::new(FILE, 5, b"12345", *b"state");
        assert_eq!(LogMark::from_token(&mark.to_token()), Some(mark));
        for other in [&b""[..], b"log mark 1\n", b"log mark 1\n1234567", b"something else"] {
            assert_eq!(LogMark::from_token(&ResumeToken::new(other)), None);
        }
    }

    #[test]
    fn a_log_continues_if_it_is_unchanged_up_to_the_mark() {
        let mark = LogMark::new(FILE, 5, b"12345", []);
        assert!(mark.is_continued_by(FILE, 5, b"12345"));
        assert!(mark.is_continued_by(FILE, 9, b"12345"));
        assert!(!mark.is_continued_by(FILE, 4, b"1234"), "truncated");
        assert!(!mark.is_continued_by(FILE, 9, b"12346"), "rewritten");
        let other = FileIdentity { inode: 3, ..FILE };
        assert!(!mark.is_continued_by(other, 9, b"12345"), "replaced");
    }

    #[test]
    fn only_the_tail_of_a_long_log_is_compared() {
        let long: Vec<u8> = (0..10_000_u32).map(|at| (at % 251) as u8).collect();
        let len = long.len() as u64;
        let mark = LogMark::new(FILE, len, &long, []);
        let (from, count) = LogMark::tail_range(len);
        assert_eq!((from, count), (len - LogMark::MAX_TAIL, LogMark::MAX_TAIL));
        let mut tail = long[from as usize..].to_vec();
        assert!(mark.is_continued_by(FILE, len, &tail));
        for at in [0, tail.len() - 1] {
            tail[at] ^= 1;
            assert!(!mark.is_continued_by(FILE, len, &tail), "{at}");
            tail[at] ^= 1;
        }
    }
}
