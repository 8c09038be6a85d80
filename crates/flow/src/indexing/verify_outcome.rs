//! What comes of looking at a session.

use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_index::{Batch, RefreshState, SessionState};
use scrollback_stor_mmap::MappedSpan;

use super::counters::RefreshCounters;
use super::options::RefreshOptions;
use super::session::IssueLog;

/// What came of looking at a session.
#[derive(Default)]
pub(crate) struct VerifyOutcome {
    pub(crate) batch: Batch,
    pub(crate) issue_log: IssueLog,
    /// The session, if the index does not have it now: nothing of it is there that can be read.
    pub(crate) missing_session: Option<SessionKey>,
    /// Whether some of it is to be looked at again.
    pub(crate) unsettled: bool,
    /// Bytes that were read and may be asked for again.
    pub(crate) spans: Vec<(EntityKey, MappedSpan)>,
    pub(crate) counters: RefreshCounters,
}

/// Whether what is known of a session now has to be committed, if none of its messages changed. That it
/// was looked at has to be only if it need not be any more.
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
