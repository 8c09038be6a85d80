//! What a call hands out, collected.

use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::EntityKey;

use crate::{Entry, Observation, Result, ScanItem, ScanVisitor};

/// What a scope holds, in order, and what was wrong with the rest.
#[derive(Debug, Default)]
pub struct Listing {
    /// The entities, in the store's order.
    pub entries: Vec<Entry>,
    /// The set that was listed, as it was before, where the call lists one.
    pub set: Option<Observation>,
    /// What could not be read, with the key where it is known.
    pub issues: Vec<(Option<EntityKey>, Issue)>,
}

impl Listing {
    /// Collects what `call` hands out.
    ///
    /// # Errors
    /// Those of `call`.
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
