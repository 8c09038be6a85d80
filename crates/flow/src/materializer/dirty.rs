//! The input and the result of refreshing records that may have changed.

use scrollback_core_id::{EntityKey, MessageId, SessionKey};
use scrollback_core_type::StageReport;

/// Sessions, messages and records that may have changed, as a feed or a caller names them.
/// [`SessionMaterializer::refresh_dirty`](crate::SessionMaterializer::refresh_dirty) verifies them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dirty {
    /// Sessions, each with all of its messages.
    pub sessions: Vec<SessionKey>,
    /// Messages, each with all of its parts.
    pub messages: Vec<MessageId>,
    /// Single records.
    pub records: Vec<EntityKey>,
}

/// The result of refreshing dirty records.
#[derive(Debug, Default)]
pub struct DirtyRefreshOutcome {
    /// The issues.
    pub report: StageReport,
    /// The records whose read was provisional: a write may have been under way. Refresh them again
    /// after a pause.
    pub provisional: Vec<EntityKey>,
}
