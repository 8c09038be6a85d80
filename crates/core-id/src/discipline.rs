//! How the owner of a file writes it, which decides how it may be read.

/// How the owner of a file writes it. Each Source states it for its own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Discipline {
    /// Rewritten in place (opencode's JSON files): read, never mapped.
    InPlace,
    /// Replaced by rename: an open file never changes.
    Replace,
    /// Only ever appended to (logs): whole up to the length seen.
    Append,
    /// A snapshot of our own: written once, then renamed into place.
    Snapshot,
    /// A database: only its own library may read it.
    Database,
}

impl Discipline {
    /// Whether the owner may keep a file open and write to it without closing it. A feed then needs
    /// modify events; for all other files the close that ends a write is enough.
    pub fn writer_may_keep_open(self) -> bool {
        match self {
            Self::Append | Self::Database => true,
            Self::InPlace | Self::Replace | Self::Snapshot => false,
        }
    }
}
