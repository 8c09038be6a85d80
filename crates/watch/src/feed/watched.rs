//! What every feed is given: the store, limits, and what is known of records.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use scrollback_core_id::{EntityKey, Stamp};
use scrollback_source::Source;

pub(crate) const SCOPES: usize = 4096;
pub(crate) const HOT: usize = 2048;
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What every feed needs.
#[derive(Clone)]
pub struct Watched {
    /// The store: what to watch, and what a path in it is.
    pub source: Arc<dyn Source>,
    /// How many scopes are kept apart before they join: 4,096 is usual.
    pub scopes: usize,
    /// How many directories are watched while they are hot: 2,048 is usual.
    pub hot: usize,
    /// How many watches there may be at all, where the system would give more.
    pub watches: Option<usize>,
    /// The socket of the watchman server; none for where this user's is.
    pub server: Option<PathBuf>,
    /// How long the server may take to answer: 10 s are usual.
    pub patience: Duration,
    /// What is known of records: a feed that looks at files itself says nothing of those.
    pub known: Known,
}

impl Watched {
    /// The usual limits.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            scopes: SCOPES,
            hot: HOT,
            watches: None,
            server: None,
            patience: PATIENCE,
            known: Known::default(),
        }
    }
}

/// Whether a record that looks so was read already: nothing is known until somebody says how to know.
#[derive(Clone, Default)]
pub struct Known(Arc<OnceLock<Box<IsKnown>>>);

type IsKnown = dyn Fn(&EntityKey, &Stamp) -> bool + Send + Sync;

impl Known {
    /// Says how to know. Only the first one to say so is heard.
    pub fn set(&self, is_known: impl Fn(&EntityKey, &Stamp) -> bool + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(is_known));
    }

    /// Whether a record that looks so was read already.
    pub fn is(&self, key: &EntityKey, stamp: &Stamp) -> bool {
        self.0.get().is_some_and(|is_known| is_known(key, stamp))
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("source", self.source.id()).finish_non_exhaustive()
    }
}
