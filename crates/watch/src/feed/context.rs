//! What every feed is given: the store, limits, and what is known of records.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use scrollback_core_id::{EntityKey, Stamp};
use scrollback_source::Source;

pub(crate) const DEFAULT_MAX_SCOPES: usize = 4096;
pub(crate) const DEFAULT_MAX_HOT_DIRECTORIES: usize = 2048;
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What every feed needs.
#[derive(Clone)]
pub struct FeedContext {
    /// The store: what to watch, and what a path in it is.
    pub source: Arc<dyn Source>,
    /// How many scopes are kept apart before they join: 4,096 is usual.
    pub max_scopes: usize,
    /// How many directories are watched while they are hot: 2,048 is usual.
    pub max_hot_directories: usize,
    /// How many watches there may be at all, where the system would give more.
    pub max_watches: Option<usize>,
    /// The socket of the watchman server; none for where this user's is.
    pub server_socket: Option<PathBuf>,
    /// How long the server may take to answer: 10 s are usual.
    pub timeout: Duration,
    /// What is known of records: a feed that looks at files itself says nothing of those.
    pub indexed: IndexedRecords,
}

impl FeedContext {
    /// The usual limits.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            max_scopes: DEFAULT_MAX_SCOPES,
            max_hot_directories: DEFAULT_MAX_HOT_DIRECTORIES,
            max_watches: None,
            server_socket: None,
            timeout: DEFAULT_TIMEOUT,
            indexed: IndexedRecords::default(),
        }
    }
}

/// Whether a record that looks so was read already: nothing is known until somebody says how to know.
#[derive(Clone, Default)]
pub struct IndexedRecords(Arc<OnceLock<Box<IsIndexed>>>);

type IsIndexed = dyn Fn(&EntityKey, &Stamp) -> bool + Send + Sync;

impl IndexedRecords {
    /// Says how to know. Only the first one to say so is heard.
    pub fn set_check(&self, check: impl Fn(&EntityKey, &Stamp) -> bool + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(check));
    }

    /// Whether a record that looks so was read already.
    pub fn contains(&self, key: &EntityKey, stamp: &Stamp) -> bool {
        self.0.get().is_some_and(|check| check(key, stamp))
    }
}

impl fmt::Debug for FeedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("source", self.source.id()).finish_non_exhaustive()
    }
}
