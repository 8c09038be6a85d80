//! The round of a sweep: which sessions are due, so that each is looked at within a period.

use std::collections::VecDeque;
use std::time::Duration;

use scrollback_core_id::{SessionKey, UnixNanos};

/// Where a sweep is.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Sessions that are still to come in this round.
    left: VecDeque<SessionKey>,
    /// When the last step was; none before the first.
    last: Option<UnixNanos>,
    /// Sessions in this round.
    round: usize,
}

impl Sweep {
    /// The sessions that are due now, given that steps are taken often: as much of a round as has
    /// passed of its time.
    pub(super) fn due(
        &mut self,
        now: UnixNanos,
        period: Duration,
        all: impl FnOnce() -> Vec<SessionKey>,
    ) -> Vec<SessionKey> {
        if self.left.is_empty() {
            self.left = all().into();
            self.round = self.left.len();
        }
        let passed = self.last.map_or(Duration::ZERO, |last| now.duration_since(last));
        self.last = Some(now);
        // The first of a round may be the last of the next: two rounds fit into the period.
        let round = period.as_secs_f64() / 2.0;
        let share = passed.as_secs_f64() / round.max(f64::MIN_POSITIVE);
        let due = (self.round as f64 * share).ceil() as usize;
        self.left.drain(..due.min(self.left.len())).collect()
    }
}
