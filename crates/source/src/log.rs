//! Marks in append-only log files: how far one was read, and whether it goes on from there.

use std::fs::File;
use std::io;

use scrollback_core_id::{Stamp, UnixNanos};
use xxhash_rust::xxh3::xxh3_64;

use crate::ResumeToken;

/// Which file it is, whatever its name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FileIdentity {
    /// The device that the file is on, or 0 where the system does not say.
    pub device: u64,
    /// Its number there, or 0 where the system does not say.
    pub inode: u64,
}

impl FileIdentity {
    /// The identity of an open file.
    ///
    /// # Errors
    /// Those of the system.
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

/// How far an append-only log was read: a ready-made [`ResumeToken`].
///
/// It recognises a log that was replaced (another identity), truncated (a shorter file) or rewritten
/// in place (other bytes before the mark). Of the bytes before the mark it knows the last
/// [`LogMark::MAX_TAIL`]: a rewrite that leaves these as they were is not recognised, and is found by
/// whoever reads the log anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMark {
    /// The file.
    pub file: FileIdentity,
    /// How many bytes of it were read: whole records.
    pub len: u64,
    /// The hash of the last bytes before that.
    tail: u64,
    /// What else the Source has to know to read on, in its own words.
    pub state: Box<[u8]>,
}

impl LogMark {
    /// How many bytes before a mark are compared.
    pub const MAX_TAIL: u64 = 4096;

    /// The bytes to compare for a log that was read up to `len`: an offset, and how many from there.
    pub fn tail_range(len: u64) -> (u64, u64) {
        let count = len.min(Self::MAX_TAIL);
        (len - count, count)
    }

    /// A mark at `len`; `before` ends there, with at least the bytes of [`LogMark::tail_range`].
    pub fn new(file: FileIdentity, len: u64, before: &[u8], state: impl Into<Box<[u8]>>) -> Self {
        Self { file, len, tail: hash_tail(len, before), state: state.into() }
    }

    /// Whether a log goes on from this mark: it is the same file, has `len` bytes by now, and
    /// `before` are its bytes before the mark, those of [`LogMark::tail_range`].
    pub fn is_continued_by(&self, file: FileIdentity, len: u64, before: &[u8]) -> bool {
        self.file == file && self.len <= len && self.tail == hash_tail(self.len, before)
    }

    /// The mark as a token.
    pub fn to_token(&self) -> ResumeToken {
        let mut bytes = Vec::with_capacity(MAGIC.len() + 32 + self.state.len());
        bytes.extend_from_slice(MAGIC);
        for word in [self.file.device, self.file.inode, self.len, self.tail] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&self.state);
        ResumeToken::new(bytes)
    }

    /// The mark that a token holds; none if it is of another kind.
    pub fn from_token(token: &ResumeToken) -> Option<Self> {
        let rest = token.bytes().strip_prefix(MAGIC)?;
        let (words, state) = rest.split_first_chunk::<32>()?;
        let (words, _) = words.as_chunks::<8>();
        let [device, inode, len, tail] = <[_; 4]>::try_from(words).ok()?.map(u64::from_le_bytes);
        Some(Self { file: FileIdentity { device, inode }, len, tail, state: state.into() })
    }
}

/// Begins the token of a mark, and changes with its layout.
const MAGIC: &[u8] = b"log mark 1\n";

fn hash_tail(len: u64, before: &[u8]) -> u64 {
    let count = usize::try_from(LogMark::tail_range(len).1).unwrap_or(usize::MAX);
    xxh3_64(&before[before.len().saturating_sub(count)..])
}

/// The stamp of a record that never changes once it is there, as a line of a log: equal for equal
/// bytes. It has no time.
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
