//! What is there for whoever follows a store: where to look, and whether to look at all.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use scrollback_core_id::{EntityKey, MessageId, SessionKey};

/// A directory that a feed has to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRoot {
    /// The directory; it need not be there yet.
    pub path: PathBuf,
    /// Which of the directories in it matter, too.
    pub below: Below,
    /// Which of the files in it matter.
    pub files: WatchedFiles,
}

/// Which of the directories in a directory matter to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Below {
    /// None: its own entries are all.
    Nothing,
    /// Each of them.
    All,
    /// Each of them, and there are too many to follow at once: those of what is being written, as
    /// [`Source::directory_of`](crate::Source::directory_of) names them.
    Hot,
}

/// What may have changed in a store, from narrow to wide.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
#[non_exhaustive]
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

/// What a store was like when it was probed, in its own words. Good for one store, in any process.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceToken(Arc<[u8]>);

/// What a probe came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// What may have changed.
    pub probe: Probe,
    /// What to ask with the next time; none if this store keeps no account of itself.
    pub token: Option<SourceToken>,
}

/// What may have changed in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Nothing did.
    Unchanged,
    /// The messages and parts of these sessions, and the records of any project or session: those
    /// are to be compared.
    Sessions(Vec<SessionKey>),
    /// Anything.
    Rescan,
}

impl SourceToken {
    /// A token of these bytes, which its Source made.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, to be kept.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0
    }
}

impl Probed {
    /// The answer of a store that keeps no account of itself.
    pub fn rescan() -> Self {
        Self { probe: Probe::Rescan, token: None }
    }
}

impl fmt::Debug for SourceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceToken({} bytes)", self.0.len())
    }
}
