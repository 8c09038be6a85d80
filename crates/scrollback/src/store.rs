//! A store: all roots as one.

use std::cmp::Reverse;

use scrollback_core_type::StageIssue;
use scrollback_source::DiscoveredStore;

use crate::root::Root;
use crate::session::Session;
use crate::{Error, Result};

/// The sessions of one or more roots. A root is what an agent keeps in one place.
///
/// Lists merge the lists of the roots. A session id is unique within a root; across roots the same
/// id names two sessions.
///
/// ```
/// use scrollback::Store;
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let store = Store::builder().path(path).without_cache().build()?;
/// for session in store.sessions()? {
///     println!("{}  {}  ${}", session.id(), session.title(), session.usage()?.cost);
/// }
/// # assert_eq!(store.sessions()?.len(), 59);
/// # Ok::<(), scrollback::Error>(())
/// ```
#[derive(Debug)]
pub struct Store {
    roots: Vec<Root>,
    failures: Vec<Error>,
    unsupported: Vec<DiscoveredStore>,
}

impl Store {
    pub(crate) fn new(
        roots: Vec<Root>,
        failures: Vec<Error>,
        unsupported: Vec<DiscoveredStore>,
    ) -> Self {
        Self { roots, failures, unsupported }
    }

    /// The roots.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The stores that were left out because they cannot be read, and why.
    pub fn failures(&self) -> &[Error] {
        &self.failures
    }

    /// The stores that are there and that this version does not read.
    pub fn unsupported(&self) -> &[DiscoveredStore] {
        &self.unsupported
    }

    /// The sessions of all roots, newest first.
    ///
    /// # Errors
    /// If a root cannot be read.
    pub fn sessions(&self) -> Result<Vec<Session<'_>>> {
        let mut sessions = Vec::new();
        for root in &self.roots {
            let view = root.view()?;
            sessions.extend(view.sessions().map(|meta| Session::from_meta(root, meta)));
        }
        if self.roots.len() > 1 {
            sessions.sort_by(|a, b| {
                let place = |session: &Session<'_>| {
                    (Reverse(session.meta().map(|meta| meta.order)), session.key().clone())
                };
                place(a).cmp(&place(b))
            });
        }
        Ok(sessions)
    }

    /// What was wrong in the roots, as far as they were read, sorted.
    pub fn issues(&self) -> Vec<StageIssue> {
        let mut issues: Vec<StageIssue> = self.roots.iter().flat_map(Root::issues).collect();
        issues.sort_by_cached_key(ToString::to_string); // sessions are read in no order
        issues
    }

    /// Keeps the indexes for the next process. A store does so when it is dropped, too.
    ///
    /// # Errors
    /// The first file that cannot be written.
    pub fn save(&self) -> Result<()> {
        self.roots.iter().try_for_each(|root| root.save().map(drop))
    }
}
