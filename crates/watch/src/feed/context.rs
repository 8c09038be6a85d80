//! The context of a feed: the store, the limits, and a check for indexed records.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use scrollback_core_id::{EntityKey, Stamp};
use scrollback_source::Source;

pub(crate) const DEFAULT_MAX_SCOPES: usize = 4096;
pub(crate) const DEFAULT_MAX_HOT_DIRECTORIES: usize = 2048;
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The store and the limits that every feed needs.
#[derive(Clone)]
pub struct FeedContext {
    /// The store: its watch plan, and the scopes of its paths.
    pub source: Arc<dyn Source>,
    /// The most dirty scopes before the narrowest scopes merge. Usual: 4,096.
    pub max_scopes: usize,
    /// The most directories that are watched while they are hot. Usual: 2,048.
    pub max_hot_directories: usize,
    /// The most watches in total, if the caller wants fewer than the system allows.
    pub max_watches: Option<usize>,
    /// The socket of the watchman server. `None` for the socket of this user's server.
    pub server_socket: Option<PathBuf>,
    /// The longest time for an answer of the server. Usual: 10 s.
    pub timeout: Duration,
    /// A check for indexed records. A feed that knows stamps does not report a record that the
    /// index has with the same stamp.
    pub indexed: IndexedRecords,
}

impl FeedContext {
    /// Returns a context with the usual limits.
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

/// A check whether the index has a record with a given stamp. Without a check, no record counts as
/// indexed.
#[derive(Clone, Default)]
pub struct IndexedRecords(Arc<OnceLock<Box<IsIndexed>>>);

type IsIndexed = dyn Fn(&EntityKey, &Stamp) -> bool + Send + Sync;

impl IndexedRecords {
    /// Sets the check. Only the first call has an effect.
    pub fn set_check(&self, check: impl Fn(&EntityKey, &Stamp) -> bool + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(check));
    }

    /// Checks whether the index has a record with this stamp.
    pub fn contains(&self, key: &EntityKey, stamp: &Stamp) -> bool {
        self.0.get().is_some_and(|check| check(key, stamp))
    }
}

impl fmt::Debug for FeedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedContext").field("source", self.source.id()).finish_non_exhaustive()
    }
}
