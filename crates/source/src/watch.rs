//! What is there for whoever follows a store: where to look.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use scrollback_core_id::{Discipline, EntityKey, MessageId, SessionKey};

/// A directory that a feed has to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRoot {
    /// The directory; it need not be there yet.
    pub path: PathBuf,
    /// Which of the directories in it matter, too.
    pub depth: WatchDepth,
    /// Which of the files in it matter.
    pub files: WatchedFiles,
    /// How those files are written. Modify events are asked for only where files are appended to
    /// and where they are databases ([`Discipline::writer_may_keep_open`]).
    pub discipline: Discipline,
}

/// Which of the directories in a directory matter to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchDepth {
    /// None: its own entries are all.
    Nothing,
    /// Each of them, and none of those in them.
    All,
    /// Each of them, those in them, and so on to any depth: `sessions/2026/11/30/`. Symbolic links
    /// to directories are not followed.
    Tree,
    /// Each of them, and there are too many to follow at once: those of what is being written, as
    /// [`Source::directory_of`](crate::Source::directory_of) names them.
    Hot,
}

/// What may have changed in a store, from narrow to wide.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DirtyScope {
    /// One record.
    Entity(EntityKey),
    /// A message's parts, and the message.
    Message(MessageId),
    /// A session's record, and all of its messages and their parts.
    Session(SessionKey),
    /// Which projects and sessions there are, their records, which messages there are, and whatever
    /// [`Source::probe`](crate::Source::probe) says.
    Records,
    /// Anything.
    Store,
}

/// Which files of a directory matter to its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchedFiles {
    /// Those that end so.
    Ending(&'static str),
    /// Those of these names, and none beside them.
    Named(Vec<OsString>),
}

impl WatchedFiles {
    /// Whether a file of this name is one of them.
    pub fn include(&self, name: &OsStr) -> bool {
        match self {
            Self::Ending(end) => name.as_encoded_bytes().ends_with(end.as_bytes()),
            Self::Named(names) => names.iter().any(|own| own == name),
        }
    }
}
