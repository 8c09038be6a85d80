//! The schedule of a sweep: decides which sessions are due, so that each one is verified within a
//! period.

use std::collections::VecDeque;
use std::time::Duration;

use scrollback_core_id::{SessionKey, UnixNanos};

/// The state of a sweep, which goes through all sessions in rounds.
#[derive(Debug, Default)]
pub(super) struct SweepSchedule {
    /// The sessions of this round that were not verified yet.
    remaining: VecDeque<SessionKey>,
    /// The time of the last step; `None` before the first step.
    last_step: Option<UnixNanos>,
    /// The number of sessions in this round.
    round_size: usize,
}

impl SweepSchedule {
    /// Takes the sessions that are due at `now`: the share of the round that corresponds to the time
    /// since the last step. Steps have to be frequent, because a step does not go beyond its round.
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
        // A session may be first in one round and last in the next, so that almost two rounds lie
        // between its verifications. Two rounds therefore have to fit into the period.
        let round = period.as_secs_f64() / 2.0;
        let share = passed.as_secs_f64() / round.max(f64::MIN_POSITIVE);
        let due = (self.round_size as f64 * share).ceil() as usize;
        self.remaining.drain(..due.min(self.remaining.len())).collect()
    }
}
