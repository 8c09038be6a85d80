//! The types of rows of `session_message`.

/// What becomes of a row of `session_message`, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowKind {
    User,
    /// Text on the user's side that the program wrote.
    Synthetic,
    System,
    Skill,
    /// A command that the user ran.
    Shell,
    Assistant,
    /// Two messages: where it was asked for, and the summary.
    Compaction,
    /// An item of the timeline, also of a type that is not known.
    Item,
}

impl RowKind {
    /// The types of rows that are messages.
    pub(crate) const MESSAGES: [&str; 7] =
        ["user", "synthetic", "system", "skill", "shell", "assistant", "compaction"];

    pub(crate) fn from_name(name: &[u8]) -> Self {
        match name {
            b"user" => Self::User,
            b"synthetic" => Self::Synthetic,
            b"system" => Self::System,
            b"skill" => Self::Skill,
            b"shell" => Self::Shell,
            b"assistant" => Self::Assistant,
            b"compaction" => Self::Compaction,
            _ => Self::Item,
        }
    }

    pub(crate) fn is_message(self) -> bool {
        self != Self::Item
    }

    /// Whether such a row answers another.
    pub(crate) fn is_answer(self) -> bool {
        matches!(self, Self::Assistant | Self::Shell)
    }

    /// Whether answers that come after such a row answer it.
    pub(crate) fn is_answered(self) -> bool {
        matches!(self, Self::User | Self::Synthetic | Self::Compaction)
    }
}
