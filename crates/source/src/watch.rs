//! What a follower needs to know about a store: the directories to watch, and the scopes of changes.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use scrollback_core_id::{Discipline, EntityKey, MessageId, SessionKey};

/// A directory that a feed has to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRoot {
    /// The directory, which need not exist yet.
    pub path: PathBuf,
    /// Which directories inside it must be followed too.
    pub depth: WatchDepth,
    /// Which files in these directories belong to the store.
    pub files: WatchedFiles,
    /// How the agent writes the files. A feed subscribes to modify events only for files that are
    /// appended to and for databases ([`Discipline::writer_may_keep_open`]).
    pub discipline: Discipline,
}

/// Which directories inside a watched directory must be followed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchDepth {
    /// None: only the directory's own entries matter.
    Nothing,
    /// Each directory in it, and none of the deeper directories.
    All,
    /// Each directory in it, to any depth: `sessions/2026/11/30/`. Symbolic links to directories are
    /// not followed.
    Tree,
    /// Each directory in it; but there are too many to follow all of them. Follow the directories of
    /// the entities that are being written, as
    /// [`Source::directory_of`](crate::Source::directory_of) returns them.
    Hot,
}

/// What may have changed in a store, from narrow to wide.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DirtyScope {
    /// One record.
    Entity(EntityKey),
    /// A message and its parts.
    Message(MessageId),
    /// A session's record, its messages, and their parts.
    Session(SessionKey),
    /// Which projects, sessions and messages exist, the records of projects and sessions, and the
    /// changes that [`Source::probe`](crate::Source::probe) reports.
    Records,
    /// Anything in the store.
    Store,
}

/// Which files of a directory belong to its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchedFiles {
    /// The files whose name has this ending.
    Ending(&'static str),
    /// The files with these names, and no others.
    Named(Vec<OsString>),
}

impl WatchedFiles {
    /// Checks whether a file of this name belongs to the store.
    pub fn include(&self, name: &OsStr) -> bool {
        match self {
            Self::Ending(end) => name.as_encoded_bytes().ends_with(end.as_bytes()),
            Self::Named(names) => names.iter().any(|listed_name| listed_name == name),
        }
    }
}
