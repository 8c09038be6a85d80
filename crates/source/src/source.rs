//! A store as a Source: it opens read transactions, and it says which paths to watch.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, SourceId};

use crate::{DirtyScope, ProbeResult, Reader, Result, SourceToken, WatchRoot};

/// The indexes of a store that [`Source::check_indexes`] compares with the records. Each level includes
/// the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexCheck {
    /// The indexes of projects and sessions.
    Sessions,
    /// Also those of messages.
    Messages,
    /// Also those of parts.
    Parts,
}

/// A store that can be read. A Source never writes to its store.
///
/// Implement [`id`](Source::id), [`clock`](Source::clock), [`open`](Source::open),
/// [`watch_plan`](Source::watch_plan) and [`scope_of_path`](Source::scope_of_path). The other
/// methods have defaults.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_source::{DirtyScope, Source, SourceExt};
/// use scrollback_stor_read::FileReader;
///
/// # let storage = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json/storage");
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let store: &dyn Source = &store; // the rest works for every store
///
/// let newest = store.list_sessions()?.entries.remove(0);
/// assert_eq!(newest.key.to_string(), "session ses_e04994972ffet9oc5rH3S1zFJZ");
///
/// // A watcher follows the plan, and asks for the scope of each path that changed.
/// let part = store.watch_plan().into_iter().find(|root| root.path.ends_with("part")).unwrap();
/// let path = part.path.join("msg_1/prt_1.json");
/// assert!(matches!(store.scope_of_path(&path), Some(DirtyScope::Entity(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Source: Send + Sync {
    /// Returns the id that names this store among several stores.
    fn id(&self) -> &SourceId;

    /// Returns the clock that decides whether a read of this store is settled.
    fn clock(&self) -> &Arc<dyn Clock>;

    /// Opens a read transaction, which is as consistent as the store allows: directory handles for
    /// a tree of files, one transaction for a database. A read transaction keeps the directories
    /// that it opened, even if they are moved away meanwhile. To notice such a move, open another
    /// read transaction.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store does not exist or may not be read.
    fn open(&self) -> Result<Box<dyn Reader + '_>>;

    /// Returns the directories that a feed has to follow to receive every change.
    fn watch_plan(&self) -> Vec<WatchRoot>;

    /// Returns the scope that a change of a path may concern. The result depends on the path alone,
    /// which is a file or directory of the watch plan, or an entry of one. Returns `None` if the
    /// path does not belong to the store.
    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope>;

    /// Returns the directory that holds the children of an entity: the messages of a session, or
    /// the parts of a message. Returns `None` if the store does not keep the children in a
    /// directory that a feed follows.
    ///
    /// The default returns `None`, for a watch plan without
    /// [`WatchDepth::Hot`](crate::WatchDepth::Hot).
    fn directory_of(&self, key: &EntityKey) -> Option<PathBuf> {
        let _ = key;
        None
    }

    /// Returns at little cost what may have changed since `since` was issued, by this Source or by
    /// a Source of the same store in another process. The new token describes a moment before the
    /// state that a later read transaction reads. So a change between the two is reported twice,
    /// and no change is missed. Without a token the result is
    /// [`Probe::Rescan`](crate::Probe::Rescan).
    ///
    /// The default returns [`Probe::Rescan`](crate::Probe::Rescan) and no token: only a survey finds
    /// the changes.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store does not exist or may not be read.
    fn probe(&self, since: Option<&SourceToken>) -> Result<ProbeResult> {
        let _ = since;
        Ok(ProbeResult::rescan())
    }

    /// Checks whether the store keeps indexes of its own, which may lack records. The default returns
    /// `false`.
    fn has_indexes(&self) -> bool {
        false
    }

    /// Compares the entries of the indexes that the store itself keeps with the records. If an index
    /// has other entries, the Source reads the records without it from now on, and an issue names its
    /// table.
    ///
    /// Returns `true` if such an index exists: what was read before the check may lack records, and has
    /// to be read again. The check reads all keys, so call it only for a whole store, or if records that
    /// were known are missing.
    ///
    /// The default returns `false`, for a store without such indexes.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store does not exist or may not be read.
    fn check_indexes(&self, check: IndexCheck) -> Result<bool> {
        let _ = check;
        Ok(false)
    }

    /// Returns what this Source wants to remember until the next process, in its own words. An index
    /// keeps the memo in its snapshot. The memo is valid in addition to a token, also if no token is.
    ///
    /// The default returns `None`.
    fn memo(&self) -> Option<Arc<[u8]>> {
        None
    }

    /// Takes the memo of an earlier process. The bytes come from a cache file: a Source uses only what
    /// it can verify.
    ///
    /// The default does nothing.
    fn recall(&self, memo: &[u8]) {
        let _ = memo;
    }

    /// Checks at little cost whether the store certainly has no sessions now: it does not exist, or
    /// it keeps only diffs. A merged Source does not ask an empty store for the owner of a session.
    fn is_empty(&self) -> bool {
        false
    }

    /// Checks whether session ids are unique across all stores of this agent (UUIDs, ULIDs). If two
    /// roots then hold the same id, they hold copies of one session, and its usage counts once.
    fn has_global_ids(&self) -> bool {
        false
    }

    /// Returns the file that holds an entity, relative to the root of the store, for users who want
    /// to open it. The file may be missing.
    ///
    /// The default returns `None`.
    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        let _ = key;
        None
    }
}
