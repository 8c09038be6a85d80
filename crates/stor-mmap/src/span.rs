//! Bytes of one file or a part of them, whatever holds them.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use scrollback_core_id::Stamp;

use crate::map::Map;

/// Whether bytes may have been in the middle of a write when they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settled {
    /// No write was under way: these bytes were the file.
    Settled,
    /// The bytes are whole, but so young that their next change may leave the stamp as it is: an
    /// equal stamp says nothing. A row of a database is at least this.
    Young,
    /// A write may have been under way; the bytes parse, but may be a mix. Read again later.
    Provisional,
}

/// What holds the bytes of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backing {
    /// Nothing: there are no bytes.
    Empty,
    /// Memory that they were read into, perhaps shared with other spans.
    Pooled,
    /// A mapping of the file.
    Mapped,
}

/// Names what holds the bytes of a span, to count it once. Two spans that are alive at the same
/// time have equal ones exactly if they share what holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Allocation(usize);

/// Bytes of a file: `Deref` to a slice, cheap to clone and to slice, with the stamp that the file
/// had. The bytes never change, except those of a mapped file whose owner breaks its discipline.
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
    /// No bytes, as an empty file has.
    pub fn empty(stamp: Stamp, settled: Settled) -> Self {
        Self { holder: Holder::Empty, start: 0, len: 0, stamp, settled }
    }

    /// All of `bytes`, without copying them.
    pub fn pooled(bytes: Vec<u8>, stamp: Stamp, settled: Settled) -> Self {
        let range = 0..bytes.len();
        Self::shared(&Arc::new(bytes), range, stamp, settled)
    }

    /// Some of the bytes of a shared buffer; `range` is within it.
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

    /// The part of these bytes at `range`, held by the same memory, or `None` if it is not within
    /// them. The stamp stays that of the file.
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        self.get(range.clone())?;
        if range.is_empty() {
            return Some(Self::empty(self.stamp, self.settled));
        }
        Some(Self { start: self.start + range.start, len: range.len(), ..self.clone() })
    }

    /// The same bytes with another stamp, of whoever knows more of their place than the store does.
    #[must_use]
    pub fn with_stamp(&self, stamp: Stamp) -> Self {
        Self { stamp, ..self.clone() }
    }

    /// The stamp of the whole file, taken after its bytes were read.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Whether the bytes may have been in the middle of a write.
    pub fn settled(&self) -> Settled {
        self.settled
    }

    /// Whether no write was under way when the bytes were read, and an equal stamp means equal
    /// bytes from then on.
    pub fn is_settled(&self) -> bool {
        self.settled == Settled::Settled
    }

    /// What holds the bytes.
    pub fn backing(&self) -> Backing {
        match self.holder {
            Holder::Empty => Backing::Empty,
            Holder::Pooled(_) => Backing::Pooled,
            Holder::Mapped(_) => Backing::Mapped,
        }
    }

    /// Names what holds the bytes; `None` if there are none.
    pub fn allocation(&self) -> Option<Allocation> {
        match &self.holder {
            Holder::Empty => None,
            Holder::Pooled(pool) => Some(Allocation(Arc::as_ptr(pool).addr())),
            Holder::Mapped(map) => Some(Allocation(Arc::as_ptr(map).addr())),
        }
    }

    /// Whether both spans are held by the same memory, which is then charged once.
    pub fn is_same_allocation(&self, other: &Self) -> bool {
        self.allocation().is_some() && self.allocation() == other.allocation()
    }

    /// What keeping this span keeps alive, in bytes: all of its buffer or mapping.
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
