//! A store: several roots as one.

use std::cmp::Reverse;

use scrollback_core_type::StageIssue;
use scrollback_source::DiscoveredStore;

use crate::root::Root;
use crate::session::Session;
use crate::{Error, Result};

/// The sessions of one or more roots. A root is a data directory of an agent, or one store.
///
/// Lists merge the sessions of all roots. A session id is unique within a root; the same id in two
/// roots is two sessions.
///
/// ```
/// use scrollback::Store;
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let store = Store::builder().path(path).without_cache().build()?;
/// for session in store.sessions()? {
///     println!("{}  {}  ${}", session.id(), session.title(), session.usage()?.cost);
/// }
/// assert_eq!(store.sessions()?.len(), 59);
/// # Ok::<(), scrollback::Error>(())
/// ```
#[derive(Debug)]
pub struct Store {
    roots: Vec<Root>,
    failures: Vec<Error>,
    unsupported: Vec<DiscoveredStore>,
    cache_problem: Option<Error>,
}

impl Store {
    pub(crate) fn new(
        roots: Vec<Root>,
        failures: Vec<Error>,
        unsupported: Vec<DiscoveredStore>,
    ) -> Self {
        Self { roots, failures, unsupported, cache_problem: None }
    }

    pub(crate) fn with_cache_problem(self, cache_problem: Option<Error>) -> Self {
        Self { cache_problem, ..self }
    }

    /// Returns the roots.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Returns one error for each store that was left out because it cannot be read.
    pub fn failures(&self) -> &[Error] {
        &self.failures
    }

    /// Returns the stores that exist but have a format that this version cannot read.
    pub fn unsupported(&self) -> &[DiscoveredStore] {
        &self.unsupported
    }

    /// Returns the reason why no index is saved between runs, if the cache directory is unsafe.
    pub fn cache_problem(&self) -> Option<&Error> {
        self.cache_problem.as_ref()
    }

    /// Returns the sessions of all roots, newest first.
    ///
    /// # Errors
    /// [`Error::Store`] if a root cannot be read; [`Error::Stopped`] if the progress callback ended the
    /// read.
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

    /// Returns the issues that were found in all roots so far, sorted by their text.
    pub fn issues(&self) -> Vec<StageIssue> {
        let mut issues: Vec<StageIssue> = self.roots.iter().flat_map(Root::issues).collect();
        issues.sort_by_cached_key(ToString::to_string); // sessions are read in parallel, so the issues have no order
        issues
    }

    /// Finds the orphans of all roots, as [`Root::find_orphans`] does.
    ///
    /// # Errors
    /// The errors of [`Root::find_orphans`].
    pub fn find_orphans(&self) -> Result<Vec<StageIssue>> {
        let of_roots: Vec<_> = self.roots.iter().map(Root::find_orphans).collect::<Result<_>>()?;
        Ok(of_roots.into_iter().flatten().collect())
    }

    /// Saves the indexes for the next process. Dropping a store does the same, but ignores errors.
    ///
    /// # Errors
    /// [`Error::Cache`] for the first file that cannot be written.
    pub fn save(&self) -> Result<()> {
        self.roots.iter().try_for_each(|root| root.save().map(drop))
    }
}
