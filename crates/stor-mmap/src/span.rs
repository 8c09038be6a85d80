//! Spans: the bytes of a file or of a part of it, independent of the memory that holds them.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use scrollback_core_id::Stamp;

use crate::map::Map;

/// Whether a write may have been under way when the bytes were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settled {
    /// No write was under way: the bytes are the file's content.
    Settled,
    /// The bytes are whole, but so young that the next change may leave the stamp as it is. An equal
    /// stamp does not mean equal bytes. A row of a database is at least this.
    Young,
    /// A write may have been under way. The bytes parse, but may mix two versions. Read them again
    /// later.
    Provisional,
}

/// The kind of memory that holds the bytes of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backing {
    /// No memory: the span has no bytes.
    Empty,
    /// A buffer that the bytes were read into. Other spans may share it.
    Pooled,
    /// A mapping of the file.
    Mapped,
}

/// The identity of the memory that holds a span's bytes, used to count this memory once. Two spans
/// that are alive at the same time have equal identities exactly if they share their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Allocation(usize);

/// The bytes of a file or of a part of it, with the stamp of the file. A span derefs to a slice, and
/// it is cheap to clone and to slice. The bytes never change, except the bytes of a mapped file whose
/// owner breaks its discipline.
///
/// ```
/// use scrollback_core_id::Stamp;
/// use scrollback_stor_mmap::{MappedSpan, Settled};
///
/// let stamp = Stamp { size: 17, ..Stamp::default() };
/// let bytes = br#"{"title":"hello"}"#.to_vec();
/// let span = MappedSpan::pooled(bytes, stamp, Settled::Settled);
/// assert!(span.is_settled());
/// assert!(span.starts_with(b"{"));
///
/// let title = span.slice(9..16).unwrap(); // no copy
/// assert_eq!(&title[..], br#""hello""#);
/// assert!(title.is_same_allocation(&span));
/// assert!(span.slice(9..100).is_none(), "outside the span");
/// ```
#[derive(Clone)]
pub struct MappedSpan {
    holder: Holder,
    start: usize,
    len: usize,
    stamp: Stamp,
    settled: Settled,
}

#[derive(Clone)]
enum Holder {
    Empty,
    Pooled(Arc<Vec<u8>>),
    Mapped(Arc<Map>),
}

impl MappedSpan {
    /// Returns a span without bytes, as for an empty file.
    pub fn empty(stamp: Stamp, settled: Settled) -> Self {
        Self { holder: Holder::Empty, start: 0, len: 0, stamp, settled }
    }

    /// Returns a span of all of `bytes`, without copying them.
    pub fn pooled(bytes: Vec<u8>, stamp: Stamp, settled: Settled) -> Self {
        let range = 0..bytes.len();
        Self::shared(&Arc::new(bytes), range, stamp, settled)
    }

    /// Returns a span of a part of a shared buffer; `range` is within the buffer.
    pub(crate) fn shared(
        pool: &Arc<Vec<u8>>,
        range: Range<usize>,
        stamp: Stamp,
        settled: Settled,
    ) -> Self {
        if range.is_empty() {
            return Self::empty(stamp, settled);
        }
        let holder = Holder::Pooled(Arc::clone(pool));
        Self { holder, start: range.start, len: range.len(), stamp, settled }
    }

    pub(crate) fn mapped(map: Map, stamp: Stamp) -> Self {
        let len = map.len();
        let holder = Holder::Mapped(Arc::new(map));
        Self { holder, start: 0, len, stamp, settled: Settled::Settled }
    }

    /// Returns the part of these bytes at `range`, in the same memory, or `None` if `range` is not
    /// within the span. The stamp stays the stamp of the file.
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        self.get(range.clone())?;
        if range.is_empty() {
            return Some(Self::empty(self.stamp, self.settled));
        }
        Some(Self { start: self.start + range.start, len: range.len(), ..self.clone() })
    }

    /// Returns the same bytes with another stamp, for a caller that knows the record's stamp better
    /// than the store does.
    #[must_use]
    pub fn with_stamp(&self, stamp: Stamp) -> Self {
        Self { stamp, ..self.clone() }
    }

    /// Returns the stamp of the whole file, taken after its bytes were read.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Returns whether a write may have been under way when the bytes were read.
    pub fn settled(&self) -> Settled {
        self.settled
    }

    /// Checks whether no write was under way when the bytes were read, and whether an equal stamp
    /// means equal bytes from then on.
    pub fn is_settled(&self) -> bool {
        self.settled == Settled::Settled
    }

    /// Returns the kind of memory that holds the bytes.
    pub fn backing(&self) -> Backing {
        match self.holder {
            Holder::Empty => Backing::Empty,
            Holder::Pooled(_) => Backing::Pooled,
            Holder::Mapped(_) => Backing::Mapped,
        }
    }

    /// Returns the identity of the memory that holds the bytes, or `None` for an empty span.
    pub fn allocation(&self) -> Option<Allocation> {
        match &self.holder {
            Holder::Empty => None,
            Holder::Pooled(pool) => Some(Allocation(Arc::as_ptr(pool).addr())),
            Holder::Mapped(map) => Some(Allocation(Arc::as_ptr(map).addr())),
        }
    }

    /// Checks whether the same memory holds both spans. Such memory is charged once.
    pub fn is_same_allocation(&self, other: &Self) -> bool {
        self.allocation().is_some() && self.allocation() == other.allocation()
    }

    /// Returns the number of bytes that this span keeps alive: its whole buffer or mapping.
    pub fn charge(&self) -> u64 {
        match &self.holder {
            Holder::Empty => 0,
            Holder::Pooled(pool) => pool.capacity() as u64,
            Holder::Mapped(map) => map.len() as u64,
        }
    }
}

impl Deref for MappedSpan {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let all: &[u8] = match &self.holder {
            Holder::Empty => &[],
            Holder::Pooled(pool) => pool,
            Holder::Mapped(map) => map,
        };
        &all[self.start..self.start + self.len]
    }
}

impl AsRef<[u8]> for MappedSpan {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for MappedSpan {
    fn default() -> Self {
        Self::empty(Stamp::default(), Settled::Settled)
    }
}

impl fmt::Debug for MappedSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedSpan")
            .field("len", &self.len)
            .field("backing", &self.backing())
            .field("settled", &self.settled)
            .field("stamp", &self.stamp)
            .finish()
    }
}
