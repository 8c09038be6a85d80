//! A store: what opens reads of it, and what says where and when it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, SourceId};

use crate::{DirtyScope, ProbeResult, Reader, Result, SourceToken, WatchRoot};

/// A store that can be read, and that is only ever read.
///
/// Required are [`id`](Source::id), [`clock`](Source::clock), [`open`](Source::open),
/// [`watch_plan`](Source::watch_plan) and [`scope_of_path`](Source::scope_of_path).
pub trait Source: Send + Sync {
    /// Names this store among several.
    fn id(&self) -> &SourceId;

    /// The clock that reads of this store are judged by.
    fn clock(&self) -> &Arc<dyn Clock>;

    /// Opens one consistent look at the store, as far as the store allows: directory handles of a
    /// tree of files, one read transaction of a database. A look stays at the directories that it
    /// opened even if they are moved away meanwhile; whoever wants to notice that opens another.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store is not there or may not be read.
    fn open(&self) -> Result<Box<dyn Reader + '_>>;

    /// Says what a feed has to follow to hear of every change.
    fn watch_plan(&self) -> Vec<WatchRoot>;

    /// Says what a change of a path may be a change of, by the path alone: a file or a directory of
    /// the watch plan, or one in it. None if it is nothing of the store's.
    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope>;

    /// The directory that has what belongs to an entity, the messages of a session or the parts of
    /// a message, where the store keeps those in one that is followed.
    ///
    /// By default no directory: nothing of the watch plan is [`WatchDepth::Hot`](crate::WatchDepth::Hot).
    fn directory_of(&self, key: &EntityKey) -> Option<PathBuf> {
        let _ = key;
        None
    }

    /// Says, at little cost, what may have changed since `since` was handed out, by this Source or
    /// by one of the same store in another process. The new token is of a moment before whatever
    /// a look that is opened afterwards sees: what changes between the two is told twice, and
    /// nothing is missed. Without a token the answer is [`Probe::Rescan`](crate::Probe::Rescan).
    ///
    /// By default always [`Probe::Rescan`](crate::Probe::Rescan) without a token: only a survey
    /// tells what changed.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store is not there or may not be read.
    fn probe(&self, since: Option<&SourceToken>) -> Result<ProbeResult> {
        let _ = since;
        Ok(ProbeResult::rescan())
    }

    /// Whether the store is known, at little cost, to hold no sessions now: it is not there, or it
    /// keeps nothing but diffs. A merged Source then does not ask it whose a session is.
    fn is_empty(&self) -> bool {
        false
    }

    /// Whether session ids are unique across all stores of this agent (UUIDs, ULIDs): two roots
    /// that hold the same id then hold copies of one session, and its usage counts once.
    fn has_global_ids(&self) -> bool {
        false
    }

    /// Says where an entity is kept, for people who want to look at it: a file, relative to the
    /// root of the store. Nothing is promised about what is there.
    ///
    /// By default no file is named.
    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        let _ = key;
        None
    }
}
