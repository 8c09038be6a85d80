//! How the owner of a file writes it, which decides how it may be read.

/// How the owner of a file writes it. Only `stor-path` says which file has which.
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
