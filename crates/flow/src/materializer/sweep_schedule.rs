//! The round of a sweep: which sessions are due, so that each is looked at within a period.

use std::collections::VecDeque;
use std::time::Duration;

use scrollback_core_id::{SessionKey, UnixNanos};

/// Where a sweep is.
#[derive(Debug, Default)]
pub(super) struct SweepSchedule {
    /// Sessions that are still to come in this round.
    remaining: VecDeque<SessionKey>,
    /// When the last step was; none before the first.
    last_step: Option<UnixNanos>,
    /// Sessions in this round.
    round_size: usize,
}

impl SweepSchedule {
    /// The sessions that are due now, given that steps are taken often: as much of a round as has
    /// passed of its time.
    pub(super) fn take_due(
        &mut self,
        now: UnixNanos,
        period: Duration,
        all_sessions: impl FnOnce() -> Vec<SessionKey>,
    ) -> Vec<SessionKey> {
        if self.remaining.is_empty() {
            self.remaining = all_sessions().into();
            self.round_size = self.remaining.len();
        }
        let passed = self.last_step.map_or(Duration::ZERO, |last| now.duration_since(last));
        self.last_step = Some(now);
        // The first of a round may be the last of the next: two rounds fit into the period.
        let round = period.as_secs_f64() / 2.0;
        let share = passed.as_secs_f64() / round.max(f64::MIN_POSITIVE);
        let due = (self.round_size as f64 * share).ceil() as usize;
        self.remaining.drain(..due.min(self.remaining.len())).collect()
    }
}
