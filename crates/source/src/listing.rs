//! Collects the items of one call into a value.

use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::EntityKey;

use crate::{Entry, Observation, Result, ScanItem, ScanVisitor};

/// The entities of a scope in order, its set, and the issues.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{Scope, SourceId, SystemClock};
/// use scrollback_source::{Listing, Source};
/// use scrollback_stor_read::FileReader;
///
/// # let storage = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json/storage");
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let mut reader = store.open()?;
/// let sessions = Listing::collect(|visitor| reader.scan(&Scope::Sessions, visitor))?;
/// assert_eq!(sessions.entries.len(), 59);
/// assert!(sessions.issues.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Listing {
    /// The entities, in the store's order.
    pub entries: Vec<Entry>,
    /// The set that the call lists, observed before the call listed it. `None` if the call lists no
    /// set.
    pub set: Option<Observation>,
    /// The problems, with the key of the entity if the key is known.
    pub issues: Vec<(Option<EntityKey>, Issue)>,
}

impl Listing {
    /// Collects all items that `call` passes to its visitor.
    ///
    /// # Errors
    /// The error of `call`.
    pub fn collect(call: impl FnOnce(&mut ScanVisitor<'_>) -> Result<()>) -> Result<Self> {
        let mut listing = Self::default();
        call(&mut |item| {
            match item {
                ScanItem::Entry(entry) => listing.entries.push(entry),
                ScanItem::Set(set) => listing.set = Some(set),
                ScanItem::Issue(key, issue) => listing.issues.push((key, issue)),
            }
            ControlFlow::Continue(())
        })?;
        Ok(listing)
    }
}
