//! How an agent writes a file. This decides how the file may be read.

/// How an agent writes a file. Each Source declares it for its own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Discipline {
    /// The file is rewritten in place (opencode's JSON files). Read it, never map it.
    InPlace,
    /// The file is replaced by a rename, so an open file never changes.
    Replace,
    /// The file is only appended to (logs). Its content up to an observed length never changes.
    Append,
    /// The file is a snapshot of scrollback, written once and then renamed into place.
    Snapshot,
    /// The file is a database. Only its own library may read it.
    Database,
}

impl Discipline {
    /// Checks whether the agent may keep the file open between writes. A feed then needs modify events.
    /// For all other files, the event of the close after a write is enough.
    pub fn writer_may_keep_open(self) -> bool {
        match self {
            Self::Append | Self::Database => true,
            Self::InPlace | Self::Replace | Self::Snapshot => false,
        }
    }
}
