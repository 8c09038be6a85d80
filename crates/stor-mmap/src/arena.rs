//! Reads many files into one buffer: one open, one read, one stat and one close per file, and no
//! allocation. This module decides whether a read is settled, and it repeats reads that are not.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use scrollback_core_err::IssueKind;
use scrollback_core_id::Stamp;

use crate::{Directory, FileKind, MappedSpan, ReadContext, ReadOptions, Settled};

/// The room for the first read of a file. Nearly all parts fit (99 % are under 18 KB).
const FIRST_READ_LEN: usize = 32 << 10;

/// The room for the ids that are added to a record.
const ROOM_FOR_IDS: usize = 1 << 10;

/// A growing buffer. The files of one tree are read into it, one after the other.
///
/// ```
/// use scrollback_core_id::SystemClock;
/// use scrollback_stor_mmap::{Arena, Dir, ReadContext, ReadOptions};
///
/// # let data_dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let dir = Dir::open(data_dir)?;
/// let context = ReadContext::begin(&SystemClock, ReadOptions::default());
/// let mut arena = Arena::new();
/// let piece = arena.read(&dir, b"ids.json", &context, &mut |_| true)?;
/// let span = arena.freeze().span(&piece);
/// assert_eq!(span.len() as u64, span.stamp().size);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Arena {
    bytes: Vec<u8>,
}

/// The place of a file's bytes in its arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The range of the bytes in the arena.
    pub range: Range<usize>,
    /// The file's stamp, taken after the bytes were read.
    pub stamp: Stamp,
    /// Whether a write may have been under way during the read.
    pub settled: Settled,
}

impl Arena {
    /// Returns an empty arena, which allocates when the first file is read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an empty arena with room for this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// Reads a whole file that its owner may be rewriting in place.
    ///
    /// The piece is settled if two conditions hold: a stat after the read reports exactly as many
    /// bytes as were read, and the file last changed more than the margin before `context` began.
    /// `is_whole` is not called for settled bytes. If they do not parse, the file itself is damaged.
    ///
    /// Otherwise `is_whole` decides whether the bytes are whole, which means whether they parse.
    /// While the bytes are not whole, or while the file keeps changing, the file is read again after
    /// a pause (1 ms, then twice as long each time). Whole bytes are then
    /// [`Settled::Provisional`].
    ///
    /// An empty file is never settled. An owner that opens it with `O_TRUNC` empties it some time
    /// before its mtime changes (ext4 sets the size first, frees the blocks, and then sets the
    /// mtime; the fault test meets this). A file that stays empty over a pause is provisional.
    ///
    /// # Errors
    /// [`IssueKind::Unsettled`] if no try read whole bytes; [`IssueKind::TooLarge`],
    /// [`IssueKind::OverTotal`], [`IssueKind::NotAFile`], [`IssueKind::Link`], [`IssueKind::Vanished`],
    /// [`IssueKind::Unreadable`]. After an error the arena is as it was before the call.
    pub fn read<D: Directory>(
        &mut self,
        dir: &D,
        name: &[u8],
        context: &ReadContext<'_>,
        is_whole: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Piece, IssueKind> {
        let start = self.bytes.len();
        let result = self.read_once(dir, name, context.options()).and_then(|(file, stamp)| {
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

    /// Repeats a read whose first try (`file`, `stamp`) is not settled.
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
            // The stat comes after the parse: a change in between shows in the stamp.
            let parses = is_whole(&self.bytes[range.clone()]);
            let is_complete = stamp.size == range.len() as u64;
            let is_quiet = is_complete && dir.stat_open(&file).is_ok_and(|(_, now)| now == stamp);
            // An empty file never parses. Accept it if it was quiet and a pause did not fill it.
            let stays_empty =
                range.is_empty() && is_quiet && context.settles(&stamp) && tries_left + 1 < tries;
            // The last try also accepts bytes that parse from a file that still changes.
            if parses && (is_quiet || tries_left == 0) || stays_empty {
                return Ok(Piece { range, stamp, settled: Settled::Provisional });
            }
            if tries_left > 0 {
                self.bytes.truncate(start);
                context = context.restart_after(pause);
                pause *= 2;
                (file, stamp) = self.read_once(dir, name, context.options())?;
            }
        }
        Err(IssueKind::Unsettled { tries })
    }

    /// Makes room for a record of `size` bytes that [`Arena::append`] will add. The record may grow by
    /// half while it is written.
    ///
    /// # Errors
    /// [`IssueKind::OverTotal`] if the arena would exceed the limit of the sum;
    /// [`IssueKind::Unreadable`] if the system has too little memory.
    pub fn make_room(&mut self, size: u64, limits: &ReadOptions) -> Result<(), IssueKind> {
        check_total(self.bytes.len(), size, limits)?;
        let size = usize::try_from(size).map_err(|_| no_memory())?;
        self.reserve(size.saturating_add(size / 2 + ROOM_FOR_IDS))
    }

    /// Appends the bytes that `write` adds to the buffer, for bytes that another library read.
    pub fn append(
        &mut self,
        stamp: Stamp,
        settled: Settled,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Piece {
        let start = self.bytes.len();
        write(&mut self.bytes);
        // The bytes before `start` belong to other pieces.
        let end = self.bytes.len().max(start);
        Piece { range: start..end, stamp, settled }
    }

    fn read_once<D: Directory>(
        &mut self,
        dir: &D,
        name: &[u8],
        limits: &ReadOptions,
    ) -> Result<(File, Stamp), IssueKind> {
        let file = dir.open_file(name)?;
        let stamp = self.fill(dir, &file, limits)?;
        Ok((file, stamp))
    }

    /// Appends a file's bytes up to the size that the first stat reports, and returns the stamp after
    /// the last read. The end stays fixed, so a file that keeps growing does not keep the read busy.
    pub(crate) fn fill<D: Directory>(
        &mut self,
        dir: &D,
        file: &File,
        limits: &ReadOptions,
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
            if size > limits.max_len {
                return Err(IssueKind::TooLarge { size, limit: limits.max_len });
            }
            check_total(start, size, limits)?;
            // Nearly always true: the first read had room for the whole file.
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
        // `Vec` doubles by itself. The first allocation has room for several files.
        let room = if self.bytes.capacity() == 0 { room.max(2 * FIRST_READ_LEN) } else { room };
        self.bytes.try_reserve(room).map_err(|_| no_memory())
    }

    /// Returns the bytes of a piece of this arena.
    ///
    /// # Panics
    /// If the piece belongs to another arena, or the arena was cleared.
    pub fn bytes(&self, piece: &Piece) -> &[u8] {
        &self.bytes[piece.range.clone()]
    }

    /// Returns the number of bytes that were read.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Checks whether the arena has no bytes. An arena of empty files is empty too.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Removes all bytes and keeps the memory. Use it for bytes that are needed once.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Ends the reading, so that spans can share the buffer. Nothing is copied. Spare memory is
    /// returned to the allocator if it is larger than the bytes that were read. Less spare memory is
    /// kept: the allocator hands a block that comes back in its original size to the next arena, and
    /// fresh memory costs a page fault every 4 KiB, a seventh of the time of loading a tree.
    pub fn freeze(mut self) -> Frozen {
        let spare = self.bytes.capacity() - self.bytes.len();
        if spare > self.bytes.len() {
            self.bytes.shrink_to_fit();
        }
        Frozen { bytes: Arc::new(self.bytes) }
    }
}

/// Checks whether a record fits beside the bytes that an arena has.
fn check_total(len: usize, size: u64, limits: &ReadOptions) -> Result<(), IssueKind> {
    let limit = limits.max_total;
    if (len as u64).saturating_add(size) <= limit {
        Ok(())
    } else {
        Err(IssueKind::OverTotal { size, limit })
    }
}

/// Checks whether the bytes are the whole file, and whether no write was under way.
fn is_settled(range: &Range<usize>, stamp: &Stamp, context: &ReadContext<'_>) -> bool {
    !range.is_empty() && stamp.size == range.len() as u64 && context.settles(stamp)
}

/// An arena that no longer grows. Spans share its buffer.
#[derive(Debug, Clone)]
pub struct Frozen {
    bytes: Arc<Vec<u8>>,
}

impl Frozen {
    /// Returns the span of a piece of this arena.
    ///
    /// # Panics
    /// If the piece belongs to another arena and its range ends outside this arena.
    pub fn span(&self, piece: &Piece) -> MappedSpan {
        assert!(piece.range.end <= self.bytes.len(), "a piece of another arena");
        MappedSpan::shared(&self.bytes, piece.range.clone(), piece.stamp, piece.settled)
    }
}

/// Returns why a read failed: a pipe cannot be read at an offset, and a directory cannot be read.
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
