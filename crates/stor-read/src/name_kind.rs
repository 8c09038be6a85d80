//! The kinds of names in the tree.

/// The kind of entries that a directory lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// Files `<id>.json`.
    Records,
    /// Directories `<id>`, the projects of sessions.
    Directories,
    /// Directories `<id>`. Each holds the records of one owner, which this field of them names.
    Sets(&'static str),
}

impl NameKind {
    /// The messages of sessions.
    pub(crate) const MESSAGE_SETS: Self = Self::Sets("sessionID");
    /// The parts of messages.
    pub(crate) const PART_SETS: Self = Self::Sets("messageID");
}
