//! Records that are lent where they lie, for whoever needs them once.

use std::fmt;
use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, OrderKey, Stamp};
use scrollback_stor_mmap::Settled;

use crate::Observation;

/// What a reader calls for each thing that it lends. Breaking ends the call.
pub type BorrowedVisitor<'e> = dyn FnMut(BorrowedItem<'_>) -> ControlFlow<()> + 'e;

/// Something that a reader lends.
#[derive(Debug)]
pub enum BorrowedItem<'l> {
    /// A record.
    Record(BorrowedRecord<'l>),
    /// The set that the call lists, at any time.
    Set(Observation),
    /// Something that is wrong, about an entity if the key is known.
    Issue(Option<EntityKey>, Issue),
    /// All that was lent until now is of one state of the store, and holds.
    Commit,
    /// What was lent since the last [`BorrowedItem::Commit`] is to be forgotten: the store changed meanwhile,
    /// and it is lent again.
    Rollback,
}

/// Reads the name of a record that is lent, or says what is wrong with it.
pub type ReadKey<'l> = dyn Fn() -> Result<EntityKey, Box<Issue>> + 'l;

/// A record as it is lent.
pub struct BorrowedRecord<'l> {
    /// Reads what names it.
    pub read_key: &'l ReadKey<'l>,
    /// Where it stands among its siblings; parts of a whole store have no place.
    pub order: OrderKey,
    /// As [`Entry::is_copy`](crate::Entry::is_copy).
    pub is_copy: bool,
    /// Its bytes as the store keeps them: without its ids, where those are kept beside them.
    pub bytes: &'l [u8],
    /// What it looked like.
    pub stamp: Stamp,
    /// Whether an equal stamp will mean that it is unchanged.
    pub settled: Settled,
}

impl BorrowedRecord<'_> {
    /// Names it. Whoever looks for something in many records needs the names of few, so that a name
    /// is read when it is asked for.
    ///
    /// # Errors
    /// What is wrong with the name, where that is kept beside the record.
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
