//! Borrowed records. A scan passes each record by reference, and the record is valid only during the
//! call. A caller that needs each record once saves a copy.

use std::fmt;
use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, OrderKey, Stamp};
use scrollback_stor_mmap::Settled;

use crate::{Entry, Observation, ScanItem};

/// The function that a borrowing scan calls with each item. Return `Break` to end the scan.
pub type BorrowedVisitor<'e> = dyn FnMut(BorrowedItem<'_>) -> ControlFlow<()> + 'e;

/// An item of a borrowing scan.
#[derive(Debug)]
pub enum BorrowedItem<'l> {
    /// A record.
    Record(BorrowedRecord<'l>),
    /// The set that the scan lists, at any position among the items.
    Set(Observation),
    /// A problem. The key says which entity it concerns, if the key is known.
    Issue(Option<EntityKey>, Issue),
    /// All items so far belong to one state of the store. Keep them.
    Commit,
    /// The store changed during the scan. Discard all items since the last
    /// [`BorrowedItem::Commit`]; the scan passes them again.
    Rollback,
}

/// The function that reads the key of a borrowed record, or returns the problem with the key.
pub type ReadKey<'l> = dyn Fn() -> Result<EntityKey, Box<Issue>> + 'l;

/// A record that is borrowed from the store for the duration of one call.
pub struct BorrowedRecord<'l> {
    /// Reads the record's key; call it through [`BorrowedRecord::key`].
    pub read_key: &'l ReadKey<'l>,
    /// The record's order among its siblings; without meaning in a scan of all parts of a store.
    pub order: OrderKey,
    /// Whether the message is a copy; see [`Entry::is_copy`](crate::Entry::is_copy).
    pub is_copy: bool,
    /// The bytes as the store keeps them: without the ids if the store keeps the ids separately.
    pub bytes: &'l [u8],
    /// The stamp of the record.
    pub stamp: Stamp,
    /// Whether an equal stamp will mean that the record is unchanged.
    pub settled: Settled,
}

impl BorrowedRecord<'_> {
    /// Reads the record's key. A search through many records needs few keys, so a key is read only
    /// on request.
    ///
    /// # Errors
    /// The issue with the key, if the store keeps the key beside the record and it is damaged.
    pub fn key(&self) -> Result<EntityKey, Box<Issue>> {
        (self.read_key)()
    }
}

impl fmt::Debug for BorrowedRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BorrowedRecord")
            .field("key", &self.key())
            .field("stamp", &self.stamp)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

/// Passes an item of a scan as a borrowed item.
pub(crate) fn visit_borrowed(item: ScanItem, visitor: &mut BorrowedVisitor<'_>) -> ControlFlow<()> {
    match item {
        ScanItem::Set(set) => visitor(BorrowedItem::Set(set)),
        ScanItem::Issue(key, issue) => visitor(BorrowedItem::Issue(key, issue)),
        ScanItem::Entry(Entry { key, order, span, is_copy, .. }) => {
            let span = span.unwrap_or_default();
            let (bytes, stamp, settled) = (&*span, *span.stamp(), span.settled());
            let read_key = &|| Ok(key.clone());
            let record = BorrowedRecord { read_key, order, is_copy, bytes, stamp, settled };
            visitor(BorrowedItem::Record(record))
        }
    }
}
