//! How an index is refreshed.

use std::time::Duration;

use scrollback_index::RefreshState;

use super::session::PartDetail;

/// How thoroughly an index is compared with its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Hot sessions file by file; cold ones by their record and the set of their messages. A
    /// message or part that was rewritten in place in a cold session is missed.
    #[default]
    Fast,
    /// Every message, and every part that the index has looked at.
    Full,
}

/// How an index is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshOptions {
    /// How thoroughly.
    pub verify: Verify,
    /// How much of the parts is wanted.
    pub parts: PartDetail,
    /// How much of the parts is wanted of those sessions that are looked at record by record, as
    /// someone follows them. Nothing.
    pub parts_of_dirty: PartDetail,
    /// A session is hot if a file of it was written this shortly before it was last looked at.
    /// One hour.
    pub recent: Duration,
    /// A session with an unfinished answer is hot this long after the last write: the answer is
    /// being written, or the program died. One day.
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
    /// Whether a session has to be looked at file by file, by what it was like the last time.
    pub fn is_hot(&self, state: &RefreshState) -> bool {
        let quiet = state.checked_at.duration_since(state.newest_change);
        state.unsettled
            || quiet < self.recent
            || (state.unfinished_messages > 0 && quiet < self.stalled)
    }
}
