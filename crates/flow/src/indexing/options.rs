//! The options of a refresh.

use std::time::Duration;

use scrollback_index::RefreshState;

use super::session::PartDetail;

/// The thoroughness of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Compares hot sessions file by file, and cold sessions by their record and the set of their
    /// messages. Misses a message or part that was rewritten in place in a cold session.
    #[default]
    Fast,
    /// Compares every message, and every part that the index has listed with its stamp.
    Full,
}

/// The options of a refresh. The default is a fast refresh that lists no parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshOptions {
    /// The thoroughness. Default: [`Verify::Fast`].
    pub verify: Verify,
    /// The detail of the parts in all sessions. Default: [`PartDetail::Later`].
    pub parts: PartDetail,
    /// The detail of the parts in sessions that are verified record by record, for a caller that
    /// follows them. Default: [`PartDetail::Later`].
    pub parts_of_dirty: PartDetail,
    /// A session is hot if one of its files was written within this time before its last
    /// verification. Default: one hour.
    pub recent: Duration,
    /// A session with an unfinished answer is hot for this time after its last write. The answer is
    /// still being written, or the agent died. Default: one day.
    pub stalled: Duration,
}

impl Default for RefreshOptions {
    fn default() -> Self {
        Self {
            verify: Verify::Fast,
            parts: PartDetail::Later,
            parts_of_dirty: PartDetail::Later,
            recent: Duration::from_secs(60 * 60),
            stalled: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl RefreshOptions {
    /// Checks whether a session is hot: a refresh then verifies it file by file. `state` is the
    /// session's state at its last verification.
    pub fn is_hot(&self, state: &RefreshState) -> bool {
        let quiet = state.checked_at.duration_since(state.newest_change);
        state.unsettled
            || quiet < self.recent
            || (state.unfinished_messages > 0 && quiet < self.stalled)
    }
}
