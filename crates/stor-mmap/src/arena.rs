//! Many files in one buffer: one open, one read, one stat, one close for each, no allocation.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use scrollback_core_err::IssueKind;
use scrollback_core_id::Stamp;

use crate::{Directory, FileKind, MappedSpan, ReadContext, Settled};

/// Room for the first read of a file: nearly all parts fit (99 % are under 18 KB).
const FIRST_READ_LEN: usize = 32 << 10;

/// A growing buffer that the files of one tree are read into, one after the other.
#[derive(Debug, Default)]
pub struct Arena {
    bytes: Vec<u8>,
}

/// Where in its arena a file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes' place in the arena.
    pub range: Range<usize>,
    /// The file's stamp, taken after they were read.
    pub stamp: Stamp,
    /// Whether they may have been in the middle of a write.
    pub settled: Settled,
}

impl Arena {
    /// An empty arena; it allocates when the first file is read.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty arena with room for this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// Reads a whole file that its owner may be rewriting in place.
    ///
    /// The piece is settled if the file, looked at after the read, has exactly the bytes that were
    /// read and last changed long enough before the look began. Otherwise `whole` is asked whether
    /// the bytes are whole (whether they parse), and the file is read again after a short pause
    /// (1 ms, then twice as long each time) while they are not or while it keeps changing.
    /// What parses in the end is [`Settled::Provisional`]. `whole` is not asked about settled
    /// bytes: that they do not parse is then the file's own fault.
    ///
    /// An empty file is never settled: an owner that opens it with `O_TRUNC` empties it some time
    /// before its mtime changes (ext4 sets the size first, frees the blocks, and then sets the
    /// mtime; the fault test meets this). One that stays empty over a pause is provisional.
    ///
    /// # Errors
    /// [`IssueKind::Unsettled`] if no try found whole bytes; [`IssueKind::TooLarge`],
    /// [`IssueKind::NotAFile`], [`IssueKind::Link`], [`IssueKind::Vanished`],
    /// [`IssueKind::Unreadable`]. The arena is then as it was.
    pub fn read<D: Directory>(
        &mut self,
        dir: &D,
        name: &[u8],
        context: &ReadContext<'_>,
        is_whole: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Piece, IssueKind> {
        let start = self.bytes.len();
        let result =
            self.read_once(dir, name, context.options().max_len).and_then(|(file, stamp)| {
                let range = start..self.bytes.len();
                if is_settled(&range, &stamp, context) {
                    return Ok(Piece { range, stamp, settled: Settled::Settled });
                }
                self.retry_unsettled(dir, name, context, is_whole, (file, stamp), start)
            });
        if result.is_err() {
            self.bytes.truncate(start);
        }
        result
    }

    /// What follows a first try (`file`, `stamp`) that is not settled.
    #[cold]
    fn retry_unsettled<D: Directory>(
        &mut self,
        dir: &D,
        name: &[u8],
        context: &ReadContext<'_>,
        is_whole: &mut dyn FnMut(&[u8]) -> bool,
        (mut file, mut stamp): (File, Stamp),
        start: usize,
    ) -> Result<Piece, IssueKind> {
        let mut context = *context;
        let tries = context.options().tries.max(1);
        let mut pause = Duration::from_millis(1);
        for tries_left in (0..tries).rev() {
            let range = start..self.bytes.len();
            if is_settled(&range, &stamp, &context) {
                return Ok(Piece { range, stamp, settled: Settled::Settled });
            }
            let parses = is_whole(&self.bytes[range.clone()]);
            let is_complete = stamp.size == range.len() as u64;
            let is_quiet = is_complete && dir.stat_open(&file).is_ok_and(|(_, now)| now == stamp);
            let stays_empty =
                range.is_empty() && is_quiet && context.settles(&stamp) && tries_left + 1 < tries;
            if parses && (is_quiet || tries_left == 0) || stays_empty {
                return Ok(Piece { range, stamp, settled: Settled::Provisional });
            }
            if tries_left > 0 {
                self.bytes.truncate(start);
                context = context.restart_after(pause);
                pause *= 2;
                (file, stamp) = self.read_once(dir, name, context.options().max_len)?;
            }
        }
        Err(IssueKind::Unsettled { tries })
    }

    /// Appends bytes that `write` brings, which another library read.
    pub fn append(
        &mut self,
        stamp: Stamp,
        settled: Settled,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Piece {
        let start = self.bytes.len();
        write(&mut self.bytes);
        // What is before belongs to others.
        let end = self.bytes.len().max(start);
        Piece { range: start..end, stamp, settled }
    }

    fn read_once<D: Directory>(
        &mut self,
        dir: &D,
        name: &[u8],
        max_len: u64,
    ) -> Result<(File, Stamp), IssueKind> {
        let file = dir.open_file(name)?;
        let stamp = self.fill(dir, &file, max_len)?;
        Ok((file, stamp))
    }

    /// Appends a file's bytes up to where it ended when it was first looked at, and says what its
    /// stamp was after the last read. A file that keeps growing is not run after.
    pub(crate) fn fill<D: Directory>(
        &mut self,
        dir: &D,
        file: &File,
        max_len: u64,
    ) -> Result<Stamp, IssueKind> {
        let start = self.bytes.len();
        let mut end = None;
        self.reserve(FIRST_READ_LEN)?;
        loop {
            let offset = (self.bytes.len() - start) as u64;
            let read = dir
                .read_at(file, offset, &mut self.bytes)
                .map_err(|error| unreadable(dir, file, &error))?;
            let (kind, stamp) =
                dir.stat_open(file).map_err(|error| IssueKind::from_io("stat", &error))?;
            if kind != FileKind::File {
                return Err(IssueKind::NotAFile);
            }
            let len = offset + read as u64;
            let size = stamp.size.max(len);
            if size > max_len {
                return Err(IssueKind::TooLarge { size, limit: max_len });
            }
            // Nearly always true: the first read had room for all.
            let end = *end.get_or_insert(stamp.size);
            if len >= end || read == 0 {
                return Ok(stamp);
            }
            self.reserve(usize::try_from(end - len).map_err(|_| no_memory())?)?;
        }
    }

    fn reserve(&mut self, room: usize) -> Result<(), IssueKind> {
        if self.bytes.capacity() - self.bytes.len() >= room {
            return Ok(());
        }
        // `Vec` doubles by itself; the first allocation serves for several files.
        let room = if self.bytes.capacity() == 0 { room.max(2 * FIRST_READ_LEN) } else { room };
        self.bytes.try_reserve(room).map_err(|_| no_memory())
    }

    /// The bytes of a piece of this arena.
    ///
    /// # Panics
    /// If the piece is not of this arena, or the arena was cleared.
    pub fn bytes(&self, piece: &Piece) -> &[u8] {
        &self.bytes[piece.range.clone()]
    }

    /// How many bytes were read.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was read, or nothing but empty files.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets what was read and keeps the memory, for bytes that are looked at once.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Ends reading, so that spans can share the buffer. Nothing is copied; what was allocated
    /// ahead goes back where it is more than was read. Less than that stays: allocators hand memory
    /// that comes back in the size it was asked for to the next arena, and fresh memory costs a
    /// page fault every 4 KiB, a seventh of what loading a tree takes.
    pub fn freeze(mut self) -> Frozen {
        let spare = self.bytes.capacity() - self.bytes.len();
        if spare > self.bytes.len() {
            self.bytes.shrink_to_fit();
        }
        Frozen { bytes: Arc::new(self.bytes) }
    }
}

/// Whether bytes that were read are the file, and no write of it was under way.
fn is_settled(range: &Range<usize>, stamp: &Stamp, context: &ReadContext<'_>) -> bool {
    !range.is_empty() && stamp.size == range.len() as u64 && context.settles(stamp)
}

/// An arena that no longer grows, and that spans share.
#[derive(Debug, Clone)]
pub struct Frozen {
    bytes: Arc<Vec<u8>>,
}

impl Frozen {
    /// The span of a piece of the arena that this was.
    ///
    /// # Panics
    /// If the piece is of another arena and not within this one.
    pub fn span(&self, piece: &Piece) -> MappedSpan {
        assert!(piece.range.end <= self.bytes.len(), "a piece of another arena");
        MappedSpan::shared(&self.bytes, piece.range.clone(), piece.stamp, piece.settled)
    }
}

/// Pipes and the like cannot be read at an offset, and a directory not at all.
#[cold]
fn unreadable<D: Directory>(dir: &D, file: &File, error: &std::io::Error) -> IssueKind {
    match dir.stat_open(file) {
        Ok((kind, _)) if kind != FileKind::File => IssueKind::NotAFile,
        _ => IssueKind::from_io("read", error),
    }
}

#[cold]
fn no_memory() -> IssueKind {
    IssueKind::from_io("read", &std::io::ErrorKind::OutOfMemory.into())
}
