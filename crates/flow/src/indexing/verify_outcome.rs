//! The result of verifying a session.

use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_index::{Batch, RefreshState, SessionState};
use scrollback_stor_mmap::MappedSpan;

use super::counters::RefreshCounters;
use super::issue_log::IssueLog;
use super::options::RefreshOptions;

/// The result of verifying a session: the changes for the index, and what else was found.
#[derive(Default)]
pub(crate) struct VerifyOutcome {
    pub(crate) batch: Batch,
    pub(crate) issue_log: IssueLog,
    /// The key of the session if nothing readable of it is left, so that the index does not have it.
    pub(crate) missing_session: Option<SessionKey>,
    /// Whether the store lacks records that the index has.
    pub(crate) lacks_records: bool,
    /// Whether another store than before supplies the session.
    pub(crate) is_other_copy: bool,
    /// Whether something in the session has to be verified again.
    pub(crate) unsettled: bool,
    /// Bytes that were read and may be needed again, for the cache.
    pub(crate) spans: Vec<(EntityKey, MappedSpan)>,
    pub(crate) counters: RefreshCounters,
}

/// Checks whether the state of a session has to be committed although none of its messages changed.
///
/// A new time of verification alone is not committed, because every refresh would then commit every
/// session that it verified. The exception is a session that became cold by that time: without the
/// commit it would stay hot.
pub(super) fn needs_revision(
    known: Option<&SessionState>,
    current: &SessionState,
    options: &RefreshOptions,
) -> bool {
    let Some(known) = known else { return true };
    let current_except_time =
        RefreshState { checked_at: known.refresh_state.checked_at, ..current.refresh_state };
    let became_cold =
        options.is_hot(&known.refresh_state) && !options.is_hot(&current.refresh_state);
    known.record != current.record
        || known.refresh_state != current_except_time
        || known.resume != current.resume
        || became_cold
}
