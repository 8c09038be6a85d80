//! What is to be looked at because it changed, and what came of looking.

use scrollback_core_id::{EntityKey, MessageId, SessionKey};
use scrollback_core_type::StageReport;

/// What somebody said changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dirty {
    /// Sessions with all of their messages.
    pub sessions: Vec<SessionKey>,
    /// Messages with all of their parts.
    pub messages: Vec<MessageId>,
    /// Records, each by itself.
    pub records: Vec<EntityKey>,
}

/// What came of looking at records.
#[derive(Debug, Default)]
pub struct DirtyRefreshOutcome {
    /// What was wrong.
    pub report: StageReport,
    /// Those that may have been in the middle of a write: they are to be looked at again.
    pub provisional: Vec<EntityKey>,
}
