//! Signs that an index of the database may lack rows.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use scrollback_source::IndexCheck;

use crate::schema::tables::READ_TABLES;

/// The names of tables.
pub(crate) type TableNames = BTreeSet<&'static str>;

/// The number of rows of each table that have the same ids as other rows.
pub(crate) type RepeatedRows = BTreeMap<&'static str, usize>;

/// Why an index may lack rows, and which tables are then compared with their indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// A session has neither a record nor messages.
    NoSession = 1,
    /// A session has no messages.
    NoMessages = 2,
    /// A session has another number of parts in one index than in another one.
    NumberOfParts = 4,
    /// A query met damage.
    Damage = 8,
    /// A caller checks the indexes of sessions.
    CheckSessions = 16,
    /// A caller checks the indexes of sessions and messages, or a message is gone.
    CheckMessages = 32,
    /// A caller checks all indexes.
    CheckParts = 64,
}

impl Suspicion {
    pub(crate) const ALL: [Self; 7] = [
        Self::NoSession,
        Self::NoMessages,
        Self::NumberOfParts,
        Self::Damage,
        Self::CheckSessions,
        Self::CheckMessages,
        Self::CheckParts,
    ];

    pub(crate) fn tables(self) -> Vec<&'static str> {
        match self {
            Self::NoSession => vec!["session_v2", "session"],
            Self::CheckSessions => vec!["session_v2", "session", "event_sequence", "kv", "project"],
            Self::NoMessages | Self::CheckMessages => {
                [Self::CheckSessions.tables(), vec!["message", "session_message"]].concat()
            }
            Self::CheckParts => [Self::CheckMessages.tables(), vec!["part"]].concat(),
            Self::NumberOfParts => vec!["message", "part"],
            Self::Damage => READ_TABLES.into_iter().map(|table| table.name).collect(),
        }
    }

    /// Checks whether the entries are compared, and not only their number. The number alone takes a
    /// fraction of the time. Sessions without messages are no rare sight, so it must be enough there.
    pub(crate) fn is_thorough(self) -> bool {
        !matches!(self, Self::NoSession | Self::NoMessages)
    }

    /// Checks whether the tables are compared once for each state of the files, and not only once.
    /// Damage in a table itself remains, and so do parts without a message.
    pub(crate) fn is_repeated(self) -> bool {
        !matches!(self, Self::NumberOfParts | Self::Damage)
    }
}

impl From<IndexCheck> for Suspicion {
    fn from(check: IndexCheck) -> Self {
        match check {
            IndexCheck::Sessions => Self::CheckSessions,
            IndexCheck::Messages => Self::CheckMessages,
            IndexCheck::Parts => Self::CheckParts,
        }
    }
}

/// The suspicions of a query.
#[derive(Debug, Default)]
pub(crate) struct Suspicions(Cell<u8>);

impl Suspicions {
    pub(crate) fn add(&self, suspicion: Suspicion) {
        self.0.set(self.0.get() | suspicion as u8);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Suspicion> {
        let bits = self.0.get();
        Suspicion::ALL.into_iter().filter(move |suspicion| bits & *suspicion as u8 != 0)
    }
}
