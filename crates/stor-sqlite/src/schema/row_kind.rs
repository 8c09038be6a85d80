//! The types of rows in `session_message`.

/// The type of a row in `session_message`, which determines its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowKind {
    User,
    /// A text on the user's side that the program wrote.
    Synthetic,
    System,
    Skill,
    /// A command of the user.
    Shell,
    Assistant,
    /// A compaction, which becomes two messages: the request and the summary.
    Compaction,
    /// An item of the timeline. Unknown types are items.
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

    /// Checks whether a row of this type answers an earlier row.
    pub(crate) fn is_answer(self) -> bool {
        matches!(self, Self::Assistant | Self::Shell)
    }

    /// Checks whether later answers answer a row of this type.
    pub(crate) fn is_answered(self) -> bool {
        matches!(self, Self::User | Self::Synthetic | Self::Compaction)
    }
}
